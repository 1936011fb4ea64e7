package queue

import (
	"fmt"
	"math"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/slab"
)

// Ack removes a leased message. Errors: QueueNotFound, MessageNotFound, StaleLease.
func (t *Tx) Ack(name []byte, l *Lease) error {
	q, ref, err := t.leased(name, l)
	if err != nil {
		return err
	}
	t.remove(q, ref, effect.Acked)
	q.stats.Acked++
	return nil
}

// Nack gives a leased message back. Its retries are counted first: above the most it becomes a
// dead letter whatever Requeue says. Without Requeue it goes to the dead-letter queue, or is
// removed if there is none with room. Errors as of Ack, and a Delay out of bounds.
func (t *Tx) Nack(name []byte, l *Lease, n Nack) error {
	if n.Delay > mostSpan {
		return errs.Value(fmt.Sprintf("a delay may be %d ms, not %d", int64(mostSpan), n.Delay))
	}
	q, ref, err := t.leased(name, l)
	if err != nil {
		return err
	}
	q.stats.Nacked++
	if m := q.shard.message(ref); !n.Requeue && m.retries < m.most {
		if !t.putAway(q, ref, effect.Rejected, uint32(m.retries)+1) {
			q.stats.Dropped++
		}
		return nil
	}
	t.giveBack(q, ref, effect.Nacked, n.Delay)
	return nil
}

// Extend makes a lease end at now + duration (ms, up to 30 days; 0 = the queue's ack deadline) and
// returns that moment. Errors as of Ack, and a duration out of bounds.
func (t *Tx) Extend(name []byte, l *Lease, duration int64) (deadline int64, err error) {
	if duration < 0 || duration > mostDeadline {
		return 0, errs.Value(fmt.Sprintf("a lease may be extended by 0..%d ms, not %d",
			int64(mostDeadline), duration))
	}
	q, ref, err := t.leased(name, l)
	if err != nil {
		return 0, err
	}
	if duration == 0 {
		duration = q.set.AckDeadline
	}
	sh := q.shard
	p := sh.placeOf(q, sh.message(ref))
	e := effect.Queue{
		Kind: effect.QueueLease, Message: l.ID.Number, State: effect.Leased,
		Due: t.now + duration, Token: p.token, Push: p.push, Consumer: p.consumer,
	}
	t.change(q, ref, &e, p.conn)
	return e.Due, nil
}

// leased finds the message that a consumer speaks of and checks that the lease is its own.
func (t *Tx) leased(name []byte, l *Lease) (*queue, slab.Ref, error) {
	q, err := t.queueNamed(name)
	if err != nil {
		return nil, 0, err
	}
	t.touch(q)
	sh := q.shard
	var ref slab.Ref
	if l.ID.Queue == q.set.Incarnation {
		ref = sh.find(q, l.ID.Number)
	}
	if ref == 0 {
		return nil, 0, errNoMessage(l.ID)
	}
	m := sh.message(ref)
	if m.state == uint8(effect.Leased) && sh.aux(m.aux).due <= t.now && !t.frozen() {
		t.endLease(q, ref) // there was more to do than advance does at once
		if ref = sh.find(q, l.ID.Number); ref == 0 {
			return nil, 0, errNoMessage(l.ID)
		}
		m = sh.message(ref)
	}
	if m.state != uint8(effect.Leased) {
		if l.Token == 0 {
			return nil, 0, errNoMessage(l.ID)
		}
		return nil, 0, errs.Newf(errs.StaleLease, "Stale lease: message %s is %s; the lease has "+
			"ended, drop this delivery", idString(l.ID), stateWords[m.state])
	}
	a := sh.aux(m.aux)
	if l.Token != 0 && l.Token != a.token ||
		l.Consumer != nil && string(l.Consumer) != q.holderAt(a.holder).name {
		return nil, 0, errs.Newf(errs.StaleLease, "Stale lease: message %s is leased by another "+
			"delivery; drop this one", idString(l.ID))
	}
	return q, ref, nil
}

var stateWords = [...]string{
	effect.Ready: "ready again", effect.Delayed: "delayed", effect.Leased: "leased",
	effect.DeadLetter: "a dead letter",
}

func errNoMessage(id ID) error {
	return errs.New(errs.MessageNotFound, "Message not found: "+idString(id))
}

// giveBack decides what becomes of a leased message whose delivery failed: a dead letter when its
// retries are used up, nothing when its time is over, otherwise ready again, at the back of its
// priority after delay ms; negative = the queue's back-off. Released ones go to their old place.
func (t *Tx) giveBack(q *queue, ref slab.Ref, why effect.Reason, delay int64) {
	sh := q.shard
	m := sh.message(ref)
	retries := uint32(m.retries) + 1
	if retries > uint32(m.most) {
		t.bury(q, ref, effect.Retried, retries)
		return
	}
	if sh.expired(m, t.now) {
		t.expire(q, ref, retries)
		return
	}
	e := effect.Queue{
		Kind: effect.QueueReturn, Message: m.id, Seq: m.seq, Retries: retries, Reason: why,
		Expires: sh.expires(m),
	}
	if delay < 0 {
		delay = t.backoff(q, retries)
	}
	if delay > 0 {
		e.State, e.Due = effect.Delayed, t.now+delay
	}
	// A purge's effect must not meet, when it is replayed, a message that came back later.
	if why != effect.Released || m.seq <= q.purged {
		e.Seq = q.seq + 1
	}
	t.change(q, ref, &e, 0)
}

// backoff is the delay before a retry, counted from 1, in ms.
func (t *Tx) backoff(q *queue, retry uint32) int64 {
	o := &q.set
	if o.BackoffBase == 0 {
		return 0
	}
	d := float64(o.BackoffBase) * math.Pow(float64(o.BackoffMilli)/milli, float64(retry-1))
	d = min(d, float64(o.BackoffCap))
	if o.JitterMilli > 0 {
		const unit = 1 << 53
		share := float64(t.s.random()>>11) / unit // 0 ≤ share < 1
		d *= 1 + (2*share-1)*float64(o.JitterMilli)/milli
	}
	return int64(d)
}
