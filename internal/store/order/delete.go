package order

const (
	// A node with fewer slots than minFill is put together with a neighbour; into one node if
	// both fill no more than mergeFill slots, so that it doesn't split again at once.
	minFill   = maxSlots / 4
	mergeFill = maxSlots * 3 / 4
	// A leaf with more unused slots than maxWaste moves to a smaller class.
	maxWaste = 2*leafStep + leafStep/2
)

// locate finds the slot of ref.
func (s *Set) locate(p *path, ref uint32) (v node, pos int, ok bool) {
	if s.height == 0 {
		return v, 0, false
	}
	k := s.keys.Key(ref)
	s.descend(k, p)
	at := p[s.height-1]
	v = s.node(at.id)
	pos, has := s.find(&v, 0, k, int(at.m), false)
	return v, pos, has == v.pre && pos < v.n && v.ref(pos) == ref
}

// Replace puts fresh in the place of old: the same key at another ref. The keys of both must be
// readable during the call. If old is not in the set, nothing happens.
func (s *Set) Replace(old, fresh uint32) {
	var p path
	v, pos, ok := s.locate(&p, old)
	if !ok {
		return
	}
	v.slots[pos] = slot(v.disc(pos), fresh)
	for l := range s.height - 1 {
		v := s.node(p[l].id)
		if i := int(p[l].pos); i > 0 && v.ref(i) == old {
			v.slots[i] = slot(v.disc(i), fresh)
		}
	}
}

// Delete removes ref and says whether it was there. Its key must be readable during the call.
func (s *Set) Delete(ref uint32) bool {
	var p path
	v, pos, ok := s.locate(&p, ref)
	if !ok {
		return false
	}
	if s.len--; s.len == 0 {
		s.Clear()
		return true
	}
	copy(v.slots[pos:], v.slots[pos+1:v.n])
	v.setHead(v.n-1, v.pre)
	v.setRun(noRun)

	l := s.height - 1
	first := pos == 0 // a separator above may be ref
	if l > 0 && v.n < minFill {
		first = s.combine(&p, l) && first
	} else if len(v.slots)-v.n > maxWaste {
		var f frame
		f.load(&v, false)
		s.setKid(&p, l, s.store(&f, 0, f.n, classFor(f.n+leafStep/2)))
		s.freeNode(p[l].id)
	}
	if first {
		s.separate(&p)
	}
	for l--; l > 0 && s.node(p[l].id).n < minFill; l-- {
		s.combine(&p, l)
	}
	for s.height > 1 && s.node(s.root).n == 1 {
		v := s.node(s.root)
		old := s.root
		s.root = uint32(v.kids()[0])
		s.height--
		s.freeNode(old)
	}
	s.settle()
	return true
}

// separate renews the separator to the left of the leaf at the end of p, after its first slot
// went. Only one node holds it: the deepest in which p isn't leftmost.
func (s *Set) separate(p *path) {
	l := s.height - 2
	for l >= 0 && p[l].pos == 0 {
		l--
	}
	if l < 0 {
		return
	}
	parent := s.node(p[s.height-2].id)
	leaf := s.node(uint32(parent.kids()[p[s.height-2].pos]))
	ref := leaf.ref(0)
	v := s.node(p[l].id)
	d := s.admit(&v, 1, s.keys.Key(ref), int(p[l].m))
	v.slots[p[l].pos] = slot(d, ref)
}

// combine rearranges the node at level l of p together with a neighbour, the right one if there
// is one, into one node or two of equal size. It says whether it took the right one.
func (s *Set) combine(p *path, l int) (right bool) {
	parent := s.node(p[l-1].id)
	a := int(p[l-1].pos)
	if right = a+1 < parent.n; !right {
		a--
		p[l-1].pos--
	}
	kids := parent.kids()
	lid, rid := uint32(kids[a]), uint32(kids[a+1])
	var f frame
	s.join(&f, lid, rid, parent.ref(a+1))
	one, two := f.n, none
	if f.n > mergeFill {
		one = f.n / 2
	}
	class := func(n int) int {
		if f.inner {
			return innerClass
		}
		return classFor(n + 1)
	}
	id := s.store(&f, 0, one, class(one))
	if one < f.n {
		two = s.store(&f, one, f.n, class(f.n-one))
	}
	parent = s.node(p[l-1].id) // the pool may have moved
	kids = parent.kids()
	kids[a] = uint64(id)
	if two != none {
		sep := uint32(f.slots[one])
		d := s.admit(&parent, 1, s.keys.Key(sep), int(p[l-1].m))
		parent.slots[a+1], kids[a+1] = slot(d, sep), uint64(two)
	} else {
		copy(parent.slots[a+1:], parent.slots[a+2:parent.n])
		copy(kids[a+1:], kids[a+2:parent.n])
		parent.setHead(parent.n-1, parent.pre)
	}
	s.freeNode(lid)
	s.freeNode(rid)
	return right
}

// join loads both nodes into f under one prefix. sep is the separator between them; inner nodes
// need it as the first key of the right one.
func (s *Set) join(f *frame, lid, rid, sep uint32) {
	lv, rv := s.node(lid), s.node(rid)
	from := 0
	if !isLeaf(lid) {
		from = 1
	}
	if lv.n > from && rv.n > from {
		lk, rk := s.keys.Key(lv.ref(from)), s.keys.Key(rv.ref(rv.n-1))
		pre := common(lk, rk, 0, min(lv.pre, rv.pre))
		lv.shorten(from, pre, lk)
		rv.shorten(from, pre, rk)
	} else if rv.n > from {
		lv.setHead(lv.n, rv.pre)
	}
	f.load(&lv, !isLeaf(lid))
	if from == 1 {
		rv.slots[0] = slot(disc(s.keys.Key(sep), f.pre), sep)
	}
	copy(f.slots[f.n:], rv.slots[:rv.n])
	if f.inner {
		copy(f.kids[f.n:], rv.kids()[:rv.n])
	}
	f.n += rv.n
}
