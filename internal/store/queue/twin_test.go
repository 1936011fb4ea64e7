package queue

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/synapdb/synap/internal/effect"
)

// twin is the store as plain maps and slices: slow, obvious, and the oracle of the model test.
// What chance decides (ids, tokens, jitter) it takes over from the store, after a check.
type twin struct {
	defaults Settings
	queues   map[string]*twinQueue
	now      int64
	seq      uint64 // of the whole twin: only the order counts
	loose    []*twinMessage
	unknown  []*twinMessage // moved to another queue: the store chose their ids
	seen     map[string]int // what happened, for the test that everything does
}

type twinQueue struct {
	name string
	set  Settings
	// messages in all states, in no order.
	messages map[*twinMessage]bool
	dedup    map[string]twinDedup
	stats    Stats
	active   string
	asked    int64             // when the active consumer asked last
	waiting  int64             // the active consumer waits, and stays active, until then
	conns    map[uint64]string // push connections and their consumers
	made     uint64            // incarnation, which the store chose
	purged   uint64            // seq up to which ready messages were purged
	purgedIn int               // number of the record
}

type twinDedup struct {
	id    ID
	until int64
}

type twinMessage struct {
	View
	queue *twinQueue
	seq   uint64
	conn  uint64
	// least and most bound Due while the store has not told it.
	least, most int64
	headers     map[string]any // of a moved message: added to those it came with
}

func newTwin(defaults Settings) *twin {
	return &twin{defaults: defaults, now: epoch, queues: map[string]*twinQueue{},
		seen: map[string]int{}}
}

func (w *twin) saw(event string) { w.seen[event]++ }

func (w *twin) next() uint64 {
	w.seq++
	return w.seq
}

// filled completes settings by the defaults.
func (w *twin) filled(o Settings) Settings {
	d := w.defaults
	o.MaxDepth = cmp.Or(o.MaxDepth, d.MaxDepth)
	o.AckDeadline = cmp.Or(o.AckDeadline, d.AckDeadline)
	o.MaxRetries = cmp.Or(o.MaxRetries, d.MaxRetries)
	o.Priority = cmp.Or(o.Priority, d.Priority)
	o.Prefetch = cmp.Or(o.Prefetch, d.Prefetch)
	o.BackoffBase = cmp.Or(o.BackoffBase, d.BackoffBase)
	o.BackoffCap = cmp.Or(o.BackoffCap, d.BackoffCap)
	o.BackoffMilli = cmp.Or(o.BackoffMilli, d.BackoffMilli)
	o.JitterMilli = cmp.Or(o.JitterMilli, d.JitterMilli)
	o.DeadLetter = cmp.Or(o.DeadLetter, d.DeadLetter)
	o.TTL = cmp.Or(o.TTL, d.TTL)
	o.DedupWindow = cmp.Or(o.DedupWindow, d.DedupWindow)
	return o
}

// needed completes only those settings for which zero means nothing: an update may set the others
// to zero.
func (w *twin) needed(o Settings) Settings {
	o.AckDeadline = cmp.Or(o.AckDeadline, w.defaults.AckDeadline)
	o.BackoffCap = cmp.Or(o.BackoffCap, w.defaults.BackoffCap)
	o.BackoffMilli = cmp.Or(o.BackoffMilli, w.defaults.BackoffMilli)
	return o
}

func (w *twin) create(name string, o Settings) bool {
	if w.queues[name] != nil {
		return false
	}
	w.queues[name] = &twinQueue{name: name, set: w.filled(o), messages: map[*twinMessage]bool{},
		dedup: map[string]twinDedup{}, conns: map[uint64]string{}}
	return true
}

func (q *twinQueue) in(state effect.MessageState) (list []*twinMessage) {
	for m := range q.messages {
		if m.State == state {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b *twinMessage) int {
		switch state {
		case effect.Ready:
			return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.seq, b.seq))
		case effect.Leased: // in no particular order
			return cmp.Compare(a.ID.Number, b.ID.Number)
		}
		return cmp.Compare(a.seq, b.seq)
	})
	return list
}

func (q *twinQueue) count(state effect.MessageState) (n int64) {
	for m := range q.messages {
		if m.State == state {
			n++
		}
	}
	return n
}

func (q *twinQueue) depth() int64 { return q.count(effect.Ready) + q.count(effect.Delayed) }

func (q *twinQueue) full() bool { return q.set.MaxDepth > 0 && q.depth() >= q.set.MaxDepth }

func (q *twinQueue) find(id ID) *twinMessage {
	for m := range q.messages {
		if m.ID == id {
			return m
		}
	}
	return nil
}

const ownDeadLetters = "Invalid value: a queue can't be its own dead_letter_queue"

func notFound(name string) string { return "Queue not found: " + name }

// publish says what the store must answer: an error's text, or a duplicate's id, or the new
// message, whose id is still to be filled in.
func (w *twin) publish(name string, in *Message) (fail string, dup ID, m *twinMessage) {
	q := w.queues[name]
	if q == nil {
		w.saw("publish to an absent queue")
		return notFound(name), ID{}, nil
	}
	if d, ok := q.dedup[string(in.Dedup)]; ok && len(in.Dedup) > 0 {
		if d.until > w.now {
			w.saw("duplicate")
			if q.find(d.id) == nil {
				w.saw("duplicate of a message that is gone")
			}
			q.stats.Duplicates++
			return "", d.id, nil
		}
		w.saw("dedup window over")
	}
	if q.full() && !w.drop(q) {
		w.saw("full")
		return "Queue is full: " + name, ID{}, nil
	}
	m = &twinMessage{queue: q, seq: w.next(), View: View{
		Payload: bytes.Clone(in.Payload), Headers: bytes.Clone(in.Headers), Form: in.Form,
		Priority: min(in.Priority, Priorities-1), MaxRetries: in.MaxRetries, Created: w.now,
	}}
	if in.Priority < 0 {
		m.Priority = int(q.set.Priority)
	}
	if in.MaxRetries < 0 {
		m.MaxRetries = int(q.set.MaxRetries)
	}
	if ttl := cmp.Or(in.TTL, q.set.TTL); ttl > 0 {
		m.Expires = w.now + ttl
	}
	if in.DeliverAt > w.now {
		m.State, m.Due = effect.Delayed, in.DeliverAt
		w.saw("published with a delay")
	}
	q.messages[m] = true
	q.stats.Published++
	return "", ID{}, m
}

// drop makes room by removing the oldest ready message of the lowest priority.
func (w *twin) drop(q *twinQueue) bool {
	if !q.set.DropOldest {
		return false
	}
	if q.count(effect.Delayed) >= q.set.MaxDepth {
		w.saw("nothing to drop")
		return false
	}
	for q.full() {
		ready := q.in(effect.Ready)
		oldest := slices.MinFunc(ready, func(a, b *twinMessage) int {
			return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.seq, b.seq))
		})
		w.saw("oldest dropped")
		q.stats.Dropped++
		w.discard(oldest, effect.Overflow)
	}
	return true
}

// discard removes a message that expired or was in the way, or moves it to the dead letters' queue.
func (w *twin) discard(m *twinMessage, why effect.Reason) {
	if w.move(m, why) {
		m.queue.stats.DeadLettered++
		return
	}
	delete(m.queue.messages, m)
}

// dead makes a message a dead letter: elsewhere if its queue says so and there is room.
func (w *twin) dead(m *twinMessage, why effect.Reason) {
	m.queue.stats.DeadLettered++
	if w.move(m, why) {
		return
	}
	w.saw("kept dead letter")
	m.State, m.Reason, m.Due, m.seq = effect.DeadLetter, why, 0, w.next()
	m.unlease()
}

func (m *twinMessage) unlease() { m.Token, m.Consumer, m.conn = 0, "", 0 }

func (w *twin) move(m *twinMessage, why effect.Reason) bool {
	from := m.queue
	if from.set.DeadLetter == "" || from.set.DeadLetter == from.name {
		return false
	}
	to := w.queues[from.set.DeadLetter]
	if to == nil {
		w.saw("dead letters' queue is absent")
		return false
	}
	if to.full() {
		w.saw("dead letters' queue is full")
		return false
	}
	w.saw("moved")
	w.saw("moved because of " + why.String())
	if m.headers != nil {
		w.saw("moved twice")
	}
	delete(from.messages, m)
	n := &twinMessage{queue: to, seq: w.next(), View: View{
		Payload: m.Payload, Headers: m.allHeaders(), Form: m.Form, Priority: m.Priority,
		MaxRetries: int(to.set.MaxRetries), Created: w.now, Reason: why,
	}}
	if to.set.TTL > 0 {
		n.Expires = w.now + to.set.TTL
	}
	n.headers = map[string]any{
		"x-dead-letter-queue":   from.name,
		"x-dead-letter-reason":  why.String(),
		"x-dead-letter-retries": m.Retries,
		"x-dead-letter-id":      string(AppendID(nil, m.ID)),
	}
	to.messages[n] = true
	to.stats.Published++
	w.unknown = append(w.unknown, n)
	return true
}

// failed is a delivery that did not end in an acknowledgement: the message becomes ready (in its
// old place or at the back), delayed, a dead letter, or expires.
func (w *twin) failed(m *twinMessage, why effect.Reason, delay int64, place bool) {
	m.unlease()
	m.Retries++
	m.Due, m.Reason = 0, why
	switch {
	case m.Retries > m.MaxRetries:
		w.dead(m, effect.Retried)
	case m.Expires != 0 && m.Expires <= w.now:
		w.expire(m)
	case place && m.seq > m.queue.purged:
		w.saw("back in its old place")
		m.State = effect.Ready
	case place:
		w.saw("old place purged")
		m.State, m.seq = effect.Ready, w.next()
	case delay < 0:
		w.backoff(m)
	case delay > 0:
		w.delay(m, w.now+delay, w.now+delay)
	default:
		m.State, m.seq = effect.Ready, w.next()
	}
}

func (w *twin) backoff(m *twinMessage) {
	s := m.queue.set
	delay := float64(s.BackoffBase)
	for range m.Retries - 1 {
		delay = min(delay*float64(s.BackoffMilli)/1000, 1e15)
	}
	if s.BackoffCap > 0 && delay > float64(s.BackoffCap) {
		delay = float64(s.BackoffCap)
		w.saw("back-off capped")
	}
	if delay == 0 {
		m.State, m.seq = effect.Ready, w.next()
		return
	}
	w.saw("back-off")
	jitter := delay * float64(s.JitterMilli) / 1000
	// How fractions are rounded is the store's affair.
	w.delay(m, w.now+max(0, int64(delay-jitter)-1), w.now+int64(delay+jitter)+1)
}

func (w *twin) delay(m *twinMessage, least, most int64) {
	m.State, m.Due, m.least, m.most, m.seq = effect.Delayed, least, least, most, w.next()
	if least != most {
		w.loose = append(w.loose, m)
	}
}

func (w *twin) expire(m *twinMessage) {
	w.saw("expired")
	m.queue.stats.Expired++
	w.discard(m, effect.Expired)
}

// due is the next moment at which something happens to m by itself; 0 = never.
func (m *twinMessage) due() int64 {
	switch m.State {
	case effect.Ready:
		return m.Expires
	case effect.Leased:
		return m.Due
	case effect.Delayed:
		if m.Expires != 0 && m.Expires < m.Due {
			return m.Expires
		}
		return m.Due
	}
	return 0
}

// clone is a deep copy, for going back to it. Events that were seen are shared.
func (w *twin) clone() *twin {
	c := *w
	c.queues, c.loose, c.unknown = map[string]*twinQueue{}, nil, nil
	for name, q := range w.queues {
		d := *q
		d.dedup, d.conns = maps.Clone(q.dedup), maps.Clone(q.conns)
		d.messages = map[*twinMessage]bool{}
		for m := range q.messages {
			n := *m
			n.queue = &d
			d.messages[&n] = true
		}
		c.queues[name] = &d
	}
	return &c
}
