package persist

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/vfs"
)

// tx runs f with everything locked, as one record.
func (h *house) tx(f func(*store.Tx)) {
	var t store.Tx
	t.Begin(h.all(), h.now)
	t.Keys.DeclareAll()
	t.DeclareQueues()
	t.DeclareRooms()
	t.Lock()
	f(&t)
	t.Unlock()
}

func (h *house) digest() [32]byte { return h.all().Digest(h.now) }

// must ends a test whose script does not fit the state it made.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func put(t *store.Tx, key, value string) {
	t.Keys.Apply(effect.Effect{Kind: effect.Set, Key: []byte(key), Value: []byte(value)})
}

func mustPublish(t *store.Tx, name, payload string) {
	_, err := t.Queues.Publish([]byte(name),
		&queue.Message{Payload: []byte(payload), Priority: -1, MaxRetries: -1})
	must(err)
}

// take leases the next message of a queue, if there is one.
func take(t *store.Tx, name string) []queue.View {
	return t.Queues.Deliver([]byte(name), &queue.Deliver{Consumer: []byte("worker"), Count: 1},
		nil)
}

func leaseOf(v queue.View) *queue.Lease { return &queue.Lease{ID: v.ID, Token: v.Token} }

func mustAck(t *store.Tx, name string, v queue.View) {
	must(t.Queues.Ack([]byte(name), leaseOf(v)))
}

func peek(t *store.Tx, name string, state effect.MessageState) []queue.View {
	views, err := t.Queues.Peek([]byte(name), state, queue.ID{}, 1<<20, nil)
	must(err)
	return views
}

// makeQueue makes the queue "jobs" unless it is there.
func (h *house) makeQueue() {
	h.tx(func(t *store.Tx) {
		_, err := t.Queues.Create([]byte("jobs"), queue.Settings{MaxRetries: 2})
		must(err)
	})
}

// observe lists keys and messages.
func (h *house) observe() world {
	w := world{}
	h.tx(func(t *store.Tx) {
		t.Keys.Scan(0, kv.Range{}, func(e kv.Entry) bool {
			w[string(e.Key())] = string(e.Value())
			return true
		})
		for state, name := range map[effect.MessageState]string{effect.Ready: "ready",
			effect.Delayed: "delayed", effect.Leased: "leased", effect.DeadLetter: "dead"} {
			for _, v := range peek(t, "jobs", state) {
				w["message "+string(v.Payload)] = fmt.Sprint(name, " ", v.Retries)
			}
		}
	})
	return w
}

// worker does random things to queues, one record each, as clients would.
type worker struct {
	*house
	*rand.Rand
	name string
	held []lease
}

type lease struct {
	queue string
	view  queue.Lease
}

// act declares one queue, or two, as commands do; every queue is used by all workers.
func (w *worker) act() {
	var t store.Tx
	name := fmt.Sprint("q", w.IntN(4))
	key := fmt.Sprint("key", w.IntN(100))
	t.Begin(w.all(), w.now)
	t.Keys.Declare(0, []byte(key))
	t.DeclareQueue([]byte(name))
	for _, l := range w.held {
		t.DeclareQueue([]byte(l.queue))
	}
	t.Lock()
	defer t.Unlock()
	switch w.IntN(12) {
	case 0:
		w.upset(&t, name)
	case 1, 2, 3, 4:
		m := queue.Message{Payload: make([]byte, w.IntN(300)), Priority: w.IntN(11) - 1,
			MaxRetries: w.IntN(4) - 1}
		if w.IntN(4) == 0 {
			m.DeliverAt = w.now + w.Int64N(1000)
		}
		if w.IntN(4) == 0 {
			m.Dedup = fmt.Append(nil, "id", w.IntN(50))
		}
		_, _ = t.Queues.Publish([]byte(name), &m) // the queue may be absent
		put(&t, key, name)
	case 5, 6, 7, 8:
		for _, v := range t.Queues.Deliver([]byte(name), &queue.Deliver{
			Consumer: []byte(w.name), Count: 1 + w.IntN(3)}, nil) {
			w.held = append(w.held, lease{name, *leaseOf(v)})
		}
	default:
		w.settle(&t)
	}
}

// settle ends a lease, which others may have ended with the queue.
func (w *worker) settle(t *store.Tx) {
	if len(w.held) == 0 {
		return
	}
	i := w.IntN(len(w.held))
	l := w.held[i]
	w.held = append(w.held[:i], w.held[i+1:]...)
	switch w.IntN(4) {
	case 0:
		_ = t.Queues.Nack([]byte(l.queue), &l.view, queue.Nack{Requeue: true, Delay: -1})
	case 1:
		_ = t.Queues.Nack([]byte(l.queue), &l.view,
			queue.Nack{Requeue: w.IntN(4) > 0, Delay: w.Int64N(500)})
	default:
		_ = t.Queues.Ack([]byte(l.queue), &l.view)
	}
}

// upset does what is rare.
func (w *worker) upset(t *store.Tx, name string) {
	switch w.IntN(8) {
	case 0:
		t.Queues.Delete([]byte(name))
	case 1:
		_, _ = t.Queues.Purge([]byte(name), w.IntN(2) == 0)
	case 2:
		_, _ = t.Queues.Redrive([]byte(name), nil, 5, false)
	case 3:
		_, _ = t.Queues.PurgeDead([]byte(name), nil, false)
	case 4:
		_ = t.Queues.Update([]byte(name), func(s *queue.Settings) { s.Paused = false })
	default:
		s := queue.Settings{MaxRetries: 1, MaxDepth: 50, DropOldest: w.IntN(2) == 0}
		if target := fmt.Sprint("q", w.IntN(8)); target != name {
			s.DeadLetter = target
		}
		_, err := t.Queues.Create([]byte(name), s)
		must(err)
	}
}

// traffic lets several workers act until stop says so, each at least so often.
func (h *house) traffic(seed uint64, least int, stop func() bool) {
	var all sync.WaitGroup
	for i := range 4 {
		w := &worker{house: h, Rand: rand.New(rand.NewPCG(seed, uint64(i))),
			name: fmt.Sprint("w", i)}
		all.Go(func() {
			for n := 0; n < least || !stop(); n++ {
				w.act()
			}
		})
	}
	all.Wait()
}

func TestQueuesAfterARestart(t *testing.T) { restarts(t, (*house).traffic) }

// A lease outlives the server: who holds it may still settle it, and nobody else gets the message.
func TestLeasesSurviveARestart(t *testing.T) {
	disk := vfs.NewMemory(1)
	h, _ := home(t, options(disk))
	h.makeQueue()
	var held []queue.View
	h.tx(func(t *store.Tx) {
		mustPublish(t, "jobs", "one")
		mustPublish(t, "jobs", "two")
		held = take(t, "jobs")
		must(t.Queues.Nack([]byte("jobs"), leaseOf(held[0]), queue.Nack{Requeue: true}))
		_ = take(t, "jobs")
		held = take(t, "jobs") // "one", for the second time
	})
	must(h.commit())
	disk.Crash(0)
	h.abandon()
	h, r := home(t, options(disk))
	if r.Queues != 1 || r.Messages != 2 || r.Keys != 0 {
		t.Errorf("%+v", r)
	}
	h.tx(func(tx *store.Tx) {
		if again := take(tx, "jobs"); len(again) != 0 {
			t.Errorf("%q was handed out twice", again[0].Payload)
		}
		for _, v := range peek(tx, "jobs", effect.Leased) {
			if v.ID == held[0].ID && (v.Retries != 1 || v.Token != held[0].Token) {
				t.Errorf("%+v", v)
			}
		}
		if err := tx.Queues.Ack([]byte("jobs"), leaseOf(held[0])); err != nil {
			t.Error(err)
		}
	})
}

// What a push connection held comes back at the start, in its old place, as after any failed
// delivery; that is in the journal like everything else.
func TestPushedMessagesComeBackAfterARestart(t *testing.T) {
	disk := vfs.NewMemory(1)
	h, _ := home(t, options(disk))
	h.makeQueue()
	h.tx(func(t *store.Tx) {
		for _, payload := range []string{"one", "two", "three"} {
			mustPublish(t, "jobs", payload)
		}
		t.Queues.Deliver([]byte("jobs"), &queue.Deliver{Consumer: []byte("socket"), Count: 2,
			Conn: 7, Window: 10}, nil)
	})
	must(h.commit())
	for range 2 { // the second time nothing is held any more
		disk.Crash(0)
		h.abandon()
		h, _ = home(t, options(disk))
		h.tx(func(tx *store.Tx) {
			got := peek(tx, "jobs", effect.Ready)
			if len(got) != 3 || string(got[0].Payload) != "one" || got[0].Retries != 1 ||
				got[1].Retries != 1 || got[2].Retries != 0 {
				t.Errorf("%+v", got)
			}
		})
		must(h.commit())
	}
}

// What was read of the queues of a damaged snapshot is gone before an older one is loaded.
func TestNoQueueOfADamagedSnapshotStays(t *testing.T) {
	disk := vfs.NewMemory(1)
	h, _ := home(t, options(disk))
	save := func() {
		t.Helper()
		if err := h.Save(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	h.makeQueue()
	h.tx(func(t *store.Tx) {
		for i := range 100 {
			mustPublish(t, "jobs", fmt.Sprint("old", i))
		}
	})
	save()
	h.tx(func(t *store.Tx) {
		for range 40 {
			mustAck(t, "jobs", take(t, "jobs")[0])
		}
	})
	h.tx(func(t *store.Tx) {
		for i := range 3000 {
			mustPublish(t, "jobs", strings.Repeat("v", 1000)+fmt.Sprint(i))
		}
	})
	save()
	h.tx(func(t *store.Tx) { t.Queues.Delete([]byte("jobs")) })
	h.makeQueue()
	h.tx(func(t *store.Tx) { mustPublish(t, "jobs", "new") })
	must(h.commit())
	want := h.digest()
	h.abandon()
	snaps := damageNewest(t, disk)
	h, r := home(t, options(disk))
	if filepath.Base(r.Snapshot) != snaps[0] || h.digest() != want || r.Messages != 1 {
		t.Errorf("recovered another state: %+v", r)
	}
}

// A dump has every effect with words that a person knows.
func TestDumpOfQueues(t *testing.T) {
	disk := vfs.NewMemory(1)
	h, _ := home(t, options(disk))
	h.makeQueue()
	h.tx(func(t *store.Tx) {
		put(t, "k", "v")
		t.Keys.Apply(effect.Effect{Kind: effect.Set, Cause: effect.ByIncrBy, Key: []byte("n"),
			Value: []byte("1")})
		mustPublish(t, "jobs", "text")
		mustPublish(t, "jobs", "\xff\x00")
	})
	var acked string
	h.tx(func(t *store.Tx) {
		v := take(t, "jobs")[0]
		acked = string(queue.AppendID(nil, v.ID))
		mustAck(t, "jobs", v)
	})
	h.tx(func(t *store.Tx) {
		must(t.Queues.Nack([]byte("jobs"), leaseOf(take(t, "jobs")[0]), queue.Nack{Requeue: true,
			Delay: 5000}))
	})
	if err := h.Save(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.abandon()
	var journal, snapshots strings.Builder
	for _, d := range []struct {
		o   DumpOptions
		out *strings.Builder
	}{{DumpOptions{Journal: true}, &journal}, {DumpOptions{Snapshots: true}, &snapshots}} {
		if err := Dump(disk, "/data", d.o, d.out); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(d.out.String()) {
			if !json.Valid([]byte(line)) {
				t.Errorf("no JSON: %s", line)
			}
		}
	}
	for _, want := range []string{`{"kind":"queue_set","queue":"jobs"`, `"max_depth":100000`,
		`"default_max_retries":2`, `{"kind":"set","db":0,"key":"k","value":"v","version":1},` +
			`{"kind":"set","cause":"incrby","db":0,"key":"n","value":"1","version":1},` +
			`{"kind":"queue_put","queue":"jobs"`, `"payload":"text"`, `"payload_base64":"/wA="`,
		`"kind":"queue_lease"`, `"consumer":"worker"`, `"kind":"queue_remove"`,
		`"reason":"acked"`,
		`"id":"` + acked + `"`, `"kind":"queue_return"`, `"reason":"nacked"`, `"state":"delayed"`,
		fmt.Sprint(`"due_ms":`, start+5000), `"retries":1`} {
		if !strings.Contains(journal.String(), want) {
			t.Errorf("%s is missing in\n%s", want, journal.String())
		}
	}
	for _, want := range []string{`"entries":4`, `{"kind":"queue_set"`, `"state":"delayed"`,
		`"payload_base64":"/wA="`} {
		if !strings.Contains(snapshots.String(), want) {
			t.Errorf("%s is missing in\n%s", want, snapshots.String())
		}
	}
}

func TestEveryKindHasAName(t *testing.T) {
	for kind := effect.QueueSet; kind <= effect.QueueDedup; kind++ {
		if queueKindNames[kind] == "" {
			t.Errorf("kind %d has none", kind)
		}
	}
	for kind := effect.RoomSet; kind <= effect.RoomCursor; kind++ {
		if roomKindNames[kind] == "" {
			t.Errorf("kind %d has none", kind)
		}
	}
	for cause := effect.ByAppend; cause <= effect.ByBitfieldRest; cause++ {
		if name := cause.String(); name == "" || name[0] <= '9' {
			t.Errorf("cause %d is called %q", cause, name)
		}
	}
	for kind := effect.Set; kind <= effect.Swap; kind++ {
		if kindNames[kind] == "" {
			t.Errorf("kind %d has none", kind)
		}
	}
}
