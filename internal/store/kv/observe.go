package kv

import (
	"bytes"

	"github.com/synapdb/synap/internal/effect"
)

const (
	// MostObserved is the largest value that observers are given, in bytes.
	MostObserved = 64 << 10
	// MostObservedTx bounds the values of one Tx that observers are given, in bytes: one command
	// may change a long value a million times.
	MostObservedTx = 16 << 20
)

// Interest is how much an observer wants to know of a change.
type Interest uint8

// How much that may be.
const (
	NoInterest Interest = iota
	NameOnly            // which key, and how it changed
	WholeValue          // its value, too
)

// Change is something that happened to a key, or to whole databases.
type Change struct {
	// Effect has a Key and Value of its own, the Key perhaps in common with the change before, so
	// neither may be written to. The Value of a Set or Patch is the whole one that the
	// key has now; nil if nobody wanted it, it is longer than MostObserved, or those before it in
	// the Tx have MostObservedTx bytes together.
	effect.Effect
	// Created says that there was no such key before.
	Created bool
	// Place counts the effects on keys of the record that this one is in, from 0. Without a journal
	// it means nothing.
	Place int

	patched bool // the Value of a Patch is wanted, and not there yet
}

// Observer is told of changes as they happen, not of those that are replayed.
type Observer interface {
	// Interest is asked before a change of a key, with its shard locked.
	Interest(db uint8, key []byte) Interest
	// Changed tells what a Tx that began at now (ms since the Unix epoch) did, in order, as record
	// lsn of the journal (0: there is none). The locks of all of it are still held, so changes of
	// one key come in order; it must not wait, nor use the store. It may keep changes. crowded says
	// that those who are told have much waiting: see Tx.Crowded.
	Changed(lsn uint64, now int64, changes []Change) (crowded bool)
}

// SetObserver makes o the observer. Call it before anybody uses the store. Nothing is observed
// before Observe.
func (s *Store) SetObserver(o Observer) { s.observer = o }

// Observe turns observation on or off. While it is off it costs a load per change.
func (s *Store) Observe(on bool) { s.observed.Store(on && s.observer != nil) }

// Observed says whether observation is on.
func (s *Store) Observed() bool { return s.observed.Load() }

// Crowded says, after Unlock, that who made these changes should let others have a turn: those who
// are told of them can't keep up.
func (t *Tx) Crowded() bool { return t.crowded }

// note remembers e, of the entry at ref (0: there is none), for the observer. That of a Patch is
// completed by settle.
func (t *Tx) note(e *effect.Effect, sh *shard, ref uint32) {
	// Copied field by field: by way of *e a caller's Value on the stack would escape to the heap.
	c := Change{Created: ref == 0, Place: t.place, Effect: effect.Effect{Kind: e.Kind,
		DB: e.DB, Other: e.Other, Flags: e.Flags, Version: e.Version, Offset: e.Offset,
		Deadline: e.Deadline, Cause: e.Cause}}
	switch e.Kind {
	case effect.Flush, effect.FlushAll, effect.Swap:
	default:
		interest := t.interest(e, sh)
		if interest == NoInterest {
			return
		}
		c.Key = t.observedKey(e.Key)
		if e.Kind == effect.Set && interest == WholeValue {
			c.Value = t.observedValue(e.Value)
		}
		c.patched = e.Kind == effect.Patch && interest == WholeValue
	}
	t.changes = append(t.changes, c)
}

// interest asks about a copy of the key, for the same reason.
func (t *Tx) interest(e *effect.Effect, sh *shard) Interest {
	sh.asked = append(sh.asked[:0], e.Key...)
	return t.s.observer.Interest(e.DB, sh.asked)
}

// settle completes the last change if it is a Patch whose value is wanted, just now applied.
func (t *Tx) settle(hash uint64) {
	n := len(t.changes)
	if n == 0 || !t.changes[n-1].patched {
		return
	}
	c := &t.changes[n-1]
	c.patched = false
	if have, found := t.peek(c.DB, hash, c.Key); found {
		c.Value = t.observedValue(have.Value())
	}
}

// observedKey is a copy of a key, one for changes of it in a row: BITFIELD makes as many as its
// peer likes.
func (t *Tx) observedKey(key []byte) []byte {
	if n := len(t.changes); n > 0 && bytes.Equal(t.changes[n-1].Key, key) {
		return t.changes[n-1].Key
	}
	return bytes.Clone(key)
}

// observedValue is a copy of a value, not nil, or nil if it is too much for observers.
func (t *Tx) observedValue(value []byte) []byte {
	if len(value) > MostObserved || t.valued+len(value) > MostObservedTx {
		return nil
	}
	t.valued += len(value)
	return append(make([]byte, 0, len(value)), value...)
}

// handOnAndTell is for a Tx with changes: the observer gets those of all records in the order of
// their numbers, so whoever knows one number knows what came before.
func (t *Tx) handOnAndTell() {
	t.s.telling.Lock()
	defer t.s.telling.Unlock()
	t.handOn()
	t.tell()
}

// Barrier returns when every Tx that had locked anything has unlocked it: what they changed has its
// record, and its observer was told. The caller holds no lock.
func (s *Store) Barrier() {
	for i := range s.shards {
		s.shards[i].mu.Lock()
		s.shards[i].mu.Unlock() //nolint:staticcheck // that is all
	}
}

// tell hands the changes of t to the observer.
func (t *Tx) tell() {
	t.crowded = t.s.observer.Changed(t.lsn, t.now, t.changes)
}
