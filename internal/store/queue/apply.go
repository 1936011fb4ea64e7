package queue

import (
	"bytes"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// Effects are applied by the functions of this file alone: live, in recovery and on replicas. Each
// joins the record before anything changes.

// change applies a QueueLease, QueueReturn or QueueDead to message ref. conn is the connection of a
// lease, known to this process only.
func (t *Tx) change(q *queue, ref slab.Ref, e *effect.Queue, conn uint64) {
	sh := q.shard
	m := sh.message(ref)
	p := sh.placeOf(q, m)
	t.remember(q, e.Kind, ref)
	t.record(q, e)
	p.state = e.State
	switch e.Kind {
	case effect.QueueLease:
		p.due, p.token, p.push, p.conn = e.Due, e.Token, e.Push, conn
		p.consumer = e.Consumer
	case effect.QueueReturn:
		p.seq, p.retries, p.reason = e.Seq, uint16(e.Retries), e.Reason
		p.due, p.expires = e.Due, e.Expires
	case effect.QueueDead:
		p.seq, p.retries, p.reason = e.Seq, uint16(e.Retries), e.Reason
	}
	q.seq = max(q.seq, p.seq)
	sh.exit(q, m)
	sh.enter(q, ref, &p, t.quiet)
}

// put applies a QueuePut: the message comes into the queue, instead of one of the same number. A
// large payload is shared if given. It fails when the system has no memory; then nothing happened.
func (t *Tx) put(q *queue, e *effect.Queue, shared *large) error {
	sh := q.shard
	ref, err := sh.newMessage(q, e, shared)
	if err != nil {
		return err
	}
	t.record(q, e)
	if old := sh.find(q, e.Message); old != 0 { // a snapshot has it already
		sh.detach(q, old)
		sh.freeMessage(q, old, sh.message(old))
	}
	if t.atomic {
		t.undo = append(t.undo, undo{q: q, kind: effect.QueuePut, number: e.Message})
	}
	sh.insert(q, e.Message, ref)
	p := place{
		seq: e.Seq, due: e.Due, expires: e.Expires, token: e.Token, consumer: e.Consumer,
		retries: uint16(e.Retries), state: e.State, reason: e.Reason, push: e.Push,
	}
	sh.enter(q, ref, &p, t.quiet)
	q.number, q.seq = max(q.number, e.Message), max(q.seq, e.Seq)
	if len(e.Dedup) > 0 {
		t.remembered(q, e)
	}
	return nil
}

// remembered applies a QueueDedup, or what a QueuePut says of one.
func (t *Tx) remembered(q *queue, e *effect.Queue) {
	sh := q.shard
	if t.atomic {
		u := undo{q: q, kind: effect.QueueDedup, id: bytes.Clone(e.Dedup)}
		if ref := sh.recall(q, e.Dedup); ref != 0 {
			d := sh.memoryAt(ref)
			u.number, u.until = d.number, d.at
		}
		t.undo = append(t.undo, u)
	}
	_ = sh.remember(q, e.Dedup, e.Message, e.DedupUntil) // the arena is open: it can't fail
	q.number = max(q.number, e.Message)
}

// remove applies a QueueRemove to message ref.
func (t *Tx) remove(q *queue, ref slab.Ref, why effect.Reason) {
	sh := q.shard
	m := sh.message(ref)
	t.remember(q, effect.QueueRemove, ref)
	t.record(q, &effect.Queue{Kind: effect.QueueRemove, Message: m.id, Reason: why})
	sh.detach(q, ref)
	if !t.atomic { // else Rollback may need it
		sh.freeMessage(q, ref, m)
	}
}

// set applies a QueueSet, making the queue if q is nil.
func (t *Tx) set(q *queue, name string, e *effect.Queue) *queue {
	sh := t.s.shardOf(bytesOf(name))
	made := q == nil
	if made {
		q = sh.add(name)
	}
	if t.atomic {
		t.undo = append(t.undo, undo{q: q, kind: effect.QueueSet})
		if !made {
			old := q.set
			t.undo[len(t.undo)-1].settings = &old
		}
	}
	q.number, q.seq = max(q.number, e.Message), max(q.seq, e.Seq)
	e.Message, e.Seq = q.number, q.seq
	t.record(q, e)
	sh.settings(q, &e.Settings)
	return q
}

// purge applies a QueuePurge: messages of a state go, up to a Seq.
func (t *Tx) purge(q *queue, state effect.MessageState, seq uint64) (n int64) {
	sh := q.shard
	t.record(q, &effect.Queue{Kind: effect.QueuePurge, State: state, Seq: seq})
	first, last := listIn(state, 0), listIn(state, Priorities-1)
	for i := first; i <= last; i++ {
		for ref := q.lists[i].head; ref != 0; {
			m := sh.message(ref)
			next := m.next
			if m.seq <= seq {
				sh.detach(q, ref)
				sh.freeMessage(q, ref, m)
				n++
			}
			ref = next
		}
	}
	if state == effect.Ready {
		q.purged = max(q.purged, seq)
	}
	return n
}

// discard applies a QueueDelete.
func (t *Tx) discard(q *queue) {
	sh := q.shard
	t.record(q, &effect.Queue{Kind: effect.QueueDelete})
	for i := range q.lists {
		for ref := q.lists[i].head; ref != 0; {
			m := sh.message(ref)
			next := m.next
			sh.detach(q, ref)
			sh.freeMessage(q, ref, m)
			ref = next
		}
	}
	for q.dedup != nil {
		sh.forget(q, q.dedup.oldest)
	}
	if l := q.line; l != nil {
		for l.first != nil {
			t.wake(l.first)
		}
		sh.dropAlarm(&l.alarm)
	}
	sh.drop(q)
}
