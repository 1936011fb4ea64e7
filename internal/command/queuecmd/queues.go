package queuecmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/queue"
)

// Positions of the fields of queue.create and queue.update; the settings follow.
const (
	madeQueue = iota
	madeConfig
	madeSettings
)

func queueRows() []*command.Row {
	named := queueField
	named.Name, named.Aliases = "name", []string{"queue"}
	fields := func(first command.Field) []command.Field {
		return append([]command.Field{first, {
			Name: "config", Type: command.ObjectListField,
			Doc:  "The settings as an object; those outside of it win.",
			Item: &command.Row{Name: "config", Fields: settingFields()},
		}}, settingFields()...)
	}
	return []*command.Row{{
		Name: "queue.create", Flags: grows,
		Summary: "Makes a queue; one that exists stays as it is.",
		Fields:  fields(named), Call: create,
		Routes: []command.Route{{Method: "POST", Path: "/queue/{name}", Call: createREST}},
	}, {
		Name: "queue.update", Flags: writes,
		Summary: "Changes the settings given, each to exactly that.",
		Fields:  fields(queueField),
		Call: func(c *command.Ctx, a *command.Args) error {
			var h change
			if err := h.read(a); err != nil {
				return err
			}
			if len(h.at) == 0 {
				return errNoSetting
			}
			if err := h.update(c, a.Bytes(madeQueue)); err != nil {
				return err
			}
			return replyOK(c.Reply)
		},
		Routes: []command.Route{{Method: "PUT", Path: "/queue/{queue}"}},
	}, {
		Name: "queue.delete", Flags: command.Write | command.NoMulti,
		Summary: "Removes a queue with all its messages.",
		Fields:  []command.Field{queueField},
		Call: func(c *command.Ctx, a *command.Args) error {
			c.Reply.Map(1)
			pairBool(c.Reply, "deleted", c.Queues.Delete(a.Bytes(0)))
			return nil
		},
		Routes: []command.Route{{Method: "DELETE", Path: "/queue/{queue}", Call: deleteREST}},
	}, {
		Name: "queue.pause", Flags: writes,
		Summary: "Stops deliveries; messages are still taken in.",
		Fields:  []command.Field{queueField}, Call: pause(true),
		Routes: []command.Route{{Method: "POST", Path: "/queue/{queue}/pause"}},
	}, {
		Name: "queue.resume", Flags: writes,
		Summary: "Lets a paused queue deliver again.",
		Fields:  []command.Field{queueField}, Call: pause(false),
		Routes: []command.Route{{Method: "POST", Path: "/queue/{queue}/resume"}},
	}}
}

// read gathers the settings of a, those outside of config last, so that they win.
func (h *change) read(a *command.Args) error {
	configs := a.Vals[madeConfig].Commands
	if len(configs) > 1 {
		return errConfigs
	}
	for i := range configs {
		if err := h.readSettings(&configs[i].Args, 0); err != nil {
			return err
		}
	}
	return h.readSettings(a, madeSettings)
}

func createQueue(c *command.Ctx, a *command.Args) error {
	var h change
	if err := h.read(a); err != nil {
		return err
	}
	return h.create(c, a.Bytes(madeQueue))
}

func create(c *command.Ctx, a *command.Args) error {
	if err := createQueue(c, a); err != nil {
		return err
	}
	return replyOK(c.Reply)
}

func createREST(c *command.Ctx, a *command.Args) error {
	if err := createQueue(c, a); err != nil {
		return err
	}
	c.Reply.Map(2)
	pairBool(c.Reply, "success", true)
	pairText(c.Reply, "queue", a.Bytes(madeQueue))
	return nil
}

func deleteREST(c *command.Ctx, a *command.Args) error {
	deleted := c.Queues.Delete(a.Bytes(0))
	c.Reply.Map(2)
	pairBool(c.Reply, "success", true)
	pairBool(c.Reply, "deleted", deleted)
	return nil
}

// setPaused pauses a queue or lets it go on.
func setPaused(c *command.Ctx, name []byte, paused bool) error {
	return c.Queues.Update(name, func(s *queue.Settings) { s.Paused = paused })
}

func pause(paused bool) func(*command.Ctx, *command.Args) error {
	return func(c *command.Ctx, a *command.Args) error {
		if err := setPaused(c, a.Bytes(0), paused); err != nil {
			return err
		}
		return replyOK(c.Reply)
	}
}
