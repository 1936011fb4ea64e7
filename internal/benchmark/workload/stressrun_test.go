package workload

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/target"
)

// forgetful is a store of keys that answers every write with success, but does not do all of them.
type forgetful struct {
	mu     sync.Mutex
	keys   map[string]string
	writes int
	spoil  func(f *forgetful, n int, key, value string) bool // true: this write is not done
	refuse func(n int) error
}

func (f *forgetful) Exec(_ context.Context, ops []target.Op) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range ops {
		op := &ops[i]
		op.Done, op.Err = time.Now(), nil
		if op.Kind == target.Get {
			value, ok := f.keys[string(op.Key)]
			op.Found, op.Answer = ok, append(op.Answer[:0], value...)
			continue
		}
		f.writes++
		if f.refuse != nil {
			op.Err = f.refuse(f.writes)
		}
		if op.Err == nil && (f.spoil == nil ||
			!f.spoil(f, f.writes, string(op.Key), string(op.Value))) {
			f.keys[string(op.Key)] = string(op.Value)
		}
	}
	return nil
}

func (f *forgetful) Close() error { return nil }

// only is a target that can do but one thing.
type only struct {
	target.Server
	kv target.KV
}

func (o only) KV(context.Context) (target.KV, error) { return o.kv, nil }

// drive does operations on a connection, and returns what was wrong.
func drive(t *testing.T, kinds []string, operations int64, faults *Faults,
	open func(ctx context.Context, i int) (load.Work, error),
) result.Faults {
	t.Helper()
	_, err := load.Run(t.Context(), load.Plan{Connections: 1, Pipeline: 7,
		Operations: operations}, load.Options{Kinds: kinds, Open: open})
	if err != nil {
		t.Fatal(err)
	}
	return faults.Found()
}

// Writes before the run, and the one that goes wrong.
const prepared, spoiled = 100, 250

// stores are servers, and what a connection must say of them.
var stores = []struct {
	name             string
	spoil            func(f *forgetful, n int, key, value string) bool
	refuse           func(n int) error
	lost, unexpected bool
	example          string
}{
	{name: "a good server"},
	{name: "a write is lost", lost: true, example: "was written",
		spoil: func(_ *forgetful, n int, _, _ string) bool { return n == spoiled }},
	{name: "a key is lost", lost: true, example: "is gone",
		spoil: func(f *forgetful, n int, key, _ string) bool {
			if n == spoiled {
				delete(f.keys, key)
			}
			return n == spoiled
		}},
	{name: "keys are mixed up", unexpected: true, example: "nobody stored",
		spoil: func(f *forgetful, n int, key, _ string) bool {
			if n == spoiled {
				for _, other := range f.keys {
					if !strings.Contains(key, other[10:16]) {
						f.keys[key] = other
						break
					}
				}
			}
			return n == spoiled
		}},
	{name: "somebody else writes", unexpected: true, example: "somebody else",
		spoil: func(f *forgetful, n int, key, value string) bool {
			if n == spoiled {
				f.keys[key] = value[:runAt] + "00000000000000ff" + value[leastOwn:]
			}
			return n == spoiled
		}},
	{name: "a write that is refused may be done or not", unexpected: true, example: "full",
		refuse: func(n int) error {
			if n == spoiled {
				return errors.New("full")
			}
			return nil
		}},
}

func TestAConnectionReadsWhatItWrote(t *testing.T) {
	for _, c := range stores {
		f := &forgetful{keys: map[string]string{}, spoil: c.spoil, refuse: c.refuse}
		faults := new(Faults)
		p := KVParams{KeySize: 16, ValueSize: 64, Keyspace: prepared, ReadRatio: 0.8}
		got := drive(t, KVKinds, 20_000, faults,
			func(ctx context.Context, _ int) (load.Work, error) {
				return openOwn(ctx, only{kv: f}, p, faults, 1, 0, 1)
			})
		if (got.Lost > 0) != c.lost || (got.Unexpected > 0) != c.unexpected {
			t.Errorf("%s: %+v", c.name, got)
		}
		if c.refuse != nil && got.Unexpected != 1 {
			t.Errorf("%s: %+v", c.name, got)
		}
		if c.example != "" && !strings.Contains(fmt.Sprint(got.Examples), c.example) {
			t.Errorf("%s: the examples are %q", c.name, got.Examples)
		}
		if len(f.keys) > prepared {
			t.Errorf("%s: %d keys were written", c.name, len(f.keys))
		}
		known := map[string]bool{}
		for names := range SoakKeys(p) {
			for _, name := range names {
				known[name] = true
			}
		}
		for key := range maps.Keys(f.keys) {
			if !known[key] {
				t.Errorf("%s: %s would not be removed", c.name, key)
			}
		}
	}
}

// handed is a connection to a queue that hands out what a test says.
type handed struct {
	target.Queue
	ds []target.Delivery
}

func (h *handed) Consume(context.Context, int, time.Duration) ([]target.Delivery, error) {
	ds := h.ds
	h.ds = nil
	return ds, nil
}

func (h *handed) Ack(context.Context, []target.Delivery) error { return nil }

func (h *handed) Close() error { return nil }

func TestTheSoakSeesWhatGoesWrongInAQueue(t *testing.T) {
	message := func(number int64, retries int) target.Delivery {
		payload := make([]byte, leastSoak)
		fillPayload(payload, 3, number, 5)
		return target.Delivery{Payload: payload, Retries: retries}
	}
	for _, c := range []struct {
		name string
		ds   []target.Delivery
		want result.Faults
	}{
		{"all in order", []target.Delivery{message(0, 0), message(1, 0), message(2, 0)},
			result.Faults{}},
		{"one is missing", []target.Delivery{message(0, 0), message(2, 0)},
			result.Faults{Lost: 1}},
		{"twice", []target.Delivery{message(0, 0), message(1, 0), message(1, 0), message(2, 0)},
			result.Faults{Duplicate: 1}},
		{"given back", []target.Delivery{message(0, 0), message(2, 0), message(1, 1),
			message(1, 1)}, result.Faults{}},
		{"out of order", []target.Delivery{message(0, 0), message(2, 0), message(1, 0)},
			result.Faults{Reordered: 1}},
		{"nobody sent it", []target.Delivery{message(0, 0), message(1, 0), message(2, 0),
			message(3, 0)}, result.Faults{Unexpected: 1}},
		{"not ours", []target.Delivery{message(0, 0), message(1, 0), message(2, 0),
			{Payload: []byte("?")}}, result.Faults{Unexpected: 1}},
	} {
		faults := new(Faults)
		q := &soakQueue{params: QueueParams{Size: leastSoak}, faults: faults}
		q.sent.Store(3)
		w := &soakConsumer{queue: q, conn: &handed{ds: c.ds}, last: map[[2]int]int64{}}
		drive(t, soakKinds, 1, faults,
			func(context.Context, int) (load.Work, error) { return w, nil })
		q.over.Store(true)
		if c.want.Lost > 0 {
			if left := q.finish(); left != 1 {
				t.Errorf("%s: %d are left while more may come", c.name, left)
			}
			w.idle = time.Now().Add(-2 * patience)
		}
		if err := w.rest(time.Now()); !errors.Is(err, errDrained) {
			t.Errorf("%s: the queue is not drained: %v", c.name, err)
		}
		if left := q.finish(); left != 0 {
			t.Errorf("%s: %d are left", c.name, left)
		}
		got := faults.Found()
		got.Examples = nil
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// numbers answers counts and scans with what a test says.
type numbers struct {
	target.KV
	next func(op *target.Op) int64
}

func (n *numbers) Exec(_ context.Context, ops []target.Op) error {
	for i := range ops {
		if ops[i].Done = time.Now(); ops[i].Kind != target.Set {
			ops[i].Number = n.next(&ops[i])
		}
	}
	return nil
}

func (n *numbers) Close() error { return nil }

func TestCountsAndScansAreChecked(t *testing.T) {
	sum := int64(41) // whatever was there before
	for _, c := range []struct {
		name             string
		step             int64 // at the hundredth
		lost, unexpected bool
	}{{"right", 1, false, false}, {"a count is lost", 0, true, false},
		{"one too many", 2, false, true}} {
		n, faults := 0, new(Faults)
		kv := &numbers{next: func(*target.Op) int64 {
			if n++; n == 100 {
				sum += c.step
			} else {
				sum++
			}
			return sum
		}}
		got := drive(t, CountKinds, 500, faults, func(ctx context.Context, i int) (load.Work,
			error,
		) {
			return OpenCount(ctx, only{kv: kv}, faults, i)
		})
		if (got.Lost > 0) != c.lost || (got.Unexpected > 0) != c.unexpected {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	for _, found := range []int64{scanGroup, scanGroup - 1} {
		faults := new(Faults)
		kv := &numbers{next: func(*target.Op) int64 { return found }}
		got := drive(t, ScanKinds, 50, faults, func(ctx context.Context, i int) (load.Work, error) {
			return OpenScan(ctx, only{kv: kv}, faults, 1, i, 1)
		})
		if (got.Unexpected == 50) != (found != scanGroup) {
			t.Errorf("scans that find %d keys: %+v", found, got)
		}
	}
}
