package kv

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/synapdb/synap/internal/store/order"
	"github.com/synapdb/synap/internal/store/slab"
)

// space is what one shard holds of one database: blocks, hash index, order, timers. A space of
// its own for each database makes FLUSHDB and SWAPDB cost nothing per key, and keeps the database
// out of every comparison; the rejected rival, one index per shard with the database in the
// entry, has to visit every key to drop a database.
//
// Invariants, under the shard's lock:
//
//  1. the index holds every entry once;
//  2. an entry is in the delta if its inDelta bit says so, otherwise in the order;
//  3. an entry is in a list of the wheel if, and only if, it is timed;
//  4. accounted is memory() as of the last account(), and is part of shard.memory.
type space struct {
	store *Store
	shard *shard
	db    uint8 // the logical database it is now

	arena *slab.Arena // of entries
	index index
	order *order.Set
	delta delta
	wheel *wheel // nil until a key has a deadline

	large     []*Large // large values by number
	freeLarge []uint32
	owned     int64 // bytes of them
	sweep     int   // number where compaction goes on

	accounted int64
	held      int64        // the same for resident() and shard.resident
	keys      atomic.Int64 // written under the lock
	expires   atomic.Int64 // timed entries
}

// arenaShare is the address space for each arena of a store, in bytes: all that may ever be needed
// get the same, so that the last database of the last shard finds its own.
func arenaShare(shards int, space int64) (int, error) {
	// Of entries and of tables for each database, and one of large values.
	arenas := int64(shards) * (2*Databases + 1)
	if space/arenas < slab.LeastBytes {
		return 0, fmt.Errorf("address space is limited (ulimit -v) so that %d MiB are left for "+
			"the store; with %d shards it takes %d MiB: lift the limit or take fewer shards",
			space>>20, shards, arenas*slab.LeastBytes>>20)
	}
	return int(min(space/arenas, slab.MaxBytes)), nil
}

// newArena reserves the address space of one arena. It was made sure of when the store was made;
// a system that refuses it now cannot run the store at all.
func newArena(share int) *slab.Arena {
	a, err := slab.New(share)
	if err != nil {
		panic("kv: " + err.Error())
	}
	return a
}

func (s *Store) newSpace(sh *shard, db uint8) *space {
	sp := &space{store: s, shard: sh, db: db, arena: newArena(s.share)}
	sp.index.arena = newArena(s.share)
	sp.order = order.New(sp)
	return sp
}

// close gives all memory back. Large values that readers retain live on in the shard's heap.
func (sp *space) close() {
	for _, l := range sp.large {
		if l != nil {
			l.drop()
		}
	}
	sp.shard.memory.Add(-sp.accounted)
	sp.shard.resident.Add(-sp.held)
	sp.arena.Close()
	sp.index.arena.Close()
}

func (sp *space) head(ref slab.Ref) *head { return (*head)(sp.arena.Ptr(ref)) }

// Key is the key of entry ref, for the order.
func (sp *space) Key(ref uint32) []byte { return sp.head(ref).key() }

func (sp *space) hash(ref slab.Ref) uint64 { return sp.store.hash.of(sp.Key(ref)) }

func (sp *space) find(h uint64, key []byte) slab.Ref { return sp.index.find(sp.arena, h, key) }

func (sp *space) value(h *head) []byte {
	if h.large() {
		return sp.largeOf(h).bytes
	}
	return h.inline()
}

// add makes a new entry, complete but for its value and timer, known to index and order.
func (sp *space) add(hash uint64, ref slab.Ref, h *head) {
	sp.index.insert(hash, ref, sp)
	h.meta |= inDelta
	sp.delta.add(ref)
	sp.keys.Add(1)
	if sp.delta.n >= mostDelta {
		sp.merge()
	}
}

// remove takes an entry out of everything and frees it.
func (sp *space) remove(hash uint64, ref slab.Ref) {
	h := sp.head(ref)
	if h.timed() {
		sp.stop(h)
	}
	if h.large() {
		sp.dropLarge(h)
	}
	sp.index.remove(hash, ref)
	if h.meta&inDelta != 0 {
		sp.delta.remove(ref)
	} else {
		sp.order.Delete(ref)
	}
	sp.arena.Free(ref)
	sp.keys.Add(-1)
}

// start sets the deadline of a timed entry that has no running timer.
func (sp *space) start(ref slab.Ref, h *head, deadline, now int64) {
	if sp.wheel == nil {
		sp.wheel = &wheel{now: uint64(max(now, 0)) >> tickShift}
	}
	h.timer().setDeadline(deadline)
	sp.schedule(ref, h)
	sp.expires.Add(1)
}

// stop takes the timer of an entry out of the wheel.
func (sp *space) stop(h *head) {
	sp.cancel(h)
	sp.expires.Add(-1)
}

// replace makes everything point to ref, where the entry of old was copied to. Both must still be
// readable. The timer must not be running, or have been moved.
func (sp *space) replace(hash uint64, old, ref slab.Ref) {
	sp.index.replace(hash, old, ref)
	if sp.head(ref).meta&inDelta != 0 {
		sp.delta.replace(old, ref)
	} else {
		sp.order.Replace(old, ref)
	}
}

// merge moves the whole delta to the order.
func (sp *space) merge() {
	batch := sp.shard.batch[:0]
	for _, ref := range sp.delta.table {
		if ref != 0 {
			batch = append(batch, ref)
		}
	}
	sp.delta.clear()
	sp.admit(batch)
}

// admit puts refs, no longer in the delta, into the order. It reorders them.
func (sp *space) admit(refs []slab.Ref) {
	for _, ref := range refs {
		sp.head(ref).meta &^= inDelta
	}
	sp.order.Sort(refs)
	sp.order.InsertSorted(refs)
	sp.shard.batch = refs
}

// indexBytes is the memory of everything but the entries and large values.
func (sp *space) indexBytes() int64 {
	n := sp.index.bytes() + sp.order.Bytes() + sp.delta.bytes()
	if sp.wheel != nil {
		n += int64(unsafe.Sizeof(*sp.wheel))
	}
	return n
}

func (sp *space) memory() int64 {
	return sp.arena.Live() + sp.arena.Overhead() + sp.indexBytes() + sp.owned +
		int64(cap(sp.large))*8 + int64(cap(sp.freeLarge))*4 + int64(unsafe.Sizeof(*sp))
}

// account publishes what the space's memory has become.
func (sp *space) account() {
	m := sp.memory()
	if m != sp.accounted {
		sp.shard.memory.Add(m - sp.accounted)
		sp.accounted = m
	}
	// Tables in the Go heap are resident as they are, arenas by what they touched.
	r := m - sp.owned - sp.arena.Live() - sp.index.arena.Live() +
		sp.arena.Resident() + sp.index.arena.Resident()
	if r != sp.held {
		sp.shard.resident.Add(r - sp.held)
		sp.held = r
	}
	if sp.full() {
		sp.store.markFull()
	}
}

// full says that the address space of an arena is nearly used up.
func (sp *space) full() bool {
	return sp.arena.Full() || sp.index.arena.Full() || sp.shard.heap.full.Load()
}
