package persist

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/journal"
	"github.com/synapdb/synap/internal/store"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/store/room"
	"github.com/synapdb/synap/internal/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const start = 1_700_000_000_000 // ms since the Unix epoch

// house is a set of stores in a data directory.
type house struct {
	*Manager
	s   *kv.Store
	q   *queue.Store
	r   *room.Store
	now int64
}

func options(files vfs.FS) Options {
	return Options{FS: files, Dir: "/data", Level: journal.Disk, SegmentBytes: 32 << 10,
		SyncEvery: time.Hour, Keep: 2, Clock: clock.NewManual(start),
		Log: slog.New(slog.DiscardHandler)}
}

// move opens a data directory and recovers what is there.
func move(o Options, shards int) (*house, Recovered, error) {
	m, err := Open(o)
	if err != nil {
		return nil, Recovered{}, err
	}
	s, err := kv.New(kv.Options{Shards: shards, Seed: m.Seed()})
	if err != nil {
		return nil, Recovered{}, err
	}
	q, err := queue.New(queue.Options{Shards: shards})
	if err != nil {
		return nil, Recovered{}, err
	}
	rooms, err := room.New(room.Options{Shards: shards})
	if err != nil {
		return nil, Recovered{}, err
	}
	h := &house{Manager: m, s: s, q: q, r: rooms, now: start}
	r, err := m.Recover(context.Background(), h.all())
	if err != nil {
		h.abandon()
		return nil, r, err
	}
	return h, r, nil
}

// home is move where nothing can go wrong; the house is left as by a crash when the test ends.
func home(t *testing.T, o Options) (*house, Recovered) {
	t.Helper()
	h, r, err := move(o, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.abandon)
	return h, r
}

// abandon ends the goroutines, without a last snapshot.
func (h *house) abandon() {
	if h.s == nil {
		return
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	_ = h.tasks.Close(context.Background())
	_ = h.Close(canceled)
	_ = h.s.Close()
	_ = h.q.Close()
	_ = h.r.Close()
	h.s = nil
}

// all are the stores of the house.
func (h *house) all() store.Stores { return store.Stores{Keys: h.s, Queues: h.q, Rooms: h.r} }

// set makes one Tx of all pairs.
func (h *house) set(pairs ...string) {
	var t kv.Tx
	h.s.Begin(&t, h.now)
	for i := 0; i < len(pairs); i += 2 {
		t.Declare(0, []byte(pairs[i]))
	}
	t.Lock()
	for i := 0; i < len(pairs); i += 2 {
		t.Apply(effect.Effect{Kind: effect.Set, Key: []byte(pairs[i]),
			Value: []byte(pairs[i+1])})
	}
	t.Unlock()
}

func (h *house) swap(a, b uint8) {
	var t kv.Tx
	h.s.Begin(&t, h.now)
	t.DeclareAll()
	t.Lock()
	t.Apply(effect.Effect{Kind: effect.Swap, DB: a, Other: b})
	t.Unlock()
}

func (h *house) get(key string) string {
	var t kv.Tx
	h.s.Begin(&t, h.now)
	t.Declare(0, []byte(key))
	t.Lock()
	defer t.Unlock()
	e, ok := t.Get(0, []byte(key))
	if !ok {
		return ""
	}
	return string(e.Value())
}

// commit makes everything safe.
func (h *house) commit() error {
	l := h.Journal()
	return l.Commit(l.Last(), journal.Disk)
}
