package roomcmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/command/listing"
)

const (
	createWords = "room [max-events] [setting value [setting value ...]]"
	updateWords = "room setting value [setting value ...]"
	trimWords   = "room <offset|KEEP count>"
)

func roomLines() []*command.Row {
	return []*command.Row{{
		Name: "SCREATE", Arity: -2, Room: 1, Flags: grows, Words: createWords,
		Summary: "Makes a room; one that exists is an error.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			h, err := readMade("SCREATE", argv)
			if err != nil {
				return err
			}
			o, err := h.settled(nil)
			if err != nil {
				return err
			}
			return ok(c, c.Rooms.Create(argv[1], o))
		},
	}, {
		Name: "SGETORCREATE", Arity: -2, Room: 1, Flags: grows, Words: createWords,
		Summary: "Makes a room unless there is one; answers CREATED or EXISTS.",
		Run:     getOrCreateLine,
	}, {
		Name: "SUPDATE", Arity: -4, Room: 1, Flags: writes, Words: updateWords,
		Summary: "Changes settings of a room; 0 is the default again, -1 no bound.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			var h change
			err := h.readLine(&lines.Reader{Words: argv[2:], Row: "SUPDATE", Usage: updateWords})
			if err != nil {
				return err
			}
			_, err = h.update(c, argv[1])
			return ok(c, err)
		},
	}, {
		Name: "SDELETE", Arity: 2, Room: 1, Flags: command.Write, Words: "room",
		Summary: "Removes a room with its events and cursors.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			return ok(c, c.Rooms.Delete(argv[1]))
		},
	}, {
		Name: "STRIM", Arity: -3, Room: 1, Flags: command.Write, Words: trimWords,
		Summary: "Removes the events below an offset, or all but the newest; returns how many.",
		Run:     trimLine,
	}, {
		Name: "SLIST", Arity: -1, Flags: command.Read | command.SelfLocking,
		Words:   listing.LineUsage,
		Summary: "Names the rooms in byte order.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			return listing.Line(c.Reply, c.Engine.Rooms, argv[1:], "SLIST")
		},
	}, {
		Name: "SSTATS", Arity: 2, Room: 1, Flags: command.Read | command.Fast, Words: "room",
		Summary: "Returns a room's figures.",
		Run:     func(c *command.Ctx, argv [][]byte) error { return stats(c, argv[1]) },
	}, {
		Name: "SINFO", Arity: 2, Room: 1, Flags: command.Read, Words: "room",
		Summary: "Returns everything about a room: settings, figures, consumers, subscribers.",
		Run:     func(c *command.Ctx, argv [][]byte) error { return info(c, argv[1]) },
	}}
}

// readMade reads the settings behind the name of a room to be made.
func readMade(row string, argv [][]byte) (h change, err error) {
	l := lines.Reader{Words: argv[2:], Row: row, Usage: createWords}
	if l.IsNumber() {
		l.Err = h.add(0, l.Integer(settings[0].name))
	}
	return h, h.readLine(&l)
}

func getOrCreateLine(c *command.Ctx, argv [][]byte) error {
	h, err := readMade("SGETORCREATE", argv)
	if err != nil {
		return err
	}
	o, err := h.settled(nil)
	if err != nil {
		return err
	}
	created, err := c.Rooms.GetOrCreate(argv[1], o)
	switch {
	case err != nil:
		return err
	case created:
		c.Reply.Status("CREATED")
	default:
		c.Reply.Status("EXISTS")
	}
	return nil
}

func trimLine(c *command.Ctx, argv [][]byte) error {
	l := lines.Reader{Words: argv[2:], Row: "STRIM", Usage: trimWords}
	keeps := l.Is("KEEP")
	n := l.Number("the number of STRIM")
	if err := l.End(); err != nil {
		return err
	}
	first := uint64(n)
	if keeps {
		var err error
		if first, err = trimTo(c, argv[1], n); err != nil {
			return err
		}
	}
	removed, err := c.Rooms.Trim(argv[1], first)
	if err == nil {
		c.Reply.Int(removed)
	}
	return err
}

// ok answers +OK to what did not fail.
func ok(c *command.Ctx, err error) error {
	if err == nil {
		c.Reply.Status("OK")
	}
	return err
}
