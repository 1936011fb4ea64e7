package kv

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// Large is a retained big value; it stays readable until Release, whatever happens to its key.
//
// Its bytes change only while the key's shard is locked and the store holds the only reference, so
// no reader ever sees a change: a Patch of a value that someone retains works on a copy.
type Large struct {
	refs  atomic.Int32
	bytes []byte   // the value; its capacity is the room for appending
	clean int      // from here on the memory is known to be zero and was never touched
	cost  int      // bytes accounted for
	ref   slab.Ref // in the heap's arena, or 0 for a mapping of its own
	heap  *heap
}

// Bytes is a view of the value.
func (l *Large) Bytes() []byte { return l.bytes }

func (l *Large) retain() { l.refs.Add(1) }

// Release gives the value back. Call it once.
func (l *Large) Release() {
	switch n := l.refs.Add(-1); {
	case n == 0:
		l.heap.orphans.Add(-int64(l.cost))
		l.heap.free(l)
	case n < 0: // the next value at this place would be freed under its readers
		panic("kv: a large value was released twice")
	}
}

// drop is Release for the reference the store holds. Readers may still hold others: then the
// value counts as an orphan until they are done.
func (l *Large) drop() {
	if l.refs.Add(-1) == 0 {
		l.heap.free(l)
		return
	}
	l.heap.orphans.Add(int64(l.cost))
}

// put writes value at the beginning.
func (l *Large) put(value []byte) {
	copy(l.bytes, value)
	l.clean = max(l.clean, len(value))
}

// fill writes what e brings; the first have bytes are there already.
func (l *Large) fill(have int, e *effect.Effect) {
	fill(l.bytes, have, l.clean, e)
	l.clean = max(l.clean, e.Offset+len(e.Value))
}

// heap allocates large values of one shard: up to slab.MaxBlock in an arena, because each mapping
// of its own is one of the 65530 that Linux grants a process, beyond in mappings of their own.
type heap struct {
	orphans  atomic.Int64 // bytes of values that only readers hold
	resident atomic.Int64 // bytes with memory behind them, a mapping counted whole
	overhead atomic.Int64 // bytes of the arena's tables
	full     atomic.Bool  // the arena's address space is nearly used up
	share    int          // address space for the arena, in bytes
	mu       struct {     // a leaf: nothing else is locked under it
		sync.Mutex
		arena  *slab.Arena
		mapped int64 // bytes of mappings of their own
		values int
		closed bool
	}
}

// alloc makes a large value of size bytes, not zeroed where from an arena, with capacity room.
func (hp *heap) alloc(size, room int) *Large {
	l := &Large{heap: hp}
	l.refs.Store(1)
	hp.mu.Lock()
	defer hp.mu.Unlock()
	hp.mu.values++
	if room <= slab.MaxBlock {
		if hp.mu.arena == nil {
			hp.mu.arena = newArena(hp.share)
		}
		l.ref = hp.mu.arena.Alloc(room)
		b := hp.mu.arena.Bytes(l.ref)
		l.bytes, l.cost, l.clean = b[:size], cap(b), cap(b)
	} else {
		b, err := slab.Map(room)
		if err != nil {
			panic("kv: out of memory: " + err.Error())
		}
		l.bytes, l.cost = b[:size], cap(b)
		hp.mu.mapped += int64(cap(b))
	}
	hp.measure()
	return l
}

func (hp *heap) free(l *Large) {
	hp.mu.Lock()
	defer hp.mu.Unlock()
	hp.mu.values--
	if l.ref != 0 {
		hp.mu.arena.Free(l.ref)
	} else {
		hp.mu.mapped -= int64(cap(l.bytes))
		slab.Unmap(l.bytes[:cap(l.bytes)])
	}
	l.bytes = nil
	hp.closeIf(hp.mu.closed)
	hp.measure()
}

// closeIf gives up the arena if it may and nothing is in it. The lock is held.
func (hp *heap) closeIf(may bool) {
	if may && hp.mu.values == 0 && hp.mu.arena != nil {
		hp.mu.arena.Close()
		hp.mu.arena = nil
	}
}

// close gives up the arena as soon as no reader retains a value.
func (hp *heap) close() {
	hp.mu.Lock()
	defer hp.mu.Unlock()
	hp.mu.closed = true
	hp.closeIf(true)
	hp.measure()
}

// measure publishes the heap's sizes. The lock is held.
func (hp *heap) measure() {
	if hp.mu.arena == nil {
		hp.resident.Store(hp.mu.mapped)
		hp.overhead.Store(0)
		hp.full.Store(false)
		return
	}
	hp.resident.Store(hp.mu.mapped + hp.mu.arena.Resident())
	hp.overhead.Store(hp.mu.arena.Overhead())
	hp.full.Store(hp.mu.arena.Full())
}

// loose says that much of the arena's memory is free blocks amid others.
func (hp *heap) loose() bool {
	hp.mu.Lock()
	defer hp.mu.Unlock()
	a := hp.mu.arena
	return a != nil && a.Resident()-a.Live() > 2*keepIdle+a.Live()/4
}

// move copies a value out of a sparse slab and returns the size of its block, 0 if it stays. The
// shard of its key is locked and no reader retains it, so nobody sees the bytes move.
func (hp *heap) move(l *Large) int {
	if l.ref == 0 || l.refs.Load() != 1 {
		return 0
	}
	hp.mu.Lock()
	defer hp.mu.Unlock()
	if !hp.mu.arena.Sparse(l.ref) {
		return 0
	}
	to := hp.mu.arena.Alloc(l.cost)
	b := hp.mu.arena.Bytes(to)
	hp.mu.Unlock() // readers that release other values need not wait for the copy
	copy(b, l.bytes)
	hp.mu.Lock()
	hp.mu.arena.Free(l.ref)
	l.ref, l.bytes = to, b[:len(l.bytes)]
	hp.measure()
	return l.cost
}

// trim gives idle memory back and says whether there is more.
func (hp *heap) trim(budget *int64) bool {
	hp.mu.Lock()
	defer hp.mu.Unlock()
	hp.closeIf(true)
	if hp.mu.arena == nil {
		hp.measure()
		return false
	}
	before := hp.mu.arena.Resident()
	more := hp.mu.arena.Trim(keepIdle, trimBatch)
	*budget -= (before - hp.mu.arena.Resident()) >> 10 * costTrim
	hp.measure()
	return more
}

// largeOf is the large value of an entry that has one.
func (sp *space) largeOf(h *head) *Large {
	return sp.large[binary.LittleEndian.Uint32(h.inline())]
}

// addLarge gives a large value a number in the space.
func (sp *space) addLarge(l *Large) uint32 {
	sp.owned += int64(l.cost)
	if last := len(sp.freeLarge) - 1; last >= 0 {
		n := sp.freeLarge[last]
		sp.freeLarge = sp.freeLarge[:last]
		sp.large[n] = l
		return n
	}
	sp.large = append(sp.large, l)
	return uint32(len(sp.large) - 1)
}

// dropLarge frees the number of an entry's large value, and the value unless it is retained.
func (sp *space) dropLarge(h *head) { sp.takeLarge(h).drop() }
