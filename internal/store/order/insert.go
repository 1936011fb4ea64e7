package order

import "bytes"

// Insert adds ref, whose key must not be in the set.
func (s *Set) Insert(ref uint32) {
	var p path
	k := s.keys.Key(ref)
	if s.height > 0 {
		s.descend(k, &p)
	}
	s.insert(&p, ref, k)
	s.settle()
}

// InsertSorted adds refs, which must be in ascending order of their keys, without repetition;
// none of the keys may be in the set. Neighbours that fall into one leaf share one descent.
func (s *Set) InsertSorted(refs []uint32) {
	var p path
	var last []byte
	ok := false
	for _, ref := range refs {
		k := s.keys.Key(ref)
		if s.height > 0 && (!ok || !s.sameLeaf(&p, last, k)) {
			s.descend(k, &p)
		}
		ok = s.insert(&p, ref, k)
		last = k
		if s.freed {
			s.settle()
			ok = false
		}
	}
}

// sameLeaf says whether k, not before last, certainly belongs where p led for last: it is before
// the first separator to the right. No key is looked up for that.
func (s *Set) sameLeaf(p *path, last, k []byte) bool {
	for l := s.height - 2; l >= 0; l-- {
		v := s.node(p[l].id)
		i := int(p[l].pos) + 1
		if i == v.n {
			continue
		}
		if !p[l].has || len(k) < v.pre || !bytes.Equal(k[:v.pre], last[:v.pre]) {
			return false
		}
		return disc(k, v.pre) < v.disc(i)
	}
	return true
}

// insert adds ref to the leaf at the end of p and says whether p still leads there.
func (s *Set) insert(p *path, ref uint32, k []byte) bool {
	s.len++
	if s.height == 0 {
		s.root, s.height = s.newNode(1), 1
		v := s.node(s.root)
		v.slots[0] = slot(0, ref)
		v.setHead(1, len(k))
		v.setRun(0)
		return false
	}
	at := &p[s.height-1]
	v := s.node(at.id)
	pos, has := s.find(&v, 0, k, int(at.m), false)
	if has < v.pre {
		v.shorten(0, has, s.keys.Key(v.ref(0)))
	}
	d := disc(k, v.pre)
	if v.n == len(v.slots) {
		s.overflow(p, &v, pos, slot(d, ref))
		return false
	}
	copy(v.slots[pos+1:v.n+1], v.slots[pos:v.n])
	v.slots[pos] = slot(d, ref)
	v.setHead(v.n+1, v.pre)
	v.setRun(pos)
	if pos > 0 && v.disc(pos-1) == d || pos+1 < v.n && v.disc(pos+1) == d {
		s.tighten(&v, 0)
	}
	return true
}

// overflow adds a slot to a full leaf: by moving it to a larger class, or by splitting it.
func (s *Set) overflow(p *path, v *node, pos int, x uint64) {
	l := s.height - 1
	var f frame
	f.load(v, false)
	f.insert(pos, x, 0)
	if f.n <= maxSlots {
		id := s.store(&f, 0, f.n, classFor(f.n))
		grown := s.node(id)
		grown.setRun(pos)
		s.setKid(p, l, id)
		s.freeNode(p[l].id)
		return
	}
	// A run of ascending keys is split where it stands, so that it leaves full leaves behind.
	// The left half forgets the run: what comes next before the split is another story.
	cut, run := f.n/2, v.run()+1 == pos
	if run {
		cut = min(pos+1, f.n-1)
	}
	left := s.store(&f, 0, cut, classFor(cut+1))
	right := s.store(&f, cut, f.n, classFor(f.n-cut+1))
	if rv := s.node(right); run && cut == pos {
		rv.setRun(0)
	} else if lv := s.node(left); run {
		lv.setRun(pos)
	}
	s.setKid(p, l, left)
	s.freeNode(p[l].id)
	s.addKid(p, l-1, uint32(f.slots[cut]), right)
}

// setKid replaces the node of p at level l in its parent.
func (s *Set) setKid(p *path, l int, id uint32) {
	if l == 0 {
		s.root = id
		return
	}
	v := s.node(p[l-1].id)
	v.kids()[p[l-1].pos] = uint64(id)
}

// addKid puts a new child to the right of the one p leads to at level l, splitting upwards as
// far as needed. sep is the smallest ref below the child.
func (s *Set) addKid(p *path, l int, sep, kid uint32) {
	for ; l >= 0; l-- {
		v := s.node(p[l].id)
		k := s.keys.Key(sep)
		d := s.admit(&v, 1, k, int(p[l].m))
		var f frame
		f.load(&v, true)
		pos := int(p[l].pos) + 1
		f.insert(pos, slot(d, sep), kid)
		if f.n <= maxSlots {
			s.write(&f, 0, f.n, p[l].id)
			return
		}
		cut := f.n / 2
		if pos == f.n-1 {
			cut = f.n - minKids - 1 // appending: leave nearly full nodes behind
		}
		s.write(&f, 0, cut, p[l].id)
		kid = s.store(&f, cut, f.n, innerClass)
		sep = uint32(f.slots[cut])
	}
	root := s.newNode(innerClass)
	v := s.node(root)
	v.setHead(2, len(s.keys.Key(sep)))
	v.slots[0], v.slots[1] = 0, slot(0, sep)
	kids := v.kids()
	kids[0], kids[1] = uint64(s.root), uint64(kid)
	s.root = root
	s.height++
}
