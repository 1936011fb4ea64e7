package synapcmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/errs"
)

func deadlineRows() []*command.Row {
	return []*command.Row{{
		Name: "kv.expire", Flags: writes,
		Summary: "Lets a key expire after ttl seconds; 0 removes it at once.",
		Fields: []command.Field{keyField, {
			Name: "ttl", Type: command.UintField, Required: true, Doc: "Seconds to live.",
		}},
		Call: func(c *command.Ctx, a *command.Args) error {
			at, err := deadline(c.Now, a.Int(1, 0), 1000)
			if err != nil {
				return err
			}
			return replyBool(c.Reply, "result", plan.Expire(c.Tx, c.DB, a.Bytes(0), at, 0))
		},
	}, {
		Name: "kv.ttl", Flags: reads,
		Summary: "Returns the remaining seconds, null for a key without a deadline.",
		Fields:  []command.Field{keyField},
		Call: func(c *command.Ctx, a *command.Args) error {
			e, found := c.Tx.Peek(c.DB, a.Bytes(0))
			if !found {
				return errs.NoKey(a.Bytes(0))
			}
			c.Reply.Map(1)
			c.Reply.Str("ttl")
			replyTTL(c, e)
			return nil
		},
	}, {
		Name: "kv.persist", Flags: writes,
		Summary: "Removes a key's deadline and says whether the key exists.",
		Fields:  []command.Field{keyField},
		Call: func(c *command.Ctx, a *command.Args) error {
			_, found := c.Tx.Peek(c.DB, a.Bytes(0))
			if found {
				plan.Persist(c.Tx, c.DB, a.Bytes(0))
			}
			return replyBool(c.Reply, "result", found)
		},
	}}
}
