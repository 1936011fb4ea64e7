package rediscmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/errs"
)

func bitRows() []*command.Row {
	return []*command.Row{{
		Name: "SETBIT", Arity: 4, Keys: oneKey, Flags: grows,
		Group: "bitmap", Words: "key offset value",
		Summary: "Sets one bit of a string and returns what it was.",
		Run:     setBit,
	}, {
		Name: "GETBIT", Arity: 3, Keys: oneKey, Flags: readsFast,
		Group: "bitmap", Words: "key offset",
		Summary: "Returns one bit of a string.",
		Run:     getBit,
	}, {
		Name: "BITCOUNT", Arity: -2, Keys: oneKey, Flags: reads,
		Group: "bitmap", Words: "key [start end [BYTE|BIT]]",
		Summary: "Counts the bits of a string that are set.",
		Run:     bitCount,
	}, {
		Name: "BITPOS", Arity: -3, Keys: oneKey, Flags: reads,
		Group: "bitmap", Words: "key bit [start [end [BYTE|BIT]]]",
		Summary: "Finds the first set or clear bit of a string.",
		Run:     bitPos,
	}, {
		Name: "BITOP", Arity: -4, Keys: command.KeySpec{First: 2, Last: -1, Step: 1},
		Flags: grows, Group: "bitmap",
		Words:   "AND|OR|XOR|NOT destkey key [key ...]",
		Summary: "Combines strings bit by bit and stores the result.",
		Run:     bitOp,
	}}
}

var (
	errBitOffset = errs.New(errs.Redis, "ERR bit offset is not an integer or out of range")
	errBit       = errs.New(errs.Redis, "ERR bit is not an integer or out of range")
	errBitArg    = errs.New(errs.Redis, "ERR The bit argument must be 1 or 0.")
	errBitNot    = errs.New(errs.Redis, "ERR BITOP NOT must be called with a single source key.")
)

func bitOffset(word []byte) (int64, error) {
	n, ok := plan.Int(word)
	if !ok || n < 0 || n >= plan.MaxBits {
		return 0, errBitOffset
	}
	return n, nil
}

func setBit(c *command.Ctx, argv [][]byte) error {
	at, err := bitOffset(argv[2])
	if err != nil {
		return err
	}
	bit, ok := plan.Int(argv[3])
	if !ok || bit != 0 && bit != 1 {
		return errBit
	}
	if err := checkRoom(c, at/8); err != nil {
		return err
	}
	old, err := plan.SetBit(c.Tx, c.DB, argv[1], at, bit)
	if err != nil {
		return worded(err)
	}
	c.Reply.Int(old)
	return nil
}

func getBit(c *command.Ctx, argv [][]byte) error {
	at, err := bitOffset(argv[2])
	if err != nil {
		return err
	}
	var bit int64
	if e, found := c.Tx.Get(c.DB, argv[1]); found {
		bit = plan.GetBit(e.Value(), at)
	}
	c.Reply.Int(bit)
	return nil
}

// bitUnit reads the optional last word of a range: how many bits its unit has.
func bitUnit(words [][]byte) (bits int64, err error) {
	switch {
	case len(words) == 0 || lines.Is(words[0], "BYTE"):
		return 8, nil
	case lines.Is(words[0], "BIT"):
		return 1, nil
	}
	return 0, errSyntax
}

// bitCount, as Redis 7.0, answers 0 for an absent key before it looks at the range.
func bitCount(c *command.Ctx, argv [][]byte) error {
	e, found := c.Tx.Get(c.DB, argv[1])
	if !found {
		c.Reply.Int(0)
		return nil
	}
	value := e.Value()
	from, to := int64(0), int64(len(value))*8
	switch len(argv) {
	case 2:
	case 4, 5:
		start, end, err := twoIntegers(argv[2], argv[3])
		if err != nil {
			return err
		}
		unit := int64(8)
		if start >= 0 || end >= 0 || start <= end { // else the range is empty, whatever its unit
			if unit, err = bitUnit(argv[4:]); err != nil {
				return err
			}
		}
		from, to = plan.Window(start, end, int64(len(value))*8/unit)
		from, to = from*unit, to*unit
	default:
		return errSyntax
	}
	c.Reply.Int(plan.CountBits(value, from, to))
	return nil
}

// bitPos, as Redis, treats an absent key as endless zeros before it looks at the range, and a
// string without an explicit end as followed by zeros.
func bitPos(c *command.Ctx, argv [][]byte) error {
	bit, err := integer(argv[2])
	if err != nil {
		return err
	}
	if bit != 0 && bit != 1 {
		return errBitArg
	}
	e, found := c.Tx.Get(c.DB, argv[1])
	if !found {
		c.Reply.Int(-bit)
		return nil
	}
	value := e.Value()
	from, to, err := posRange(argv[3:], int64(len(value)))
	if err != nil {
		return err
	}
	at := plan.FindBit(value, bit, from, to)
	if at < 0 && bit == 0 && from < to && len(argv) < 5 {
		at = to
	}
	c.Reply.Int(at)
	return nil
}

// posRange reads [start [end [BYTE|BIT]]] as a half-open range of bits.
func posRange(words [][]byte, length int64) (from, to int64, err error) {
	if len(words) == 0 {
		return 0, length * 8, nil
	}
	if len(words) > 3 {
		return 0, 0, errSyntax
	}
	start, err := integer(words[0])
	if err != nil {
		return 0, 0, err
	}
	end, unit := int64(-1), int64(8)
	if len(words) == 3 {
		if unit, err = bitUnit(words[2:]); err != nil {
			return 0, 0, err
		}
	}
	if len(words) > 1 {
		if end, err = integer(words[1]); err != nil {
			return 0, 0, err
		}
	}
	// Window would take start > end, both negative, for empty; here both may meet at 0.
	total := length * 8 / unit
	if start < 0 {
		start = max(start+total, 0)
	}
	if end < 0 {
		end = max(end+total, 0)
	}
	from, to = plan.Window(start, end, total)
	return from * unit, to * unit, nil
}

func bitOp(c *command.Ctx, argv [][]byte) error {
	var op plan.BitOperator
	switch word := argv[1]; {
	case lines.Is(word, "AND"):
		op = plan.And
	case lines.Is(word, "OR"):
		op = plan.Or
	case lines.Is(word, "XOR"):
		op = plan.Xor
	case lines.Is(word, "NOT"):
		op = plan.Not
	default:
		return errSyntax
	}
	if op == plan.Not && len(argv) != 4 {
		return errBitNot
	}
	n, err := plan.BitOp(c.Tx, c.DB, op, argv[2], argv[3:])
	if err != nil {
		return err
	}
	c.Reply.Int(int64(n))
	return nil
}
