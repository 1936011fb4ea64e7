package queue

import (
	"encoding/json"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// deadHeaderBytes is what dead-lettering adds to headers at most.
const deadHeaderBytes = 8 << 10

// bury makes a message a dead letter: in the dead-letter queue, or kept with its own.
func (t *Tx) bury(q *queue, ref slab.Ref, why effect.Reason, retries uint32) {
	q.stats.DeadLettered++
	if t.moveDead(q, ref, why, retries) {
		return
	}
	m := q.shard.message(ref)
	t.change(q, ref, &effect.Queue{
		Kind: effect.QueueDead, Message: m.id, Seq: q.seq + 1, Retries: min(retries, mostRetries),
		Reason: why, State: effect.DeadLetter,
	}, 0)
}

// expire removes a message whose time is over.
func (t *Tx) expire(q *queue, ref slab.Ref, retries uint32) {
	q.stats.Expired++
	t.putAway(q, ref, effect.Expired, retries)
}

// putAway moves a message that nobody took to the dead-letter queue, or removes it; moved says
// which.
func (t *Tx) putAway(q *queue, ref slab.Ref, why effect.Reason, retries uint32) (moved bool) {
	if t.moveDead(q, ref, why, retries) {
		q.stats.DeadLettered++
		return true
	}
	t.remove(q, ref, why)
	return false
}

// moveDead moves a message to the queue that takes dead letters. false: there is none, or it has
// no room, and nothing happened.
func (t *Tx) moveDead(q *queue, ref slab.Ref, why effect.Reason, retries uint32) bool {
	if q.set.DeadLetter == "" {
		return false
	}
	target := t.s.shardOf(bytesOf(q.set.DeadLetter))
	if !t.holds(target) { // it became the target in this very transaction
		return false
	}
	to := target.queues[q.set.DeadLetter]
	if to == nil || target.scarce() || to.number >= mostNumber ||
		len(t.effects.Bytes) >= t.s.mostRecord ||
		to.set.MaxDepth > 0 && to.stats.Depth+to.stats.Delayed >= to.set.MaxDepth {
		return false
	}
	sh := q.shard
	m := sh.message(ref)
	e := effect.Queue{
		Kind: effect.QueuePut, Message: to.number + 1, Seq: to.seq + 1,
		Form: effect.PayloadForm(m.form & formMask), Priority: m.priority,
		MaxRetry: to.set.MaxRetries, Created: t.now, Reason: why, Payload: sh.payload(m),
		Headers: deadHeaders(q, m, why, retries),
	}
	if to.set.TTL > 0 {
		e.Expires = t.now + to.set.TTL
	}
	var shared *large
	if m.isLarge() {
		shared = sh.largeOf(m)
	}
	t.touch(to)
	if t.put(to, &e, shared) != nil {
		return false
	}
	to.stats.Published++
	t.remove(q, ref, effect.Moved)
	return true
}

// deadHeaders are the headers of a message with where it comes from and why.
func deadHeaders(q *queue, m *message, why effect.Reason, retries uint32) []byte {
	all := map[string]json.RawMessage{}
	if m.headers > 0 && json.Unmarshal(m.headerBytes(), &all) != nil || all == nil {
		all = map[string]json.RawMessage{}
	}
	for name, value := range map[string]any{
		"x-dead-letter-queue": q.name, "x-dead-letter-reason": why.String(),
		"x-dead-letter-retries": retries,
		"x-dead-letter-id":      idString(ID{q.set.Incarnation, m.id}),
	} {
		all[name], _ = json.Marshal(value) // strings and numbers always can be
	}
	text, err := json.Marshal(all)
	if err != nil || len(text) > MaxHeaderBytes+deadHeaderBytes {
		return append([]byte(nil), m.headerBytes()...)
	}
	return text
}

// Redrive makes dead letters ready again with no retries counted: those named, or up to limit of
// all, oldest first (0 = all). They live as long as the queue says, whatever they brought: somebody
// wants them. dry only counts. A named one that is none is MessageNotFound, and nothing happens.
func (t *Tx) Redrive(name []byte, ids []ID, limit int, dry bool) (n int64, err error) {
	q, refs, err := t.dead(name, ids, limit)
	if err != nil || dry {
		return int64(len(refs)), err
	}
	t.touch(q)
	sh := q.shard
	for _, ref := range refs {
		m := sh.message(ref)
		e := effect.Queue{
			Kind: effect.QueueReturn, Message: m.id, Seq: q.seq + 1, Reason: effect.Redriven,
		}
		if q.set.TTL > 0 {
			e.Expires = t.now + q.set.TTL
		}
		t.change(q, ref, &e, 0)
	}
	return int64(len(refs)), nil
}

// PurgeDead removes dead letters: those named, or all. dry only counts. A named one that is none is
// MessageNotFound, and nothing happens.
func (t *Tx) PurgeDead(name []byte, ids []ID, dry bool) (n int64, err error) {
	if ids != nil || t.atomic {
		q, refs, err := t.dead(name, ids, 0)
		if err != nil || dry {
			return int64(len(refs)), err
		}
		t.touch(q)
		for _, ref := range refs {
			t.remove(q, ref, effect.NoReason)
		}
		return int64(len(refs)), nil
	}
	q, err := t.queueNamed(name)
	if err != nil || dry || q.stats.Dead == 0 {
		if q != nil {
			n = q.stats.Dead
		}
		return n, err
	}
	t.touch(q)
	return t.purge(q, effect.DeadLetter, q.seq), nil
}

// dead finds dead letters: those named, each once, or up to limit of all (0 = all).
func (t *Tx) dead(name []byte, ids []ID, limit int) (*queue, []slab.Ref, error) {
	q, err := t.queueNamed(name)
	if err != nil {
		return nil, nil, err
	}
	sh := q.shard
	if ids == nil {
		sh.inOrder(q, deadList)
		n := q.stats.Dead
		if limit > 0 {
			n = min(n, int64(limit))
		}
		refs := make([]slab.Ref, 0, n)
		for ref := q.lists[deadList].head; int64(len(refs)) < n; ref = sh.message(ref).next {
			refs = append(refs, ref)
		}
		return q, refs, nil
	}
	refs := make([]slab.Ref, 0, len(ids))
	seen := make(map[uint64]bool, len(ids))
	for _, id := range ids {
		if seen[id.Number] && id.Queue == q.set.Incarnation {
			continue
		}
		seen[id.Number] = true
		ref := slab.Ref(0)
		if id.Queue == q.set.Incarnation {
			ref = sh.find(q, id.Number)
		}
		if ref == 0 || sh.message(ref).state != uint8(effect.DeadLetter) {
			return nil, nil, errNoMessage(id)
		}
		refs = append(refs, ref)
	}
	return q, refs, nil
}
