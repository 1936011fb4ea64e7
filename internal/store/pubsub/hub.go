package pubsub

import (
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/synapdb/synap/internal/glob"
)

// Options configures a hub. Zeros are the defaults.
type Options struct {
	// Bound is how many messages may wait for a subscriber whose peer takes nothing; 0 = 1024.
	Bound int
	// Burst is how many may wait for one whose connection has not come round; 0 = 65 536. It is
	// at least Bound.
	Burst int
	// Spill is how many messages may wait in the outboxes of one group before Burst is no more than
	// Bound for all of it; 0 = 1 048 576.
	Spill int
	// Bytes is how large the messages that wait for a subscriber may be together, of which one may
	// be larger; 0 = 64 MiB.
	Bytes int64
	// IdleTopics is how many topics without subscribers are remembered; those that have been so for
	// longest are forgotten first, shard by shard; 0 = 2 097 152.
	IdleTopics int
	// Registered is how many ids may be registered without a connection: the one registered first
	// is forgotten; 0 = 100 000.
	Registered int
	// Routes is how many results the cache keeps, rounded up to a power of two; 0 = 16 384.
	Routes int
}

// Hub is one space of topics. All its methods may be called from any goroutine.
//
// Lock order: directory, subscriber, shard or patterns.change, then
// patterns.mu or a group's out, its in.
type Hub struct {
	options Options
	seed    maphash.Seed
	origin  uint64 // of message ids
	number  atomic.Uint64

	shards   [shards]shard
	idle     atomic.Int64 // topics without subscribers
	patterns patterns

	desk        *Group // of those registered
	directory   directory
	subscribers atomic.Int64 // with at least one subscription
	wildcards   atomic.Int64 // subscriptions to patterns and globs
	globs       atomic.Int64 // targets

	published [8]counter // by hash of the topic
	delivered atomic.Uint64
	dropped   atomic.Uint64

	scratch sync.Pool // of *scratch
}

// counter is one share of a count, so that publishers don't wait for each other's.
type counter struct {
	atomic.Uint64
	_ [56]byte
}

func orElse[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// New makes an empty hub.
func New(o Options) *Hub {
	o.Bound = orElse(o.Bound, 1024)
	o.Burst = max(orElse(o.Burst, 64<<10), o.Bound)
	o.Spill = orElse(o.Spill, 1<<20)
	o.Bytes = orElse(o.Bytes, 64<<20)
	o.IdleTopics = orElse(o.IdleTopics, 2<<20)
	o.Registered = orElse(o.Registered, 100_000)
	o.Routes = 1 << bits.Len(uint(max(orElse(o.Routes, 16<<10), ways)-1))
	h := &Hub{options: o, seed: maphash.MakeSeed(), origin: rand.Uint64()}
	h.patterns.routes = make([]atomic.Pointer[route], o.Routes)
	h.patterns.globs = newAffixes[*Target](matchGlob)
	h.desk = h.NewGroup(nil)
	h.directory.byID = map[string]*Subscriber{}
	return h
}

func matchGlob(pattern, s []byte) bool { return glob.Match(pattern, s, false) }

// Subscribe subscribes sub to topics as Synap's own subscriptions understand them: CheckPattern
// says how. If one of them is not valid, none is subscribed to. What sub is subscribed to already
// is no error. now is ms since the Unix epoch. It returns how many subscriptions sub has then.
func (h *Hub) Subscribe(sub *Subscriber, now int64, topics ...[]byte) (total int, err error) {
	for _, name := range topics {
		if _, err := CheckPattern(name); err != nil {
			return sub.Count(), err
		}
	}
	total, _ = h.subscribe(sub, now, topics, CheckPattern)
	return total, nil
}

// SubscribeExact subscribes sub to topics of exactly these bytes, as SUBSCRIBE of Redis does.
func (h *Hub) SubscribeExact(sub *Subscriber, now int64, topics ...[]byte) (total int) {
	total, _ = h.subscribe(sub, now, topics, isTopic)
	return total
}

// PSubscribe subscribes sub to globs, as PSUBSCRIBE of Redis does.
func (h *Hub) PSubscribe(sub *Subscriber, globs ...[]byte) (total int) {
	total, _ = h.subscribe(sub, 0, globs, isGlob)
	return total
}

// Unsubscribe takes back what Subscribe did with the same bytes, and returns how many
// subscriptions ended.
func (h *Hub) Unsubscribe(sub *Subscriber, topics ...[]byte) int {
	return h.unsubscribe(sub, topics, CheckPattern)
}

// UnsubscribeExact takes back what SubscribeExact did.
func (h *Hub) UnsubscribeExact(sub *Subscriber, topics ...[]byte) int {
	return h.unsubscribe(sub, topics, isTopic)
}

// PUnsubscribe takes back what PSubscribe did.
func (h *Hub) PUnsubscribe(sub *Subscriber, globs ...[]byte) int {
	return h.unsubscribe(sub, globs, isGlob)
}

// kindOf says what kind of subscription is meant by bytes. One that is not valid there can't be.
type kindOf func([]byte) (Kind, error)

func isTopic([]byte) (Kind, error) { return Topic, nil }
func isGlob([]byte) (Kind, error)  { return Glob, nil }

// subscribe is false if sub was closed: then it does nothing.
func (h *Hub) subscribe(sub *Subscriber, now int64, names [][]byte,
	kind kindOf) (total int, ok bool) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if sub.closed {
		return 0, false
	}
	for _, name := range names {
		if k, err := kind(name); err == nil {
			h.join(sub, k, name, now)
		}
	}
	if sub.Ended() != NotEnded {
		h.leaveAll(sub) // see dismiss, which may have come before
	}
	return sub.count(), true
}

func (h *Hub) unsubscribe(sub *Subscriber, names [][]byte, kind kindOf) (n int) {
	defer sub.group.catchUp() // what came before is in the outbox
	sub.mu.Lock()
	defer sub.mu.Unlock()
	for _, name := range names {
		if k, err := kind(name); err == nil && h.leave(sub, k, name) {
			n++
		}
	}
	return n
}

// UnsubscribeAll ends all subscriptions of sub and returns how many there were.
func (h *Hub) UnsubscribeAll(sub *Subscriber) int {
	defer sub.group.catchUp()
	sub.mu.Lock()
	defer sub.mu.Unlock()
	return h.leaveAll(sub)
}

func (h *Hub) leaveAll(sub *Subscriber) int {
	all := sub.targets()
	for _, t := range all {
		h.leave(sub, t.kind, []byte(t.name))
	}
	return len(all)
}

// kept and gone keep the books when a subscription began or ended. sub.mu is held.
func (h *Hub) kept(sub *Subscriber, s *subscription) {
	if sub.count() == 0 {
		h.subscribers.Add(1)
	}
	sub.keep(s)
	if s.target.kind != Topic {
		h.wildcards.Add(1)
	}
}

func (h *Hub) gone(sub *Subscriber, s *subscription) {
	sub.forget(s)
	if sub.count() == 0 {
		h.subscribers.Add(-1)
	}
	if s.target.kind != Topic {
		h.wildcards.Add(-1)
	}
}
