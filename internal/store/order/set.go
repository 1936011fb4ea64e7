package order

import "unsafe"

// Keys looks up the bytes of a key. The bytes of every ref in a set must stay readable and
// unchanged for as long as it is in the set. Keys are at most 65535 bytes long.
type Keys interface{ Key(ref uint32) []byte }

// Set is an ordered set of refs. It is not safe for concurrent use, not even for reading while
// something is written. An empty set holds no memory but itself.
type Set struct {
	keys   Keys
	pools  [classes]pool
	root   uint32
	height int // levels; 0 when empty, 1 when the root is a leaf
	len    int
	freed  bool // nodes were freed since the last settle
	sorter sorter
}

// New makes an empty set of refs to keys.
func New(keys Keys) *Set {
	s := &Set{keys: keys}
	s.Clear()
	return s
}

// Clear removes every ref and gives all memory back, in time independent of Len.
func (s *Set) Clear() {
	for c := range s.pools {
		s.pools[c] = pool{stride: strideOf(c), head: none}
	}
	s.root, s.height, s.len, s.freed = none, 0, 0, false
	s.sorter = sorter{}
}

// Len is the number of refs.
func (s *Set) Len() int { return s.len }

// Bytes is the memory held, exactly, in bytes.
func (s *Set) Bytes() int64 {
	b := int64(unsafe.Sizeof(*s)) + s.sorter.bytes()
	for c := range s.pools {
		b += s.pools[c].bytes()
	}
	return b
}

// step is one level of a path: which node, which slot or child of it, and how many bytes are
// known to be shared by every key the node may ever hold. has says that the key searched for has
// the node's whole prefix.
type step struct {
	id  uint32
	pos int32
	m   int32
	has bool
}

// maxHeight is enough for 2^32 leaves: every inner node but the root has at least minKids
// children, and 15^9 > 2^32; the root and the leaves come on top.
const (
	maxHeight = 12
	minKids   = 15
)

type path [maxHeight]step

// descend fills p with the way to the leaf that holds k or would hold it, without looking into
// the leaf. The set must not be empty.
func (s *Set) descend(k []byte, p *path) {
	id, m := s.root, 0
	for l := 0; ; l++ {
		p[l] = step{id: id, m: int32(m)}
		if l == s.height-1 {
			return
		}
		v := s.node(id)
		pos, has := s.find(&v, 1, k, m, true)
		p[l].pos, p[l].has = int32(pos-1), has == v.pre
		if p[l].has && pos > 1 && pos < v.n {
			m = max(m, v.pre+shared(v.disc(pos-1), v.disc(pos)))
		}
		id = uint32(v.kids()[pos-1])
	}
}

func (s *Set) newNode(class int) uint32 {
	return s.pools[class].alloc()<<classBits | uint32(class)
}

func (s *Set) freeNode(id uint32) {
	s.pools[id&classMask].release(id >> classBits)
	s.freed = true
}

// settle moves nodes from the ends of sparse pools into their holes. Paths are void afterwards.
func (s *Set) settle() {
	if !s.freed {
		return
	}
	s.freed = false
	for c := range s.pools {
		for p := &s.pools[c]; p.trim(); {
			from := p.used - 1
			w := p.at(from)
			to := p.alloc()
			s.relink(from<<classBits|uint32(c), to<<classBits|uint32(c))
			copy(p.at(to), w)
			p.release(from)
		}
	}
}

// relink makes the parent of node from point to node to.
func (s *Set) relink(from, to uint32) {
	if s.root == from {
		s.root = to
		return
	}
	v := s.node(from)
	ref := v.ref(0)
	if !isLeaf(from) {
		ref = v.ref(1)
	}
	var p path
	s.descend(s.keys.Key(ref), &p)
	for l := range s.height - 1 {
		parent := s.node(p[l].id)
		if kids := parent.kids(); kids[p[l].pos] == uint64(from) {
			kids[p[l].pos] = uint64(to)
			return
		}
	}
}
