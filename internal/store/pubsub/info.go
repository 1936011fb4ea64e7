package pubsub

import "github.com/synapdb/synap/internal/glob"

// Info is everything about one topic.
type Info struct {
	Subscribers int    // by name
	Messages    uint64 // published since it exists
	Created     int64  // ms since the Unix epoch
}

// Info is about a topic; false if nobody subscribed to it by name, or so long ago that it was
// forgotten.
func (h *Hub) Info(name []byte) (Info, bool) {
	hash := h.hash(name)
	t := h.shard(hash).find(hash, name)
	if t == nil {
		return Info{}, false
	}
	return Info{int(t.count.Load()), t.published.Load(), t.created}, true
}

// Stats are the figures of a hub, since it was made.
type Stats struct {
	Topics      int // that exist
	Subscribers int // with a subscription
	Wildcards   int // subscriptions to patterns and globs
	Globs       int // that differ, as PUBSUB NUMPAT counts
	Published   uint64
	Delivered   uint64 // put into outboxes
	Dropped     uint64 // subscribers that were ended because they were too slow
}

// Stats adds the figures up.
func (h *Hub) Stats() Stats {
	s := Stats{
		Subscribers: int(h.subscribers.Load()),
		Wildcards:   int(h.wildcards.Load()),
		Globs:       int(h.globs.Load()),
		Delivered:   h.delivered.Load(),
		Dropped:     h.dropped.Load(),
	}
	for i := range h.shards {
		sh := &h.shards[i]
		sh.mu.Lock()
		s.Topics += sh.count
		sh.mu.Unlock()
	}
	for i := range h.published {
		s.Published += h.published[i].Load()
	}
	return s
}

// Subscribers is how many have a subscription; it locks nothing.
func (h *Hub) Subscribers() int { return int(h.subscribers.Load()) }

// Subscribed is how many topics are subscribed to by name.
func (h *Hub) Subscribed() int {
	topics := 0
	for i := range h.shards {
		sh := &h.shards[i]
		sh.mu.Lock()
		topics += sh.count
		sh.mu.Unlock()
	}
	return max(topics-int(h.idle.Load()), 0)
}

// NumPat is how many different globs are subscribed to, as PUBSUB NUMPAT says it.
func (h *Hub) NumPat() int { return int(h.globs.Load()) }

// NumSub is how many are subscribed to a topic by name.
func (h *Hub) NumSub(name []byte) int {
	info, _ := h.Info(name)
	return info.Subscribers
}

// Topics appends names of topics to dst, in no order. It goes on from cursor, which is 0 at first,
// until it has most more or there are none, and returns the next cursor, which is 0 in the end. As
// it takes topics by shares of about a 256th of all, it may exceed most by that. A topic that is
// there all the time is given exactly once. pattern is a Redis glob; nil is all. subscribed leaves
// out those that nobody is subscribed to.
func (h *Hub) Topics(dst []string, cursor, most int, pattern []byte,
	subscribed bool) (_ []string, next int) {
	from := len(dst)
	for next = cursor; next >= 0 && next < shards; {
		s := &h.shards[next]
		s.mu.Lock()
		s.each(func(t *topic) {
			if subscribed && t.count.Load() == 0 {
				return
			}
			if pattern == nil || glob.Match(pattern, []byte(t.name), false) {
				dst = append(dst, t.name)
			}
		})
		s.mu.Unlock()
		if next++; len(dst)-from >= most && next < shards {
			return dst, next
		}
	}
	return dst, 0
}
