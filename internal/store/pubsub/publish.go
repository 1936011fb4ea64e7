package pubsub

// scratch is the memory that a publish needs besides the routes it found. It is borrowed from the
// hub: there are few publishes at a time.
type scratch struct {
	targets []*Target
	parts   []matchedPart
	wakes   []Waker
}

type matchedPart struct {
	part   *part // nil: done
	target *Target
}

const keepScratch = 16 << 10 // places in lists that are kept

func (h *Hub) borrow(sc **scratch) {
	if *sc != nil {
		return
	}
	if *sc, _ = h.scratch.Get().(*scratch); *sc == nil {
		*sc = new(scratch)
	}
}

func (h *Hub) giveBack(sc *scratch) {
	clear(sc.targets)
	clear(sc.parts)
	clear(sc.wakes)
	sc.targets, sc.parts, sc.wakes = sc.targets[:0], sc.parts[:0], sc.wakes[:0]
	if max(cap(sc.targets), cap(sc.parts), cap(sc.wakes)) <= keepScratch {
		h.scratch.Put(sc)
	}
}

// round is one message on its way.
type round struct {
	h       *Hub
	m       *Message
	size    int64
	sc      *scratch
	wake    Waker // the first one; the others are in sc
	matched int
	put     int
	dropped int
	crowded bool
}

// Stamp gives m an id that no other message of this hub has.
func (h *Hub) Stamp(m *Message) { m.Origin, m.Number = h.origin, h.number.Add(1) }

// Publish puts m into the outboxes of all subscribers that match its topic, and wakes those that
// had nothing. Messages that one goroutine publishes come in that order to whoever gets them.
//
// matched is how many subscribers that is, with those that are only registered; one that asks for
// Each counts as often as it matches. crowded: somebody has more than Options.Bound messages
// waiting and its loop has not come round for them. A publisher who can should let others go
// first, such as by ending its turn on the loop; if none does, such a subscriber is ended at
// Options.Burst.
func (h *Hub) Publish(m *Message) (matched int, crowded bool) {
	hash := h.hash(m.Topic)
	counts := &h.counts[hash%uint64(len(h.counts))]
	counts.published.Add(1)
	var exact *Target
	if t := h.shard(hash).find(hash, m.Topic); t != nil {
		t.published.Add(1)
		if t.head.Load() != nil {
			exact = &t.Target
		}
	}
	r := round{h: h, m: m}
	var wild []*Target
	if h.patterns.live.Load() > 0 {
		wild = h.route(hash, m.Topic, &r.sc)
	}
	if exact != nil || len(wild) > 0 {
		r.size = int64(m.Size())
		switch {
		case len(wild) == 0:
			r.one(exact)
		case len(wild) == 1 && exact == nil:
			r.one(wild[0])
		default:
			r.several(exact, wild)
		}
		counts.delivered.Add(uint64(r.put))
		if r.dropped > 0 {
			counts.dropped.Add(uint64(r.dropped))
		}
	}
	if r.wake != nil {
		r.wake.Wake()
	}
	if r.sc != nil {
		for _, w := range r.sc.wakes {
			w.Wake()
		}
		h.giveBack(r.sc)
	}
	return r.matched, r.crowded
}

// one delivers to the subscribers of the only target that matches.
func (r *round) one(t *Target) {
	for p := t.head.Load(); p != nil; p = p.next.Load() {
		g := p.group
		g.mu.Lock()
		for i := range p.entries {
			r.deliver(g, p.entries[i].sub, t)
		}
		g.mu.Unlock()
	}
}

// several delivers to the subscribers of several targets. All of a group is done under one lock,
// so that the mark of this message on a subscriber can't be overwritten by another message's.
func (r *round) several(exact *Target, wild []*Target) {
	r.h.borrow(&r.sc)
	parts := r.sc.parts[:0]
	if exact != nil {
		parts = exact.parts(parts)
	}
	for _, t := range wild {
		parts = t.parts(parts)
	}
	r.sc.parts = parts
	for from := range parts {
		if parts[from].part == nil {
			continue
		}
		g := parts[from].part.group
		g.mu.Lock()
		g.turn++
		for i := from; i < len(parts); i++ {
			if p := parts[i].part; p != nil && p.group == g {
				r.severalOf(g, p, parts[i].target)
				parts[i].part = nil
			}
		}
		g.mu.Unlock()
	}
}

func (t *Target) parts(dst []matchedPart) []matchedPart {
	for p := t.head.Load(); p != nil; p = p.next.Load() {
		dst = append(dst, matchedPart{p, t})
	}
	return dst
}

func (r *round) severalOf(g *Group, p *part, t *Target) {
	for i := range p.entries {
		sub := p.entries[i].sub
		if sub.turn == g.turn && !sub.Each {
			continue
		}
		sub.turn = g.turn
		r.deliver(g, sub, t)
	}
}

// deliver puts the message into one outbox. The lock of g, the subscriber's group, is held.
func (r *round) deliver(g *Group, sub *Subscriber, t *Target) {
	if sub.registered {
		r.matched++
		return
	}
	if sub.ended != NotEnded {
		return
	}
	r.matched++
	idle := sub.waiting == 0
	if sub.put(Delivery{r.m, t}, r.size) {
		r.put++
		if sub.waiting > int32(r.h.options.Bound) && !sub.stalled {
			r.crowded = true
		}
	} else {
		r.dropped++
		idle = true
	}
	if idle {
		r.rouse(g, sub)
	}
}

// rouse has a subscriber woken when no lock is held.
func (r *round) rouse(g *Group, sub *Subscriber) {
	w := sub.Waker
	if g.waker != nil {
		if g.ready = append(g.ready, sub); len(g.ready) > 1 {
			return
		}
		w = g.waker
	}
	switch {
	case w == nil:
	case r.wake == nil:
		r.wake = w
	default:
		r.h.borrow(&r.sc)
		r.sc.wakes = append(r.sc.wakes, w)
	}
}
