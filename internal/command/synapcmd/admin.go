package synapcmd

import (
	"cmp"
	"slices"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
)

func adminRows() []*command.Row {
	const looks = command.Read | command.Admin | command.SelfLocking | command.Early
	row := func(r command.Row) *command.Row {
		r.Group, r.Resource = "admin", "admin:*"
		return &r
	}
	return []*command.Row{row(command.Row{
		Name: "info", Flags: looks,
		Summary: "Describes the server, or one section of it.",
		Fields: []command.Field{{Name: "section", Type: command.StringField,
			Doc: "all, server, memory, persistence, stats, replication, keyspace or cluster."}},
		Call:   info,
		Routes: []command.Route{{Method: "GET", Path: "/info"}},
	}), row(command.Row{
		Name: "memory.usage", Flags: command.Read | command.Admin,
		Summary: "Returns the bytes a key costs, indexes included.",
		Fields:  []command.Field{keyField},
		Call:    memoryUsage(true),
		Routes: []command.Route{
			{Method: "GET", Path: "/memory/{key}/usage", Call: memoryUsage(false)},
		},
	}), row(command.Row{
		Name: "client.list", Flags: looks,
		Summary: "Lists the connections.",
		Call:    clientList,
		Routes:  []command.Route{{Method: "GET", Path: "/clients"}},
	})}
}

// memoryUsage makes the command (strict: an absent key is an error) and its REST twin.
func memoryUsage(strict bool) func(*command.Ctx, *command.Args) error {
	return func(c *command.Ctx, a *command.Args) error {
		bytes := 0
		if e, found := c.Tx.Peek(c.DB, a.Bytes(0)); found {
			bytes = e.Footprint()
		} else if strict {
			return errs.Newf(errs.KeyNotFound,
				"Key not found: Key '%s' does not exist", a.Bytes(0))
		}
		c.Reply.Map(3)
		replyText(c.Reply, "key", a.Bytes(0))
		pairInt(c.Reply, "bytes", int64(bytes))
		pairStr(c.Reply, "human", command.HumanBytes(int64(bytes)))
		return nil
	}
}

func clientList(c *command.Ctx, _ *command.Args) error {
	var all []*command.Session
	c.Engine.Sessions.Each(func(s *command.Session) bool {
		all = append(all, s)
		return true
	})
	slices.SortFunc(all, func(a, b *command.Session) int { return cmp.Compare(a.ID, b.ID) })
	c.Reply.Map(2)
	c.Reply.Str("clients")
	c.Reply.Array(len(all))
	for _, s := range all {
		replyClient(c, s)
	}
	pairInt(c.Reply, "count", int64(len(all)))
	return nil
}

// replyClient writes one connection. What the server does not measure reads 0.
func replyClient(c *command.Ctx, s *command.Session) {
	r := c.Reply
	r.Map(16)
	pairInt(r, "id", s.ID)
	pairStr(r, "addr", s.Info.Addr)
	pairInt(r, "age", max(c.Now-s.Info.Created, 0)/1000)
	pairInt(r, "idle", max(c.Now-s.Info.LastActive.Load(), 0)/1000)
	pairStr(r, "flags", "N")
	pairInt(r, "db", int64(s.Info.DB.Load()))
	for _, name := range []string{"sub", "psub"} {
		pairInt(r, name, 0)
	}
	pairInt(r, "multi", int64(s.Info.Multi.Load()))
	for _, name := range []string{"qbuf", "qbuf_free", "obl", "oll", "omem"} {
		pairInt(r, name, 0)
	}
	pairStr(r, "events", "r")
	name := "NULL"
	if row := s.Info.LastCommand.Load(); row != nil {
		name = row.Name
	}
	pairStr(r, "cmd", name)
}
