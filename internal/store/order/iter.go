package order

// Iter is a position in a Set. Any change of the set invalidates it: it must not be used again
// before the next Seek. The zero Iter is not Valid. Iters cost no allocation when reused.
type Iter struct {
	s     *Set
	slots []uint64 // of the current leaf
	pos   int
	p     path
}

// Valid says whether the iterator stands on a ref.
func (it *Iter) Valid() bool { return uint(it.pos) < uint(len(it.slots)) }

// Ref is the ref the iterator stands on. It must be Valid.
func (it *Iter) Ref() uint32 { return uint32(it.slots[it.pos]) }

// Next moves to the next larger key; past the last one the iterator is no longer Valid.
func (it *Iter) Next() {
	it.pos++
	if it.pos >= len(it.slots) {
		it.turn(1)
	}
}

// Prev moves to the next smaller key; past the first one the iterator is no longer Valid.
func (it *Iter) Prev() {
	it.pos--
	if it.pos < 0 {
		it.turn(-1)
	}
}

// turn goes to the neighbouring leaf on the right or left.
func (it *Iter) turn(dir int32) {
	if len(it.slots) == 0 {
		it.pos = 0
		return
	}
	for l := it.s.height - 2; l >= 0; l-- {
		v := it.s.node(it.p[l].id)
		if i := it.p[l].pos + dir; i >= 0 && int(i) < v.n {
			it.p[l].pos = i
			it.edge(uint32(v.kids()[i]), l+1, dir < 0)
			return
		}
	}
	it.slots, it.pos = nil, 0
}

// edge goes down from node id at level l along the left or right edge.
func (it *Iter) edge(id uint32, l int, last bool) {
	for {
		v := it.s.node(id)
		it.p[l].id, it.p[l].pos = id, 0
		if l == it.s.height-1 {
			it.slots, it.pos = v.slots[:v.n], 0
			if last {
				it.pos = v.n - 1
			}
			return
		}
		if last {
			it.p[l].pos = int32(v.n - 1)
		}
		id = uint32(v.kids()[it.p[l].pos])
		l++
	}
}

// SeekFirst puts it on the smallest key.
func (s *Set) SeekFirst(it *Iter) { s.seekEdge(it, false) }

// SeekLast puts it on the largest key.
func (s *Set) SeekLast(it *Iter) { s.seekEdge(it, true) }

func (s *Set) seekEdge(it *Iter, last bool) {
	it.s, it.slots, it.pos = s, nil, 0
	if s.height > 0 {
		it.edge(s.root, 0, last)
	}
}

// Seek puts it on the first key >= key. It isn't Valid if there is none.
func (s *Set) Seek(key []byte, it *Iter) {
	if s.seek(key, it); len(it.slots) > 0 && it.pos == len(it.slots) {
		it.turn(1)
	}
}

// SeekBefore puts it on the last key < key. It isn't Valid if there is none.
func (s *Set) SeekBefore(key []byte, it *Iter) {
	if s.seek(key, it); len(it.slots) > 0 {
		it.Prev()
	}
}

// seek puts it on the slot, in the leaf key belongs to, where key is or would be.
func (s *Set) seek(key []byte, it *Iter) {
	it.s, it.slots, it.pos = s, nil, 0
	if s.height == 0 {
		return
	}
	s.descend(key, &it.p)
	at := it.p[s.height-1]
	v := s.node(at.id)
	it.pos, _ = s.find(&v, 0, key, int(at.m), false)
	it.slots = v.slots[:v.n]
}
