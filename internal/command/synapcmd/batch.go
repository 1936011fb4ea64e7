package synapcmd

import "github.com/synapdb/synap/internal/command"

func batchRows() []*command.Row {
	return []*command.Row{{
		Name: "batch", Group: "batch",
		// Whether a batch reads or writes is its items' business.
		Flags:   command.SelfLocking | command.NoMulti,
		Summary: "Runs commands in order; with atomic all of them hold, or none does.",
		Fields: []command.Field{
			{Name: "commands", Type: command.CommandListField, Required: true,
				Doc: "{command, payload} objects."},
			flag("atomic", "All or nothing."),
			{Name: "durability", Type: command.StringField, Doc: "memory, os or disk: what to " +
				"wait for. The answer then says what was reached."},
		},
		Call:   batch,
		Routes: []command.Route{{Method: "POST", Path: "/api/v1/batch"}},
	}}
}

// Positions of the fields of batch.
const (
	batchCommands = iota
	batchAtomic
	batchDurability
)

// batch answers {results: [{success, payload, error, code} …]}, and durability when asked.
func batch(c *command.Ctx, a *command.Args) error {
	asked := a.Has(batchDurability)
	pairs := 1
	if asked {
		level, err := c.Engine.ReadLevel(a.Bytes(batchDurability))
		if err != nil {
			return err
		}
		c.Session.Level = max(c.Session.Level, level) // the envelope may have asked for more
		pairs = 2
	}
	c.Reply.Map(pairs)
	c.Reply.Str("results")
	if a.Bool(batchAtomic) {
		if err := c.Engine.BatchAtomic(c, a.Vals[batchCommands].Commands); err != nil {
			return err
		}
	} else {
		c.Engine.Batch(c, a.Vals[batchCommands].Commands)
	}
	if asked {
		pairStr(c.Reply, "durability", c.Session.Level.String())
	}
	return nil
}
