package queue

import (
	"fmt"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
)

var errMemory = errs.New(errs.MemoryLimit, "Memory limit exceeded")

// mostDrops bounds the messages that one publish drops to make room. After the depth was lowered it
// may take several until the queue is within it.
const mostDrops = 4096

func errNoQueue(name []byte) error {
	return errs.New(errs.QueueNotFound, "Queue not found: "+string(name))
}

// queueNamed finds a queue that must be there, with everything done that is due in its shard.
func (t *Tx) queueNamed(name []byte) (*queue, error) {
	q := t.find(name)
	if q == nil {
		return nil, errNoQueue(name)
	}
	t.advance(q.shard)
	return q, nil
}

// Publish adds a message. Errors: QueueNotFound, QueueFull, values out of bounds, MemoryLimit.
func (t *Tx) Publish(name []byte, m *Message) (Published, error) {
	q, err := t.queueNamed(name)
	if err != nil {
		return Published{}, err
	}
	if err := m.check(t.now); err != nil {
		return Published{}, err
	}
	t.touch(q)
	sh := q.shard
	if ref := sh.recall(q, m.Dedup); len(m.Dedup) > 0 && ref != 0 {
		if d := sh.memoryAt(ref); d.at > t.now {
			q.stats.Duplicates++
			return Published{ID{q.set.Incarnation, d.number}, true}, nil
		}
	}
	if err := t.makeRoom(q); err != nil {
		return Published{}, err
	}
	e := effect.Queue{
		Kind: effect.QueuePut, Message: q.number + 1, Seq: q.seq + 1, Form: m.Form,
		Priority: q.set.Priority, MaxRetry: q.set.MaxRetries, Created: t.now,
		Headers: m.Headers, Payload: m.Payload,
	}
	if m.Priority >= 0 {
		e.Priority = uint8(min(m.Priority, Priorities-1))
	}
	if m.MaxRetries >= 0 {
		e.MaxRetry = uint32(m.MaxRetries)
	}
	if m.DeliverAt > t.now {
		e.State, e.Due = effect.Delayed, m.DeliverAt
	}
	if m.TTL > 0 {
		e.Expires = t.now + m.TTL
	} else if q.set.TTL > 0 {
		e.Expires = t.now + q.set.TTL
	}
	if len(m.Dedup) > 0 && q.set.DedupWindow > 0 {
		e.Dedup, e.DedupUntil = m.Dedup, t.now+q.set.DedupWindow
	}
	if err := t.put(q, &e, nil); err != nil {
		return Published{}, errMemory
	}
	q.stats.Published++
	return Published{ID: ID{q.set.Incarnation, e.Message}}, nil
}

// check says why a message can't be published at now.
func (m *Message) check(now int64) error {
	switch {
	case len(m.Payload) > mostPayload:
		return errs.Value(fmt.Sprintf("a payload may have %d bytes, not %d", mostPayload,
			len(m.Payload)))
	case len(m.Headers) > MaxHeaderBytes:
		return errs.Value(fmt.Sprintf("headers may have %d bytes, not %d", MaxHeaderBytes,
			len(m.Headers)))
	case len(m.Dedup) > MaxDedupBytes:
		return errs.Value(fmt.Sprintf("a deduplication id may have %d bytes, not %d",
			MaxDedupBytes, len(m.Dedup)))
	case m.MaxRetries > mostRetries:
		return errs.Value(fmt.Sprintf("max_retries may be %d, not %d", mostRetries, m.MaxRetries))
	case m.TTL < 0 || m.TTL > mostSpan:
		return errs.Value(fmt.Sprintf("ttl must be 0..%d ms, not %d", int64(mostSpan), m.TTL))
	case m.DeliverAt > now+mostSpan:
		return errs.Value(fmt.Sprintf("a delay may be %d ms, not %d", int64(mostSpan),
			m.DeliverAt-now))
	case m.Form > effect.JSONForm:
		return errs.Value("unknown form of payload")
	}
	return nil
}

// makeRoom makes sure that one more message fits into the queue.
func (t *Tx) makeRoom(q *queue) error {
	sh := q.shard
	if sh.scarce() || q.number >= mostNumber {
		return errMemory
	}
	most := q.set.MaxDepth
	if most == 0 || q.stats.Depth+q.stats.Delayed < most {
		return nil
	}
	if !q.set.DropOldest || q.stats.Delayed >= most || // those are not dropped
		q.set.DeadLetter != "" && len(t.effects.Bytes) >= t.s.mostRecord {
		return errs.New(errs.QueueFull, "Queue is full: "+q.name)
	}
	for n := 0; n < mostDrops && q.stats.Depth+q.stats.Delayed >= most; n++ {
		if n > 0 && t.long() { // the depth was lowered: later publishes drop the rest
			break
		}
		ref := sh.lowest(q)
		q.stats.Dropped++
		t.putAway(q, ref, effect.Overflow, uint32(sh.message(ref).retries))
	}
	return nil
}
