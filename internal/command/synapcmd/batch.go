package synapcmd

import "github.com/synapdb/synap/internal/command"

func batchRows() []*command.Row {
	return []*command.Row{{
		Name: "batch", Group: "batch",
		Flags:   command.Write | command.SelfLocking | command.NoMulti,
		Summary: "Runs commands in order; with atomic all of them hold, or none does.",
		Fields: []command.Field{
			{Name: "commands", Type: command.CommandListField, Required: true,
				Doc: "{command, payload} objects."},
			flag("atomic", "All or nothing."),
		},
		Call:   batch,
		Routes: []command.Route{{Method: "POST", Path: "/api/v1/batch"}},
	}}
}

// batch answers {results: [{success, payload, error, code} …]}.
func batch(c *command.Ctx, a *command.Args) error {
	c.Reply.Map(1)
	c.Reply.Str("results")
	if a.Bool(1) {
		return c.Engine.BatchAtomic(c, a.Vals[0].Commands)
	}
	c.Engine.Batch(c, a.Vals[0].Commands)
	return nil
}
