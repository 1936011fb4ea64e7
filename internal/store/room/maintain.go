package room

import (
	"math"

	"github.com/synapdb/synap/internal/store/shards"
)

// The store does not ask the time, so the cost of background work is estimated: nanoseconds per
// item, measured on a 2-core machine and rounded up.
const (
	costLook = 150 // one room, cold
	costTrim = 3000

	keepIdle    = 512 << 10 // bytes of free memory an arena keeps, or a 32nd of its live ones
	upkeepPause = 1000      // ms from the first block freed until memory is looked after
	frozenPause = 100       // ms until the journal is asked again
)

// nextDue is when something is due in the shard, MaxInt64 if nothing ever is.
func (sh *shard) nextDue() int64 {
	if sh.freed {
		return min(sh.due, sh.upkeep)
	}
	return sh.due
}

// Maintain does what has come due by now (ms since the Unix epoch): events go that are too old,
// and rooms that nobody uses; and upkeep of memory. It takes about budget microseconds and returns
// when it should be called again: now if there is more, 0 if nothing is ever due. One caller at a
// time.
func (s *Store) Maintain(now, budget int64) (next int64) {
	return s.upkeep.Round(len(s.shards), now, budget, costTrim,
		func(shard int, hold int64) (next, left int64) {
			next = s.maintainShard(&s.shards[shard], now, &hold)
			return next, hold
		})
}

// maintainShard works on one shard for about *budget ns and returns when it has to be looked at
// again.
func (s *Store) maintainShard(sh *shard, now int64, budget *int64) (next int64) {
	var t Tx
	s.Begin(&t, now)
	t.silent = true
	t.shards.Add(sh.number)
	t.Lock()
	defer t.Unlock()
	frozen := t.frozen()
	if sh.due <= now && !frozen {
		t.sweep(sh, budget)
	}
	if sh.freed && sh.upkeep <= now {
		sh.tidy(budget)
	}
	if next = sh.nextDue(); frozen && next <= now {
		return now + frozenPause
	}
	return next
}

// sweep looks at the rooms of a shard for about *budget ns. Where it stops it goes on next time.
func (t *Tx) sweep(sh *shard, budget *int64) {
	for ; sh.swept < len(sh.slots); sh.swept++ {
		if *budget <= 0 || len(t.effects.Bytes) > recordBytes {
			return
		}
		*budget -= costLook
		r := sh.slots[sh.swept]
		switch {
		case r == nil:
		case t.abandoned(r):
			*budget -= costTrim
			t.discard(r)
		default:
			if first := r.first; r.first < r.next {
				if t.retain(r); r.first > first {
					*budget -= costTrim
				}
			}
		}
	}
	sh.swept = 0
	if sh.due = math.MaxInt64; len(sh.rooms) > 0 {
		sh.due = t.now + t.s.sweep
	}
}

// abandoned says whether nobody has used a room for so long that it is to go.
func (t *Tx) abandoned(r *room) bool {
	return t.s.inactive > 0 && r.audience == nil && t.now-r.active >= t.s.inactive
}

// Recovered ends a recovery at now (ms since the Unix epoch): what nobody could use meanwhile
// counts as used now, and age is looked at. Call it after SetJournal and before anybody uses the
// store.
func (s *Store) Recovered(now int64) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		sh.clock = now
		for _, r := range sh.rooms {
			r.active = max(r.active, now)
		}
		if len(sh.rooms) > 0 {
			sh.due = now
			s.upkeep.Promise(now)
		}
		sh.mu.Unlock()
	}
}

// tidy looks after memory, for about *budget ns. The locked shard's freed says afterwards whether
// there is more to do.
func (sh *shard) tidy(budget *int64) {
	sh.freed = sh.arena != nil &&
		shards.Tidy(sh.arena, max(keepIdle, sh.arena.Live()/32), budget, sh.move)
}

// move puts a segment's block into another one of the same size.
func (sh *shard) move(ref uint32) {
	to := sh.arena.Alloc(sh.arena.Size(ref))
	copy(sh.arena.Bytes(to), sh.arena.Bytes(ref))
	r := sh.slots[*(*uint64)(sh.arena.Ptr(to))]
	for i := range r.segs {
		if g := &r.segs[i]; g.ref == ref && !g.isLarge() {
			g.ref = to
			break
		}
	}
	sh.arena.Free(ref)
}
