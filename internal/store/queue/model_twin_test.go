package queue

import (
	"cmp"
	"math"
	"slices"

	"github.com/synapdb/synap/internal/effect"
)

// leases counts what a consumer and a connection hold of q.
func (q *twinQueue) leases(consumer string, conn uint64) (byName, byConn int) {
	for m := range q.messages {
		if m.State == effect.Leased && m.Consumer == consumer {
			byName++
		}
		if m.State == effect.Leased && m.conn == conn && conn != 0 {
			byConn++
		}
	}
	return byName, byConn
}

// mayTake says whether consumer is, or becomes, the only one that is served.
func (w *twin) mayTake(q *twinQueue, consumer string) bool {
	if !q.set.SingleActive {
		return true
	}
	if q.active != "" && q.active != consumer {
		if q.claim(w.now) > w.now {
			w.saw("refused beside the active consumer")
			return false
		}
		w.saw("active consumer replaced")
		q.waiting = 0
	}
	q.active, q.asked = consumer, w.now
	return true
}

// claim is until when the active consumer stays it: forever while it holds leases, waits or has a
// push connection.
func (q *twinQueue) claim(now int64) int64 {
	if q.active == "" {
		return now
	}
	holds, _ := q.leases(q.active, 0)
	for _, consumer := range q.conns {
		if consumer == q.active {
			holds++
		}
	}
	if holds > 0 {
		return math.MaxInt64
	}
	return max(q.asked+q.set.AckDeadline, q.waiting)
}

// deliver returns the messages that must be leased, already leased but for their tokens.
func (w *twin) deliver(name string, d *Deliver) (taken []*twinMessage) {
	q := w.queues[name]
	if q == nil {
		w.saw("deliver of an absent queue")
		return nil
	}
	if _, known := q.conns[d.Conn]; d.Conn != 0 && !known {
		q.conns[d.Conn] = string(d.Consumer)
	}
	if !w.mayTake(q, string(d.Consumer)) {
		return nil
	}
	if q.set.Paused {
		w.saw("deliver of a paused queue")
		return nil
	}
	room := d.Count
	byName, byConn := q.leases(string(d.Consumer), d.Conn)
	if q.set.Prefetch > 0 {
		if room = min(room, max(0, int(q.set.Prefetch)-byName)); room == 0 {
			w.saw("prefetch reached")
		}
	}
	if d.Conn != 0 && d.Window > 0 {
		if room = min(room, max(0, d.Window-byConn)); room == 0 {
			w.saw("window reached")
		}
	}
	bytes := 0
	for _, m := range q.in(effect.Ready) {
		if len(taken) >= room {
			break
		}
		if d.Bytes > 0 && bytes >= d.Bytes {
			w.saw("delivery cut by bytes")
			break
		}
		bytes += len(m.Payload) + len(m.allHeaders())
		m.State, m.Consumer, m.conn = effect.Leased, string(d.Consumer), d.Conn
		m.Due = w.now + cmp.Or(d.Deadline, q.set.AckDeadline)
		q.stats.Consumed++
		taken = append(taken, m)
	}
	w.sawDelivery(taken)
	return taken
}

func (w *twin) sawDelivery(taken []*twinMessage) {
	for i, m := range taken {
		if i > 0 && m.Priority < taken[i-1].Priority {
			w.saw("delivered by priority")
		}
		if m.Retries > 0 {
			w.saw("delivered again")
		}
	}
}

// leased finds the message that l speaks of, or the kind of error.
func (w *twin) leased(name string, l *Lease) (m *twinMessage, fail string) {
	q := w.queues[name]
	if q == nil {
		return nil, notFound(name)
	}
	id := string(AppendID(nil, l.ID))
	switch m = q.find(l.ID); {
	case m == nil:
		w.saw("unknown message")
		return nil, "Message not found: " + id
	case m.State != effect.Leased && l.Token == 0:
		w.saw("message not leased")
		return nil, "Message not found: " + id
	case m.State != effect.Leased:
		w.saw("token of a lease that is over")
		return nil, "Stale lease: message " + id + " is "
	case l.Token != 0 && l.Token != m.Token:
		w.saw("stale token")
		return nil, "Stale lease: message " + id + " is "
	case l.Consumer != nil && string(l.Consumer) != m.Consumer:
		w.saw("foreign consumer")
		return nil, "Stale lease: message " + id + " is "
	}
	return m, ""
}

func (w *twin) ack(name string, l *Lease) string {
	m, fail := w.leased(name, l)
	if m != nil {
		m.queue.stats.Acked++
		delete(m.queue.messages, m)
		w.saw("acknowledged")
	}
	return fail
}

func (w *twin) nack(name string, l *Lease, n Nack) string {
	m, fail := w.leased(name, l)
	if m == nil {
		return fail
	}
	m.queue.stats.Nacked++
	switch {
	case !n.Requeue && m.Retries+1 <= m.MaxRetries:
		w.saw("rejected")
		m.Retries++
		if w.move(m, effect.Rejected) {
			m.queue.stats.DeadLettered++
			break
		}
		m.queue.stats.Dropped++
		delete(m.queue.messages, m)
	default:
		w.saw("nacked")
		w.failed(m, effect.Nacked, n.Delay, false)
	}
	return ""
}

func (w *twin) extend(name string, l *Lease, duration int64) (int64, string) {
	m, fail := w.leased(name, l)
	if m == nil {
		return 0, fail
	}
	w.saw("extended")
	m.Due = w.now + cmp.Or(duration, m.queue.set.AckDeadline)
	return m.Due, ""
}

// released is what a push connection held when it ended.
func (w *twin) released(m *twinMessage) {
	w.saw("detached")
	m.queue.stats.Returned++
	w.failed(m, effect.Released, 0, true)
}

// over returns what has come due, in the order of its moments.
func (w *twin) over() (list []*twinMessage) {
	for _, q := range w.queues {
		for m := range q.messages {
			if at := m.due(); at != 0 && at <= w.now {
				list = append(list, m)
			}
		}
	}
	slices.SortFunc(list, func(a, b *twinMessage) int {
		return cmp.Or(cmp.Compare(a.due(), b.due()), cmp.Compare(a.seq, b.seq))
	})
	return list
}

// happen does what has come due for m.
func (w *twin) happen(m *twinMessage) {
	switch {
	case m.State == effect.Leased:
		w.saw("lease over")
		m.queue.stats.LeasesExpired++
		w.failed(m, effect.LeaseOver, -1, false)
	case m.due() == m.Expires:
		w.expire(m)
	default:
		w.saw("delay over")
		m.State, m.Due, m.seq = effect.Ready, 0, w.next()
	}
}

// elsewhere says that what is due for m may concern the queue of the dead letters: whoever has not
// locked that one leaves it to Maintain.
func (w *twin) elsewhere(m *twinMessage) bool {
	expired := m.Expires != 0 && m.Expires <= w.now
	return m.queue.set.DeadLetter != "" && (expired || m.State == effect.Ready ||
		m.State == effect.Leased && m.Retries >= m.MaxRetries)
}

// purge takes the number of the record to come: a store that is recovered without it does not know
// of the purge.
func (w *twin) purge(name string, delayed bool, record int, atomic bool) (n int64, fail string) {
	q := w.queues[name]
	if q == nil {
		return 0, notFound(name)
	}
	if q.count(effect.Ready) > 0 && !atomic {
		q.purged, q.purgedIn = w.seq, record
	}
	for m := range q.messages {
		if m.State == effect.Ready || delayed && m.State == effect.Delayed {
			delete(q.messages, m)
			n++
		}
	}
	w.saw("purged")
	return n, ""
}

// chosen are the dead letters that a redrive or purge means.
func (w *twin) chosen(name string, ids []ID, limit int) (list []*twinMessage, fail string) {
	q := w.queues[name]
	if q == nil {
		return nil, notFound(name)
	}
	if len(ids) == 0 {
		list = q.in(effect.DeadLetter)
		if limit > 0 && limit < len(list) {
			w.saw("redrive limited")
			list = list[:limit]
		}
		return list, ""
	}
	for _, id := range ids {
		m := q.find(id)
		if m == nil || m.State != effect.DeadLetter {
			w.saw("named dead letter is none")
			return nil, "Message not found: " + string(AppendID(nil, id))
		}
		if !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list, ""
}

func (w *twin) redrive(name string, ids []ID, limit int, dry bool) (int64, string) {
	list, fail := w.chosen(name, ids, limit)
	for _, m := range list {
		if !dry {
			w.saw("redriven")
			m.State, m.Retries, m.Reason, m.seq = effect.Ready, 0, effect.Redriven, w.next()
			if m.Expires = 0; m.queue.set.TTL > 0 {
				m.Expires = w.now + m.queue.set.TTL
			}
		}
	}
	return int64(len(list)), fail
}

func (w *twin) purgeDead(name string, ids []ID, dry bool) (int64, string) {
	list, fail := w.chosen(name, ids, 0)
	for _, m := range list {
		if !dry {
			w.saw("dead letter purged")
			delete(m.queue.messages, m)
		}
	}
	return int64(len(list)), fail
}
