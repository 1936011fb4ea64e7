package order

// buildFill is how full Build makes nodes: some room, so that the first insertions between
// existing keys don't split every leaf.
const buildFill = 120

// seed is a node that Build has made: its id and the smallest ref below it.
type seed struct{ id, least uint32 }

// Build makes an empty set hold refs, which must be in ascending order of their keys, without
// repetition. It writes every node once, from the leaves up: keys are looked at in order, once or
// twice, where InsertSorted descends for every leaf and moves slots.
func (s *Set) Build(refs []uint32) {
	if s.len != 0 {
		panic("order: Build of a set that is not empty")
	}
	if len(refs) == 0 {
		return
	}
	s.len = len(refs)
	level := make([]seed, 0, len(refs)/buildFill+1)
	for part := range even(len(refs)) {
		level = append(level, s.buildLeaf(refs[part.from:part.to]))
	}
	for s.height = 1; len(level) > 1; s.height++ {
		next := make([]seed, 0, len(level)/buildFill+1)
		for part := range even(len(level)) {
			next = append(next, s.buildInner(level[part.from:part.to]))
		}
		level = next
	}
	s.root = level[0].id
}

// even divides n slots among as few nodes as buildFill allows, so that they differ by one at most:
// of several inner nodes each has at least half of buildFill.
func even(n int) func(func(span) bool) {
	nodes := (n + buildFill - 1) / buildFill
	return func(yield func(span) bool) {
		for i := range nodes {
			if !yield(span{from: i * n / nodes, to: (i + 1) * n / nodes}) {
				return
			}
		}
	}
}

func (s *Set) buildLeaf(refs []uint32) seed {
	var f frame
	first, last := s.keys.Key(refs[0]), s.keys.Key(refs[len(refs)-1])
	f.n, f.pre = len(refs), common(first, last, 0, len(first))
	for i, ref := range refs {
		f.slots[i] = slot(disc(s.keys.Key(ref), f.pre), ref)
	}
	return seed{s.store(&f, 0, f.n, classFor(f.n)), refs[0]}
}

func (s *Set) buildInner(kids []seed) seed {
	var f frame
	first, last := s.keys.Key(kids[1].least), s.keys.Key(kids[len(kids)-1].least)
	f.n, f.pre, f.inner = len(kids), common(first, last, 0, len(first)), true
	for i, kid := range kids {
		f.kids[i] = uint64(kid.id)
		if i > 0 {
			f.slots[i] = slot(disc(s.keys.Key(kid.least), f.pre), kid.least)
		}
	}
	return seed{s.store(&f, 0, f.n, innerClass), kids[0].least}
}
