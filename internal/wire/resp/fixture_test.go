package resp_test

import (
	"testing"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/conncmd"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/wire"
	"github.com/synapdb/synap/internal/wire/resp"
)

// dataRows are the least of a data family: SET, GET, and one reply of every type.
func dataRows() []*command.Row {
	one := command.KeySpec{First: 1, Last: 1, Step: 1}
	return []*command.Row{
		{Name: "SET", Arity: 3, Keys: one, Flags: command.Write | command.Grows,
			Run: func(c *command.Ctx, argv [][]byte) error {
				c.Tx.Apply(effect.Effect{Kind: effect.Set, DB: c.DB, Key: argv[1], Value: argv[2]})
				c.Reply.Status("OK")
				return nil
			}},
		{Name: "GET", Arity: 2, Keys: one, Flags: command.Read,
			Run: func(c *command.Ctx, argv [][]byte) error {
				e, found := c.Tx.Get(c.DB, argv[1])
				if !found {
					c.Reply.Null()
				} else if v, large := e.Large(); large {
					c.Reply.Large(v)
				} else {
					c.Reply.Text(e.Value())
				}
				return nil
			}},
	}
}

type fixture struct {
	t *testing.T
	e *command.Engine
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	store, err := kv.New(kv.Options{MaxMemory: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return &fixture{t, &command.Engine{
		Table: command.NewTable(dataRows(), conncmd.Rows()), Store: store,
		Clock: clock.NewManual(1_700_000_000_000), Sessions: command.NewRegistry(),
		Settings: &command.Settings{}, Server: command.ServerInfo{Version: "1.0.0"},
		Limits: command.Limits{BatchItems: 100, BatchBytes: 1 << 20, ValueBytes: 1 << 20},
	}}
}

// client is a connection with the buffer that a server keeps for it.
type client struct {
	*resp.Conn
	session *command.Session
	buffer  []byte
	verdict wire.Verdict
	need    int
}

func (f *fixture) connect(l resp.Limits) *client {
	s := &command.Session{Counters: command.NewCounters(f.e.Table)}
	f.e.Sessions.Add(s)
	return &client{Conn: resp.NewConn(f.e, s, l), session: s}
}

// send feeds bytes as a server would and returns the replies.
func (c *client) send(in string) string {
	c.buffer = append(c.buffer, in...)
	var out wire.Output
	var consumed int
	consumed, c.need, c.verdict = c.Feed(c.buffer, &out)
	c.buffer = c.buffer[consumed:]
	var text []byte
	for _, part := range out.Segments(nil) {
		text = append(text, part...)
	}
	out.Reset(0)
	return string(text)
}
