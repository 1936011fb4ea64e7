package queue

import (
	"slices"
	"strings"
	"sync"
)

// directory is the names of all queues in order. It has a lock of its own, below those of shards,
// so that listing takes no shard's. Names that were added wait until somebody asks.
type directory struct {
	mu     sync.Mutex
	sorted []string
	added  []string
}

func (d *directory) add(name string) {
	d.mu.Lock()
	d.added = append(d.added, name)
	d.mu.Unlock()
}

func (d *directory) remove(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.merge()
	if i, ok := slices.BinarySearch(d.sorted, name); ok {
		d.sorted = slices.Delete(d.sorted, i, i+1)
	}
}

// merge puts the names that wait into order. The lock is held.
func (d *directory) merge() {
	if len(d.added) == 0 {
		return
	}
	d.sorted = append(d.sorted, d.added...)
	slices.Sort(d.sorted)
	d.added = nil
}

// Names returns up to limit names of queues that begin with prefix and come after after, sorted.
// It waits for no shard's lock.
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

// Totals adds up the stats of all queues, and counts them; counters keep what queues counted that
// were deleted since. No lock may be held.
func (s *Store) Totals() (queues int64, sum Stats) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		queues += int64(len(sh.queues))
		sum.count(&sh.gone)
		for _, q := range sh.queues {
			sum.count(&q.stats)
			sum.Depth += q.stats.Depth
			sum.Delayed += q.stats.Delayed
			sum.Leased += q.stats.Leased
			sum.Dead += q.stats.Dead
			sum.Consumers += q.stats.Consumers
			sum.Waiters += q.stats.Waiters
			sum.Bytes += q.stats.Bytes
		}
		sh.mu.Unlock()
	}
	return queues, sum
}

// count adds the counters of o, but not its sizes.
func (st *Stats) count(o *Stats) {
	st.Published += o.Published
	st.Consumed += o.Consumed
	st.Acked += o.Acked
	st.Nacked += o.Nacked
	st.DeadLettered += o.DeadLettered
	st.Expired += o.Expired
	st.Dropped += o.Dropped
	st.Duplicates += o.Duplicates
	st.LeasesExpired += o.LeasesExpired
	st.Returned += o.Returned
}

// all is every name, in order.
func (d *directory) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.merge()
	return slices.Clone(d.sorted)
}
