package kv

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// The store does not ask the time, so the cost of background work is estimated: nanoseconds per
// item, measured on a 2-core machine and rounded up.
const (
	costVisit  = 300  // locking a shard and finding nothing to do
	costSpace  = 500  // the same for each database it holds
	costExpire = 1500 // one key
	costDeal   = 400  // one timer dealt to a lower level of the wheel
	costMerge  = 600  // one key moved from the delta to the order
	costMove   = 1300 // one block moved by compaction, and 1 for every 4 bytes
	costTrim   = 100  // one KiB given back to the system

	mostHold  = 100_000 // estimated ns of work under one lock
	leastHold = 20_000  // enough to look at every database: the budget may be passed by so much
	moveBatch = 32
	sweepMost = 64        // large values looked at in one visit
	trimBatch = 512 << 10 // bytes
	keepIdle  = 1 << 20   // bytes of free memory an arena keeps, or an eighth of its live ones
)

// maintainer is the state between calls of Maintain. There is one caller at a time.
type maintainer struct {
	next  int // shard
	first int // database to begin with: it changes with every round, so that none has to starve
	idle  int // shards in turn that had nothing to do
}

// Maintain does due background work (expiry, merging new keys into the order, compaction) for at
// most about budget microseconds and says whether more is waiting. One caller at a time. The
// time is an estimate from the amount of work. No shard is locked for more than about 100 µs.
func (s *Store) Maintain(now int64, budgetMicros int64) (more bool) {
	s.sawMemory(s.used())
	budget := budgetMicros * 1000
	m := &s.maintain
	for budget > 0 && m.idle < len(s.shards) {
		left := min(max(budget, leastHold), mostHold)
		before := left
		if s.maintainShard(uint64(m.next), now, &left) {
			m.idle = 0
		} else {
			m.idle++
		}
		budget -= before - left + costVisit
		if m.next = (m.next + 1) % len(s.shards); m.next == 0 {
			m.first = (m.first + 1) % Databases
		}
	}
	if more = m.idle < len(s.shards); !more {
		m.idle = 0
	}
	s.clearFull()
	_ = s.MakeRoom(0, now) // merging may have taken memory; that nothing can go is no failure here
	return more
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
	t.shards.Add(shard)
	t.Lock()
	defer t.Unlock()
	sh := &s.shards[shard]
	for i := range sh.db {
		db := uint8((i + s.maintain.first) % Databases)
		sp := sh.db[db].Load()
		if sp == nil {
			continue
		}
		if *budget <= 0 {
			return true
		}
		t.expireDue(sp, budget)
		if sp.keys.Load() == 0 {
			t.drop(sh, db)
			continue
		}
		if n := int64(sp.delta.n); n > 0 {
			sp.merge()
			*budget -= n * costMerge
		}
		sp.compact(budget)
		more = sp.compactLarge(budget) || more
		sp.trim(budget)
		sp.account()
		*budget -= costSpace
	}
	return sh.heap.trim(budget) || more || *budget <= 0
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
		if t.s.frozen(len(t.effects.Bytes) + len(sp.Key(ref))) {
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
		size := sp.arena.Size(refs[0]) // all of one slab
		for _, ref := range refs {
			sp.move(ref)
		}
		*budget -= int64(len(refs)) * int64(costMove+size/4)
	}
}

// compactLarge moves large values out of sparse slabs and says whether there were any. The heap
// does not know whose its blocks are, so it is the values that are gone through, a few at a time.
func (sp *space) compactLarge(budget *int64) (any bool) {
	if len(sp.large) == 0 || !sp.shard.heap.loose() {
		return false
	}
	for n := min(sweepMost, len(sp.large)); n > 0 && *budget > 0; n-- {
		sp.sweep = (sp.sweep + 1) % len(sp.large)
		l := sp.large[sp.sweep]
		if l == nil {
			continue
		}
		if size := sp.shard.heap.move(l); size > 0 {
			*budget -= int64(costMove + size/4)
			any = true
		}
	}
	return any
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
	for _, a := range [...]*slab.Arena{sp.arena, sp.index.arena} {
		before := a.Resident()
		a.Trim(max(keepIdle, a.Live()/8), trimBatch)
		*budget -= (before - a.Resident()) >> 10 * costTrim
	}
}
