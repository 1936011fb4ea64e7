package roomcmd

import "github.com/synapdb/synap/internal/command"

const cursorPath = "/stream/{room}/cursor/{consumer}"

func cursorRows() []*command.Row {
	return []*command.Row{{
		Name: "stream.commit", Flags: writes,
		Summary: "Remembers which offset a consumer wants next; it survives restarts.",
		Fields: []command.Field{roomField, consumerField, {
			Name: "offset", Type: command.UintField, Required: true,
			Doc: "The next offset wanted: the next_offset of what was read.",
		}},
		Call: func(c *command.Ctx, a *command.Args) error {
			if err := c.Rooms.Commit(a.Bytes(0), a.Bytes(1), uint64(a.Int(2, 0))); err != nil {
				return err
			}
			c.Reply.Map(2)
			pairBool(c.Reply, "success", true)
			pairInt(c.Reply, "offset", a.Int(2, 0))
			return nil
		},
		Routes: []command.Route{{Method: "PUT", Path: cursorPath}},
	}, {
		Name: "stream.cursor", Flags: command.Read | command.Fast,
		Summary: "Returns the offset that a consumer committed last, or null.",
		Fields:  []command.Field{roomField, consumerField},
		Call: func(c *command.Ctx, a *command.Args) error {
			offset, found, err := c.Rooms.Cursor(a.Bytes(0), a.Bytes(1))
			if err != nil {
				return err
			}
			c.Reply.Map(1)
			c.Reply.Str("offset")
			replyCursor(c.Reply, offset, found)
			return nil
		},
		Routes: []command.Route{{Method: "GET", Path: cursorPath}},
	}, {
		Name: "stream.forget", Flags: writes,
		Summary: "Removes a consumer's cursor, and says whether there was one.",
		Fields:  []command.Field{roomField, consumerField},
		Call: func(c *command.Ctx, a *command.Args) error {
			forgotten, err := c.Rooms.Forget(a.Bytes(0), a.Bytes(1))
			if err != nil {
				return err
			}
			c.Reply.Map(1)
			pairBool(c.Reply, "forgotten", forgotten)
			return nil
		},
		Routes: []command.Route{{Method: "DELETE", Path: cursorPath}},
	}}
}

// replyCursor writes an offset, or null if there is none.
func replyCursor(r command.Reply, offset uint64, found bool) {
	if found {
		r.Int(int64(offset))
	} else {
		r.Null()
	}
}
