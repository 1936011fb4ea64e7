package queue

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// What one call does at most of what is due in its shard, besides its own work.
const (
	fireMost = 64  // timers that have come
	dealMost = 512 // timers dealt to a lower level of the wheel
)

// advance does what has come due in a shard, so that delays and deadlines are exact for callers,
// up to a bound: the rest is left to the next call, or to Maintain.
func (t *Tx) advance(sh *shard) {
	if t.quiet || t.now < sh.soonest && (sh.wheel == nil || sh.wheel.first[shelf] == 0) {
		return
	}
	fires, deals := fireMost, dealMost
	t.unshelve(sh, &fires)
	t.fireDue(sh, &fires, &deals)
}

// unshelve does what was left to those who hold the locks that it needs.
func (t *Tx) unshelve(sh *shard, fires *int) {
	if sh.wheel == nil {
		return
	}
	for ref := sh.wheel.first[shelf]; ref != 0 && ref < endOf && *fires > 0; *fires-- {
		at := slab.Ref(sh.timer(ref).owner)
		ref = sh.timer(ref).next
		m := sh.message(at)
		q := sh.slots[m.queue]
		if !t.reaches(q, m) {
			continue
		}
		if t.long() || t.frozen() {
			return
		}
		t.touch(q)
		t.fireMessage(q, at)
	}
}

// fireDue does what has come due in a shard, for at most so many timers and dealings. While there
// is more, the shard's soonest is not later than now.
func (t *Tx) fireDue(sh *shard, fires, deals *int) {
	for *fires > 0 {
		ref := sh.due(t.now, deals)
		if ref == 0 {
			if *deals > 0 {
				sh.soonest = sh.soon()
			}
			return
		}
		if kindOf(sh.timer(ref).owner) == auxKind && (t.long() || t.frozen()) {
			return
		}
		*fires--
		t.fire(sh, ref)
	}
}

// fire does what the timer at ref was for. If that may need the lock of another shard, Maintain
// does it.
func (t *Tx) fire(sh *shard, ref slab.Ref) {
	owner := sh.timer(ref).owner
	if kindOf(owner) == dedupKind {
		sh.forget(sh.slots[uint32(owner)], ref)
		return
	}
	at := slab.Ref(owner)
	m := sh.message(at)
	q := sh.slots[m.queue]
	if !t.reaches(q, m) {
		sh.stop(ref)
		sh.enlist(ref, shelf)
		sh.sooner = true
		return
	}
	t.touch(q)
	t.fireMessage(q, at)
}

// fireMessage does what is due for a message now.
func (t *Tx) fireMessage(q *queue, ref slab.Ref) {
	sh := q.shard
	m := sh.message(ref)
	switch effect.MessageState(m.state) {
	case effect.Leased:
		t.endLease(q, ref)
	case effect.Delayed:
		if a := sh.aux(m.aux); a.expires != 0 && a.expires <= a.due {
			t.expire(q, ref, uint32(m.retries))
			return
		}
		t.change(q, ref, &effect.Queue{
			Kind: effect.QueueReturn, Message: m.id, Seq: q.seq + 1, Retries: uint32(m.retries),
			Reason: effect.Reason(m.reason), Expires: sh.expires(m),
		}, 0)
	case effect.Ready:
		t.expire(q, ref, uint32(m.retries))
	}
}

// reaches says whether all is locked that the end of a timer of m may need.
func (t *Tx) reaches(q *queue, m *message) bool {
	if q.set.DeadLetter == "" || m.state == uint8(effect.Leased) && m.retries < m.most &&
		!q.shard.expired(m, t.now) {
		return true
	}
	if m.state == uint8(effect.Delayed) && !q.shard.expired(m, t.now) {
		return true
	}
	return t.holds(t.s.shardOf(bytesOf(q.set.DeadLetter)))
}

// endLease gives back a message whose lease is over.
func (t *Tx) endLease(q *queue, ref slab.Ref) {
	q.stats.LeasesExpired++
	t.giveBack(q, ref, effect.LeaseOver, -1)
}
