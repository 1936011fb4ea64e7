package queue

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// mostExpired bounds the expired messages that one Deliver removes: about 10 ms. More than that are
// there only after the process stood still, or a clock was put right.
const mostExpired = 1 << 16

// Deliver leases ready messages to a consumer and appends them to dst: none when there are none,
// the queue is absent or paused, the consumer is at its prefetch limit or not the active one, or
// more than mostExpired stand in the way that Maintain has not removed yet.
func (t *Tx) Deliver(name []byte, d *Deliver, dst []View) []View {
	q := t.find(name)
	if q == nil || len(d.Consumer) > MaxNameBytes {
		return dst
	}
	sh := q.shard
	t.advance(sh)
	t.touch(q)
	t.asking = asking{queue: q, consumer: d.Consumer, conn: d.Conn, window: d.Window}
	if q.line != nil && len(q.line.marks) > 0 {
		t.asking.ticket = q.line.unmark(t.s.hashOf(d.Consumer), 0)
	}
	if d.Conn != 0 {
		q.conn(d.Conn, d.Consumer)
	}
	if q.set.SingleActive {
		if !q.mayTake(d.Consumer, t.now) {
			return dst
		}
		q.activate(d.Consumer, t.now)
	}
	if q.set.Paused {
		return dst
	}
	count := q.room(d)
	deadline := d.Deadline
	if deadline <= 0 {
		deadline = q.set.AckDeadline
	}
	size, over := 0, 0
	for n := 0; n < count && (d.Bytes <= 0 || size < d.Bytes); {
		ref := sh.first(q)
		if ref == 0 {
			break
		}
		m := sh.message(ref)
		if sh.expired(m, t.now) {
			if over++; over > mostExpired || t.long() || t.frozen() {
				break // their timers are due: whoever parks now is woken behind them
			}
			t.expire(q, ref, uint32(m.retries))
			continue
		}
		if !sh.leasable(m) {
			break
		}
		t.lease(q, ref, d, t.now+min(deadline, mostDeadline))
		dst = append(dst, sh.view(q, m))
		size += int(m.payload) + int(m.headers)
		n++
	}
	return dst
}

// room is how many messages a consumer may take now.
func (q *queue) room(d *Deliver) int {
	count := max(d.Count, 1)
	if p := int64(q.set.Prefetch); p > 0 {
		count = int(min(int64(count), p-q.leasesOf(d.Consumer)))
	}
	if d.Conn != 0 && d.Window > 0 {
		if c := q.conns[d.Conn]; c != nil {
			count = min(count, d.Window-c.leases)
		}
	}
	return count
}

// lease hands a ready message to a consumer.
func (t *Tx) lease(q *queue, ref slab.Ref, d *Deliver, due int64) {
	m := q.shard.message(ref)
	e := effect.Queue{
		Kind: effect.QueueLease, Message: m.id, State: effect.Leased, Due: due,
		Token: t.token(), Push: d.Conn != 0, Consumer: d.Consumer,
	}
	t.change(q, ref, &e, d.Conn)
	if d.Conn != 0 {
		q.conns[d.Conn].served = true
	}
	q.stats.Consumed++
}

func (t *Tx) token() uint64 {
	for {
		if n := t.s.random(); n != 0 {
			return n
		}
	}
}
