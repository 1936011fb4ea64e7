package synapcmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/errs"
)

func rangeRows() []*command.Row {
	return []*command.Row{{
		Name: "kv.append", Flags: grows,
		Summary: "Puts bytes behind a value, creating it if absent.",
		Fields:  []command.Field{keyField, valueField},
		Call: func(c *command.Ctx, a *command.Args) error {
			present := 0
			if e, found := c.Tx.Peek(c.DB, a.Bytes(0)); found {
				present = e.Len()
			}
			if err := checkLength(c, int64(present), a.Bytes(1)); err != nil {
				return err
			}
			n, err := plan.Append(c.Tx, c.DB, a.Bytes(0), a.Bytes(1))
			if err != nil {
				return worded(err, a.Bytes(0))
			}
			return replyInt(c.Reply, "length", int64(n))
		},
		Routes: []command.Route{{Method: "POST", Path: "/kv/{key}/append"}},
	}, {
		Name: "kv.getrange", Flags: reads,
		Summary: "Returns the bytes from start to end, both inclusive, negative ones from the end.",
		Fields: []command.Field{keyField,
			{Name: "start", Type: command.IntField, Required: true, Doc: "The first byte."},
			{Name: "end", Type: command.IntField, Required: true, Doc: "The last byte."},
		},
		Call: func(c *command.Ctx, a *command.Args) error {
			if part := getRange(c, a); len(part) > 0 {
				c.Reply.Text(part)
			} else {
				c.Reply.Null()
			}
			return nil
		},
		Routes: []command.Route{{Method: "GET", Path: "/kv/{key}/getrange", Call: rangeREST}},
	}, {
		Name: "kv.setrange", Flags: grows,
		Summary: "Overwrites the bytes from offset on, filling a gap with zeros.",
		Fields: []command.Field{keyField,
			{Name: "offset", Type: command.UintField, Required: true, Doc: "The first byte."},
			valueField,
		},
		Call: func(c *command.Ctx, a *command.Args) error {
			if err := checkLength(c, a.Int(1, 0), a.Bytes(2)); err != nil {
				return err
			}
			n, err := plan.SetRange(c.Tx, c.DB, a.Bytes(0), a.Int(1, 0), a.Bytes(2))
			if err != nil {
				return worded(err, a.Bytes(0))
			}
			return replyInt(c.Reply, "length", int64(n))
		},
		Routes: []command.Route{{Method: "POST", Path: "/kv/{key}/setrange"}},
	}}
}

// checkLength refuses a value that would end up over the configured bound, or that alone is over
// the memory limit: a far offset makes a large value out of a short request, which the engine has
// made room for.
func checkLength(c *command.Ctx, before int64, part []byte) error {
	most := int64(c.Engine.Limits.ValueBytes)
	if most > 0 && len(part) > 0 && before > most-int64(len(part)) {
		return errs.Newf(errs.TooLarge,
			"Invalid value: the result would be over the limit of %d bytes", most)
	}
	if limit, _ := c.Store.MemoryLimit(); limit > 0 && len(part) > 0 && before > limit {
		return errs.New(errs.MemoryLimit, "Memory limit exceeded")
	}
	return nil
}

func getRange(c *command.Ctx, a *command.Args) []byte {
	e, found := c.Tx.Get(c.DB, a.Bytes(0))
	if !found {
		return nil
	}
	return plan.GetRange(e.Value(), a.Int(1, 0), a.Int(2, 0))
}

// rangeREST is kv.getrange, but an empty range is an object with an error, under status 200.
func rangeREST(c *command.Ctx, a *command.Args) error {
	if part := getRange(c, a); len(part) > 0 {
		c.Reply.Text(part)
		return nil
	}
	c.Reply.Map(1)
	pairStr(c.Reply, "error", "Key not found or range empty")
	return nil
}
