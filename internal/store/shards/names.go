package shards

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Names is the names of all that a store holds, in order. It has a lock of its own, below those of
// shards, so that listing takes no shard's. What came and went waits in a map until somebody asks,
// or until it is a good part of all: a name that comes and goes among 100 000 others moves none of
// them, and many cost a merge each time their number has changed by a quarter.
//
// The zero value is empty; Count comes before anything else.
type Names struct {
	mu      sync.Mutex
	sorted  []string
	changed map[string]bool // true: not in sorted yet, false: still in it; nil: none
	bytes   int64           // of Go's heap, the text of names excepted
	total   *atomic.Int64   // of which they are a part
}

const (
	leastChanged = 1024
	changedBytes = 40 // of a name in the map
	stringBytes  = 16
)

// Count makes n add to total what it takes of Go's heap, in bytes; the text of names is counted by
// whom it belongs to.
func (n *Names) Count(total *atomic.Int64) { n.total = total }

// Add puts a name in, which must not be there.
func (n *Names) Add(name string) { n.change(name, true) }

// Remove takes a name out, which must be there.
func (n *Names) Remove(name string) { n.change(name, false) }

// change notes that a name came, or went. One that did both is as it was in sorted.
func (n *Names) change(name string, came bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, undone := n.changed[name]; undone {
		if delete(n.changed, name); len(n.changed) == 0 {
			n.changed = nil // maps don't shrink
		}
	} else {
		if n.changed == nil {
			n.changed = map[string]bool{}
		}
		n.changed[name] = came
	}
	if len(n.changed) > leastChanged+len(n.sorted)/4 {
		n.merge()
	}
	n.measure()
}

// measure publishes what the memory has become. The lock is held.
func (n *Names) measure() {
	before := n.bytes
	n.bytes = int64(cap(n.sorted))*stringBytes + int64(len(n.changed))*changedBytes
	n.total.Add(n.bytes - before)
}

// merge does to sorted what waits. The lock is held.
func (n *Names) merge() {
	if n.changed == nil {
		return
	}
	var added []string
	removed := false
	for name, came := range n.changed {
		if came {
			added = append(added, name)
		} else {
			removed = true
		}
	}
	if removed {
		n.sorted = slices.DeleteFunc(n.sorted, func(name string) bool {
			_, gone := n.changed[name]
			return gone
		})
	}
	n.changed = nil
	slices.Sort(added)
	old := len(n.sorted) - 1
	n.sorted = append(n.sorted, added...)
	for at, last := len(n.sorted)-1, len(added)-1; last >= 0; at-- {
		if old >= 0 && n.sorted[old] > added[last] {
			n.sorted[at] = n.sorted[old]
			old--
		} else {
			n.sorted[at] = added[last]
			last--
		}
	}
	if cap(n.sorted) > leastChanged && len(n.sorted) < cap(n.sorted)/4 {
		n.sorted = slices.Clone(n.sorted)
	}
	n.measure()
}

// Page is up to limit names that begin with prefix and come after after, in byte order.
func (n *Names) Page(prefix, after string, limit int) (names []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.merge()
	i, found := slices.BinarySearch(n.sorted, max(prefix, after))
	if found && n.sorted[i] == after && after != "" {
		i++
	}
	for ; i < len(n.sorted) && len(names) < limit; i++ {
		if !strings.HasPrefix(n.sorted[i], prefix) {
			break
		}
		names = append(names, n.sorted[i])
	}
	return names
}

// All is every name, in byte order.
func (n *Names) All() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.merge()
	return slices.Clone(n.sorted)
}
