package roomcmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
)

func cursorLines() []*command.Row {
	return []*command.Row{{
		Name: "SCOMMIT", Arity: 4, Room: 1, Flags: writes, Words: "room consumer offset",
		Summary: "Remembers which offset a consumer wants next; it survives restarts.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			l := lines.Reader{Words: argv[3:]}
			offset := l.Number("offset")
			if l.Err != nil {
				return l.Err
			}
			return ok(c, c.Rooms.Commit(argv[1], argv[2], uint64(offset)))
		},
	}, {
		Name: "SCURSOR", Arity: 3, Room: 1, Flags: command.Read | command.Fast,
		Words: "room consumer", Summary: "Returns the offset that a consumer committed last.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			offset, found, err := c.Rooms.Cursor(argv[1], argv[2])
			if err == nil {
				replyCursor(c.Reply, offset, found)
			}
			return err
		},
	}, {
		Name: "SFORGET", Arity: 3, Room: 1, Flags: writes, Words: "room consumer",
		Summary: "Removes a consumer's cursor; answers whether there was one.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			forgotten, err := c.Rooms.Forget(argv[1], argv[2])
			if err == nil {
				c.Reply.Bool(forgotten)
			}
			return err
		},
	}}
}
