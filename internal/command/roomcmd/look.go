package roomcmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/listing"
	"github.com/synapdb/synap/internal/store/room"
)

// Positions of the fields of stream.list.
const (
	listPrefix = iota
	listLimit
	listCursor
)

func lookRows() []*command.Row {
	counted := roomField
	counted.Aliases = []string{"name", "key"}
	return []*command.Row{{
		Name: "stream.list", Flags: command.Read | command.SelfLocking,
		Summary: "Names the rooms in byte order.",
		Fields: []command.Field{
			text("prefix", "Only those whose names begin so."),
			number("limit", "At most so many; 10000 when absent, and at most."),
			text("cursor", "From the answer before; empty to begin."),
		},
		Call: func(c *command.Ctx, a *command.Args) error {
			return listing.Ask(a, listPrefix, listLimit, listCursor).
				Page(c.Reply, c.Engine.Rooms, "rooms", true)
		},
		Routes: []command.Route{{Method: "GET", Path: "/stream/list"}},
	}, {
		Name: "stream.stats", Flags: command.Read | command.Fast,
		Summary: "Returns a room's figures.",
		Fields:  []command.Field{counted},
		Call:    func(c *command.Ctx, a *command.Args) error { return stats(c, a.Bytes(0)) },
		Routes:  []command.Route{{Method: "GET", Path: "/stream/{room}/stats"}},
	}, {
		Name: "stream.info", Flags: command.Read,
		Summary: "Returns everything about a room: settings, figures, consumers, subscribers.",
		Fields:  []command.Field{roomField},
		Call:    func(c *command.Ctx, a *command.Args) error { return info(c, a.Bytes(0)) },
		Routes:  []command.Route{{Method: "GET", Path: "/stream/{room}/info"}},
	}}
}

// figures writes the ten of the contract, and two more.
func figures(r command.Reply, name []byte, st *room.Stats, created int64, generation uint64) {
	r.Map(12)
	pairText(r, "name", name)
	pairInt(r, "message_count", st.Messages)
	pairOffset(r, "min_offset", st.Min)
	pairOffset(r, "max_offset", st.Max)
	pairInt(r, "subscriber_count", st.Subscribers)
	pairInt(r, "total_published", st.Published)
	pairInt(r, "total_consumed", st.Consumed)
	pairInt(r, "dropped", st.Dropped)
	pairInt(r, "created_at", created)
	pairOffset(r, "generation", generation)
	pairOffset(r, "next_offset", st.Next)
	pairInt(r, "bytes", st.Bytes)
}

func stats(c *command.Ctx, name []byte) error {
	st, err := c.Rooms.Stats(name)
	if err != nil {
		return err
	}
	generation, created, err := c.Rooms.Identity(name)
	if err != nil {
		return err
	}
	figures(c.Reply, name, &st, created, generation)
	return nil
}

// info answers {room, generation, config, stats, oldest_ms, active_ms, consumers, subscribers}.
func info(c *command.Ctx, name []byte) error {
	about, err := c.Rooms.Info(name)
	if err != nil {
		return err
	}
	r := c.Reply
	r.Map(8)
	pairText(r, "room", name)
	pairOffset(r, "generation", about.Generation)
	r.Str("config")
	replySettings(r, &about.Settings)
	r.Str("stats")
	figures(r, name, &about.Stats, about.Created, about.Generation)
	r.Str("oldest_ms")
	if about.Oldest == 0 {
		r.Null()
	} else {
		r.Int(about.Oldest)
	}
	pairInt(r, "active_ms", about.Active)
	r.Str("consumers")
	r.Array(len(about.Consumers))
	for _, one := range about.Consumers {
		r.Map(3)
		pairText(r, "consumer", []byte(one.Name))
		pairOffset(r, "offset", one.Offset)
		pairOffset(r, "lag", about.Next-min(one.Offset, about.Next))
	}
	r.Str("subscribers")
	r.Array(len(about.Connected))
	for _, one := range about.Connected {
		r.Map(2)
		pairText(r, "subscriber_id", []byte(one.ID))
		pairOffset(r, "next_offset", one.Next)
	}
	return nil
}
