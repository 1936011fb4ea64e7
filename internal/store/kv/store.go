package kv

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/shards"
	"github.com/synapdb/synap/internal/store/slab"
)

const defaultSamples = 5

// Store is a set of databases of keys. It is safe for concurrent use through Tx.
type Store struct {
	hash    hasher
	shards  []shard // power of two; lock order: ascending index
	mask    uint64
	samples int
	share   int // address space of an arena, in bytes

	limit     atomic.Int64  // bytes; 0 = none
	policy    atomic.Uint32 // Policy
	frequency atomic.Bool   // the policy counts frequency
	full      atomic.Bool   // an arena's address space is nearly used up
	peak      atomic.Int64
	turn      atomic.Uint32 // shard that is to evict next
	base      int64         // bytes of the store itself
	beside    func() int64  // bytes of other stores, or nil

	mergers  sync.Pool // of *merger
	maintain maintainer

	journal effect.Journal // nil: changes are not recorded
	swaps   atomic.Uint64

	observer Observer
	observed atomic.Bool
	telling  sync.Mutex // after the shards' locks: see handOnAndTell
}

// shard is one lock and what it guards.
type shard struct {
	mu sync.Mutex

	// Written under mu, read by anyone.
	db       [Databases]atomic.Pointer[space]
	memory   atomic.Int64 // bytes in use, retained values that have no key excepted
	resident atomic.Int64 // bytes with memory behind them, large values excepted
	count    counters

	// Under mu.
	batch   []uint32             // scratch for merging
	scratch []byte               // for the record of a Tx
	asked   []byte               // a key that the observer is asked about
	loading *[Databases]*loading // spaces of an Import, else nil
	moves   [moveBatch]uint32
	watched watched

	heap heap // of large values, with a lock of its own

	_ [64]byte // keeps the next shard's lock off this cache line
}

// counters are a shard's share of Stats.
type counters struct{ hits, misses, expired, evicted, sets, dels atomic.Int64 }

// New makes a store. It fails if the options are out of bounds, or the process' address space.
func New(o Options) (*Store, error) {
	if o.Shards == 0 {
		o.Shards = 1
		for o.Shards < min(4*runtime.GOMAXPROCS(0), shards.Most) {
			o.Shards *= 2
		}
	}
	if o.Shards < 0 || o.Shards > shards.Most || o.Shards&(o.Shards-1) != 0 {
		return nil, fmt.Errorf("shards must be a power of two up to %d, not %d",
			shards.Most, o.Shards)
	}
	if o.MaxMemory < 0 || o.Samples < 0 || o.Policy > VolatileTTL {
		return nil, fmt.Errorf("memory limit %d, policy %d or samples %d out of bounds",
			o.MaxMemory, o.Policy, o.Samples)
	}
	if o.Samples == 0 {
		o.Samples = defaultSamples
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64() | 1
	}
	share, err := arenaShare(o.Shards, slab.Space())
	if err != nil {
		return nil, err
	}
	s := &Store{hash: newHasher(o.Seed), shards: make([]shard, o.Shards), samples: o.Samples}
	s.mask, s.share = uint64(o.Shards-1), share
	for i := range s.shards {
		s.shards[i].heap.share = share
	}
	s.base = int64(unsafe.Sizeof(*s)) + int64(o.Shards)*int64(unsafe.Sizeof(shard{}))
	s.SetMemoryLimit(o.MaxMemory, o.Policy)
	return s, nil
}

// Seed is the seed of the hash; a store with the same seed and number of shards puts every key
// into the same shard.
func (s *Store) Seed() uint64 { return s.hash.seed }

// Shards is the number of shards.
func (s *Store) Shards() int { return len(s.shards) }

// Close gives the memory back. No Tx may be open. Retained large values stay readable.
func (s *Store) Close() error {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for db := range sh.db {
			if sp := sh.db[db].Swap(nil); sp != nil {
				sp.close()
			}
		}
		if sh.loading != nil {
			for _, l := range sh.loading {
				if l != nil {
					l.sp.close()
				}
			}
			sh.loading = nil
		}
		sh.heap.close()
		sh.mu.Unlock()
	}
	return nil
}

// space returns the space of a database, making it if there is none. The shard is locked.
func (s *Store) space(sh *shard, db uint8) *space {
	sp := sh.db[db].Load()
	if sp == nil {
		sp = s.newSpace(sh, db)
		sh.db[db].Store(sp)
	}
	return sp
}

// Count is the number of keys of db, expired ones not yet collected included.
func (s *Store) Count(db uint8) int64 { return s.DB(db).Keys }

// DB describes database db.
func (s *Store) DB(db uint8) DBStats {
	var d DBStats
	for i := range s.shards {
		if sp := s.shards[i].db[db].Load(); sp != nil {
			d.Keys += sp.keys.Load()
			d.Expires += sp.expires.Load()
		}
	}
	return d
}

// Stats reads the counters.
func (s *Store) Stats() Stats {
	st := Stats{Memory: s.base, Resident: s.base}
	for i := range s.shards {
		sh := &s.shards[i]
		for db := range sh.db {
			if sp := sh.db[db].Load(); sp != nil {
				st.Keys += sp.keys.Load()
			}
		}
		st.Memory += sh.memory.Load() + sh.heap.orphans.Load() + sh.heap.overhead.Load()
		st.Resident += sh.resident.Load() + sh.heap.resident.Load() + sh.heap.overhead.Load()
		st.Hits += sh.count.hits.Load()
		st.Misses += sh.count.misses.Load()
		st.Expired += sh.count.expired.Load()
		st.Evicted += sh.count.evicted.Load()
		st.Sets += sh.count.sets.Load()
		st.Dels += sh.count.dels.Load()
	}
	st.Gets = st.Hits + st.Misses
	s.sawMemory(st.Memory + s.others())
	st.Peak = s.peak.Load()
	return st
}

func (s *Store) sawMemory(bytes int64) {
	for {
		peak := s.peak.Load()
		if bytes <= peak || s.peak.CompareAndSwap(peak, bytes) {
			return
		}
	}
}

// ResetStats zeroes the counters that CONFIG RESETSTAT zeroes: all but Keys and memory.
func (s *Store) ResetStats() {
	for i := range s.shards {
		c := &s.shards[i].count
		for _, n := range []*atomic.Int64{
			&c.hits, &c.misses, &c.expired, &c.evicted, &c.sets, &c.dels,
		} {
			n.Store(0)
		}
	}
}
