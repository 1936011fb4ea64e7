package order

// frame is the slots of one or two nodes on the stack, while they are rearranged.
type frame struct {
	slots, kids [2*maxSlots + 2]uint64
	n, pre      int
	inner       bool
}

// load fills f with the slots of v.
func (f *frame) load(v *node, inner bool) {
	f.n, f.pre, f.inner = v.n, v.pre, inner
	copy(f.slots[:], v.slots[:v.n])
	if f.inner {
		copy(f.kids[:], v.kids()[:v.n])
	}
}

func (f *frame) insert(pos int, x uint64, kid uint32) {
	copy(f.slots[pos+1:], f.slots[pos:f.n])
	if f.inner {
		copy(f.kids[pos+1:], f.kids[pos:f.n])
	}
	f.slots[pos], f.kids[pos] = x, uint64(kid)
	f.n++
}

// store writes slots [from, to) into a new node of the class.
func (s *Set) store(f *frame, from, to, class int) uint32 {
	id := s.newNode(min(class, classes-1))
	s.write(f, from, to, id)
	return id
}

// write makes slots [from, to) the contents of node id.
func (s *Set) write(f *frame, from, to int, id uint32) {
	v := s.node(id)
	copy(v.slots, f.slots[from:to])
	v.setHead(to-from, f.pre)
	v.setRun(noRun)
	if f.inner {
		copy(v.kids(), f.kids[from:to])
		s.tighten(&v, 1)
		return
	}
	s.tighten(&v, 0)
}
