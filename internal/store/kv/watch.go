package kv

import (
	"sync/atomic"

	"github.com/synapdb/synap/internal/effect"
)

// Watcher learns whether any of its keys changed. Make one per connection; zero value is ready.
type Watcher struct {
	dirty atomic.Bool
	keys  []watchedKey
}

type watchedKey struct {
	db   uint8
	hash uint64
	key  string
}

// Dirty says whether a watched key changed since it was watched.
func (w *Watcher) Dirty() bool { return w.dirty.Load() }

// Empty says whether nothing is watched.
func (w *Watcher) Empty() bool { return len(w.keys) == 0 }

// watched is a shard's register of watched keys, under its lock. It is nil-cheap: while
// nothing is watched a change costs one comparison.
type watched struct {
	n  int // keys × watchers
	db [Databases]map[string][]*Watcher
}

const watchBytes = 128 // accounted for each watched key beyond the key itself

// dirty tells the watchers of a key that it changed.
func (r *watched) dirty(db uint8, key []byte) {
	if r.n == 0 {
		return
	}
	for _, w := range r.db[db][string(key)] {
		w.dirty.Store(true)
	}
}

func (r *watched) add(w *Watcher, db uint8, key []byte) bool {
	for _, have := range r.db[db][string(key)] {
		if have == w {
			return false
		}
	}
	if r.db[db] == nil {
		r.db[db] = map[string][]*Watcher{}
	}
	r.db[db][string(key)] = append(r.db[db][string(key)], w)
	r.n++
	return true
}

func (r *watched) remove(w *Watcher, db uint8, key string) {
	list := r.db[db][key]
	for i := range list {
		if list[i] != w {
			continue
		}
		last := len(list) - 1
		list[i], list[last] = list[last], nil
		if r.n--; last > 0 {
			r.db[db][key] = list[:last]
		} else if delete(r.db[db], key); len(r.db[db]) == 0 {
			r.db[db] = nil
		}
		return
	}
}

// Watch adds a locked key to w. A key that has expired counts as absent from then on.
func (t *Tx) Watch(w *Watcher, db uint8, key []byte) {
	hash := t.s.hash.of(key)
	t.peek(db, hash, key)
	sh := t.shard(hash)
	if sh.watched.add(w, db, key) {
		w.keys = append(w.keys, watchedKey{db, hash, string(key)})
		sh.memory.Add(int64(len(key)) + watchBytes)
	}
}

// DeclareWatched declares every key of w, for Lock.
func (t *Tx) DeclareWatched(w *Watcher) {
	for i := range w.keys {
		t.shards.Add(w.keys[i].hash & t.s.mask)
	}
}

// Changed says whether a key of w changed or has expired since it was watched. Its keys must be
// locked.
func (t *Tx) Changed(w *Watcher) bool {
	for i := range w.keys {
		k := &w.keys[i]
		t.peek(k.db, k.hash, []byte(k.key))
	}
	return w.Dirty()
}

// Unwatch empties w and makes it clean. The caller holds no lock.
func (s *Store) Unwatch(w *Watcher) {
	for i := range w.keys {
		k := &w.keys[i]
		sh := &s.shards[k.hash&s.mask]
		sh.mu.Lock()
		sh.watched.remove(w, k.db, k.key)
		sh.memory.Add(-int64(len(k.key)) - watchBytes)
		sh.mu.Unlock()
	}
	w.keys = nil
	w.dirty.Store(false)
}

// markWhole tells the watchers of the shard's keys that e, about whole databases, changes: of
// those that exist before, or after a swap. Expired ones exist no longer.
func (t *Tx) markWhole(sh *shard, e *effect.Effect) {
	if sh.watched.n == 0 {
		return
	}
	for db := range uint8(Databases) {
		other := db
		switch {
		case e.Kind == effect.FlushAll, e.Kind == effect.Flush && db == e.DB:
		case e.Kind == effect.Swap && db == e.DB:
			other = e.Other
		case e.Kind == effect.Swap && db == e.Other:
			other = e.DB
		default:
			continue
		}
		for key := range sh.watched.db[db] {
			k := []byte(key)
			_, before := t.Peek(db, k)
			_, after := t.Peek(other, k)
			if before || after {
				sh.watched.dirty(db, k)
			}
		}
	}
}
