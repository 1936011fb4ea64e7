package pubsub

import (
	"bytes"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// patterns are all that is subscribed to by wildcards.
//
// What matches a topic is kept in a cache, as a route. A route is valid as long as no pattern came
// or went that its topic could match. That is told by two generations: of the patterns whose first
// segment is literal and shares a counter with the topic's, and of all others.
type patterns struct {
	live   atomic.Int64 // patterns and globs; 0: nothing is looked for
	routes []atomic.Pointer[route]
	misses atomic.Uint32
	first  [64]generation
	others generation

	change sync.Mutex   // whoever changes subscriptions to patterns
	mu     sync.RWMutex // after change: the two indexes and the generations
	trie   branch
	globs  *affixes[*Target]
}

type generation struct {
	atomic.Uint64
	_ [56]byte // readers of one are not disturbed by writers of another
}

// route is what matches a topic, as it was when two generations had these numbers.
type route struct {
	topic    string
	hash     uint64
	first    *generation
	firstAt  uint64
	othersAt uint64
	targets  []*Target
}

// ways is how many places a topic may have in the cache.
const ways = 4

func (h *Hub) generationOf(segment []byte) *generation {
	return &h.patterns.first[maphash.Bytes(h.seed, segment)%uint64(len(h.patterns.first))]
}

// affected is the generation that a pattern belongs to.
func (h *Hub) affected(kind Kind, name, head []byte) *generation {
	first, _, more := cut(name)
	if kind == Glob {
		first, _, more = cut(head)
		if !more {
			return &h.patterns.others // it may match topics without any dot
		}
	}
	if bytes.IndexByte(first, '*') >= 0 && kind == Pattern || string(first) == "#" && !more {
		return &h.patterns.others
	}
	return h.generationOf(first)
}

func (r *route) valid(p *patterns) bool {
	return r.first.Load() == r.firstAt && p.others.Load() == r.othersAt
}

// route is the patterns and globs that match a topic. The result is read only, and good until sc is
// used again. sc is borrowed if need be.
func (h *Hub) route(hash uint64, topic []byte, sc **scratch) []*Target {
	p := &h.patterns
	set := p.routes[hash&uint64(len(p.routes)-ways):][:ways]
	for i := range set {
		r := set[i].Load()
		if r != nil && r.hash == hash && r.topic == string(topic) && r.valid(p) {
			return r.targets
		}
	}
	h.borrow(sc)
	first, _, _ := cut(topic)
	fresh := route{hash: hash, first: h.generationOf(first)}
	p.mu.RLock()
	fresh.firstAt, fresh.othersAt = fresh.first.Load(), p.others.Load()
	found := p.trie.collect(topic, (*sc).targets[:0])
	if len(p.globs.all) > 0 {
		found = p.globs.find(topic, found)
	}
	p.mu.RUnlock()
	(*sc).targets = found
	if at := p.vacancy(set, hash); at != nil {
		fresh.topic = string(topic)
		fresh.targets = append([]*Target(nil), found...)
		kept := fresh
		at.Store(&kept)
	}
	return found
}

// vacancy is where to keep a route, or nil. A set full of valid routes gives one up for every
// eighth miss: topics that are published to once don't drive out those that are often.
func (p *patterns) vacancy(set []atomic.Pointer[route], hash uint64) *atomic.Pointer[route] {
	for i := range set {
		if r := set[i].Load(); r == nil || r.hash == hash || !r.valid(p) {
			return &set[i]
		}
	}
	if n := p.misses.Add(1); n%8 == 0 {
		return &set[n/8%ways]
	}
	return nil
}
