package assembly

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/journaltest"
	"github.com/synapdb/synap/internal/command/replytest"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/pubsub"
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/store/room"
	"github.com/synapdb/synap/internal/wire"
	httpwire "github.com/synapdb/synap/internal/wire/http"
	"github.com/synapdb/synap/internal/wire/resp"
)

const (
	moment     = 1_700_000_000_000 // when these tests happen, in ms since the Unix epoch
	smallStore = 4 << 20           // bytes
)

// rig runs every row of the real table over a small store of its own. Time stands still, so that
// what a store holds can be compared.
type rig struct {
	*testing.T
	*command.Engine
	random  *rand.Rand
	session *command.Session
	line    *resp.Conn
	handler *httpwire.Handler
	http    *httpwire.Conn
	leased  [2]string // id and token of a message that is leased after fill
}

func newRig(t *testing.T) *rig {
	t.Helper()
	in := open(t, map[string]string{"kv_store.allow_flush_commands": "true"})
	store, err := kv.New(kv.Options{Shards: 4, Seed: 1, MaxMemory: smallStore})
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
		if err := errors.Join(store.Close(), queues.Close(), rooms.Close()); err != nil {
			t.Error(err)
		}
	})
	e := &command.Engine{
		Table: in.engine.Table, Settings: in.engine.Settings, Server: in.engine.Server,
		Store: store, Queues: queues, Rooms: rooms, Clock: clock.NewManual(moment),
		Topics:      command.NewTopics(pubsub.Options{}),
		Sessions:    command.NewRegistry(),
		Limits:      command.Limits{BatchItems: 20, BatchBytes: 1 << 20, ValueBytes: 100_000},
		Persistence: new(journaltest.Fake),
	}
	r := &rig{T: t, Engine: e, random: rand.New(rand.NewPCG(1, 2))}
	r.handler = httpwire.NewHandler(r.Engine, httpwire.Options{MaxReply: 100_000})
	r.http = r.handler.NewConn(
		&command.Session{Counters: command.NewCounters(e.Table), Now: moment})
	r.connect()
	return r
}

// connect starts a connection as the server would.
func (r *rig) connect() {
	if r.session != nil {
		r.line.Closed()
		r.Sessions.Remove(r.session)
	}
	r.session = &command.Session{Counters: command.NewCounters(r.Table)}
	r.session.Info.Addr, r.session.Info.Kill = "a:1", func() {}
	r.Sessions.Add(r.session)
	r.line = resp.NewConn(r.Engine, r.session, resp.Limits{ReplyBytes: 1 << 20})
}

func (r *rig) pick(from []string) string { return from[r.random.IntN(len(from))] }

// word draws a word of a command line, now and then the id or token of a message.
func (r *rig) word() string {
	if r.random.IntN(12) == 0 {
		return r.leased[r.random.IntN(len(r.leased))]
	}
	return r.pick(anyWords)
}

// guard fails with what was asked if f panics, or does not return: then a lock is never given back.
func (r *rig) guard(asked any, f func()) {
	r.Helper()
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		f()
	}()
	select {
	case failure := <-done:
		if failure != nil {
			r.Fatalf("%.300q: panic: %v", asked, failure)
		}
	case <-time.After(patient):
		r.Fatalf("%.300q waits for a lock", asked)
	}
}

// free fails unless every lock can be had: FLUSHALL needs all of them, and so does the end of all
// queues and rooms.
func (r *rig) free(asked any) {
	r.Helper()
	r.guard(asked, func() {
		var reply replytest.Recorder
		r.Exec(new(command.Session), [][]byte{[]byte("FLUSHALL")}, &reply)
		if got := reply.Take(); got != "+OK" {
			r.Errorf("%.300q: FLUSHALL answers %s", asked, got)
		}
		var tx queue.Tx
		r.Queues.Begin(&tx, moment)
		tx.DeclareAll()
		tx.Lock()
		for _, name := range r.Queues.Names("", "", 1<<20) {
			tx.Delete([]byte(name))
		}
		tx.Unlock()
		var hall room.Tx
		r.Rooms.Begin(&hall, moment)
		hall.DeclareAll()
		hall.Lock()
		defer hall.Unlock()
		for _, name := range r.Rooms.Names("", "", 1<<20) {
			if err := hall.Delete([]byte(name)); err != nil {
				r.Error(err)
			}
		}
	})
	for db := range uint8(kv.Databases) {
		if n := r.Store.Count(db); n != 0 {
			r.Fatalf("%.300q: database %d has %d keys after FLUSHALL", asked, db, n)
		}
	}
}

// fill gives the keys that the tests use values of all kinds.
func (r *rig) fill() {
	var tx kv.Tx
	r.Store.Begin(&tx, moment)
	tx.DeclareAll()
	tx.Lock()
	for _, e := range []effect.Effect{
		{Key: []byte("k"), Value: []byte("value")}, {Key: []byte("n"), Value: []byte("41")},
		{Key: []byte("json"), Value: []byte("[1]"), Flags: effect.JSON},
		{Key: []byte("\xff\x00"), Value: []byte("\x00\xff\r\n")},
		{Key: []byte("large"), Value: []byte(strings.Repeat("v", 70_000))},
		{Key: []byte("soon"), Value: []byte("x"), Deadline: moment + 1000},
		{Key: []byte("late"), Value: []byte("x"), Deadline: moment - 1},
		{Key: []byte(""), Value: nil}, {Key: []byte("k"), Value: []byte("1"), DB: 3},
	} {
		e.Kind = effect.Set
		tx.Apply(e)
	}
	tx.Unlock()
	r.fillQueues()
	r.fillRooms()
}

// fillQueues gives the queues that the tests use messages in all states.
func (r *rig) fillQueues() {
	r.Helper()
	var tx queue.Tx
	r.Queues.Begin(&tx, moment)
	names := []string{"k", "q", "full", "bad\r\n+OK"}
	for _, name := range names {
		tx.Declare([]byte(name))
	}
	tx.Lock()
	defer tx.Unlock()
	for _, name := range names {
		tx.Delete([]byte(name))
		o := queue.Settings{DeadLetter: "full"}
		if name == "full" {
			o = queue.Settings{MaxDepth: 1}
		}
		if _, err := tx.Create([]byte(name), o); err != nil {
			r.Fatal(err)
		}
	}
	q := []byte("q")
	for i, m := range []queue.Message{
		{Payload: []byte("dead")}, {Payload: []byte("leased"), MaxRetries: 1},
		{Payload: []byte("[1]"), Form: effect.JSONForm, Headers: []byte(`{"a":1}`)},
		{Payload: []byte("text"), Form: effect.TextForm, Dedup: []byte("k")},
		{Payload: []byte("late"), DeliverAt: moment + 1000, TTL: 5000},
	} {
		if _, err := tx.Publish(q, &m); err != nil {
			r.Fatal(err)
		}
		if i > 1 {
			continue
		}
		lease := tx.Deliver(q, &queue.Deliver{Consumer: []byte("k"), Count: 1}, nil)[0]
		r.leased = [2]string{string(queue.AppendID(nil, lease.ID)),
			fmt.Sprintf("%016x", lease.Token)}
		if i == 0 {
			err := tx.Nack(q, &queue.Lease{ID: lease.ID}, queue.Nack{Requeue: true})
			if err != nil {
				r.Fatal(err)
			}
		}
	}
}

// fillRooms gives the rooms that the tests use events of all forms, and cursors.
func (r *rig) fillRooms() {
	r.Helper()
	var tx room.Tx
	r.Rooms.Begin(&tx, moment)
	for _, name := range []string{"k", "r", "small"} {
		tx.Declare([]byte(name))
	}
	tx.Lock()
	defer tx.Unlock()
	for name, events := range map[string]int64{"k": 0, "r": 0, "small": 2} {
		if tx.Exists([]byte(name)) {
			if err := tx.Delete([]byte(name)); err != nil {
				r.Fatal(err)
			}
		}
		if err := tx.Create([]byte(name), room.Settings{MaxEvents: events}); err != nil {
			r.Fatal(err)
		}
		for _, e := range []room.Event{
			{Name: []byte("k"), Data: []byte(`{"a":[1,"é"]}`), Metadata: []byte(`{"b":1}`)},
			{Name: []byte(`say "hi"`), Data: []byte(`"text"`), Form: effect.TextData},
			{Name: []byte("k"), Data: []byte(`"AP8="`), Form: effect.BytesData},
		} {
			if _, err := tx.Publish([]byte(name), &e); err != nil {
				r.Fatal(err)
			}
		}
		if err := tx.Commit([]byte(name), []byte("k"), 2); err != nil {
			r.Fatal(err)
		}
	}
}

// dump is all that the store holds, versions and deadlines included.
func (r *rig) dump() string {
	var tx kv.Tx
	var text strings.Builder
	r.Store.Begin(&tx, moment)
	tx.DeclareAll()
	tx.Lock()
	defer tx.Unlock()
	fmt.Fprintf(&text, "queues: %x, rooms: %x\n", r.Queues.Digest(moment), r.Rooms.Digest())
	for db := range uint8(kv.Databases) {
		tx.Scan(db, kv.Range{}, func(e kv.Entry) bool {
			fmt.Fprintf(&text, "%d %s = %s %d %d %d\n", db, e.Key(), e.Value(), e.Flags(),
				e.Deadline(), e.Version())
			return true
		})
	}
	return text.String()
}

// round sets how the engine learns the time, in both ways the server does, and a policy.
func (r *rig) round() {
	r.session.Now = int64(r.random.IntN(2)) * moment
	policy := kv.Policy(r.random.IntN(int(kv.VolatileTTL) + 1))
	r.Store.SetMemoryLimit(smallStore, policy)
}

// feed hands bytes to a connection and returns the one string of what it sends.
func feed(c wire.Conn, in string) (string, wire.Verdict) {
	var out wire.Output
	_, _, v := c.Feed([]byte(in), &out)
	if v == wire.Wait {
		c.(wire.Waiter).Wait(&out)
	}
	var text strings.Builder
	for _, part := range out.Segments(nil) {
		text.Write(part)
	}
	out.Reset(0)
	return text.String(), v
}
