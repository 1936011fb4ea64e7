package pubsub

import (
	"math"
	"sync"
)

// Subscriber is one connection that gets messages, or an id that is only registered. The
// connection fills in the exported fields, then calls Hub.Open, and in the end Hub.Close, after
// which it may not be used again.
//
// Its outbox is bounded. A connection whose peer does not take what it is sent says so by Stall:
// then Options.Bound messages may wait. One that is Patient, or whose loop has not come round yet,
// may have up to Options.Burst: a publisher on the same loop, or a busy one, would otherwise end
// subscribers that are not slow at all. Over the bound the subscriber is ended: it gets nothing
// more, is subscribed to nothing any more, and is woken.
type Subscriber struct {
	Waker Waker
	// Each: a message that matches several subscriptions is delivered and counted for each, as
	// Redis does. Otherwise it is once for the subscriber.
	Each bool
	// Patient: the peer may pause while a burst comes. Options.Burst messages may wait for it, as
	// long as less than half of Options.Spill waits in the group: the rest is for peers that read.
	Patient bool

	group      *Group
	id         string // "": none
	registered bool   // only counted; it has no connection

	turn uint64 // the group's, of the last message that matched several targets; under group.in

	// Under group.out.
	ended      Reason
	stalled    bool
	head, tail uint32 // the outbox, in the group's arena
	waiting    int32  // its messages
	bytes      int64  // their sizes
	drained    uint64 // messages that were taken out of it

	// Under its own lock, which comes before all others.
	mu     sync.Mutex
	closed bool
	kinds  [3]int32
	one    *subscription
	more   map[*Target]*subscription // instead of one, from the second on

	older, newer *Subscriber // among those registered, under the directory's lock
}

// Reason is why a subscriber was ended.
type Reason uint8

// The reasons.
const (
	NotEnded Reason = iota
	SlowConsumer
	Closed
)

// String is the reason in the words of a close frame.
func (r Reason) String() string {
	return [...]string{"", "slow consumer", "closed"}[r]
}

// ID is the id that sub has, or "".
func (sub *Subscriber) ID() string { return sub.id }

// Count is how many subscriptions of these kinds sub has; of all kinds, if none is named.
func (sub *Subscriber) Count(kinds ...Kind) int {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if len(kinds) == 0 {
		return sub.count()
	}
	n := 0
	for _, k := range kinds {
		n += int(sub.kinds[k])
	}
	return n
}

func (sub *Subscriber) count() int {
	return int(sub.kinds[Topic] + sub.kinds[Pattern] + sub.kinds[Glob])
}

// Targets are what sub is subscribed to, in no order.
func (sub *Subscriber) Targets() []*Target {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	return sub.targets()
}

func (sub *Subscriber) targets() []*Target {
	if sub.one != nil {
		return []*Target{sub.one.target}
	}
	all := make([]*Target, 0, len(sub.more))
	for t := range sub.more {
		all = append(all, t)
	}
	return all
}

func (sub *Subscriber) has(t *Target) *subscription {
	if sub.one != nil && sub.one.target == t {
		return sub.one
	}
	return sub.more[t]
}

func (sub *Subscriber) keep(s *subscription) {
	sub.kinds[s.target.kind]++
	if sub.one == nil && sub.more == nil {
		sub.one = s
		return
	}
	if sub.more == nil {
		sub.more = map[*Target]*subscription{sub.one.target: sub.one}
		sub.one = nil
	}
	sub.more[s.target] = s
}

func (sub *Subscriber) forget(s *subscription) {
	sub.kinds[s.target.kind]--
	if sub.one == s {
		sub.one = nil
		return
	}
	if delete(sub.more, s.target); len(sub.more) == 0 {
		sub.more = nil
	}
}

// Stall says that what sub's peer was sent has not been taken (true), or has been again. Before
// Hub.Open it does nothing.
func (sub *Subscriber) Stall(stalled bool) {
	if sub.group == nil {
		return
	}
	sub.group.out.Lock()
	sub.stalled = stalled
	sub.group.out.Unlock()
}

// Drain takes up to most messages out of the outbox, the oldest first, and appends them to dst.
// Only when it has said that there are no more does the next message wake the subscriber.
//
// After Unsubscribe has returned, nothing more comes in for it, and all that came before is here: a
// connection that drains up to Mark between Unsubscribe and its answer sends nothing of it after
// that.
func (sub *Subscriber) Drain(dst []Delivery, most int) (_ []Delivery, more bool) {
	return sub.DrainBytes(dst, most, math.MaxInt)
}

// DrainBytes is Drain that takes no more once the messages have so many bytes together.
func (sub *Subscriber) DrainBytes(
	dst []Delivery, most, bytes int,
) (_ []Delivery, more bool) {
	g := sub.group
	g.out.Lock()
	defer g.out.Unlock()
	n := sub.head
	for ; n != 0 && most > 0 && bytes > 0; most-- {
		d := g.out.items.at(n).Delivery
		dst = append(dst, d)
		sub.waiting--
		sub.drained++
		size := d.Message.Size()
		sub.bytes -= int64(size)
		bytes -= size
		n = g.out.items.give(n)
	}
	if sub.head = n; n == 0 {
		sub.tail = 0
	}
	return dst, n != 0
}

// Mark is the present end of the outbox, for Passed.
func (sub *Subscriber) Mark() uint64 {
	sub.group.out.Lock()
	defer sub.group.out.Unlock()
	return sub.drained + uint64(sub.waiting)
}

// Passed says whether all that was in the outbox at a Mark was drained, or sub was ended.
func (sub *Subscriber) Passed(mark uint64) bool {
	sub.group.out.Lock()
	defer sub.group.out.Unlock()
	return sub.drained >= mark || sub.ended != NotEnded
}

// Ended says whether and why sub was ended. Its outbox is empty then.
func (sub *Subscriber) Ended() Reason {
	sub.group.out.Lock()
	defer sub.group.out.Unlock()
	return sub.ended
}

// Waiting is how many messages are in the outbox. More may have arrived since Ready.
func (sub *Subscriber) Waiting() int {
	sub.group.out.Lock()
	defer sub.group.out.Unlock()
	return int(sub.waiting)
}

// put adds a message to the outbox, or ends sub if it is full. group.out is locked.
func (sub *Subscriber) put(d Delivery) (ok bool) {
	g := sub.group
	o := &g.hub.options
	most, size := o.Burst, int64(d.Message.Size())
	used := g.out.items.used
	if used >= o.Spill || sub.stalled && (!sub.Patient || used >= o.Spill/2) {
		most = o.Bound
	}
	if int(sub.waiting) >= most || sub.waiting > 0 && sub.bytes+size > o.Bytes {
		sub.end(SlowConsumer)
		return false
	}
	n := g.out.items.take(d)
	if sub.tail == 0 {
		sub.head = n
	} else {
		g.out.items.at(sub.tail).next = n
	}
	sub.tail = n
	sub.waiting++
	sub.bytes += size
	return true
}

// end empties the outbox for good. group.out is locked.
func (sub *Subscriber) end(why Reason) {
	sub.ended = why
	for n := sub.head; n != 0; {
		n = sub.group.out.items.give(n)
	}
	sub.head, sub.tail, sub.waiting, sub.bytes = 0, 0, 0, 0
}
