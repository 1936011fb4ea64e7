package kv

import (
	"math/rand/v2"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

const (
	evictHold = 32 // keys evicted under one lock

	// Kept free of the limit, so that a step of the tables' growth does not pass it: the order
	// grows by up to 40 KiB. Of a small limit it is a share only.
	reserveMost  = 128 << 10
	reserveShare = 16
)

// SetMemoryLimit changes limit (bytes; 0 = none) and policy of a running store.
func (s *Store) SetMemoryLimit(bytes int64, p Policy) {
	s.policy.Store(uint32(p))
	s.frequency.Store(p.frequency())
	s.limit.Store(max(bytes, 0))
}

// MemoryLimit is the current limit and policy.
func (s *Store) MemoryLimit() (int64, Policy) {
	return s.limit.Load(), Policy(s.policy.Load())
}

// markFull says that an arena is nearly out of address space: nothing may grow then.
func (s *Store) markFull() {
	if !s.full.Load() {
		s.full.Store(true)
	}
}

// MakeRoom evicts, by the policy, until need more bytes fit. ErrMemory when they cannot.
// The caller holds no lock. Without a limit it costs two atomic loads.
//
// What counts is Stats.Memory without the values that only readers retain: evicting keys would
// not free those. When the address space of a shard is nearly used up (32 GiB; less with many
// shards or where the system limits it) there is no room under any policy.
func (s *Store) MakeRoom(need int, now int64) error {
	if s.full.Load() {
		return ErrMemory
	}
	limit, p := s.MemoryLimit()
	if limit == 0 {
		return nil
	}
	most := limit - int64(need) - min(limit/reserveShare, reserveMost)
	used := s.used()
	if used <= most {
		return nil
	}
	s.sawMemory(used)
	if p == NoEviction || most < s.base+s.others() || s.frozen(MaxKeyBytes) {
		return ErrMemory // the second: all keys would go in vain
	}
	return s.evict(most, p, now)
}

// Beside makes the memory of others count towards the limit: bytes tells how much they hold, at
// any time and without locks. Call it before anybody uses the store.
func (s *Store) Beside(bytes func() int64) { s.beside = bytes }

// others is the memory that stores beside this one hold.
func (s *Store) others() int64 {
	if s.beside == nil {
		return 0
	}
	return s.beside()
}

// used is the memory that eviction can change, and what others hold beside it.
func (s *Store) used() int64 {
	n := s.base + s.others()
	for i := range s.shards {
		n += s.shards[i].memory.Load() + s.shards[i].heap.overhead.Load()
	}
	return n
}

// evict goes round the shards until no more than most bytes are used.
func (s *Store) evict(most int64, p Policy, now int64) error {
	for vain := 0; vain < len(s.shards); {
		over := s.used() - most
		if over <= 0 {
			return nil
		}
		shard := uint64(s.turn.Add(1)) & s.mask
		if s.evictFrom(shard, over, p, now) {
			vain = 0
		} else {
			vain++
		}
	}
	return ErrMemory
}

// evictFrom evicts a few keys of one shard, at most about over bytes of them, and says whether
// there were any.
func (s *Store) evictFrom(shard uint64, over int64, p Policy, now int64) (any bool) {
	var t Tx
	s.Begin(&t, now)
	t.shards.Add(shard)
	t.Lock()
	defer t.Unlock()
	sh := &s.shards[shard]
	until := sh.memory.Load() - over
	for range evictHold {
		sp, ref := s.victim(sh, p, now)
		if ref == 0 {
			return any
		}
		if s.frozen(len(t.effects.Bytes) + len(sp.Key(ref))) {
			return any
		}
		t.Apply(effect.Effect{Kind: effect.Evict, DB: sp.db, Key: sp.Key(ref)})
		any = true
		if sh.memory.Load() <= until {
			return any
		}
	}
	return any
}

// victim chooses among a few samples the key of a shard that is to go.
func (s *Store) victim(sh *shard, p Policy, now int64) (*space, slab.Ref) {
	var best *space
	var ref slab.Ref
	var worst int64
	for range s.samples {
		sp := sh.someSpace(p.volatile())
		if sp == nil {
			return nil, 0
		}
		var r slab.Ref
		switch {
		case p == VolatileTTL:
			r = sp.soonest(s.samples)
		case p.volatile():
			r = sp.sampleTimed()
		default:
			r = sp.sample()
		}
		if r == 0 {
			continue
		}
		if score := sp.head(r).score(p, now); ref == 0 || score > worst {
			best, ref, worst = sp, r, score
		}
		if p == AllKeysRandom || p == VolatileRandom {
			break
		}
	}
	return best, ref
}

// score says how willingly an entry is evicted.
func (h *head) score(p Policy, now int64) int64 {
	switch {
	case p == VolatileTTL:
		return -h.deadline()
	case p.frequency():
		h.decay(now)
		return -int64(h.access[0])
	}
	return h.idle(now, false)
}

// someSpace chooses a database by the number of its keys, or of those with a deadline.
func (sh *shard) someSpace(volatile bool) *space {
	var count [Databases]int64
	var all int64
	for db := range sh.db {
		if sp := sh.db[db].Load(); sp != nil {
			count[db] = sp.keys.Load()
			if volatile {
				count[db] = sp.expires.Load()
			}
			all += count[db]
		}
	}
	if all == 0 {
		return nil
	}
	n := rand.Int64N(all)
	for db := range sh.db {
		if n -= count[db]; n < 0 {
			return sh.db[db].Load()
		}
	}
	return nil
}
