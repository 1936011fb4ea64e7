package kv

import (
	"bytes"

	"github.com/synapdb/synap/internal/effect"
)

// undo is how a key was before one effect of an atomic section. Until the section ends neither
// watchers nor the journal learn of it: rolled back, it never happened.
type undo struct {
	db      uint8
	key     []byte
	present bool
	value   []byte
	large   *Large // retained instead of copied
	before  effect.Effect
}

const keptUndo = 64 // entries of the undo log kept for the next atomic section

// Atomic starts to remember how to undo: a later Rollback restores every key as it was. It ends
// with Rollback or Unlock.
func (t *Tx) Atomic() {
	t.atomic, t.mark, t.placed = true, len(t.effects.Bytes), t.place
	t.noted = len(t.changes)
}

// remember saves the entry at ref, absent if 0, before e changes it.
func (t *Tx) remember(e *effect.Effect, sp *space, ref uint32) {
	u := undo{db: e.DB, key: bytes.Clone(e.Key)}
	if ref != 0 {
		h := sp.head(ref)
		u.present = true
		u.before = effect.Effect{
			Kind: effect.Set, DB: e.DB, Key: u.key,
			Flags: h.flags(), Deadline: h.deadline(), Version: h.version,
		}
		if h.large() {
			u.large = sp.largeOf(h)
			u.large.retain()
		} else {
			u.value = bytes.Clone(h.inline())
		}
	}
	t.undo = append(t.undo, u)
}

// Rollback undoes every Apply since Atomic. Flush and Swap can't be undone and must not be used.
func (t *Tx) Rollback() {
	t.atomic, t.changes = false, t.changes[:t.noted]
	t.effects.Bytes, t.place = t.effects.Bytes[:t.mark], t.placed
	for i := len(t.undo) - 1; i >= 0; i-- {
		t.restore(&t.undo[i])
	}
	t.forget()
}

func (t *Tx) restore(u *undo) {
	hash := t.s.hash.of(u.key)
	sp, ref := t.look(u.db, hash, u.key)
	if !u.present {
		if ref != 0 {
			sp.remove(hash, ref)
			sp.account()
		}
		return
	}
	if sp == nil {
		sp = t.s.space(t.shard(hash), u.db)
	}
	u.before.Value = u.value
	if u.large != nil {
		u.before.Value = u.large.bytes
	}
	if ref == 0 {
		t.create(target{sp, 0, hash}, &u.before)
	} else {
		t.overwrite(target{sp, ref, hash}, &u.before)
	}
}

// commit ends an atomic section whose effects hold; their record is in the buffer.
func (t *Tx) commit() {
	for i := range t.undo {
		u := &t.undo[i]
		t.shard(t.s.hash.of(u.key)).watched.dirty(u.db, u.key)
	}
	t.forget()
}

func (t *Tx) forget() {
	t.atomic = false
	for i := range t.undo {
		if l := t.undo[i].large; l != nil {
			l.Release()
		}
	}
	clear(t.undo)
	t.undo = t.undo[:0]
	if cap(t.undo) > keptUndo {
		t.undo = nil
	}
}
