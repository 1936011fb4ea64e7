package queue

import (
	"bytes"
	"math"
	"sync/atomic"
	"unsafe"
)

// Waiter is a consumer's place in the line of a queue. Its zero value with a Waker is ready. It
// belongs to one connection; the fields below it belong to the store.
type Waiter struct {
	Waker Waker

	shard  *shard      // where it waited last; written by its owner only
	parked atomic.Bool // it is in line

	// Under the shard's lock, while shard is what it is.
	queue      *queue
	consumer   []byte
	hash       uint64 // of consumer
	conn       uint64 // of its last Deliver, with the window
	window     int
	ticket     uint64
	seen       uint64 // version of the queue with nothing for it; 0 = it did not ask
	woken      bool   // and has a mark
	next, prev *Waiter
	alarm      alarm // of its end
}

// waitline is the waiters of a queue, by ticket. Whoever is woken leaves it and gets a mark
// instead: a message is spoken for until its consumer asks, gives up, or does neither for a while.
type waitline struct {
	first, last *Waiter
	ticket      uint64
	marks       []mark
	alarm       alarm // when marks run out, or the active consumer has been silent for too long
}

// mark says that a waiter was woken and did not come back yet.
type mark struct {
	hash   uint64
	ticket uint64
	until  int64
}

// markPause is how long a woken waiter has to come back before the next one is woken, in ms. It
// matters only if its command fails before it gets here.
const markPause = 1000

const lineBytes = int64(unsafe.Sizeof(waitline{}))

// asking is what the last Deliver of a Tx was about, for Park.
type asking struct {
	queue    *queue
	consumer []byte // borrowed, until Unlock
	conn     uint64
	window   int
	ticket   uint64 // of the mark that the consumer had, 0 = none
}

// Park puts w in the line of a queue until until (ms since the Unix epoch), at its old place if
// it was woken in vain. It is woken once: when there may be something for consumer, when the queue
// is deleted, or at until. false: the queue is absent. Call it in the Tx of the Deliver that found
// nothing, so that w is woken only after something has changed.
func (t *Tx) Park(name, consumer []byte, w *Waiter, until int64) bool {
	q := t.find(name)
	if q == nil {
		return false
	}
	again := w.shard == q.shard && w.queue == q && w.alarm.at == until
	if w.parked.Load() {
		if w.shard != q.shard && !t.holds(w.shard) {
			return false // it waits elsewhere and was not unparked
		}
		again = w.queue == q
		w.shard.leave(w)
	}
	w.shard, w.queue, w.hash, w.woken = q.shard, q, t.s.hashOf(consumer), false
	w.consumer = append(w.consumer[:0], consumer...)
	w.conn, w.window, w.seen = 0, 0, 0
	l := q.lineOf()
	ticket := uint64(0)
	if a := &t.asking; a.queue == q && bytes.Equal(a.consumer, consumer) {
		w.conn, w.window, w.seen, ticket = a.conn, a.window, q.version, a.ticket
	}
	if c := q.conns[w.conn]; w.conn != 0 && c != nil {
		again = again && !c.served
		c.served = false
	}
	switch {
	case ticket != 0:
		w.ticket = ticket
	case !again:
		l.ticket++
		w.ticket = l.ticket
	}
	l.enter(w)
	q.stats.Waiters++
	w.parked.Store(true)
	w.alarm.at, w.alarm.waiter = until, w
	q.shard.setAlarm(&w.alarm)
	t.touch(q)
	return true
}

// leave takes a waiter that is in line out of it.
func (sh *shard) leave(w *Waiter) {
	w.queue.line.remove(w)
	w.queue.stats.Waiters--
	w.parked.Store(false)
	sh.dropAlarm(&w.alarm)
}

// Unpark gives a place up; a wake that was meant for it goes to the next one. No lock may be held.
func (s *Store) Unpark(w *Waiter) {
	sh := w.shard
	if sh == nil {
		return
	}
	var t Tx
	s.Begin(&t, 0)
	t.shards.Add(sh.number)
	t.Lock()
	t.now = sh.clock
	if q := w.queue; q != nil {
		if w.parked.Load() {
			sh.leave(w)
		} else if w.woken && !q.gone {
			q.line.unmark(w.hash, w.ticket) // it is gone if its consumer was served
		}
		if !q.gone {
			q.version++ // it may have been the active consumer
			t.touch(q)
		}
	}
	w.queue, w.woken, w.shard = nil, false, nil
	t.Unlock()
}

// wake wakes a waiter in line when the locks are released.
func (t *Tx) wake(w *Waiter) {
	w.queue.shard.leave(w)
	t.wakes = append(t.wakes, w.Waker)
}

func (q *queue) lineOf() *waitline {
	if q.line == nil {
		q.line = &waitline{}
		q.line.alarm.queue = q
		q.heap(lineBytes)
	}
	return q.line
}

// enter puts w in line by its ticket.
func (l *waitline) enter(w *Waiter) {
	var before *Waiter
	if l.last != nil && l.last.ticket < w.ticket {
		before = l.last
	} else {
		for at := l.first; at != nil && at.ticket < w.ticket; at = at.next {
			before = at
		}
	}
	w.prev = before
	if before == nil {
		w.next, l.first = l.first, w
	} else {
		w.next, before.next = before.next, w
	}
	if w.next == nil {
		l.last = w
	} else {
		w.next.prev = w
	}
}

func (l *waitline) remove(w *Waiter) {
	if w.prev == nil {
		l.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.next, w.prev = nil, nil
}

// unmark removes the first mark of a consumer, that of a ticket unless 0, and returns its ticket; 0
// if there is none.
func (l *waitline) unmark(hash, ticket uint64) uint64 {
	for i, m := range l.marks {
		if m.hash == hash && (ticket == 0 || m.ticket == ticket) {
			ticket = m.ticket
			l.marks = append(l.marks[:i], l.marks[i+1:]...)
			return ticket
		}
	}
	return 0
}

// unmarkOver removes marks that have run out, or were made by a clock that had run ahead.
func (l *waitline) unmarkOver(now int64) {
	n := 0
	for n < len(l.marks) && (l.marks[n].until <= now || l.marks[n].until > now+2*markPause) {
		n++
	}
	l.marks = append(l.marks[:0], l.marks[n:]...)
}

// match wakes as many waiters as there are messages not spoken for, in the order of the line,
// leaving out those that can't be served. It is called before the locks are released.
func (t *Tx) match(q *queue) {
	l := q.line
	if l == nil || l.first == nil {
		return
	}
	sh := q.shard
	l.unmarkOver(t.now)
	spare := q.stats.Depth - int64(len(l.marks))
	if q.set.Paused {
		spare = 0
	}
	end := int64(0) // of the active consumer's claim
	if q.set.SingleActive && spare > 0 {
		end = q.claim(t.now)
	}
	for w := l.first; w != nil && spare > 0; {
		next := w.next
		if (end <= t.now || q.active == string(w.consumer)) && q.serves(w) {
			if q.set.SingleActive {
				q.activate(w.consumer, t.now)
				end = math.MaxInt64
			}
			t.wake(w)
			w.woken = true
			l.marks = append(l.marks, mark{w.hash, w.ticket, t.now + markPause})
			spare--
		}
		w = next
	}
	at := int64(math.MaxInt64)
	if l.first != nil && q.stats.Depth > 0 && !q.set.Paused {
		if len(l.marks) > 0 {
			at = l.marks[0].until
		}
		if end > t.now && spare > 0 {
			at = min(at, q.claim(t.now))
		}
	}
	if at == math.MaxInt64 {
		sh.dropAlarm(&l.alarm)
	} else if l.alarm.place == 0 || l.alarm.at != at {
		sh.dropAlarm(&l.alarm)
		l.alarm.at = at
		sh.setAlarm(&l.alarm)
	}
}

// serves says whether a waiter would get a ready message if its consumer is the active one.
func (q *queue) serves(w *Waiter) bool {
	if w.seen == q.version {
		return false
	}
	if p := int64(q.set.Prefetch); p > 0 && q.leasesOf(w.consumer) >= p {
		return false
	}
	if w.window > 0 {
		if c := q.conns[w.conn]; c != nil && c.leases >= w.window {
			return false
		}
	}
	return true
}

// mayTake says whether a consumer is the active one, or may become it.
func (q *queue) mayTake(consumer []byte, now int64) bool {
	return q.active == string(consumer) || q.claim(now) <= now
}

// activate makes a consumer that may take messages the active one, or notes that it asked.
func (q *queue) activate(consumer []byte, now int64) {
	if q.active != string(consumer) {
		q.active = string(consumer)
		q.version++
	}
	q.asked = now
}

// claim is until when the active consumer keeps its place; MaxInt64 while it holds leases, waits or
// has a push connection.
func (q *queue) claim(now int64) int64 {
	if q.active == "" {
		return math.MinInt64
	}
	q.asked = min(q.asked, now) // the clock may have been put right
	if h := q.holders.byName[q.active]; h != nil && h.leases > 0 {
		return math.MaxInt64
	}
	for _, c := range q.conns {
		if c.consumer == q.active {
			return math.MaxInt64
		}
	}
	if l := q.line; l != nil {
		hash := q.shard.store.hashOf(bytesOf(q.active))
		for w := l.first; w != nil; w = w.next {
			if w.hash == hash {
				return math.MaxInt64
			}
		}
		for _, m := range l.marks {
			if m.hash == hash && m.until > now {
				return max(min(m.until, now+markPause), q.asked+q.set.AckDeadline)
			}
		}
	}
	return q.asked + q.set.AckDeadline
}
