package queue

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/shards"
	"github.com/synapdb/synap/internal/store/slab"
)

// undo is the inverse of one effect of an atomic section. Until the section ends neither the
// journal nor waiters learn of it: rolled back, it never happened.
type undo struct {
	q      *queue
	kind   effect.Kind
	number uint64
	// QueueLease, QueueReturn, QueueDead, QueueRemove: where the message was. A removed message
	// keeps its block until the section ends.
	was      place
	consumer string
	ref      slab.Ref
	// QueueSet
	settings *Settings // nil: the queue was made
	// QueueDedup: what was remembered of the id; until 0 = nothing.
	id    []byte
	until int64
}

// savedQueue is what an atomic section may change of a queue besides its messages.
type savedQueue struct {
	q           *queue
	number, seq uint64
	version     uint64
	counters    Stats
	active      string
	asked       int64
}

// Atomic starts to remember how to undo: a later Rollback restores everything as it was. It ends
// with Rollback or Unlock. Delete can't be undone and must not be used.
func (t *Tx) Atomic() {
	t.atomic, t.mark = true, len(t.effects.Bytes)
}

func (t *Tx) save(q *queue) {
	q.saved = true
	t.saved = append(t.saved, savedQueue{q, q.number, q.seq, q.version, q.stats, q.active, q.asked})
}

// remember notes how message ref is before e changes it.
func (t *Tx) remember(q *queue, kind effect.Kind, ref slab.Ref) {
	if !t.atomic {
		return
	}
	m := q.shard.message(ref)
	u := undo{q: q, kind: kind, number: m.id, was: q.shard.placeOf(q, m), ref: ref}
	u.consumer = string(u.was.consumer)
	t.undo = append(t.undo, u)
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
		s.q.saved = false
		if !s.q.gone {
			s.restore()
		}
	}
	t.undo, t.saved = shards.Emptied(t.undo), shards.Emptied(t.saved)
}

func (s *savedQueue) restore() {
	q := s.q
	q.number, q.seq, q.active, q.asked = s.number, s.seq, s.active, s.asked
	q.version = s.version // a waiter that found nothing finds nothing still
	now := q.stats
	q.stats = s.counters // sizes are those of the lists again, or changed by others
	q.stats.Depth, q.stats.Delayed = now.Depth, now.Delayed
	q.stats.Leased, q.stats.Dead = now.Leased, now.Dead
	q.stats.Consumers, q.stats.Waiters, q.stats.Bytes = now.Consumers, now.Waiters, now.Bytes
}

func (t *Tx) restore(u *undo) {
	q, sh := u.q, u.q.shard
	switch u.kind {
	case effect.QueuePut:
		ref := sh.find(q, u.number)
		sh.detach(q, ref)
		sh.freeMessage(q, ref, sh.message(ref))
	case effect.QueueRemove:
		sh.insert(q, u.number, u.ref)
		u.was.consumer = []byte(u.consumer)
		sh.enter(q, u.ref, &u.was, false)
	case effect.QueueSet:
		if u.settings != nil {
			sh.settings(q, u.settings)
			return
		}
		q.stats = Stats{}
		sh.drop(q)
	case effect.QueueDedup:
		if now := sh.recall(q, u.id); now != 0 {
			sh.forget(q, now)
		}
		if u.until != 0 {
			_ = sh.remember(q, u.id, u.number, u.until) // the arena is open: it can't fail
		}
	default:
		ref := sh.find(q, u.number)
		sh.exit(q, sh.message(ref))
		u.was.consumer = []byte(u.consumer)
		sh.enter(q, ref, &u.was, false)
	}
}

// commit ends an atomic section whose effects hold.
func (t *Tx) commit() {
	if !t.atomic {
		return
	}
	t.atomic = false
	for i := range t.undo {
		if u := &t.undo[i]; u.kind == effect.QueueRemove {
			u.q.shard.freeMessage(u.q, u.ref, u.q.shard.message(u.ref))
		}
	}
	for _, s := range t.saved {
		s.q.saved = false
	}
	t.undo, t.saved = shards.Emptied(t.undo), shards.Emptied(t.saved)
}
