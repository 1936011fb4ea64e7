package synapcmd

import (
	"bytes"
	"errors"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/errs"
)

func keyRows() []*command.Row {
	fields := []command.Field{
		{Name: "source", Type: command.KeyField, Required: true, Doc: "The present key."},
		{Name: "destination", Type: command.KeyField, Required: true, Doc: "The other key."},
	}
	row := func(r command.Row) *command.Row {
		r.Group, r.Resource = "key", "kv:<key>"
		return &r
	}
	return []*command.Row{row(command.Row{
		Name: "key.type", Flags: reads,
		Summary: "Returns the type of what a key holds, or none.",
		Fields:  []command.Field{keyField}, Call: keyType,
		Routes: []command.Route{{Method: "GET", Path: "/key/{key}/type"}},
	}), row(command.Row{
		Name: "key.exists", Flags: reads,
		Summary: "Says whether a key exists.",
		Fields:  []command.Field{keyField},
		Call: func(c *command.Ctx, a *command.Args) error {
			_, found := c.Tx.Peek(c.DB, a.Bytes(0))
			c.Reply.Map(2)
			replyText(c.Reply, "key", a.Bytes(0))
			c.Reply.Str("exists")
			c.Reply.Bool(found)
			return nil
		},
		Routes: []command.Route{{Method: "GET", Path: "/key/{key}/exists"}},
	}), row(command.Row{
		Name: "key.rename", Flags: writes,
		Summary: "Moves a value to another key, replacing what is there.",
		Fields:  fields, Call: rename(true),
		Routes: []command.Route{{Method: "POST", Path: "/key/{source}/rename"}},
	}), row(command.Row{
		Name: "key.renamenx", Flags: writes,
		Summary: "Moves a value to another key that must not exist.",
		Fields:  fields, Call: rename(false),
		Routes: []command.Route{{Method: "POST", Path: "/key/{source}/renamenx"}},
	}), row(command.Row{
		Name: "key.copy", Flags: grows,
		Summary: "Copies a value to another key.",
		Fields: append(fields[:len(fields):len(fields)],
			flag("replace", "Replace what the other key holds.")),
		Call:   copyKey,
		Routes: []command.Route{{Method: "POST", Path: "/key/{source}/copy", Call: copyREST}},
	}), row(command.Row{
		Name: "key.randomkey", Flags: sweeps,
		Summary: "Returns some key, or null.",
		Call: func(c *command.Ctx, _ *command.Args) error {
			c.Reply.Map(1)
			c.Reply.Str("key")
			if e, found := c.Tx.Random(c.DB); found {
				c.Reply.Text(e.Key())
			} else {
				c.Reply.Null()
			}
			return nil
		},
		Routes: []command.Route{{Method: "GET", Path: "/key/randomkey"}},
	})}
}

func keyType(c *command.Ctx, a *command.Args) error {
	name := "none"
	if _, found := c.Tx.Peek(c.DB, a.Bytes(0)); found {
		name = "string"
	}
	c.Reply.Map(2)
	replyText(c.Reply, "key", a.Bytes(0))
	pairStr(c.Reply, "type", name)
	return nil
}

// places are the source and destination of a command.
func places(c *command.Ctx, a *command.Args) (from, to plan.Place) {
	return plan.Place{DB: c.DB, Key: a.Bytes(0)}, plan.Place{DB: c.DB, Key: a.Bytes(1)}
}

func replyMoved(c *command.Ctx, a *command.Args, success bool) error {
	c.Reply.Map(3)
	c.Reply.Str("success")
	c.Reply.Bool(success)
	replyText(c.Reply, "source", a.Bytes(0))
	replyText(c.Reply, "destination", a.Bytes(1))
	return nil
}

func rename(replace bool) func(*command.Ctx, *command.Args) error {
	return func(c *command.Ctx, a *command.Args) error {
		from, to := places(c, a)
		err := plan.Rename(c.Tx, from, to, replace)
		if errors.Is(err, plan.ErrExists) {
			return errTaken
		}
		if err != nil {
			return worded(err, a.Bytes(0))
		}
		return replyMoved(c, a, true)
	}
}

// copyPlan copies; taken says that the destination exists and may not be replaced.
func copyPlan(c *command.Ctx, a *command.Args) (taken bool, err error) {
	from, to := places(c, a)
	if bytes.Equal(from.Key, to.Key) {
		if _, found := c.Tx.Peek(c.DB, from.Key); !found {
			return false, errs.NoKey(from.Key)
		}
		return false, errSameKey
	}
	err = plan.Copy(c.Tx, from, to, a.Bool(2))
	if errors.Is(err, plan.ErrExists) {
		return true, nil
	}
	return false, worded(err, a.Bytes(0))
}

func copyKey(c *command.Ctx, a *command.Args) error {
	taken, err := copyPlan(c, a)
	switch {
	case err != nil:
		return err
	case taken:
		return errNoTaking
	}
	return replyMoved(c, a, true)
}

// copyREST is key.copy, but a taken destination is success:false, under status 200.
func copyREST(c *command.Ctx, a *command.Args) error {
	taken, err := copyPlan(c, a)
	if err != nil {
		return err
	}
	return replyMoved(c, a, !taken)
}
