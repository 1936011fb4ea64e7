package pubsub

import (
	"sync"

	"github.com/synapdb/synap/internal/errs"
)

// directory knows subscribers by their ids.
type directory struct {
	mu             sync.Mutex
	byID           map[string]*Subscriber
	registered     int
	oldest, newest *Subscriber // of those registered
}

// Open makes sub known, as one of group g, which is this hub's. If id was registered, sub takes
// over: its subscriptions are sub's now, and what is published from then on is delivered. If a
// connection has id, the error is errs.BadValue. An empty id is none. id must be all that sub ever
// was opened with.
func (h *Hub) Open(sub *Subscriber, id []byte, g *Group) error {
	sub.group = g
	if len(id) == 0 {
		return nil
	}
	d := &h.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.byID[string(id)]
	if old != nil && !old.registered {
		return errs.Value("Subscriber '" + string(id) + "' is connected already")
	}
	sub.id = string(id)
	if old != nil {
		h.takeOver(sub, old)
	}
	d.byID[sub.id] = sub
	return nil
}

// takeOver moves subscriptions from one that is only registered. While it does, a message may count
// both of them.
func (h *Hub) takeOver(sub, old *Subscriber) {
	h.directory.forget(old)
	old.mu.Lock()
	defer old.mu.Unlock()
	sub.mu.Lock()
	defer sub.mu.Unlock()
	for _, t := range old.targets() {
		h.join(sub, t.kind, []byte(t.name), 0) // it is there: old has not left yet
	}
	h.leaveAll(old)
	old.closed = true
}

// Close ends all of sub. Nothing is delivered to it any more, and its id is free.
func (h *Hub) Close(sub *Subscriber) {
	if sub.id != "" {
		d := &h.directory
		d.mu.Lock()
		if d.byID[sub.id] == sub {
			delete(d.byID, sub.id)
		}
		d.mu.Unlock()
	}
	h.shut(sub)
}

func (h *Hub) shut(sub *Subscriber) {
	sub.mu.Lock()
	h.leaveAll(sub)
	sub.closed = true
	sub.mu.Unlock()
	if sub.group != nil {
		sub.group.out.Lock()
		sub.end(Closed)
		sub.group.out.Unlock()
	}
}

// Register subscribes an id to topics as Subscribe does, without anybody to deliver to: it counts
// as matched until a connection opens with that id. If one has, it is that connection that is
// subscribed. Beyond Options.Registered, the id registered first is forgotten.
func (h *Hub) Register(id []byte, now int64, topics ...[]byte) (total int, err error) {
	for _, name := range topics {
		if _, err := CheckPattern(name); err != nil {
			return 0, err
		}
	}
	for {
		sub := h.lookUp(id)
		if total, ok := h.subscribe(sub, now, topics, CheckPattern); ok {
			return total, nil // otherwise it was closed since
		}
	}
}

// lookUp finds the subscriber that has an id, or registers one.
func (h *Hub) lookUp(id []byte) *Subscriber {
	d := &h.directory
	d.mu.Lock()
	sub := d.byID[string(id)]
	var over *Subscriber
	if sub == nil {
		sub = &Subscriber{id: string(id), registered: true, group: h.desk}
		d.byID[sub.id] = sub
		if sub.older = d.newest; sub.older == nil {
			d.oldest = sub
		} else {
			sub.older.newer = sub
		}
		d.newest = sub
		if d.registered++; d.registered > h.options.Registered {
			over = d.oldest
			d.forget(over)
		}
	}
	d.mu.Unlock()
	if over != nil {
		h.shut(over)
	}
	return sub
}

// forget takes one that is registered out. d.mu is held.
func (d *directory) forget(sub *Subscriber) {
	delete(d.byID, sub.id)
	d.registered--
	if sub.older == nil {
		d.oldest = sub.newer
	} else {
		sub.older.newer = sub.newer
	}
	if sub.newer == nil {
		d.newest = sub.older
	} else {
		sub.newer.older = sub.older
	}
	sub.older, sub.newer = nil, nil
}

// UnsubscribeID ends subscriptions of the subscriber that has an id; all of them, if no topics are
// named. It returns how many; none, if nobody has that id. A registered id without subscriptions
// is forgotten.
func (h *Hub) UnsubscribeID(id []byte, topics ...[]byte) (n int) {
	d := &h.directory
	d.mu.Lock()
	sub := d.byID[string(id)]
	d.mu.Unlock()
	switch {
	case sub == nil:
		return 0
	case len(topics) > 0:
		n = h.Unsubscribe(sub, topics...)
	default:
		n = h.UnsubscribeAll(sub)
	}
	if sub.registered {
		d.retire(sub)
	}
	return n
}

// retire forgets one that is registered if it has no subscription.
func (d *directory) retire(sub *Subscriber) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if !sub.closed && sub.count() == 0 && d.byID[sub.id] == sub {
		d.forget(sub)
		sub.closed = true
	}
}

// Known says whether somebody has an id, and whether that is a connection.
func (h *Hub) Known(id []byte) (known, connected bool) {
	d := &h.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	sub := d.byID[string(id)]
	return sub != nil, sub != nil && !sub.registered
}
