package roomcmd_test

import (
	"testing"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/conncmd"
	"github.com/synapdb/synap/internal/command/rediscmd"
	"github.com/synapdb/synap/internal/command/replytest"
	"github.com/synapdb/synap/internal/command/roomcmd"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/store/room"
)

// start is when all tests begin, in ms since the Unix epoch.
const start = 1_700_000_000_000

// bench runs commands of both dialects over stores of its own. The dotted commands' replies are
// tested over the wire, in internal/wire/http.
type bench struct {
	*command.Engine
	t       testing.TB
	session *command.Session
	clock   *clock.Manual
	names   replytest.Names
}

func newBench(t testing.TB) *bench {
	t.Helper()
	keys, err := kv.New(kv.Options{Shards: 4, Seed: 1, MaxMemory: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	queues, err := queue.New(queue.Options{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	rooms, err := room.New(room.Options{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, end := range []func() error{keys.Close, queues.Close, rooms.Close} {
			if err := end(); err != nil {
				t.Error(err)
			}
		}
	})
	c := clock.NewManual(start)
	return &bench{t: t, clock: c, session: new(command.Session), names: replytest.Names{},
		Engine: &command.Engine{
			Table: command.NewTable(roomcmd.Rows(), rediscmd.Rows(), conncmd.Rows()),
			Store: keys, Queues: queues, Rooms: rooms, Clock: c,
			Sessions: command.NewRegistry(),
			Limits:   command.Limits{BatchItems: 100, BatchBytes: 1 << 20, ValueBytes: 1 << 20},
		}}
}

// wait lets time pass, and what is due happen.
func (b *bench) wait(milliseconds int64) {
	b.clock.Advance(milliseconds)
	b.Rooms.Maintain(b.clock.Now(), 1_000_000)
	b.Waits.Maintain(b.clock.Now(), 1_000_000)
}

// do runs one command line. Words in quotes are Go strings; $names stand for ids and tokens.
func (b *bench) do(line string) string {
	b.t.Helper()
	var r replytest.Recorder
	b.Exec(b.session, replytest.Words(b.t, b.names.Fill(line)), &r)
	return r.Take()
}

func (b *bench) talk(script string) {
	b.t.Helper()
	replytest.Talk(b.t, b.names, script, b.do, b.wait)
}
