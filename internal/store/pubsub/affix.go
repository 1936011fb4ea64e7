package pubsub

// affixes finds among many patterns those that match some bytes. Every pattern is kept under the
// literal bytes it begins with or those it ends with, whichever fewer others share. Patterns that
// share both with many (`*x*`) are tried one by one.
type affixes[V any] struct {
	match func(pattern, s []byte) bool
	all   map[string]*affixed[V]
	heads affixSide[V]
	tails affixSide[V]
}

// affixed is one pattern with what belongs to it.
type affixed[V any] struct {
	pattern []byte
	value   V
	in      *bucket[V]
	place   uint32 // in the bucket
}

type affixSide[V any] struct {
	buckets map[string]*bucket[V]
	sizes   [len(affixSizes)]int // buckets by the length of their keys
}

type bucket[V any] struct {
	key   string
	size  uint8 // of the key, in affixSizes
	tail  bool
	items []*affixed[V]
}

// affixSizes are the lengths that keys may have: longer affixes are cut to the next lower one. A
// search looks up one key for each that occurs.
var affixSizes = [...]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 20, 24, 32, 48, 64}

func newAffixes[V any](match func(pattern, s []byte) bool) *affixes[V] {
	return &affixes[V]{
		match: match,
		all:   map[string]*affixed[V]{},
		heads: affixSide[V]{buckets: map[string]*bucket[V]{}},
		tails: affixSide[V]{buckets: map[string]*bucket[V]{}},
	}
}

func affixSize(n int) uint8 {
	size := len(affixSizes) - 1
	for affixSizes[size] > n {
		size--
	}
	return uint8(size)
}

// get is what belongs to a pattern.
func (a *affixes[V]) get(pattern []byte) (V, bool) {
	if e := a.all[string(pattern)]; e != nil {
		return e.value, true
	}
	var none V
	return none, false
}

// put adds a pattern that is not there yet. head and tail are literal bytes that everything begins
// and ends with that it matches.
func (a *affixes[V]) put(pattern string, head, tail []byte, value V) {
	e := &affixed[V]{pattern: []byte(pattern), value: value}
	a.all[pattern] = e
	h, t := affixSize(len(head)), affixSize(len(tail))
	head, tail = head[:affixSizes[h]], tail[len(tail)-affixSizes[t]:]
	first, last := a.heads.buckets[string(head)], a.tails.buckets[string(tail)]
	if len(tail) == 0 || len(head) > 0 && crowd(first) <= crowd(last) {
		e.in = a.heads.open(first, head, h, false)
	} else {
		e.in = a.tails.open(last, tail, t, true)
	}
	e.place = uint32(len(e.in.items))
	e.in.items = append(e.in.items, e)
}

func crowd[V any](b *bucket[V]) int {
	if b == nil {
		return 0
	}
	return len(b.items)
}

func (s *affixSide[V]) open(b *bucket[V], key []byte, size uint8, tail bool) *bucket[V] {
	if b == nil {
		b = &bucket[V]{key: string(key), size: size, tail: tail}
		s.buckets[b.key] = b
		s.sizes[size]++
	}
	return b
}

// remove takes a pattern out. It does nothing if it is not there.
func (a *affixes[V]) remove(pattern []byte) {
	e := a.all[string(pattern)]
	if e == nil {
		return
	}
	delete(a.all, string(pattern))
	b := e.in
	last := len(b.items) - 1
	b.items[e.place] = b.items[last]
	b.items[e.place].place = e.place
	b.items[last] = nil
	if b.items = b.items[:last]; last > 0 {
		return
	}
	side := &a.heads
	if b.tail {
		side = &a.tails
	}
	delete(side.buckets, b.key)
	side.sizes[b.size]--
}

// find appends what belongs to the patterns that match s.
func (a *affixes[V]) find(s []byte, dst []V) []V {
	for size, n := range a.heads.sizes {
		if length := affixSizes[size]; n > 0 && length <= len(s) {
			dst = a.sift(a.heads.buckets[string(s[:length])], s, dst)
		}
	}
	for size, n := range a.tails.sizes {
		if length := affixSizes[size]; n > 0 && length <= len(s) {
			dst = a.sift(a.tails.buckets[string(s[len(s)-length:])], s, dst)
		}
	}
	return dst
}

func (a *affixes[V]) sift(b *bucket[V], s []byte, dst []V) []V {
	if b == nil {
		return dst
	}
	for _, e := range b.items {
		if a.match(e.pattern, s) {
			dst = append(dst, e.value)
		}
	}
	return dst
}
