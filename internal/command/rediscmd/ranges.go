package rediscmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
)

func rangeRows() []*command.Row {
	return []*command.Row{{
		Name: "APPEND", Arity: 3, Keys: oneKey, Flags: growsFast,
		Group: "string", Words: "key value",
		Summary: "Puts bytes behind a value and returns its new length.",
		Run:     appendValue,
	}, {
		Name: "GETRANGE", Arity: 4, Keys: oneKey, Flags: reads,
		Group: "string", Words: "key start end",
		Summary: "Returns a part of a value; negative positions count from its end.",
		Run:     getRange,
	}, {
		Name: "SUBSTR", Arity: 4, Keys: oneKey, Flags: reads,
		Group: "string", Words: "key start end",
		Summary: "Returns a part of a value: the old name of GETRANGE.",
		Run:     getRange,
	}, {
		Name: "SETRANGE", Arity: 4, Keys: oneKey, Flags: grows,
		Group: "string", Words: "key offset value",
		Summary: "Overwrites a part of a value and returns its new length.",
		Run:     setRange,
	}}
}

func appendValue(c *command.Ctx, argv [][]byte) error {
	n, err := plan.Append(c.Tx, c.DB, argv[1], argv[2])
	if err != nil {
		return worded(err)
	}
	c.Reply.Int(int64(n))
	return nil
}

func getRange(c *command.Ctx, argv [][]byte) error {
	start, end, err := twoIntegers(argv[2], argv[3])
	if err != nil {
		return err
	}
	var part []byte
	if e, found := c.Tx.Get(c.DB, argv[1]); found {
		part = plan.GetRange(e.Value(), start, end)
	}
	c.Reply.Text(part)
	return nil
}

func setRange(c *command.Ctx, argv [][]byte) error {
	offset, err := integer(argv[2])
	if err != nil {
		return err
	}
	if offset < 0 {
		return errOffset
	}
	if err := checkRoom(c, offset); err != nil {
		return err
	}
	n, err := plan.SetRange(c.Tx, c.DB, argv[1], offset, argv[3])
	if err != nil {
		return worded(err)
	}
	c.Reply.Int(int64(n))
	return nil
}
