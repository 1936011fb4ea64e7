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

// Group is what subscribers of one event loop have in common: the line in which messages arrive
// for them, and the memory of their outboxes. There should be few: one per loop, not one per
// subscriber.
type Group struct {
	hub   *Hub
	waker Waker // nil: publishers move on what arrives, and wake subscribers one by one

	// What publishers touch. The lock also guards the entries of parts.
	in struct {
		sync.Mutex
		arrivals []arrival
		turn     uint64 // counts messages that matched several targets
	}
	// What subscribers touch. Locked before in, if both are.
	out struct {
		sync.Mutex
		ready []*Subscriber // whose outboxes were empty until now, or who were ended
		slow  []*Subscriber // who were ended and are still subscribed
		spare []arrival     // memory for arrivals
		items arena
	}
}

// arrival is a message that is not in the subscriber's outbox yet.
type arrival struct {
	sub *Subscriber
	Delivery
}

const (
	keepReady    = 4 << 10 // places in a list that is kept
	keepArrivals = 16 << 10
)

// NewGroup makes a group. With a waker, a message wakes that one if nothing had arrived since Ready
// was called last; its loop then calls Ready, and has subscribers Drain. Without one, whoever
// publishes does all that up to Wake of the single subscribers.
func (h *Hub) NewGroup(waker Waker) *Group { return &Group{hub: h, waker: waker} }

// Ready puts what has arrived into outboxes, and appends to dst the subscribers who had nothing
// until then and those who were ended. It is meant for groups with a waker. A subscriber may be
// named that has been drained or closed since.
func (g *Group) Ready(dst []*Subscriber) []*Subscriber {
	g.out.Lock()
	g.sort()
	dst = append(dst, g.out.ready...)
	g.told()
	slow := g.takeSlow()
	g.out.Unlock()
	g.hub.dismiss(slow)
	return dst
}

// takeSlow returns those who were ended and are still subscribed. g.out is locked.
func (g *Group) takeSlow() []*Subscriber {
	slow := g.out.slow
	g.out.slow = nil
	return slow
}

// dismiss ends the subscriptions of those who get nothing any more: nobody should count on them,
// however long their connections take to close.
func (h *Hub) dismiss(slow []*Subscriber) {
	for _, sub := range slow {
		sub.mu.Lock()
		h.leaveAll(sub)
		sub.mu.Unlock()
	}
}

// spread is Ready for a group without a waker: it returns whom to wake, which is nobody in one with
// a waker, as Ready is still to be called there.
func (g *Group) spread(wakes []Waker) (_ []Waker, crowded bool) {
	g.out.Lock()
	crowded = g.sort()
	if g.waker == nil {
		for _, sub := range g.out.ready {
			if sub.Waker != nil {
				wakes = append(wakes, sub.Waker)
			}
		}
		g.told()
	}
	slow := g.takeSlow()
	g.out.Unlock()
	g.hub.dismiss(slow)
	return wakes, crowded
}

// catchUp puts what has arrived into outboxes.
func (g *Group) catchUp() {
	wakes, _ := g.spread(nil)
	for _, w := range wakes {
		w.Wake()
	}
}

// told empties the list of those who are ready.
func (g *Group) told() {
	clear(g.out.ready)
	if g.out.ready = g.out.ready[:0]; cap(g.out.ready) > keepReady {
		g.out.ready = nil
	}
}

// sort puts all that has arrived into outboxes. It says whether a subscriber that may not be slow
// has more than it would be allowed to have if it were. g.out is locked.
func (g *Group) sort() (crowded bool) {
	g.in.Lock()
	all := g.in.arrivals
	g.in.arrivals, g.out.spare = g.out.spare, nil
	g.in.Unlock()
	delivered, dropped := 0, 0
	for i := range all {
		sub := all[i].sub
		if sub.ended != NotEnded {
			continue
		}
		idle := sub.waiting == 0
		if sub.put(all[i].Delivery) {
			delivered++
			crowded = crowded || !sub.stalled && sub.waiting > int32(g.hub.options.Bound)
		} else {
			dropped++
			idle = true
			g.out.slow = append(g.out.slow, sub)
		}
		if idle {
			g.out.ready = append(g.out.ready, sub)
		}
	}
	g.hub.delivered.Add(uint64(delivered))
	g.hub.dropped.Add(uint64(dropped))
	clear(all)
	if cap(all) <= keepArrivals {
		g.out.spare = all[:0]
	}
	return crowded
}

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
	keepChunks = 64 // when all outboxes are empty
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
