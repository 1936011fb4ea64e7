package queue

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// Every message is in one list of its queue: ready ones in that of their priority, the others in
// that of their state. All but the leased ones are in the order of Seq.
const (
	delayedList = Priorities + iota
	leasedList
	deadList
	listCount
)

type list struct{ head, tail slab.Ref }

func listOf(m *message) int { return listIn(effect.MessageState(m.state), m.priority) }

func listIn(state effect.MessageState, priority uint8) int {
	switch state {
	case effect.Ready:
		return int(priority)
	case effect.Delayed:
		return delayedList
	case effect.Leased:
		return leasedList
	}
	return deadList
}

// size is where the number of messages of a list's state is counted.
func (q *queue) size(state uint8) *int64 {
	switch effect.MessageState(state) {
	case effect.Ready:
		return &q.stats.Depth
	case effect.Delayed:
		return &q.stats.Delayed
	case effect.Leased:
		return &q.stats.Leased
	}
	return &q.stats.Dead
}

// link puts the message into the list of its state. A return in an old place looks for it from
// both ends; bulk work appends, and the list is sorted before it is next used.
func (sh *shard) link(q *queue, ref slab.Ref, m *message, bulk bool) {
	i := listOf(m)
	l := &q.lists[i]
	after := l.tail
	if after != 0 && i != leasedList && sh.message(after).seq > m.seq {
		if bulk {
			q.unsorted |= 1 << i
		} else {
			after = sh.place(q, i, m.seq)
		}
	}
	m.prev = after
	if after == 0 {
		m.next, l.head = l.head, ref
	} else {
		a := sh.message(after)
		m.next, a.next = a.next, ref
	}
	if m.next == 0 {
		l.tail = ref
	} else {
		sh.message(m.next).prev = ref
	}
	if i < Priorities {
		q.occupied |= 1 << i
	}
	*q.size(m.state)++
}

// place is the message of list i behind which seq belongs, 0 for the head.
func (sh *shard) place(q *queue, i int, seq uint64) slab.Ref {
	sh.inOrder(q, i)
	front, back := q.lists[i].head, q.lists[i].tail
	for back != 0 && front != 0 {
		f, b := sh.message(front), sh.message(back)
		if f.seq > seq {
			return f.prev
		}
		if b.seq < seq {
			return back
		}
		front, back = f.next, b.prev
	}
	return 0
}

// unlink takes the message out of its list.
func (sh *shard) unlink(q *queue, m *message) {
	i := listOf(m)
	l := &q.lists[i]
	if m.prev == 0 {
		l.head = m.next
	} else {
		sh.message(m.prev).next = m.next
	}
	if m.next == 0 {
		l.tail = m.prev
	} else {
		sh.message(m.next).prev = m.prev
	}
	if l.head == 0 {
		q.occupied &^= 1 << i
		q.unsorted &^= 1 << i
	}
	*q.size(m.state)--
}

// first is the message to be served next, 0 if none is ready.
func (sh *shard) first(q *queue) slab.Ref {
	if q.occupied == 0 {
		return 0
	}
	i := bits.Len16(q.occupied) - 1
	sh.inOrder(q, i)
	return q.lists[i].head
}

// lowest is the oldest ready message of the lowest priority, 0 if none is ready.
func (sh *shard) lowest(q *queue) slab.Ref {
	if q.occupied == 0 {
		return 0
	}
	i := bits.TrailingZeros16(q.occupied)
	sh.inOrder(q, i)
	return q.lists[i].head
}

// inOrder sorts list i if bulk work left it unsorted.
func (sh *shard) inOrder(q *queue, i int) {
	if q.unsorted&(1<<i) == 0 {
		return
	}
	q.unsorted &^= 1 << i
	type place struct {
		seq uint64
		ref slab.Ref
	}
	var all []place
	l := &q.lists[i]
	for ref := l.head; ref != 0; {
		m := sh.message(ref)
		all = append(all, place{m.seq, ref})
		ref = m.next
	}
	slices.SortFunc(all, func(a, b place) int { return cmp.Compare(a.seq, b.seq) })
	var prev slab.Ref
	for _, p := range all {
		m := sh.message(p.ref)
		m.prev, m.next = prev, 0
		if prev == 0 {
			l.head = p.ref
		} else {
			sh.message(prev).next = p.ref
		}
		prev = p.ref
	}
	l.tail = prev
}
