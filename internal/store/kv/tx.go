package kv

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/shards"
	"github.com/synapdb/synap/internal/store/slab"
)

// Tx locks the shards of declared keys. It is reused: Begin resets it. Not safe for concurrent use.
type Tx struct {
	s                                *Store
	now                              int64
	shards                           shards.Set // declared
	locked, atomic, replay, scanning bool

	undo    []undo   // of the atomic section
	dropped []*space // to be closed when nothing is locked

	effects shards.Record
	mark    int // of the record, what was there before the atomic section
	place   int // of the next effect in the record, counted from 0
	placed  int // likewise, before the atomic section
	lsn     uint64
	swapped bool
	joined  []byte   // effects over other stores: see Join
	changes []Change // for the observer
	noted   int      // of them, those before the atomic section
	valued  int      // bytes of their values, with those that were taken back
	crowded bool     // what the observer said

	warmed uint64 // keeps the loads of Warm alive
}

// Begin starts t over the store, at now (ms since the Unix epoch), with nothing declared.
func (s *Store) Begin(t *Tx, now int64) {
	t.s, t.now = s, now
	t.shards = shards.Set{}
	t.locked, t.atomic, t.replay, t.scanning = false, false, false, false
	t.effects, t.place, t.swapped, t.joined = shards.Record{}, 0, false, nil
	t.changes, t.valued, t.crowded = nil, 0, false
}

// Replay makes t apply recorded effects exactly: whether a key had expired is in the record and
// not asked of the time again. Call it after Begin, for recovery and replicas.
func (t *Tx) Replay() { t.replay = true }

// Declare adds a key to be locked. Call it before Lock.
func (t *Tx) Declare(_ uint8, key []byte) { t.shards.Add(t.s.hash.of(key) & t.s.mask) }

// DeclareAll adds every key. Call it before Lock.
func (t *Tx) DeclareAll() { t.shards.AddAll(len(t.s.shards)) }

// Lock takes the locks of all declared keys, in the one lock order: ascending shards.
func (t *Tx) Lock() {
	for i := range t.shards.All() {
		t.s.shards[i].mu.Lock()
	}
	t.locked = true
}

// Unlock ends the Tx: its effects go to the journal, as one record, before anybody sees them.
func (t *Tx) Unlock() {
	if t.atomic {
		t.commit()
	}
	switch {
	case len(t.changes) > 0:
		t.handOnAndTell()
	case t.effects.Lent() || t.joined != nil:
		t.handOn()
	}
	t.changes = nil // an idle connection keeps none
	if t.swapped {
		t.s.swaps.Add(1)
	}
	t.locked = false
	for i := range t.shards.All() {
		t.s.shards[i].mu.Unlock()
	}
	if t.dropped != nil {
		for _, sp := range t.dropped {
			sp.close()
		}
		t.dropped = nil
	}
}

// Now is the time the Tx began with.
func (t *Tx) Now() int64 { return t.now }

// shard is the locked shard of a hash. To touch a key that was not declared would be a race that
// corrupts memory, so it is checked always; it costs about 1 ns.
func (t *Tx) shard(hash uint64) *shard {
	i := hash & t.s.mask
	if !t.locked || !t.shards.Has(i) {
		panic("kv: use of a key that was not declared")
	}
	return &t.s.shards[i]
}

// lockedAll says whether every shard is locked, as scans and the like need it.
func (t *Tx) lockedAll() bool {
	return t.locked && t.shards.Len() == len(t.s.shards)
}

func (t *Tx) needAll() {
	if !t.lockedAll() {
		panic("kv: this needs every shard: DeclareAll")
	}
}

// look finds an entry, expired or not.
func (t *Tx) look(db uint8, hash uint64, key []byte) (*space, slab.Ref) {
	sp := t.shard(hash).db[db].Load()
	if sp == nil {
		return nil, 0
	}
	return sp, sp.find(hash, key)
}

// Get finds a live key, counts a hit or miss and marks it used. An expired key is removed first.
func (t *Tx) Get(db uint8, key []byte) (Entry, bool) {
	hash := t.s.hash.of(key)
	e, ok := t.peek(db, hash, key)
	if !ok {
		t.s.shards[hash&t.s.mask].count.misses.Add(1)
		return e, false
	}
	e.sp.shard.count.hits.Add(1)
	e.h.touch(t.now, t.s.frequency.Load())
	return e, true
}

// Peek is Get without counting or marking: for writes and for looking at metadata.
func (t *Tx) Peek(db uint8, key []byte) (Entry, bool) {
	return t.peek(db, t.s.hash.of(key), key)
}

func (t *Tx) peek(db uint8, hash uint64, key []byte) (Entry, bool) {
	sp, ref := t.look(db, hash, key)
	if ref == 0 {
		return Entry{}, false
	}
	h := sp.head(ref)
	if h.expired(t.now) && !t.replay {
		if !t.scanning && !t.s.frozen(len(key)) { // then it is left to the wheel
			t.Apply(effect.Effect{Kind: effect.Expire, DB: db, Key: key})
		}
		return Entry{}, false
	}
	return Entry{h, sp, ref}, true
}

// Touch marks an entry as just used.
func (t *Tx) Touch(e Entry) { e.h.touch(t.now, t.s.frequency.Load()) }
