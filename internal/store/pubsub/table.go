package pubsub

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// topic is one topic that somebody subscribed to by name, now or before.
type topic struct {
	Target
	published atomic.Uint64
	created   int64 // ms since the Unix epoch
	// Among those of its shard that nobody is subscribed to, by how long that is so.
	older, newer *topic
}

const shards = 256

// shard is the topics whose hash begins with its number. The table is read without the lock.
type shard struct {
	table atomic.Pointer[table]

	mu             sync.Mutex
	count          int // topics
	spent          int // places that are not nil: topics and tombstones
	oldest, newest *topic
	_              [16]byte // one shard, one cache line
}

// table is a hash table with open addressing. Places go from nil to a topic to the tombstone.
type table struct{ places []atomic.Pointer[topic] }

var tombstone = new(topic)

const leastPlaces = 8

func (h *Hub) hash(topic []byte) uint64 { return maphash.Bytes(h.seed, topic) }

func (h *Hub) shard(hash uint64) *shard { return &h.shards[hash>>56] }

// topic is the topic of these bytes, or nil.
func (s *shard) find(hash uint64, name []byte) *topic {
	t := s.table.Load()
	if t == nil {
		return nil
	}
	mask := uint64(len(t.places) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		switch p := t.places[at].Load(); {
		case p == nil:
			return nil
		case p.name == string(name) && p != tombstone:
			return p
		}
	}
}

// add puts a topic in that is not there. s.mu is held.
func (s *shard) add(h *Hub, hash uint64, p *topic) {
	t := s.table.Load()
	if t == nil || (s.spent+1)*4 > len(t.places)*3 {
		t = s.rebuild(h)
	}
	t.put(hash, p)
	s.spent++
	s.count++
}

// rebuild makes a new table without tombstones, at most half full.
func (s *shard) rebuild(h *Hub) *table {
	size := leastPlaces
	for size < (s.count+1)*2 {
		size *= 2
	}
	next := &table{make([]atomic.Pointer[topic], size)}
	s.each(func(p *topic) { next.put(h.hash([]byte(p.name)), p) })
	s.spent = s.count
	s.table.Store(next)
	return next
}

func (t *table) put(hash uint64, p *topic) {
	mask := uint64(len(t.places) - 1)
	at := hash & mask
	for t.places[at].Load() != nil {
		at = (at + 1) & mask
	}
	t.places[at].Store(p)
}

// each calls f for every topic.
func (s *shard) each(f func(*topic)) {
	t := s.table.Load()
	if t == nil {
		return
	}
	for i := range t.places {
		if p := t.places[i].Load(); p != nil && p != tombstone {
			f(p)
		}
	}
}

// remove takes p out, which is there. s.mu is held.
func (s *shard) remove(hash uint64, p *topic) {
	t := s.table.Load()
	mask := uint64(len(t.places) - 1)
	at := hash & mask
	for t.places[at].Load() != p {
		at = (at + 1) & mask
	}
	t.places[at].Store(tombstone)
	s.count--
}

// rest puts p among those without subscribers.
func (s *shard) rest(p *topic) {
	if p.older = s.newest; p.older == nil {
		s.oldest = p
	} else {
		p.older.newer = p
	}
	s.newest = p
}

// rouse takes p out of there.
func (s *shard) rouse(p *topic) {
	if p.older == nil {
		s.oldest = p.newer
	} else {
		p.older.newer = p.newer
	}
	if p.newer == nil {
		s.newest = p.older
	} else {
		p.newer.older = p.older
	}
	p.older, p.newer = nil, nil
}
