package shards

import (
	"math"
	"sync/atomic"

	"github.com/synapdb/synap/internal/store/slab"
)

// The stores do not ask the time, so the cost of background work is estimated: nanoseconds per
// item, measured on a 2-core machine and rounded up.
const (
	costVisit = 500 // locking a shard and finding nothing to do
	costMove  = 800 // one block moved by compaction, and 1 for every 4 bytes
	costTrim  = 100 // one KiB given back to the system

	mostHold  = 100_000   // estimated ns of work under one lock
	moveBatch = 32        // blocks
	trimBatch = 512 << 10 // bytes
)

// Upkeep is when background work on the shards is due next, and whose turn it is. Never, before
// the first Promise, is set by Reset.
type Upkeep struct {
	promised atomic.Int64 // ms since the Unix epoch; MaxInt64: never
	turn     int          // the shard that the next Round begins with
}

// Reset makes nothing due.
func (u *Upkeep) Reset() { u.promised.Store(math.MaxInt64) }

// Promise lowers the moment when Round is to be called to at (ms since the Unix epoch), and says
// whether that was needed.
func (u *Upkeep) Promise(at int64) bool {
	for {
		old := u.promised.Load()
		if at >= old {
			return false
		}
		if u.promised.CompareAndSwap(old, at) {
			return true
		}
	}
}

// Round gives each of so many shards a turn, one after the other, for about budget microseconds
// together. work gets ns that it may hold the shard's lock, at least least of them, and returns
// when the shard is to be looked at again (MaxInt64: never) and what it left, below 0 if it took
// more. Round returns when it is to be called again: now if there is more, 0 if nothing is ever
// due. One caller at a time.
func (u *Upkeep) Round(shards int, now, budget, least int64,
	work func(shard int, hold int64) (next, left int64),
) (next int64) {
	u.Reset() // what is promised meanwhile counts
	left := budget * 1000
	at := int64(math.MaxInt64)
	for range shards {
		if left <= 0 {
			at = now
			break
		}
		hold := min(max(left, least), mostHold)
		due, rest := work(u.turn, hold)
		left -= hold + costVisit - max(rest, 0)
		at = min(at, due)
		u.turn = (u.turn + 1) % shards
	}
	u.Promise(at)
	if at = u.promised.Load(); at == math.MaxInt64 {
		return 0
	}
	return max(at, now)
}

// Tidy moves blocks out of sparse slabs of an arena and gives memory back that is idle beyond keep
// bytes, for about *budget ns. move puts a block into another one of the same size, and frees it.
// It says whether there is more to do.
func Tidy(a *slab.Arena, keep int64, budget *int64, move func(slab.Ref)) (more bool) {
	var batch [moveBatch]slab.Ref
	for *budget > 0 {
		refs := a.Drain(batch[:0])
		if len(refs) == 0 {
			break
		}
		cost := int64(costMove + a.Size(refs[0])/4) // all of one slab
		for _, ref := range refs {
			move(ref)
			if *budget -= cost; *budget <= 0 {
				break
			}
		}
	}
	before := a.Resident()
	more = a.Trim(keep, trimBatch)
	*budget -= (before - a.Resident()) >> 10 * costTrim
	return more || *budget <= 0
}
