package conncmd_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/conncmd"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/wire"
	"github.com/synapdb/synap/internal/wire/resp"
)

const start = 1_700_000_000_000 // ms since the Unix epoch

// dataRows are a write and a read, for transactions to work on, and a row of the other dialect.
func dataRows() []*command.Row {
	one := command.KeySpec{First: 1, Last: 1, Step: 1}
	set := func(c *command.Ctx, argv [][]byte) error {
		c.Tx.Apply(effect.Effect{Kind: effect.Set, DB: c.DB, Key: argv[1], Value: argv[2]})
		c.Reply.Status("OK")
		return nil
	}
	get := func(c *command.Ctx, argv [][]byte) error {
		if e, found := c.Tx.Get(c.DB, argv[1]); found {
			c.Reply.Text(e.Value())
		} else {
			c.Reply.Null()
		}
		return nil
	}
	return []*command.Row{
		{Name: "SET", Arity: -3, Keys: one, Flags: command.Write | command.Grows, Run: set,
			Group: "string", Since: "0.1.0", Summary: "Sets a key.",
			Words: "key value [NX|XX] [EX seconds|KEEPTTL]"},
		{Name: "MSET", Arity: -3, Keys: command.KeySpec{First: 1, Last: -1, Step: 2},
			Flags: command.Write, Run: set, Words: "key value [key value ...]"},
		{Name: "GET", Arity: 2, Keys: one, Flags: command.Read | command.Fast, Run: get,
			Group: "string", Words: "key"},
		{Name: "kv.get", Call: func(*command.Ctx, *command.Args) error { return nil }},
	}
}

type fixture struct {
	*testing.T
	e        *command.Engine
	clock    *clock.Manual
	counters *command.Counters
	config   map[string]string // the values of the settings
	resets   int
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	store, err := kv.New(kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	f := &fixture{T: t, clock: clock.NewManual(start),
		config: map[string]string{"maxmemory": "0", "maxmemory-policy": "noeviction"}}
	table := command.NewTable(dataRows(), conncmd.Rows())
	f.counters = command.NewCounters(table)
	f.e = &command.Engine{Table: table, Store: store, Clock: f.clock,
		Sessions: command.NewRegistry(), Settings: &command.Settings{List: []command.Setting{
			f.setting("maxmemory"), f.setting("maxmemory-policy"),
			{Name: "port", Get: func() string { return "6379" }}}},
		Server: command.ServerInfo{Version: "1.2.3", RunID: "f00", Started: start,
			RESPPort:   6379,
			Refused:    func() int64 { return 7 },
			Counters:   func() []*command.Counters { return []*command.Counters{f.counters} },
			ResetStats: func() { f.resets++ },
			Process: func() command.ProcessStats {
				return command.ProcessStats{PID: 42, RSS: 3 << 20, UserMicros: 1_500_000, NetIn: 9}
			}},
		Limits: command.Limits{BatchItems: 100, BatchBytes: 1 << 20}}
	return f
}

func (f *fixture) setting(name string) command.Setting {
	return command.Setting{Name: name, Get: func() string { return f.config[name] },
		Set: func(v string) error {
			if v == "bad" {
				return errors.New("argument must be a memory value")
			}
			f.config[name] = v
			return nil
		}}
}

type client struct {
	*fixture
	conn    *resp.Conn
	session *command.Session
	killed  bool
	closed  bool
}

func (f *fixture) connect(addr string) *client {
	c := &client{fixture: f, session: &command.Session{Counters: f.counters}}
	c.session.Info.Addr, c.session.Info.LocalAddr = addr, "127.0.0.1:6379"
	c.session.Info.Created = f.clock.Now()
	c.session.Info.Kill = func() { c.killed = true }
	f.e.Sessions.Add(c.session)
	c.conn = resp.NewConn(f.e, c.session, resp.Limits{})
	return c
}

// send runs inline commands, one per line, and returns the raw replies.
func (c *client) send(lines string) string {
	var out wire.Output
	in := []byte(strings.ReplaceAll(lines, "\n", "\r\n") + "\r\n")
	n, _, verdict := c.conn.Feed(in, &out)
	for verdict == wire.Wait {
		c.conn.Wait(&out)
		in = in[n:]
		n, _, verdict = c.conn.Feed(in, &out)
	}
	c.closed = verdict == wire.Close
	return string(out.Buf)
}

// expect sends lines and compares the replies, written with "|" for CR LF.
func (c *client) expect(lines, want string) {
	c.Helper()
	got := strings.ReplaceAll(c.send(lines), "\r\n", "|")
	if got != want {
		c.Errorf("%q\n got %s\nwant %s", lines, got, want)
	}
}

func TestReplies(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"PING", "+PONG|"},
		{"PING a", "$1|a|"},
		{"PING a b", "-ERR wrong number of arguments for 'ping' command|"},
		{"ECHO a", "$1|a|"},
		{"ECHO", "-ERR wrong number of arguments for 'echo' command|"},
		{"TIME", "*2|$10|1700000000|$1|0|"},
		{"AUTH x", "-ERR AUTH <password> called without any password configured for the default" +
			" user. Are you sure your configuration is correct?|"},
		{"AUTH default x", "+OK|"},
		{"AUTH me x", "-WRONGPASS invalid username-password pair or user is disabled.|"},
		{"AUTH a b c", "-ERR syntax error|"},
		{"HELLO 4", "-NOPROTO unsupported protocol version|"},
		{"HELLO x", "-ERR Protocol version is not an integer or out of range|"},
		{"HELLO 3 AUTH me x", "-WRONGPASS invalid username-password pair or user is disabled.|"},
		{"HELLO 3 AUTH me", "-ERR Syntax error in HELLO option 'AUTH'|"},
		{"HELLO 3 SETNAME \"a b\"\nGET k", "-ERR Client names cannot contain spaces, newlines or" +
			" special characters.|$-1|"},
		{"HELLO 2 SETNAME me x", "-ERR Syntax error in HELLO option 'x'|"},
		{"SELECT 16", "-ERR DB index is out of range|"},
		{"SELECT -1", "-ERR DB index is out of range|"},
		{"SELECT 01", "-ERR value is not an integer or out of range|"},
		{"SET k v\nSELECT 1\nGET k\nSELECT 0\nGET k", "+OK|+OK|$-1|+OK|$1|v|"},
		{"FUNCTION FLUSH", "+OK|"},
		{"FUNCTION FLUSH ASYNC", "+OK|"},
		{"FUNCTION FLUSH x", "-ERR FUNCTION FLUSH only supports SYNC|ASYNC option|"},
		{"FUNCTION LIST", "-ERR unknown subcommand 'LIST'. Try FUNCTION HELP.|"},
		{"MEMORY USAGE no", "$-1|"},
		{"MEMORY USAGE no SAMPLES", "-ERR syntax error|"},
		{"MEMORY USAGE no SAMPLES -1", "-ERR syntax error|"},
		{"MEMORY USAGE no SAMPLES x", "-ERR value is not an integer or out of range|"},
		{"MEMORY USAGE no x 5", "-ERR syntax error|"},
		{"MEMORY HELP", "*5|+MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:|" +
			"+USAGE key [SAMPLES count]|" +
			"+    Return the bytes that a key costs, indexes included.|" +
			"+HELP|+    Prints this help.|"},
	} {
		newFixture(t).connect("a:1").expect(c.in, c.want)
	}
}

func TestMemoryUsage(t *testing.T) {
	reply := newFixture(t).connect("a:1").send("SET k v\nMEMORY USAGE k SAMPLES 0")
	if !strings.HasPrefix(reply, "+OK\r\n:") || strings.HasPrefix(reply, "+OK\r\n:0") {
		t.Errorf("got %q", reply)
	}
}

func TestHello(t *testing.T) {
	c := newFixture(t).connect("a:1")
	rest := "$6|server|$5|synap|$7|version|$5|1.2.3|$5|proto|:%|$2|id|:1|$4|mode|" +
		"$10|standalone|$4|role|$6|master|$7|modules|*0|"
	two, three := strings.Replace(rest, "%", "2", 1), strings.Replace(rest, "%", "3", 1)
	c.expect("HELLO", "*14|"+two)
	c.expect("HELLO 3 AUTH default any SETNAME me", "%7|"+three)
	c.expect("CLIENT GETNAME\nGET no", "$2|me|_|")
	c.expect("HELLO", "%7|"+three)
	c.expect("HELLO 2\nGET no", "*14|"+two+"$-1|")
}

func TestReset(t *testing.T) {
	f := newFixture(t)
	c := f.connect("a:1")
	c.expect("SELECT 3\nCLIENT SETNAME me\nWATCH k\nMULTI\nGET k", "+OK|+OK|+OK|+OK|+QUEUED|")
	c.expect("RESET\nCLIENT GETNAME", "+RESET|$-1|")
	if s := c.session; s.DB != 0 || s.Multi != nil || !s.Watched.Empty() || s.Resp != 2 {
		t.Errorf("after RESET: database %d, RESP%d, transaction %v", s.DB, s.Resp, s.Multi)
	}
}
