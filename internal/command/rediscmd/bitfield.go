package rediscmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/errs"
)

func bitfieldRows() []*command.Row {
	return []*command.Row{{
		Name: "BITFIELD", Arity: -2, Keys: oneKey, Flags: grows,
		Group: "bitmap",
		Words: "key [GET encoding offset] [OVERFLOW <WRAP|SAT|FAIL>] " +
			"[SET encoding offset value] [INCRBY encoding offset increment]",
		Summary: "Reads and changes integers of any width inside a string; options may repeat.",
		Run:     bitfield,
	}, {
		Name: "BITFIELD_RO", Arity: -2, Keys: oneKey, Flags: readsFast,
		Group: "bitmap", Words: "key [GET encoding offset [GET encoding offset ...]]",
		Summary: "Reads integers of any width inside a string.",
		Run:     bitfieldRO,
	}}
}

var (
	errFieldType = errs.New(errs.Redis, "ERR Invalid bitfield type. "+
		"Use something like i16 u8. Note that u64 is not supported but i64 is.")
	errFieldOverflow = errs.New(errs.Redis, "ERR Invalid OVERFLOW type specified")
	errFieldReadOnly = errs.New(errs.Redis, "ERR BITFIELD_RO only supports the GET subcommand")
)

func bitfield(c *command.Ctx, argv [][]byte) error {
	ops, err := parseFields(argv[2:])
	if err != nil {
		return err
	}
	for i := range ops {
		if err := checkRoom(c, ops[i].At/8); err != nil && ops[i].Kind != plan.GetField {
			return err
		}
	}
	return runFields(c, argv[1], ops)
}

func bitfieldRO(c *command.Ctx, argv [][]byte) error {
	ops, err := parseFields(argv[2:])
	if err != nil {
		return err
	}
	for i := range ops {
		if ops[i].Kind != plan.GetField {
			return errFieldReadOnly
		}
	}
	return runFields(c, argv[1], ops)
}

func runFields(c *command.Ctx, key []byte, ops []plan.FieldOp) error {
	fields, err := plan.NewFields(c.Tx, c.DB, key, ops)
	if err != nil {
		return worded(err)
	}
	c.Reply.Array(len(ops))
	for i := range ops {
		if n, ok := fields.Run(&ops[i]); ok {
			c.Reply.Int(n)
		} else {
			c.Reply.Null()
		}
	}
	fields.Close()
	return nil
}

// parseFields reads GET, SET, INCRBY and OVERFLOW clauses, each checked before the next.
func parseFields(words [][]byte) ([]plan.FieldOp, error) {
	var ops []plan.FieldOp
	overflow := plan.Wrap
	for len(words) > 0 {
		op := plan.FieldOp{Overflow: overflow}
		need := 4
		switch word := words[0]; {
		case lines.Is(word, "GET"):
			op.Kind, need = plan.GetField, 3
		case lines.Is(word, "SET"):
			op.Kind = plan.SetField
		case lines.Is(word, "INCRBY"):
			op.Kind = plan.IncrField
		case lines.Is(word, "OVERFLOW"):
			need = 2
		default:
			return nil, errSyntax
		}
		if len(words) < need {
			return nil, errSyntax
		}
		var err error
		if need == 2 {
			overflow, err = parseOverflow(words[1])
		} else if err = parseField(&op, words[1:need]); err == nil {
			ops = append(ops, op)
		}
		if err != nil {
			return nil, err
		}
		words = words[need:]
	}
	return ops, nil
}

func parseOverflow(word []byte) (plan.Overflow, error) {
	switch {
	case lines.Is(word, "WRAP"):
		return plan.Wrap, nil
	case lines.Is(word, "SAT"):
		return plan.Saturate, nil
	case lines.Is(word, "FAIL"):
		return plan.Fail, nil
	}
	return 0, errFieldOverflow
}

// parseField reads encoding, offset and, for an op that writes, a number.
func parseField(op *plan.FieldOp, words [][]byte) (err error) {
	if err := parseEncoding(op, words[0]); err != nil {
		return err
	}
	if op.At, err = fieldOffset(words[1], int64(op.Width)); err != nil {
		return err
	}
	if len(words) == 3 {
		op.Operand, err = integer(words[2])
	}
	return err
}

func parseEncoding(op *plan.FieldOp, word []byte) error {
	if len(word) < 2 || word[0] != 'i' && word[0] != 'u' {
		return errFieldType
	}
	op.Signed = word[0] == 'i'
	widest := int64(63)
	if op.Signed {
		widest = 64
	}
	n, ok := plan.Int(word[1:])
	if !ok || n < 1 || n > widest {
		return errFieldType
	}
	op.Width = uint8(n)
	return nil
}

// fieldOffset reads a position in bits, or #n: the n-th field of this width.
func fieldOffset(word []byte, width int64) (int64, error) {
	if len(word) == 0 || word[0] != '#' {
		return bitOffset(word)
	}
	n, err := bitOffset(word[1:])
	if err != nil || n*width >= plan.MaxBits { // both are small enough not to overflow
		return 0, errBitOffset
	}
	return n * width, nil
}
