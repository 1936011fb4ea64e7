package kv

import (
	"bytes"

	"github.com/synapdb/synap/internal/store/order"
	"github.com/synapdb/synap/internal/store/slab"
)

// Range bounds an ordered scan: keys with Prefix that are >= Start and < End (nil = open).
// Reverse goes from the end down. After, when set, leaves out keys up to and including After (in
// the direction of the scan).
type Range struct {
	Prefix, Start, End, After []byte
	Reverse                   bool
}

// has says whether key is in the range.
func (r *Range) has(key []byte) bool {
	if !bytes.HasPrefix(key, r.Prefix) || bytes.Compare(key, r.Start) < 0 ||
		r.End != nil && bytes.Compare(key, r.End) >= 0 {
		return false
	}
	if r.After == nil {
		return true
	}
	c := bytes.Compare(key, r.After)
	return c > 0 && !r.Reverse || c < 0 && r.Reverse
}

// source is the part of a scan that one shard delivers, in order.
type source struct {
	it  order.Iter
	sp  *space
	ref slab.Ref
	key []byte
}

// merger is a binary heap of sources by their keys; the next in the direction of the scan is at
// the root. It is reused between scans.
type merger struct {
	sources []source
	heap    []*source
	reverse bool
	bound   []byte // scratch for the end of a prefix
}

// Scan calls visit for live keys in byte order until it returns false. All shards must be
// locked. The cost is O(visited + shards), whatever the size of the store. visit must not Apply.
func (t *Tx) Scan(db uint8, r Range, visit func(Entry) bool) {
	t.needAll()
	m, _ := t.s.mergers.Get().(*merger)
	if m == nil {
		m = &merger{sources: make([]source, len(t.s.shards))}
	}
	was := t.scanning
	t.scanning = true
	m.start(t.s, db, &r)
	for len(m.heap) > 0 {
		s := m.heap[0]
		if !r.has(s.key) {
			break // everything that is left lies behind the range
		}
		h := s.sp.head(s.ref)
		if (t.replay || !h.expired(t.now)) && !visit(Entry{h, s.sp, s.ref}) {
			break
		}
		m.advance()
	}
	t.scanning = was
	m.end()
	t.s.mergers.Put(m)
}

// start puts every shard's iterator at the beginning of the range.
func (m *merger) start(s *Store, db uint8, r *Range) {
	m.reverse = r.Reverse
	m.heap = m.heap[:0]
	from, at := m.beginning(r)
	for i := range s.shards {
		sp := s.shards[i].db[db].Load()
		if sp == nil {
			continue
		}
		sp.admitRange(r)
		src := &m.sources[i]
		src.sp = sp
		switch {
		case !r.Reverse:
			sp.order.Seek(from, &src.it)
		case at:
			sp.order.SeekBefore(from, &src.it)
		default:
			sp.order.SeekLast(&src.it)
		}
		if src.load() && !r.Reverse && r.After != nil && bytes.Equal(src.key, r.After) {
			src.step(false)
		}
		if src.it.Valid() {
			m.heap = append(m.heap, src)
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
}

// beginning is where a scan starts: at the first key >= from, or in reverse at the last key < from;
// not at means at the very end.
func (m *merger) beginning(r *Range) (from []byte, at bool) {
	if !r.Reverse {
		from = r.Prefix
		for _, b := range [][]byte{r.Start, r.After} {
			if bytes.Compare(b, from) > 0 {
				from = b
			}
		}
		return from, true
	}
	m.bound = append(m.bound[:0], r.Prefix...)
	for n := len(m.bound); n > 0; n-- {
		if m.bound[n-1]++; m.bound[n-1] != 0 {
			from, at = m.bound[:n], true
			break
		}
	}
	for _, b := range [][]byte{r.End, r.After} {
		if b != nil && (!at || bytes.Compare(b, from) < 0) {
			from, at = b, true
		}
	}
	return from, at
}

// admitRange moves those keys of the delta that are in the range to the order. The others cost
// one look each and may stay, so that a scan amid many inserts does not pay for all of them.
func (sp *space) admitRange(r *Range) {
	if sp.delta.n == 0 {
		return
	}
	batch := sp.shard.batch[:0]
	for _, ref := range sp.delta.table {
		if ref != 0 && r.has(sp.Key(ref)) {
			batch = append(batch, ref)
		}
	}
	if len(batch) == 0 {
		return
	}
	for _, ref := range batch {
		sp.delta.remove(ref)
	}
	sp.admit(batch)
	sp.account()
}

// load reads the key under the iterator and says whether there is one.
func (s *source) load() bool {
	if !s.it.Valid() {
		return false
	}
	s.ref = s.it.Ref()
	s.key = s.sp.Key(s.ref)
	return true
}

func (s *source) step(reverse bool) bool {
	if reverse {
		s.it.Prev()
	} else {
		s.it.Next()
	}
	return s.load()
}

// advance moves the first source on and restores the heap.
func (m *merger) advance() {
	if !m.heap[0].step(m.reverse) {
		last := len(m.heap) - 1
		m.heap[0] = m.heap[last]
		m.heap = m.heap[:last]
	}
	m.down(0)
}

func (m *merger) before(a, b *source) bool {
	return (bytes.Compare(a.key, b.key) < 0) != m.reverse
}

func (m *merger) down(i int) {
	for {
		kid := 2*i + 1
		if kid >= len(m.heap) {
			return
		}
		if kid+1 < len(m.heap) && m.before(m.heap[kid+1], m.heap[kid]) {
			kid++
		}
		if !m.before(m.heap[kid], m.heap[i]) {
			return
		}
		m.heap[i], m.heap[kid] = m.heap[kid], m.heap[i]
		i = kid
	}
}

// end lets go of what the scan pointed to.
func (m *merger) end() {
	clear(m.sources)
	clear(m.heap[:cap(m.heap)])
	m.heap = m.heap[:0]
}
