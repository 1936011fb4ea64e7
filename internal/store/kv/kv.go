package kv

import (
	"errors"

	"github.com/synapdb/synap/internal/effect"
)

// Limits of one entry.
const (
	// MaxKeyBytes bounds a key.
	MaxKeyBytes = 65535
	// MaxValueBytes bounds a value.
	MaxValueBytes = 512 << 20
	// Databases is the number of logical databases.
	Databases = 16
)

// Type is what kind of value a key holds.
type Type uint8

// The types of value.
const (
	String Type = iota
)

// Policy says which keys make room when memory is full.
type Policy uint8

// The policies, named as in Redis.
const (
	NoEviction Policy = iota
	AllKeysLRU
	AllKeysLFU
	AllKeysRandom
	VolatileLRU
	VolatileLFU
	VolatileRandom
	VolatileTTL
)

// volatile says whether only keys with a deadline may be evicted.
func (p Policy) volatile() bool { return p >= VolatileLRU }

// frequency says whether keys count how often they are used, not when.
func (p Policy) frequency() bool { return p == AllKeysLFU || p == VolatileLFU }

// ErrMemory says that the memory limit is reached and nothing may be evicted.
var ErrMemory = errors.New("memory limit reached")

// Options configures a store.
type Options struct {
	Shards    int    // power of two, 1..256; 0 = 4 × cores
	MaxMemory int64  // bytes; 0 = unlimited
	Policy    Policy // what MakeRoom may evict
	Samples   int    // keys looked at per eviction; 0 = 5
	Seed      uint64 // of the hash; 0 = random
}

// Stats is a reading of a store's counters. All but Keys and those of memory are since start or
// ResetStats. It is exact while no one writes.
type Stats struct {
	Keys int64
	// Memory is bytes in use over all components: blocks of keys and values (each with the size
	// of its class), hash index, order, timers, large values, also those deleted but still
	// retained by a reader, and the tables that describe them.
	Memory int64
	// Resident is bytes that have memory behind them: Memory, and freed blocks not yet given
	// back to the system. What the Go runtime needs comes on top.
	Resident int64
	// Peak is the highest Memory, and what others held beside it, that Stats, MakeRoom and
	// Maintain saw.
	Peak    int64
	Hits    int64
	Misses  int64
	Expired int64
	Evicted int64
	Gets    int64 // Hits + Misses
	Sets    int64 // Set and Patch effects
	Dels    int64 // keys removed by Delete effects
}

// DBStats describes one logical database.
type DBStats struct{ Keys, Expires int64 }

// valid says whether the entry that e asks for could be stored.
func valid(e *effect.Effect) bool {
	return len(e.Key) <= MaxKeyBytes && e.Offset >= 0 && e.Offset <= MaxValueBytes &&
		len(e.Value) <= MaxValueBytes-e.Offset
}
