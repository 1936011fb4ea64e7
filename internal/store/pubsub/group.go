package pubsub

import (
	"sync"
)

// Waker is told that there is something to Drain.
type Waker interface {
	// Wake is called from any goroutine, without locks of the hub. It must not block. It may come
	// once more after its cause is gone.
	Wake()
}

// Group is what subscribers of one event loop have in common: a lock, and the memory of their
// outboxes. There should be few: a handful per loop, not one per subscriber.
type Group struct {
	hub   *Hub
	waker Waker // nil: subscribers are woken one by one

	mu    sync.Mutex
	ready []*Subscriber // with a waker: whose outbox was empty until now
	turn  uint64        // counts messages that matched several targets
	items arena
}

// NewGroup makes a group. With a waker, that one is called when a first subscriber gets something
// while Ready had no other to tell; without one, each subscriber's own Waker is.
func (h *Hub) NewGroup(waker Waker) *Group { return &Group{hub: h, waker: waker} }

// Ready appends to dst the subscribers whose outboxes were empty and are not any more, each once
// until it is drained, and those that were ended. Only for groups with a waker, of which it is the
// next one's condition: call it once per wake.
func (g *Group) Ready(dst []*Subscriber) []*Subscriber {
	g.mu.Lock()
	defer g.mu.Unlock()
	dst = append(dst, g.ready...)
	clear(g.ready)
	if g.ready = g.ready[:0]; cap(g.ready) > keepReady {
		g.ready = nil
	}
	return dst
}

const keepReady = 4096 // places in a list that is kept

// Delivery is a message in an outbox.
type Delivery struct {
	Message *Message
	// Target is what the subscriber matched by: the pattern of a pmessage. Of several targets it
	// is the first found, the topic itself before all patterns.
	Target *Target
}

// arena is the memory of a group's outboxes: each is a chain of items. So an empty outbox costs
// nothing, and what is put in for many subscribers lies side by side. A ring for each, of which
// the first message of every burst made one, cost an allocation per delivery.
type arena struct {
	chunks []*[chunkItems]item
	used   int
	fresh  uint32 // items from here on were never used since used was 0
	free   uint32 // chain of those before; 0: none
}

// item is one Delivery. Items are numbered from 1; 0 is the end of a chain.
type item struct {
	Delivery
	next uint32
}

const (
	chunkItems = 512
	keepChunks = 8 // when all outboxes are empty
)

func (a *arena) at(n uint32) *item { return &a.chunks[(n-1)/chunkItems][(n-1)%chunkItems] }

func (a *arena) take(d Delivery) uint32 {
	a.used++
	n := a.free
	if n != 0 {
		i := a.at(n)
		a.free = i.next
		*i = item{Delivery: d}
		return n
	}
	if int(a.fresh) == len(a.chunks)*chunkItems {
		a.chunks = append(a.chunks, new([chunkItems]item))
	}
	a.fresh++
	i := a.at(a.fresh)
	i.Delivery, i.next = d, 0
	return a.fresh
}

// give frees an item and returns the next one of its chain.
func (a *arena) give(n uint32) uint32 {
	i := a.at(n)
	next := i.next
	*i = item{next: a.free}
	a.free = n
	if a.used--; a.used == 0 {
		a.free, a.fresh = 0, 0 // side by side again
		if len(a.chunks) > keepChunks {
			a.chunks = append(make([]*[chunkItems]item, 0, keepChunks), a.chunks[:keepChunks]...)
		}
	}
	return next
}
