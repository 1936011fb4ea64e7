package kv

import (
	"math/bits"
	"unsafe"

	"github.com/synapdb/synap/internal/store/slab"
)

// index finds the ref of a key by its hash. It is extendible hashing: the top bits of the hash
// choose a segment through the directory, a segment is a table of buckets of one cache line.
//
//	bucket  | tag 2 B × 10 | ref 4 B × 10 | over 2 B | far 2 B |   = 64 B
//
// A tag is 16 bits of the hash. It also chooses the bucket (tag × buckets >> 16), so a segment
// grows, shrinks or joins its neighbour without reading a single key; only a split, once per
// doubling, does. Segments grow in steps of an eighth to a quarter, so that the table is three
// quarters full or more at any size: 8 to 9.5 bytes a key, where doubling costs up to 13.
//
// An entry whose bucket is full goes to one of the following ones; its home bucket counts
// such entries (over) and how far the farthest went (far), so that a search reads one cache line
// unless its own home overflowed.
//
// Rivals: 12 slots with one-byte tags need the keys for every growth; linear hashing has
// no directory but at equal memory several times the overflow.
type index struct {
	arena *slab.Arena // of the tables
	dir   []uint32    // segment numbers; length 2^depth, or 0 when empty
	shift uint8       // 64 - depth
	segs  []segment
	free  []uint32 // unused segment numbers
}

const (
	slots       = 10
	tagShift    = 16
	leastTable  = 4    // buckets
	splitTable  = 256  // buckets of each half after a split
	mostTable   = 448  // buckets of a segment that splits next
	hardTable   = 4096 // growth beyond mostTable, when many tags are alike
	mostProbes  = 128
	fillPercent = 85
)

type bucket struct {
	tags [slots]uint16
	refs [slots]uint32 // 0 = free slot
	over uint16        // entries at home here that are in a later bucket
	far  uint16        // how many buckets further the farthest may be
}

type segment struct {
	table []bucket
	ref   slab.Ref
	count uint32
	depth uint8 // bits of the hash that all its entries share
}

const (
	laneOnes = 0x0001_0001_0001_0001
	laneTops = 0x8000_8000_8000_8000
)

// match says which of the first eight tags, and which of the last two, may equal tag: the top
// bit of the lane is set. Lanes above an equal one may be set wrongly.
func (b *bucket) match(tag uint64) (first, second, last uint64) {
	words := (*[2]uint64)(unsafe.Pointer(b))
	x := words[0] ^ tag
	y := words[1] ^ tag
	z := uint64(*(*uint32)(unsafe.Pointer(&b.tags[8])) ^ uint32(tag))
	return (x - laneOnes) &^ x & laneTops, (y - laneOnes) &^ y & laneTops,
		(z - laneOnes&0xFFFFFFFF) &^ z & (laneTops & 0xFFFFFFFF)
}

func home(h uint64, n int) int { return int(uint64(uint16(h>>tagShift)) * uint64(n) >> 16) }

func (x *index) segment(h uint64) *segment {
	return &x.segs[x.dir[h>>x.shift]]
}

// find returns the ref of key, whose blocks are in entries, or 0.
func (x *index) find(entries *slab.Arena, h uint64, key []byte) slab.Ref {
	if len(x.dir) == 0 {
		return 0
	}
	table := x.segment(h).table
	i := home(h, len(table))
	tag := uint64(uint16(h>>tagShift)) * laneOnes
	b := &table[i]
	if r := b.find(entries, tag, key); r != 0 {
		return r
	}
	for far := b.far; far > 0; far-- {
		if i++; i == len(table) {
			i = 0
		}
		if r := table[i].find(entries, tag, key); r != 0 {
			return r
		}
	}
	return 0
}

func (b *bucket) find(entries *slab.Arena, tag uint64, key []byte) slab.Ref {
	first, second, last := b.match(tag)
	for base := 0; ; base += 4 {
		for ; first != 0; first &= first - 1 {
			r := b.refs[base+bits.TrailingZeros64(first)>>4]
			if r == 0 {
				continue
			}
			h := (*head)(entries.Ptr(r))
			if int(h.keyLen) == len(key) && string(h.key()) == string(key) {
				return r
			}
		}
		if base == 8 {
			return 0
		}
		first, second, last = second, last, 0
	}
}

// slot finds the place of ref, which must be in the index under h. It panics when it is not there:
// to go on would corrupt more.
func (x *index) slot(h uint64, ref slab.Ref) (s *segment, at, n int) {
	s = x.segment(h)
	at = home(h, len(s.table))
	for range s.table {
		for n := range s.table[at].refs {
			if s.table[at].refs[n] == ref {
				return s, at, n
			}
		}
		if at++; at == len(s.table) {
			at = 0
		}
	}
	panic("kv: an entry is missing from the index")
}

// replace makes the entry of old point to ref: the block moved.
func (x *index) replace(h uint64, old, ref slab.Ref) {
	s, at, n := x.slot(h, old)
	s.table[at].refs[n] = ref
}

// rehasher hashes the key of an entry again.
type rehasher interface{ hash(ref slab.Ref) uint64 }

// insert adds ref under h. Its key must not be in the index. Growth may need the hashes of other
// entries: rehash gives them.
func (x *index) insert(h uint64, ref slab.Ref, rehash rehasher) {
	if len(x.dir) == 0 {
		x.segs = append(x.segs[:0], x.newSegment(leastTable, 0))
		x.dir, x.shift = []uint32{0}, 64
	}
	for {
		s := x.segment(h)
		if int(s.count)*100 < len(s.table)*slots*fillPercent &&
			put(s.table, uint16(h>>tagShift), ref) {
			s.count++
			return
		}
		x.grow(h, rehash)
	}
}

// put places ref in a table and says whether there was room near its home.
func put(table []bucket, tag uint16, ref slab.Ref) bool {
	n := len(table)
	at := int(uint32(tag) * uint32(n) >> 16)
	first := &table[at]
	for far := range min(n, mostProbes) {
		b := &table[at]
		for i := range b.refs {
			if b.refs[i] != 0 {
				continue
			}
			b.refs[i], b.tags[i] = ref, tag
			if far > 0 {
				first.over++
				first.far = max(first.far, uint16(far))
			}
			return true
		}
		if at++; at == n {
			at = 0
		}
	}
	return false
}

// remove takes ref, which must be there, out of the index.
func (x *index) remove(h uint64, ref slab.Ref) {
	s, at, n := x.slot(h, ref)
	s.table[at].refs[n] = 0
	if first := home(h, len(s.table)); first != at {
		b := &s.table[first]
		if b.over--; b.over == 0 {
			b.far = 0
		}
	}
	s.count--
	if s.count*3 < uint32(len(s.table)*slots) && len(s.table) > leastTable {
		x.shrink(h)
	}
}

// bytes is the memory of the tables and of what describes them.
func (x *index) bytes() int64 {
	n := int64(cap(x.dir)+cap(x.free))*4 + int64(cap(x.segs))*int64(unsafe.Sizeof(segment{}))
	if x.arena != nil {
		n += x.arena.Live() + x.arena.Overhead()
	}
	return n
}
