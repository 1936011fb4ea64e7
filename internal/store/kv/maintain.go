package kv

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// The store does not ask the time, so the cost of background work is estimated: nanoseconds per
// item, measured on a 2-core machine and rounded up.
const (
	costVisit  = 300  // locking a shard and finding nothing to do
	costExpire = 1500 // one key
	costDeal   = 400  // one timer dealt to a lower level of the wheel
	costMerge  = 600  // one key moved from the delta to the order
	costMove   = 1000 // one block moved by compaction
	costTrim   = 100  // one KiB given back to the system

	mostHold  = 100_000 // estimated ns of work under one lock
	moveBatch = 32
	trimBatch = 512 << 10 // bytes
	keepIdle  = 1 << 20   // bytes of free memory an arena keeps, or an eighth of its live ones
)

// maintainer is the state between calls of Maintain. There is one caller at a time.
type maintainer struct{ next int }

// Maintain does due background work (expiry, merging new keys into the order, compaction) for at
// most about budget microseconds and says whether more is waiting. One caller at a time. The
// time is an estimate from the amount of work. No shard is locked for more than about 100 µs.
func (s *Store) Maintain(now int64, budgetMicros int64) (more bool) {
	s.sawMemory(s.used())
	budget := budgetMicros * 1000
	idle := 0
	for budget > 0 && idle < len(s.shards) {
		left := min(budget, mostHold)
		before := left
		if s.maintainShard(uint64(s.maintain.next), now, &left) {
			idle = 0
		} else {
			idle++
		}
		budget -= before - left + costVisit
		s.maintain.next = (s.maintain.next + 1) % len(s.shards)
	}
	s.clearFull()
	_ = s.MakeRoom(0, now) // merging may have taken memory; that nothing can go is no failure here
	return idle < len(s.shards)
}

// clearFull finds out whether the arenas have room again.
func (s *Store) clearFull() {
	if !s.full.Load() {
		return
	}
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for db := range sh.db {
			if sp := sh.db[db].Load(); sp != nil && sp.full() {
				sh.mu.Unlock()
				return
			}
		}
		sh.mu.Unlock()
	}
	s.full.Store(false)
}

// maintainShard works on one shard for about *budget ns and says whether more is waiting there.
func (s *Store) maintainShard(shard uint64, now int64, budget *int64) (more bool) {
	var t Tx
	s.Begin(&t, now)
	t.declare(shard)
	t.Lock()
	defer t.Unlock()
	sh := &s.shards[shard]
	for db := range sh.db {
		sp := sh.db[db].Load()
		if sp == nil {
			continue
		}
		t.expireDue(sp, budget)
		if sp.keys.Load() == 0 {
			t.drop(sh, uint8(db))
			continue
		}
		if n := int64(sp.delta.n); n > 0 {
			sp.merge()
			*budget -= n * costMerge
		}
		sp.compact(budget)
		sp.trim(budget)
		sp.account()
		if *budget <= 0 {
			return true
		}
	}
	return sh.heap.trim(keepIdle, trimBatch)
}

// expireDue collects keys whose deadline has passed.
func (t *Tx) expireDue(sp *space, budget *int64) {
	if sp.wheel == nil {
		return
	}
	for *budget > 0 {
		work := int(*budget/costDeal) + 1
		before := work
		ref := sp.due(t.now, &work)
		*budget -= int64(before-work) * costDeal
		if ref == 0 {
			return
		}
		t.Apply(effect.Effect{Kind: effect.Expire, DB: sp.db, Key: sp.Key(ref)})
		*budget -= costExpire
	}
}

// compact moves entries out of sparse slabs.
func (sp *space) compact(budget *int64) {
	for *budget > 0 {
		refs := sp.arena.Drain(sp.shard.moves[:0])
		if len(refs) == 0 {
			return
		}
		for _, ref := range refs {
			sp.move(ref)
		}
		*budget -= int64(len(refs)) * costMove
	}
}

// move puts an entry into another block of the same size.
func (sp *space) move(ref slab.Ref) {
	h := sp.head(ref)
	to := sp.arena.Alloc(sp.arena.Size(ref))
	copy(sp.arena.Bytes(to), sp.arena.Bytes(ref)[:h.size()])
	if h.timed() {
		sp.moved(to, h)
	}
	sp.replace(sp.hash(ref), ref, to)
	sp.arena.Free(ref)
}

// trim gives idle memory back to the system.
func (sp *space) trim(budget *int64) {
	for _, a := range []*slab.Arena{sp.arena, sp.index.arena} {
		before := a.Resident()
		a.Trim(max(keepIdle, a.Live()/8), trimBatch)
		*budget -= (before - a.Resident()) >> 10 * costTrim
	}
}
