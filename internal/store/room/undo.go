package room

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/shards"
)

// undo is the inverse of one effect of an atomic section. Until the section ends neither the
// journal nor subscribers learn of it: rolled back, it never happened. A generation that was given
// is not given again by this process.
type undo struct {
	r    *room
	kind effect.Kind
	// RoomSet
	settings *Settings // nil: the room was made
	// RoomCursor
	consumer string
	offset   uint64
	had      bool
}

// savedRoom is what an atomic section may change of a room besides that, and is to be restored:
// that somebody used it stays. Events go only when the section ends, so that the new ones can
// simply be taken back.
type savedRoom struct {
	r    *room
	last int64
}

// Atomic starts to remember how to undo: a later Rollback restores everything as it was. It ends
// with Rollback or Unlock. Delete, Trim and Subscribe can't be undone and must not be used.
func (t *Tx) Atomic() {
	t.atomic, t.mark = true, len(t.effects.Bytes)
}

func (t *Tx) save(r *room) {
	if !r.saved {
		r.saved = true
		t.saved = append(t.saved, savedRoom{r, r.last})
	}
}

// Rollback undoes everything since Atomic.
func (t *Tx) Rollback() {
	if !t.atomic {
		return
	}
	t.atomic = false
	t.effects.Bytes = t.effects.Bytes[:t.mark]
	for i := len(t.undo) - 1; i >= 0; i-- {
		t.restore(&t.undo[i])
	}
	for _, s := range t.saved {
		s.r.saved = false
		s.r.last = s.last
	}
	t.undo, t.saved = shards.Emptied(t.undo), shards.Emptied(t.saved)
}

func (t *Tx) restore(u *undo) {
	switch u.kind {
	case effect.RoomPublish:
		u.r.shard.pop(u.r)
	case effect.RoomCursor:
		u.r.setCursor(u.consumer, u.offset, u.had)
	case effect.RoomSet:
		if u.settings != nil {
			u.r.set = *u.settings
			return
		}
		t.dismiss(u.r)
		u.r.shard.empty(u.r)
		u.r.shard.drop(u.r)
	}
}

// commit ends an atomic section whose effects hold: now bounds hold for what it published. Where
// the record was joined to one over keys these removals are a record of their own.
func (t *Tx) commit() {
	if !t.atomic {
		return
	}
	t.atomic = false
	for _, s := range t.saved {
		s.r.saved = false
		t.retain(s.r)
	}
	t.undo, t.saved = shards.Emptied(t.undo), shards.Emptied(t.saved)
}
