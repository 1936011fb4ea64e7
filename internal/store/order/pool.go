package order

// Nodes live in pools, one per node size, and are named by a uint32 id: the class of the pool in
// the low bits, the index inside the pool above. A pool is a table of chunks of plain words, so
// the garbage collector sees one pointer per chunk and never looks inside.
//
// A freed node goes to a doubly linked list threaded through the free nodes themselves. When
// about 1/slack of a pool is free, the last nodes are moved into the holes and the chunks at the
// end are given back, so memory follows the number of keys down as well as up.
const (
	classBits  = 3
	classMask  = 1<<classBits - 1
	innerClass = 0 // classes above hold leaves, each 16 slots larger than the one before
	leafStep   = 16
	classes    = 8

	chunkNodes = 16
	slack      = 16

	// none is the id of no node.
	none = ^uint32(0)
	// freeMark stands in the first word of a free node; no live node has it, since its low bits
	// would be a count above every capacity.
	freeMark = ^uint64(0)
)

type pool struct {
	chunks [][]uint64
	stride int    // words per node
	used   uint32 // indexes below used are live or free; those above were never handed out
	free   uint32 // nodes in the free list
	head   uint32 // first free index, or none
}

// at is the words of node i. The view is valid until the node is freed or moved.
func (p *pool) at(i uint32) []uint64 {
	c := p.chunks[i/chunkNodes]
	o := int(i%chunkNodes) * p.stride
	return c[o : o+p.stride : o+p.stride]
}

// alloc hands out a node with unspecified contents. The first chunk starts small and moves as it
// grows, for the sake of small sets: every view of a node of this pool is void afterwards.
func (p *pool) alloc() uint32 {
	if p.head != none {
		i := p.head
		p.unlink(i)
		return i
	}
	i := p.used
	switch {
	case p.fits(i):
	case i == 0:
		p.chunks = append(p.chunks, make([]uint64, p.stride))
	case i < chunkNodes:
		c := make([]uint64, min(int(i)*2, chunkNodes)*p.stride)
		copy(c, p.chunks[0])
		p.chunks[0] = c
	default:
		p.chunks = append(p.chunks, make([]uint64, chunkNodes*p.stride))
	}
	p.used++
	return i
}

func (p *pool) fits(i uint32) bool {
	c := int(i / chunkNodes)
	return c < len(p.chunks) && int(i%chunkNodes+1)*p.stride <= len(p.chunks[c])
}

// link is the second word of a free node; the first is freeMark.
func link(next, prev uint32) uint64 { return uint64(next) | uint64(prev)<<32 }

// release puts node i on the free list.
func (p *pool) release(i uint32) {
	w := p.at(i)
	w[0], w[1] = freeMark, link(p.head, none)
	if p.head != none {
		w := p.at(p.head)
		w[1] = link(uint32(w[1]), i)
	}
	p.head = i
	p.free++
}

func (p *pool) unlink(i uint32) {
	w := p.at(i)
	next, prev := uint32(w[1]), uint32(w[1]>>32)
	if prev == none {
		p.head = next
	} else {
		v := p.at(prev)
		v[1] = link(next, uint32(v[1]>>32))
	}
	if next != none {
		v := p.at(next)
		v[1] = link(uint32(v[1]), prev)
	}
	p.free--
	w[0] = 0
}

// sparse leaves room for a set to breathe: some free nodes cost less than moving others.
func (p *pool) sparse() bool {
	return p.free > p.used/slack+chunkNodes/4 || p.free > 0 && p.free == p.used
}

// trim drops free nodes from the end of a sparse pool and says whether it is still too sparse.
func (p *pool) trim() bool {
	if !p.sparse() {
		return false
	}
	for p.used > 0 && p.at(p.used - 1)[0] == freeMark {
		p.used--
		p.unlink(p.used)
	}
	keep := int(p.used+chunkNodes-1) / chunkNodes
	if len(p.chunks) > keep {
		clear(p.chunks[keep:])
		p.chunks = p.chunks[:keep]
	}
	if cap(p.chunks) > 64 && len(p.chunks) < cap(p.chunks)/4 {
		p.chunks = append(make([][]uint64, 0, len(p.chunks)*2), p.chunks...)
	}
	return p.sparse()
}

func (p *pool) bytes() int64 {
	if len(p.chunks) == 0 {
		return int64(cap(p.chunks)) * 24
	}
	words := len(p.chunks[0]) + (len(p.chunks)-1)*chunkNodes*p.stride
	return int64(words)*8 + int64(cap(p.chunks))*24
}
