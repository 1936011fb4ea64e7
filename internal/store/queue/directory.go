package queue

import (
	"slices"
	"strings"
	"sync"
)

// directory is the names of all queues in order. It has a lock of its own, below those of shards,
// so that listing takes no shard's. What came and went since somebody asked waits in a map: a queue
// made and deleted among 100 000 others moves none of their names.
type directory struct {
	mu      sync.Mutex
	sorted  []string
	changed map[string]bool // true: not in sorted yet, false: still in it; nil: none
}

func (d *directory) add(name string) { d.change(name, true) }

func (d *directory) remove(name string) { d.change(name, false) }

// change notes that a name came, or went. One that did both is as it was in sorted.
func (d *directory) change(name string, came bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, undone := d.changed[name]; undone {
		if delete(d.changed, name); len(d.changed) == 0 {
			d.changed = nil // maps don't shrink
		}
		return
	}
	if d.changed == nil {
		d.changed = map[string]bool{}
	}
	d.changed[name] = came
}

// merge does to sorted what waits. The lock is held.
func (d *directory) merge() {
	if d.changed == nil {
		return
	}
	var added, removed []string
	for name, came := range d.changed {
		if came {
			added = append(added, name)
		} else {
			removed = append(removed, name)
		}
	}
	d.changed = nil
	slices.Sort(added)
	slices.Sort(removed)
	if len(removed) > 0 {
		d.sorted = slices.DeleteFunc(d.sorted, func(name string) bool {
			if len(removed) == 0 || name != removed[0] {
				return false
			}
			removed = removed[1:]
			return true
		})
	}
	old := len(d.sorted) - 1
	d.sorted = append(d.sorted, added...)
	for at, last := len(d.sorted)-1, len(added)-1; last >= 0; at-- {
		if old >= 0 && d.sorted[old] > added[last] {
			d.sorted[at] = d.sorted[old]
			old--
		} else {
			d.sorted[at] = added[last]
			last--
		}
	}
	if cap(d.sorted) > keptNames && len(d.sorted) < cap(d.sorted)/4 {
		d.sorted = slices.Clone(d.sorted)
	}
}

// keptNames bounds the names whose room is kept after most of them are gone.
const keptNames = 1024

// Names returns up to limit names of queues that begin with prefix and come after after, sorted.
// It waits for no shard's lock.
func (s *Store) Names(prefix, after string, limit int) []string {
	return s.names.page(prefix, after, limit)
}

func (d *directory) page(prefix, after string, limit int) []string {
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
