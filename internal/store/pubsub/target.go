package pubsub

import "sync/atomic"

// Target is what subscribers are subscribed to: a topic, a pattern or a glob. A subscriber is
// subscribed to a target at most once.
type Target struct {
	name  string
	head  atomic.Pointer[part]
	count atomic.Int32 // subscribers
	kind  Kind
}

// Name is the topic, pattern or glob.
func (t *Target) Name() string { return t.name }

// Kind says what Name is.
func (t *Target) Kind() Kind { return t.kind }

// part is those subscribers of a target that belong to one Group. The list of parts changes under
// the target's lock (of its topic's shard, or of all patterns) and is read without one: a part that
// was taken out still leads on to those behind it.
type part struct {
	next  atomic.Pointer[part]
	group *Group

	entries []entry  // under group.in
	one     [1]entry // memory of entries while they are not more
}

type entry struct {
	sub *Subscriber
	of  *subscription
}

// subscription is one subscriber's place at one target.
type subscription struct {
	target *Target
	part   *part
	place  uint32 // in part.entries
}

// add subscribes sub. The target's lock is held.
func (t *Target) add(sub *Subscriber) *subscription {
	s := &subscription{target: t}
	t.count.Add(1)
	for p := t.head.Load(); p != nil; p = p.next.Load() {
		if p.group == sub.group {
			p.group.in.Lock()
			s.part, s.place = p, uint32(len(p.entries))
			p.entries = append(p.entries, entry{sub, s})
			p.group.in.Unlock()
			return s
		}
	}
	p := &part{group: sub.group}
	p.one[0] = entry{sub, s}
	p.entries = p.one[:]
	p.next.Store(t.head.Load())
	s.part = p
	t.head.Store(p)
	return s
}

// leastEntries is a list's capacity from which on it is made smaller when it is almost empty.
const leastEntries = 16

// drop ends a subscription. The target's lock is held. When it returns, nothing more comes from it.
func (t *Target) drop(s *subscription) {
	p := s.part
	p.group.in.Lock()
	last := len(p.entries) - 1
	p.entries[s.place] = p.entries[last]
	p.entries[s.place].of.place = s.place
	p.entries[last] = entry{}
	p.entries = p.entries[:last]
	if c := cap(p.entries); c > leastEntries && last < c/4 {
		p.entries = append(make([]entry, 0, c/2), p.entries...)
	}
	p.group.in.Unlock()
	t.count.Add(-1)
	if last > 0 {
		return
	}
	at := &t.head
	for at.Load() != p {
		at = &at.Load().next
	}
	at.Store(p.next.Load())
}
