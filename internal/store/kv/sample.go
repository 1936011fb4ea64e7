package kv

import (
	"math/rand/v2"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

const (
	fewKeys     = 64 // up to so many keys are counted out, which is exactly uniform
	sampleTries = 64 // slots looked at: with a third of them full, failure is 1 in 10^11
	randomTries = 100
)

// sample returns some entry, each about equally likely, or 0 when there is none.
func (sp *space) sample() slab.Ref {
	n := sp.keys.Load()
	if n == 0 {
		return 0
	}
	if n <= fewKeys {
		return sp.index.nth(int(rand.Int64N(n)))
	}
	for range sampleTries {
		r := rand.Uint64()
		table := sp.index.segment(r).table
		if ref := table[home(r, len(table))].refs[r&0xFFFF*slots>>16]; ref != 0 {
			return ref
		}
	}
	return sp.index.nth(0)
}

// nth returns the n-th ref in the order of the tables.
func (x *index) nth(n int) slab.Ref {
	for i := range x.segs {
		for j := range x.segs[i].table {
			for _, ref := range x.segs[i].table[j].refs {
				if ref == 0 {
					continue
				}
				if n--; n < 0 {
					return ref
				}
			}
		}
	}
	return 0
}

// sampleTimed returns some entry with a deadline, or 0 when there is none. Where such entries are
// rare it looks into the wheel: a random list, and in it one of the first entries, which is not
// uniform but never in vain.
func (sp *space) sampleTimed() slab.Ref {
	n := sp.expires.Load()
	if n == 0 {
		return 0
	}
	if n*8 >= sp.keys.Load() {
		for range 16 {
			if ref := sp.sample(); ref != 0 && sp.head(ref).timed() {
				return ref
			}
		}
	}
	skip := rand.IntN(levels * fan)
	for i := range levels * fan {
		list := (i + skip) % (levels * fan)
		if ref := sp.wheel.first[list]; ref != 0 {
			return sp.along(ref, rand.IntN(16))
		}
	}
	return 0
}

// along follows a list of the wheel for n steps, or to its end.
func (sp *space) along(ref slab.Ref, n int) slab.Ref {
	for ; n > 0; n-- {
		next := sp.head(ref).timer().next
		if next == 0 {
			break
		}
		ref = next
	}
	return ref
}

// soonest returns the entry with the earliest deadline among the first of the list due first.
func (sp *space) soonest(samples int) slab.Ref {
	if sp.wheel == nil || sp.wheel.count == 0 {
		return 0
	}
	list, _ := sp.wheel.next()
	best := sp.wheel.first[list]
	for ref := best; ref != 0 && samples > 0; samples-- {
		if sp.head(ref).deadline() < sp.head(best).deadline() {
			best = ref
		}
		ref = sp.head(ref).timer().next
	}
	return best
}

// Random returns some live key of db, each about equally likely. All shards must be locked.
func (t *Tx) Random(db uint8) (Entry, bool) {
	t.needAll()
	for range randomTries {
		n := t.s.Count(db)
		if n == 0 {
			return Entry{}, false
		}
		n = rand.Int64N(n)
		for i := range t.s.shards {
			sp := t.s.shards[i].db[db].Load()
			if sp == nil {
				continue
			}
			if n -= sp.keys.Load(); n >= 0 {
				continue
			}
			ref := sp.sample()
			h := sp.head(ref)
			if t.replay || !h.expired(t.now) {
				return Entry{h, sp, ref}, true
			}
			if !t.s.frozen(len(h.key())) {
				t.Apply(effect.Effect{Kind: effect.Expire, DB: db, Key: h.key()})
			}
			break
		}
	}
	var found Entry
	t.Scan(db, Range{}, func(e Entry) bool { // nearly all have expired: take the first that lives
		found = e
		return false
	})
	return found, found.h != nil
}
