package rediscmd

import (
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/replytest"
	"github.com/synapdb/synap/internal/store/kv"
)

// start is the time all tests begin at: 2001-09-09T01:46:40Z, in ms since the Unix epoch.
const start = 1_000_000_000_000

// client runs command lines against an engine of its own.
type client struct {
	t       *testing.T
	engine  *command.Engine
	session *command.Session
	clock   *clock.Manual
}

func newClient(t *testing.T, rows ...*command.Row) *client {
	t.Helper()
	if rows == nil {
		rows = Rows()
	}
	store, err := kv.New(kv.Options{Shards: 4, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	c := clock.NewManual(start)
	return &client{t: t, clock: c, session: &command.Session{}, engine: &command.Engine{
		Table: command.NewTable(rows), Store: store, Clock: c,
		Limits: command.Limits{BatchItems: 100, BatchBytes: 1 << 20},
	}}
}

// do runs one command line. Words with odd bytes are written as quoted Go strings.
func (c *client) do(line string) string {
	c.t.Helper()
	var r replytest.Recorder
	c.engine.Exec(c.session, replytest.Words(c.t, line), &r)
	// RESP has no truth values: Redis commands answer 1 and 0.
	return strings.NewReplacer("(true)", "1", "(false)", "0").Replace(r.Take())
}

// talk runs a script as replytest.Talk does; nothing in it waits.
func (c *client) talk(script string) {
	c.t.Helper()
	replytest.Talk(c.t, replytest.Names{}, script, c.do, nil)
}
