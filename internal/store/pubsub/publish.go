package pubsub

import "slices"

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
	sc      *scratch
	wake    Waker // the first one; the others are in sc
	matched int
	crowded bool
}

// Stamp gives m an id that no other message of this hub has.
func (h *Hub) Stamp(m *Message) { m.Origin, m.Number = h.origin, h.number.Add(1) }

// Publish hands m to all subscribers that match its topic, and wakes those that had nothing.
// Messages that one goroutine publishes come in that order to whoever gets them.
//
// matched is how many subscribers that is, with those that are only registered; one that asks for
// Each counts as often as it matches. crowded: more waits somewhere than a loop should find when it
// comes round, a quarter of Options.Burst. A publisher who can should let others go first then,
// such as by ending its turn on the loop; subscribers of whom none does are ended at Options.Burst.
func (h *Hub) Publish(m *Message) (matched int, crowded bool) {
	hash := h.hash(m.Topic)
	h.published[hash%uint64(len(h.published))].Add(1)
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
	switch {
	case len(wild) > 1 || len(wild) == 1 && exact != nil:
		r.several(exact, wild)
	case len(wild) == 1:
		r.one(wild[0])
	case exact != nil:
		r.one(exact)
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
	d := Delivery{r.m, t}
	for p := t.head.Load(); p != nil; p = p.next.Load() {
		g := p.group
		g.in.Lock()
		before := len(g.in.arrivals)
		if g != r.h.desk {
			g.in.arrivals = slices.Grow(g.in.arrivals, len(p.entries))
			for i := range p.entries {
				g.in.arrivals = append(g.in.arrivals, arrival{p.entries[i].sub, d})
			}
		}
		r.matched += len(p.entries)
		after := len(g.in.arrivals)
		g.in.Unlock()
		r.came(g, before, after)
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
		g.in.Lock()
		g.in.turn++
		before := len(g.in.arrivals)
		for i := from; i < len(parts); i++ {
			if p := parts[i].part; p != nil && p.group == g {
				r.severalOf(g, p, parts[i].target)
				parts[i].part = nil
			}
		}
		after := len(g.in.arrivals)
		g.in.Unlock()
		r.came(g, before, after)
	}
}

func (t *Target) parts(dst []matchedPart) []matchedPart {
	for p := t.head.Load(); p != nil; p = p.next.Load() {
		dst = append(dst, matchedPart{p, t})
	}
	return dst
}

// severalOf is for one of several targets. g.in is locked.
func (r *round) severalOf(g *Group, p *part, t *Target) {
	for i := range p.entries {
		sub := p.entries[i].sub
		if sub.turn == g.in.turn && !sub.Each {
			continue
		}
		sub.turn = g.in.turn
		r.matched++
		if g != r.h.desk {
			g.in.arrivals = append(g.in.arrivals, arrival{sub, Delivery{r.m, t}})
		}
	}
}

// came has those woken that a message arrived for. As many arrivals were there before and after it.
// Arrivals nobody comes for are put into outboxes, which are bounded.
func (r *round) came(g *Group, before, after int) {
	if after == before {
		return
	}
	o := &r.h.options
	if g.waker != nil {
		r.crowded = r.crowded || after >= o.Burst/4
		if before == 0 {
			r.rouse(g.waker)
		}
		if after < o.Spill {
			return
		}
	}
	r.h.borrow(&r.sc)
	wakes, crowded := g.spread(r.sc.wakes)
	r.sc.wakes, r.crowded = wakes, r.crowded || crowded
}

// rouse has a group woken when no lock is held.
func (r *round) rouse(w Waker) {
	if r.wake == nil {
		r.wake = w
		return
	}
	r.h.borrow(&r.sc)
	r.sc.wakes = append(r.sc.wakes, w)
}
