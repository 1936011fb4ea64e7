package roomcmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/room"
)

func roomRows() []*command.Row {
	return []*command.Row{{
		Name: "stream.create", Flags: grows,
		Summary: "Makes a room; one that exists is an error.",
		Fields:  withSettings(),
		Call:    create,
		Routes:  []command.Route{{Method: "POST", Path: "/stream/{room}"}},
	}, {
		Name: "stream.get_or_create", Flags: grows,
		Summary: "Makes a room unless there is one, which stays as it is.",
		Fields:  withSettings(),
		Call:    getOrCreate,
		Routes:  []command.Route{{Method: "PUT", Path: "/stream/{room}"}},
	}, {
		Name: "stream.update", Flags: writes,
		Summary: "Changes the settings given, and returns all; 0 is the default again.",
		Fields:  withSettings(),
		Call:    update,
		Routes:  []command.Route{{Method: "PUT", Path: "/stream/{room}/settings"}},
	}, {
		Name: "stream.delete", Flags: command.Write | command.NoMulti,
		Summary: "Removes a room with its events and cursors.",
		Fields:  []command.Field{roomField},
		Call:    func(c *command.Ctx, a *command.Args) error { return remove(c, a, "deleted") },
		Routes: []command.Route{{Method: "DELETE", Path: "/stream/{room}",
			Call: func(c *command.Ctx, a *command.Args) error { return remove(c, a, "room") }}},
	}, {
		Name: "stream.trim", Flags: command.Write | command.NoMulti,
		Summary: "Removes the oldest events: those below an offset, or all but the newest.",
		Fields: []command.Field{roomField,
			number("before_offset", "The first offset that stays."),
			number("keep", "How many events stay."),
		},
		Call:   trim,
		Routes: []command.Route{{Method: "POST", Path: "/stream/{room}/trim"}},
	}}
}

// full refuses what would grow when the rooms' address space is used up.
func full(c *command.Ctx) error {
	if c.Engine.Rooms.Full() {
		return errMemory
	}
	return nil
}

// made are the settings of a room to be made by a.
func made(a *command.Args) (room.Settings, error) {
	var h change
	if err := h.read(a); err != nil {
		return room.Settings{}, err
	}
	return h.settled(nil)
}

func create(c *command.Ctx, a *command.Args) error {
	o, err := made(a)
	if err != nil {
		return err
	}
	name := a.Bytes(madeRoom)
	if err := c.Rooms.Create(name, o); err != nil {
		return err
	}
	named(c.Reply, 2, "room", name)
	return nil
}

func getOrCreate(c *command.Ctx, a *command.Args) error {
	o, err := made(a)
	if err != nil {
		return err
	}
	name := a.Bytes(madeRoom)
	created, err := c.Rooms.GetOrCreate(name, o)
	if err != nil {
		return err
	}
	named(c.Reply, 3, "room", name)
	pairBool(c.Reply, "created", created)
	return nil
}

// change applies h to a room.
func (h *change) update(c *command.Ctx, name []byte) (room.Settings, error) {
	defaults := c.Engine.Rooms.Defaults()
	o, err := h.settled(&defaults)
	if err != nil {
		return o, err
	}
	return c.Rooms.Update(name, o)
}

func update(c *command.Ctx, a *command.Args) error {
	var h change
	if err := h.read(a); err != nil {
		return err
	}
	name := a.Bytes(madeRoom)
	now, err := h.update(c, name)
	if err != nil {
		return err
	}
	named(c.Reply, 3, "room", name)
	c.Reply.Str("config")
	replySettings(c.Reply, &now)
	return nil
}

// remove deletes a room; member is how the answer calls its name.
func remove(c *command.Ctx, a *command.Args, member string) error {
	name := a.Bytes(0)
	if err := c.Rooms.Delete(name); err != nil {
		return err
	}
	named(c.Reply, 2, member, name)
	return nil
}

// trimTo is the first offset that stays if the newest keep events do.
func trimTo(c *command.Ctx, name []byte, keep int64) (uint64, error) {
	st, err := c.Rooms.Stats(name)
	if err != nil {
		return 0, err
	}
	return st.Next - min(uint64(keep), st.Next), nil
}

func trim(c *command.Ctx, a *command.Args) error {
	name, first := a.Bytes(0), uint64(a.Int(1, 0))
	switch {
	case a.Has(1) && a.Has(2):
		return errTrims
	case a.Has(2):
		var err error
		if first, err = trimTo(c, name, a.Int(2, 0)); err != nil {
			return err
		}
	case !a.Has(1):
		return errTrim
	}
	removed, err := c.Rooms.Trim(name, first)
	if err != nil {
		return err
	}
	st, err := c.Rooms.Stats(name)
	if err != nil {
		return err
	}
	c.Reply.Map(2)
	pairInt(c.Reply, "trimmed", removed)
	pairOffset(c.Reply, "min_offset", st.Min)
	return nil
}
