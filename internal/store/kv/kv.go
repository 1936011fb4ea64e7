package kv

// PLACEHOLDER IMPLEMENTATION: a Go map behind the final API, so that the rooms above can be built
// at once. It is replaced by slabs, hash and ordered index.

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sort"
	"sync"
	"sync/atomic"

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

// Stats is a reading of a store's counters. All but Keys, Memory are since start or ResetStats.
type Stats struct {
	Keys    int64
	Memory  int64 // bytes, all components
	Peak    int64
	Hits    int64
	Misses  int64
	Expired int64
	Evicted int64
	Gets    int64
	Sets    int64
	Dels    int64
}

// DBStats describes one logical database.
type DBStats struct{ Keys, Expires int64 }

type node struct {
	key, val []byte
	flags    effect.Flag
	version  uint32
	deadline int64
	touched  int64
	watchers map[*Watcher]struct{}
}

// Store is a set of databases of keys. It is safe for concurrent use through Tx.
type Store struct {
	mu      sync.Mutex
	db      [Databases]map[string]*node
	watched map[string]map[*Watcher]struct{}
	opts    Options
	stats   Stats
}

// Watcher learns whether any of its keys changed. Make one per connection; zero value is ready.
type Watcher struct {
	dirty atomic.Bool
	keys  []string
}

// Dirty says whether a watched key changed since it was watched.
func (w *Watcher) Dirty() bool { return w.dirty.Load() }

// Empty says whether nothing is watched.
func (w *Watcher) Empty() bool { return len(w.keys) == 0 }

// New makes a store.
func New(o Options) (*Store, error) {
	s := &Store{opts: o, watched: map[string]map[*Watcher]struct{}{}}
	for i := range s.db {
		s.db[i] = map[string]*node{}
	}
	return s, nil
}

// Close gives the memory back. No Tx may be open.
func (s *Store) Close() error { return nil }

// Entry is a live key. It is valid only while the Tx that found it holds its locks, and until
// the next Apply to the same key.
type Entry struct{ n *node }

// Type is what the entry holds.
func (e Entry) Type() Type { return String }

// Key is a view of the key's bytes.
func (e Entry) Key() []byte { return e.n.key }

// Value is a view of the value's bytes.
func (e Entry) Value() []byte { return e.n.val }

// Len is the length of the value in bytes.
func (e Entry) Len() int { return len(e.n.val) }

// Large retains a value too big to be copied under a lock; ok is false for ordinary values.
func (e Entry) Large() (v *Large, ok bool) { return nil, false }

// Flags are the flags the value was stored with.
func (e Entry) Flags() effect.Flag { return e.n.flags }

// Version counts the changes of the key since its creation, from 1.
func (e Entry) Version() uint32 { return e.n.version }

// Deadline is when the key expires, in ms since the Unix epoch, or 0.
func (e Entry) Deadline() int64 { return e.n.deadline }

// Idle is the time since the last access, in ms, to the second or coarser.
func (e Entry) Idle(now int64) int64 { return max(now-e.n.touched, 0) }

// Frequency is the logarithmic access counter, 0..255.
func (e Entry) Frequency() uint8 { return 5 }

// Footprint is the number of bytes the key costs, all indexes included.
func (e Entry) Footprint() int { return 48 + len(e.n.key) + len(e.n.val) }

// Large is a retained big value; it stays readable until Release, whatever happens to its key.
type Large struct{ b []byte }

// Bytes is a view of the value.
func (l *Large) Bytes() []byte { return l.b }

// Release gives the value back. Call it once.
func (l *Large) Release() {}

// Tx locks the shards of declared keys. It is reused: Begin resets it. Not safe for concurrent use.
type Tx struct {
	s      *Store
	now    int64
	locked bool
}

// Begin starts t over the store, at now (ms since the Unix epoch), with nothing declared.
func (s *Store) Begin(t *Tx, now int64) { *t = Tx{s: s, now: now} }

// Declare adds a key to be locked. Call it before Lock.
func (t *Tx) Declare(db uint8, key []byte) {}

// DeclareAll adds every key. Call it before Lock.
func (t *Tx) DeclareAll() {}

// Lock takes the locks of all declared keys, in the one lock order.
func (t *Tx) Lock() { t.s.mu.Lock(); t.locked = true }

// Unlock ends the Tx.
func (t *Tx) Unlock() { t.s.mu.Unlock(); t.locked = false }

// Now is the time the Tx began with.
func (t *Tx) Now() int64 { return t.now }

// Get finds a live key, counts a hit or miss and marks it used. An expired key is removed first.
func (t *Tx) Get(db uint8, key []byte) (Entry, bool) {
	e, ok := t.Peek(db, key)
	t.s.stats.Gets++
	if ok {
		t.s.stats.Hits++
		e.n.touched = t.now
	} else {
		t.s.stats.Misses++
	}
	return e, ok
}

// Peek is Get without counting or marking: for writes and for looking at metadata.
func (t *Tx) Peek(db uint8, key []byte) (Entry, bool) {
	n := t.s.db[db][string(key)]
	if n == nil {
		return Entry{}, false
	}
	if n.deadline != 0 && n.deadline <= t.now {
		t.Apply(effect.Effect{Kind: effect.Expire, DB: db, Key: key})
		return Entry{}, false
	}
	return Entry{n}, true
}

// Touch marks an entry as just used.
func (t *Tx) Touch(e Entry) { e.n.touched = t.now }

func (t *Tx) dirty(db uint8, key string) {
	for w := range t.s.watched[string(rune(db))+key] {
		w.dirty.Store(true)
	}
}

// Apply changes the store. The key's shard must be locked. It fills in e.Version and returns it.
func (t *Tx) Apply(e effect.Effect) uint32 {
	m := t.s.db[e.DB]
	n := m[string(e.Key)]
	switch e.Kind {
	case effect.Set, effect.Patch:
		t.s.stats.Sets++
		if n == nil {
			n = &node{key: bytes.Clone(e.Key)}
			m[string(e.Key)] = n
		}
		n.version++
		if e.Kind == effect.Set {
			n.val, n.flags, n.deadline = append([]byte{}, e.Value...), e.Flags, e.Deadline
		} else {
			if need := e.Offset + len(e.Value); need > len(n.val) {
				n.val = append(n.val, make([]byte, need-len(n.val))...)
			}
			copy(n.val[e.Offset:], e.Value)
		}
		n.touched = t.now
		t.dirty(e.DB, string(e.Key))
		return n.version
	case effect.Delete, effect.Expire, effect.Evict:
		if n != nil {
			t.s.stats.Dels++
			delete(m, string(e.Key))
			t.dirty(e.DB, string(e.Key))
		}
	case effect.Deadline:
		if n != nil {
			n.deadline = e.Deadline
			n.version++
			t.dirty(e.DB, string(e.Key))
			return n.version
		}
	case effect.Flush:
		for k := range m {
			t.dirty(e.DB, k)
		}
		t.s.db[e.DB] = map[string]*node{}
	case effect.FlushAll:
		for i := range t.s.db {
			for k := range t.s.db[i] {
				t.dirty(uint8(i), k)
			}
			t.s.db[i] = map[string]*node{}
		}
	case effect.Swap:
		t.s.db[e.DB], t.s.db[e.Other] = t.s.db[e.Other], t.s.db[e.DB]
		for _, d := range []uint8{e.DB, e.Other} {
			for k := range t.s.db[d] {
				t.dirty(e.DB, k)
				t.dirty(e.Other, k)
			}
		}
	}
	return 0
}

// Atomic starts to remember how to undo: a later Rollback restores every key as it was.
func (t *Tx) Atomic() {}

// Rollback undoes every Apply since Atomic. Flush and Swap can't be undone and must not be used.
func (t *Tx) Rollback() {}

// Watch adds a locked key to w.
func (t *Tx) Watch(w *Watcher, db uint8, key []byte) {
	t.Peek(db, key)
	k := string(rune(db)) + string(key)
	if t.s.watched[k] == nil {
		t.s.watched[k] = map[*Watcher]struct{}{}
	}
	t.s.watched[k][w] = struct{}{}
	w.keys = append(w.keys, k)
}

// DeclareWatched declares every key of w, for Lock.
func (t *Tx) DeclareWatched(w *Watcher) {}

// Changed says whether a key of w changed or has expired since it was watched. Its keys must be locked.
func (t *Tx) Changed(w *Watcher) bool {
	for _, k := range w.keys {
		t.Peek(k[0], []byte(k[1:]))
	}
	return w.Dirty()
}

// Unwatch empties w and makes it clean. The caller holds no lock.
func (s *Store) Unwatch(w *Watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range w.keys {
		delete(s.watched[k], w)
	}
	w.keys = nil
	w.dirty.Store(false)
}

// Range bounds an ordered scan: keys with Prefix that are >= Start and < End (nil = open).
// Reverse goes from the end down. After, when set, leaves out keys up to and including After (in
// the direction of the scan).
type Range struct {
	Prefix, Start, End, After []byte
	Reverse                   bool
}

// Scan calls visit for live keys in byte order until it returns false. All shards must be
// locked. The cost is O(visited + shards), whatever the size of the store.
func (t *Tx) Scan(db uint8, r Range, visit func(Entry) bool) {
	var keys []string
	for k := range t.s.db[db] {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	if r.Reverse {
		sort.Sort(sort.Reverse(sort.StringSlice(keys)))
	}
	for _, k := range keys {
		b := []byte(k)
		if !bytes.HasPrefix(b, r.Prefix) || r.Start != nil && k < string(r.Start) || r.End != nil && k >= string(r.End) {
			continue
		}
		if r.After != nil && (!r.Reverse && k <= string(r.After) || r.Reverse && k >= string(r.After)) {
			continue
		}
		if e, ok := t.Peek(db, b); ok && !visit(e) {
			return
		}
	}
}

// Random returns some live key of db, each about equally likely. All shards must be locked.
func (t *Tx) Random(db uint8) (Entry, bool) {
	m := t.s.db[db]
	if len(m) == 0 {
		return Entry{}, false
	}
	i := rand.IntN(len(m))
	for k := range m {
		if i == 0 {
			return t.Peek(db, []byte(k))
		}
		i--
	}
	return Entry{}, false
}

// Count is the number of keys of db, expired ones not yet collected included.
func (s *Store) Count(db uint8) int64 { return int64(len(s.db[db])) }

// DB describes database db.
func (s *Store) DB(db uint8) DBStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := DBStats{Keys: int64(len(s.db[db]))}
	for _, n := range s.db[db] {
		if n.deadline != 0 {
			d.Expires++
		}
	}
	return d
}

// Stats reads the counters.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	for _, m := range s.db {
		st.Keys += int64(len(m))
	}
	return st
}

// ResetStats zeroes the counters that CONFIG RESETSTAT zeroes.
func (s *Store) ResetStats() { s.mu.Lock(); defer s.mu.Unlock(); s.stats = Stats{} }

// MakeRoom evicts, by the policy, until need more bytes fit. ErrMemory when they cannot.
// The caller holds no lock. Without a limit it costs one atomic load.
func (s *Store) MakeRoom(need int, now int64) error { return nil }

// SetMemoryLimit changes limit and policy of a running store.
func (s *Store) SetMemoryLimit(bytes int64, p Policy) {}

// MemoryLimit is the current limit and policy.
func (s *Store) MemoryLimit() (int64, Policy) { return s.opts.MaxMemory, s.opts.Policy }

// Maintain does due background work (expiry, merging new keys into the order, compaction) for at
// most about budget microseconds and says whether more is waiting. One caller at a time.
func (s *Store) Maintain(now int64, budgetMicros int64) (more bool) { return false }
