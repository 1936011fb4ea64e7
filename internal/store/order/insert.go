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
		if s.height > 0 && !(ok && s.sameLeaf(&p, last, k)) {
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
		return disc(k, v.pre) < v.discs[i]
	}
	return true
}

// insert adds ref to the leaf at the end of p and says whether p still leads there.
func (s *Set) insert(p *path, ref uint32, k []byte) bool {
	s.len++
	if s.height == 0 {
		s.root, s.height = s.newNode(1), 1
		v := s.node(s.root)
		v.refs[0], v.discs[0], v.w[1] = ref, 0, 0
		v.setHead(1, len(k))
		return false
	}
	at := &p[s.height-1]
	v := s.node(at.id)
	pos, has := s.find(&v, 0, k, int(at.m), false)
	if has < v.pre {
		v.shorten(0, has, s.keys.Key(v.refs[0]))
	}
	d := disc(k, v.pre)
	if v.n == len(v.refs) {
		s.overflow(p, &v, pos, ref, d)
		return false
	}
	copy(v.refs[pos+1:v.n+1], v.refs[pos:v.n])
	copy(v.discs[pos+1:v.n+1], v.discs[pos:v.n])
	v.refs[pos], v.discs[pos], v.w[1] = ref, d, uint32(pos)
	v.setHead(v.n+1, v.pre)
	if pos > 0 && v.discs[pos-1] == d || pos+1 < v.n && v.discs[pos+1] == d {
		s.tighten(&v, 0)
	}
	return true
}

// overflow adds a slot to a full leaf: by moving it to a larger class, or by splitting it.
func (s *Set) overflow(p *path, v *node, pos int, ref, d uint32) {
	l := s.height - 1
	var f frame
	f.load(v, false)
	f.insert(pos, ref, d, 0)
	if f.n <= maxSlots {
		id := s.store(&f, 0, f.n, classFor(f.n))
		s.node(id).w[1] = uint32(pos)
		s.setKid(p, l, id)
		s.freeNode(p[l].id)
		return
	}
	// A run of ascending keys is split where it stands, so that it leaves full leaves behind.
	// The left half forgets the run: what comes next before the split is another story.
	cut, run := f.n/2, v.w[1]+1 == uint32(pos)
	if run {
		cut = min(pos+1, f.n-1)
	}
	left := s.store(&f, 0, cut, classFor(cut+1))
	right := s.store(&f, cut, f.n, classFor(f.n-cut+1))
	if run && cut == pos {
		s.node(right).w[1] = 0
	} else if run {
		s.node(left).w[1] = uint32(pos)
	}
	s.setKid(p, l, left)
	s.freeNode(p[l].id)
	s.addKid(p, l-1, f.refs[cut], right)
}

// setKid replaces the node of p at level l in its parent.
func (s *Set) setKid(p *path, l int, id uint32) {
	if l == 0 {
		s.root = id
		return
	}
	v := s.node(p[l-1].id)
	v.kids()[p[l-1].pos] = id
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
		f.insert(pos, sep, d, kid)
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
		sep = f.refs[cut]
	}
	root := s.newNode(innerClass)
	v := s.node(root)
	v.w[1] = noRun
	v.setHead(2, len(s.keys.Key(sep)))
	v.refs[0], v.refs[1], v.discs[0], v.discs[1] = none, sep, 0, 0
	kids := v.kids()
	kids[0], kids[1] = s.root, kid
	s.root = root
	s.height++
}
