package conncmd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/errs"
)

var (
	errClientName = errs.New(errs.Redis,
		"ERR Client names cannot contain spaces, newlines or special characters.")
	errClientID = errs.New(errs.Redis, "ERR Invalid client ID")
)

func clientRow() *command.Row {
	return container("CLIENT", "connection", "Commands about client connections.",
		&command.Row{Name: "ID", Arity: 2, Flags: quick, Run: clientID,
			Summary: "Return the ID of the current connection."},
		&command.Row{Name: "GETNAME", Arity: 2, Flags: quick, Run: clientGetName,
			Summary: "Return the name of the current connection."},
		&command.Row{Name: "SETNAME", Arity: 3, Words: "connection-name", Flags: quick,
			Run: clientSetName, Summary: "Assign a name to the current connection."},
		&command.Row{Name: "SETINFO", Arity: 4, Words: "<LIB-NAME libname|LIB-VER libver>",
			Flags: quick, Run: clientSetInfo,
			Summary: "Say which client library uses the current connection."},
		&command.Row{Name: "INFO", Arity: 2, Flags: command.Lockless, Run: clientInfo,
			Summary: "Return information about the current connection."},
		&command.Row{Name: "LIST", Arity: -2,
			Words: "[TYPE <NORMAL|MASTER|REPLICA|PUBSUB>] [ID client-id [client-id ...]]",
			Flags: command.Lockless | command.Admin, Run: clientList,
			Summary: "Return information about all connections."},
		&command.Row{Name: "KILL", Arity: -3,
			Words: "<ip:port|[ID client-id] [ADDR ip:port] [LADDR ip:port] " +
				"[TYPE <NORMAL|MASTER|REPLICA|PUBSUB>] [USER username] [SKIPME <YES|NO>]>",
			Flags: command.Lockless | command.Admin, Run: clientKill,
			Summary: "Close connections."},
		&command.Row{Name: "REPLY", Arity: 3, Words: "<ON|OFF|SKIP>", Flags: quick,
			Run: clientReply, Summary: "Say whether the current connection wants replies."},
		&command.Row{Name: "NO-EVICT", Arity: 3, Words: "<ON|OFF>",
			Flags: quick | command.Admin, Run: clientSwitch,
			Summary: "Accepted for compatibility: connections are never evicted."},
		&command.Row{Name: "NO-TOUCH", Arity: 3, Words: "<ON|OFF>", Flags: quick,
			Run: clientSwitch, Summary: "Accepted for compatibility, without effect."},
		&command.Row{Name: "UNPAUSE", Arity: 2, Flags: quick | command.Admin, Run: clientUnpause,
			Summary: "Accepted for compatibility: connections are never paused."},
	)
}

func clientID(c *command.Ctx, _ [][]byte) error {
	c.Reply.Int(c.Session.ID)
	return nil
}

func clientGetName(c *command.Ctx, _ [][]byte) error {
	if name := c.Session.Info.Name.Load(); name != nil {
		c.Reply.Str(*name)
	} else {
		c.Reply.Null()
	}
	return nil
}

func clientSetName(c *command.Ctx, argv [][]byte) error {
	if err := setName(c.Session, argv[2]); err != nil {
		return err
	}
	return ok(c)
}

// setName names s, or takes its name away if name is empty.
func setName(s *command.Session, name []byte) error {
	if !printable(name) {
		return errClientName
	}
	if len(name) == 0 {
		s.Info.Name.Store(nil)
		return nil
	}
	text := string(name)
	s.Info.Name.Store(&text)
	return nil
}

// printable keeps words that appear in CLIENT LIST from breaking its lines and fields.
func printable(word []byte) bool {
	return !slices.ContainsFunc(word, func(b byte) bool { return b < '!' || b > '~' })
}

func clientSetInfo(c *command.Ctx, argv [][]byte) error {
	info := &c.Session.Info
	var into = &info.LibName
	switch {
	case lines.Is(argv[2], "LIB-NAME"):
	case lines.Is(argv[2], "LIB-VER"):
		into = &info.LibVer
	default:
		return errs.Newf(errs.Redis, "ERR Unrecognized option '%s'", argv[2])
	}
	if !printable(argv[3]) {
		return errs.Newf(errs.Redis,
			"ERR %s cannot contain spaces, newlines or special characters.",
			strings.ToLower(string(argv[2])))
	}
	text := string(argv[3])
	into.Store(&text)
	return ok(c)
}

func clientReply(c *command.Ctx, argv [][]byte) error {
	s := c.Session
	switch {
	case lines.Is(argv[2], "ON"):
		s.Mute = command.MuteOff
	case lines.Is(argv[2], "OFF"):
		s.Mute = command.MuteOn
	case lines.Is(argv[2], "SKIP"):
		if s.Mute != command.MuteOn {
			s.Mute = command.MuteNext
		}
	default:
		return errSyntax
	}
	return ok(c) // which the connection drops, unless it is ON
}

func clientSwitch(c *command.Ctx, argv [][]byte) error {
	if !lines.Is(argv[2], "ON") && !lines.Is(argv[2], "OFF") {
		return errSyntax
	}
	return ok(c)
}

func clientUnpause(c *command.Ctx, _ [][]byte) error { return ok(c) }

func clientInfo(c *command.Ctx, _ [][]byte) error {
	c.Reply.Verbatim("txt", clientLine(c.Session, c.Now))
	return nil
}

func clientList(c *command.Ctx, argv [][]byte) error {
	want := func(*command.Session) bool { return true }
	switch {
	case len(argv) == 2:
	case len(argv) == 4 && lines.Is(argv[2], "TYPE"):
		ofType, err := clientType(argv[3])
		if err != nil {
			return err
		}
		want = ofType
	case len(argv) > 3 && lines.Is(argv[2], "ID"):
		ids := map[int64]bool{}
		for _, word := range argv[3:] {
			id, isInt := integer(word)
			if !isInt {
				return errClientID
			}
			ids[id] = true
		}
		want = func(s *command.Session) bool { return ids[s.ID] }
	default:
		return errSyntax
	}
	var text strings.Builder
	for _, s := range sessions(c.Engine, want) {
		text.WriteString(clientLine(s, c.Now))
	}
	c.Reply.Verbatim("txt", text.String())
	return nil
}

// clientType says what a TYPE filter lets through: there are no connections of other servers.
func clientType(word []byte) (func(*command.Session) bool, error) {
	switch {
	case lines.Is(word, "NORMAL"):
		return func(s *command.Session) bool { return !s.Info.Listens() }, nil
	case lines.Is(word, "PUBSUB"):
		return func(s *command.Session) bool { return s.Info.Listens() }, nil
	case lines.Is(word, "MASTER"), lines.Is(word, "REPLICA"), lines.Is(word, "SLAVE"):
		return func(*command.Session) bool { return false }, nil
	}
	return nil, errs.Newf(errs.Redis, "ERR Unknown client type '%s'", word)
}

// sessions are the connected sessions that want lets through, by ID.
func sessions(e *command.Engine, want func(*command.Session) bool) []*command.Session {
	var all []*command.Session
	e.Sessions.Each(func(s *command.Session) bool {
		if want(s) {
			all = append(all, s)
		}
		return true
	})
	slices.SortFunc(all, func(a, b *command.Session) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// clientLine describes s from its public face alone: another loop may be running it. Fields that
// Redis has and the server does not measure are 0.
func clientLine(s *command.Session, now int64) string {
	i := &s.Info
	text := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	last, flags := "NULL", "N"
	if row := i.LastCommand.Load(); row != nil {
		last = row.FullName()
	}
	queued := i.Multi.Load()
	if queued >= 0 {
		flags = "x"
	}
	idle := int64(0)
	if active := i.LastActive.Load(); active > 0 {
		idle = max(now-active, 0) / 1000
	}
	channels, globs, shards := i.Channels.Load(), i.Globs.Load(), i.Shards.Load()
	if i.Listens() {
		flags = "P" + strings.TrimPrefix(flags, "N")
	}
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=0 name=%s age=%d idle=%d flags=%s db=%d sub=%d"+
		" psub=%d ssub=%d multi=%d qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0"+
		" oll=0 omem=0 tot-mem=0 events=r cmd=%s user=default redir=-1 resp=%d lib-name=%s"+
		" lib-ver=%s feeds=%d\n",
		s.ID, i.Addr, i.LocalAddr, text(i.Name.Load()), max(now-i.Created, 0)/1000, idle, flags,
		i.DB.Load(), channels, globs, shards, queued, last, i.Resp.Load(),
		text(i.LibName.Load()), text(i.LibVer.Load()), i.Sources.Load())
}
