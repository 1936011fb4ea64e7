package room

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// directory is the names of all rooms in order. It has a lock of its own, below those of shards, so
// that listing takes no shard's. What came and went waits until somebody asks, or it is a good part
// of all: so many rooms that come or go cost a merge each time their number has grown by a quarter.
type directory struct {
	mu      sync.Mutex
	sorted  []string
	pending map[string]bool // true: it came, false: it went
	bytes   int64           // of Go's heap, the text of names excepted
	total   *atomic.Int64   // of which they are a part
}

const (
	pendingLeast = 1024
	pendingBytes = 40 // of a name in a map
	stringBytes  = 16
)

func (d *directory) add(name string) { d.note(name, true) }

func (d *directory) remove(name string) { d.note(name, false) }

func (d *directory) note(name string, came bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pending == nil {
		d.pending = map[string]bool{}
	}
	d.pending[name] = came
	if len(d.pending) > pendingLeast+len(d.sorted)/4 {
		d.merge()
	}
	d.measure()
}

func (d *directory) measure() {
	before := d.bytes
	d.bytes = int64(cap(d.sorted))*stringBytes + int64(len(d.pending))*pendingBytes
	d.total.Add(d.bytes - before)
}

// merge puts what waits into order. The lock is held.
func (d *directory) merge() {
	if len(d.pending) == 0 {
		return
	}
	came := d.pending
	d.sorted = slices.DeleteFunc(d.sorted, func(name string) bool {
		_, changed := came[name]
		return changed
	})
	maps.DeleteFunc(came, func(_ string, came bool) bool { return !came })
	d.sorted = slices.AppendSeq(d.sorted, maps.Keys(came))
	slices.Sort(d.sorted)
	d.pending = nil
	d.measure()
}

// Names returns up to limit names of rooms that begin with prefix and come after after, sorted. It
// waits for no shard's lock.
func (s *Store) Names(prefix, after string, limit int) []string {
	d := &s.names
	d.mu.Lock()
	defer d.mu.Unlock()
	d.merge()
	i, found := slices.BinarySearch(d.sorted, max(prefix, after))
	if found && d.sorted[i] == after && after != "" {
		i++
	}
	var names []string
	for ; i < len(d.sorted) && len(names) < limit; i++ {
		if !strings.HasPrefix(d.sorted[i], prefix) {
			break
		}
		names = append(names, d.sorted[i])
	}
	return names
}

// all is every name, in order.
func (d *directory) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.merge()
	return slices.Clone(d.sorted)
}

// Totals adds up the stats of all rooms, and counts them; counters keep what rooms counted that
// were deleted since. Offsets are left out. No lock may be held.
func (s *Store) Totals() (rooms int64, sum Stats) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		rooms += int64(len(sh.rooms))
		sum.count(&sh.gone)
		for _, r := range sh.rooms {
			st := r.stats()
			sum.count(&st)
			sum.Messages += st.Messages
			sum.Bytes += st.Bytes
			sum.Subscribers += st.Subscribers
		}
		sh.mu.Unlock()
	}
	return rooms, sum
}

// count adds the counters of o, but not its sizes.
func (st *Stats) count(o *Stats) {
	st.Published += o.Published
	st.Consumed += o.Consumed
	st.Dropped += o.Dropped
}
