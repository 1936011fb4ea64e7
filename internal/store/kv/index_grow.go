package kv

import (
	"unsafe"

	"github.com/synapdb/synap/internal/store/slab"
)

const bucketBytes = int(unsafe.Sizeof(bucket{}))

func (x *index) newSegment(buckets int, depth uint8) segment {
	ref := x.arena.Alloc(buckets * bucketBytes)
	table := unsafe.Slice((*bucket)(x.arena.Ptr(ref)), buckets)
	clear(table)
	return segment{table: table, ref: ref, depth: depth}
}

// larger is the next size of a table.
func larger(buckets int) int {
	if buckets < splitTable || buckets >= mostTable {
		return buckets * 2
	}
	return buckets + splitTable/4
}

// grow makes room where h belongs: a larger table, or two segments for one. Only when both fail,
// because too many tags are alike, a table may pass mostTable.
func (x *index) grow(h uint64, rehash rehasher) {
	s := x.segment(h)
	for n := larger(len(s.table)); n <= mostTable; n = larger(n) {
		if x.resize(s, n) {
			return
		}
	}
	if x.split(h, rehash) {
		return
	}
	for n := larger(max(len(s.table), mostTable)); n <= hardTable; n = larger(n) {
		if x.resize(s, n) {
			return
		}
	}
	panic("kv: thousands of keys share 16 bits of a seeded hash")
}

// resize moves the entries of s to a table of n buckets and says whether they fit.
func (x *index) resize(s *segment, n int) bool {
	fresh := x.newSegment(n, s.depth)
	if !refill(&fresh, s.table) {
		x.arena.Free(fresh.ref)
		return false
	}
	x.arena.Free(s.ref)
	*s = fresh
	return true
}

// refill puts the entries of table into s by their tags alone.
func refill(s *segment, table []bucket) bool {
	for i := range table {
		b := &table[i]
		for j, ref := range b.refs {
			if ref == 0 {
				continue
			}
			if !put(s.table, b.tags[j], ref) {
				return false
			}
			s.count++
		}
	}
	return true
}

// split divides the segment of h by the next bit of the hash, and says whether the halves fit
// into their tables.
func (x *index) split(h uint64, rehash rehasher) bool {
	number := x.dir[h>>x.shift]
	s := &x.segs[number]
	depth := s.depth + 1
	var half [2]segment
	for i := range half {
		half[i] = x.newSegment(splitTable, depth)
	}
	for from := 0; from < len(s.table); from += splitBatch {
		if !divide(s.table[from:min(from+splitBatch, len(s.table))], &half, depth, rehash) {
			x.arena.Free(half[0].ref)
			x.arena.Free(half[1].ref)
			return false
		}
	}
	x.arena.Free(s.ref)
	if depth > 64-x.shift {
		x.doubleDir()
	}
	*s = half[0]
	x.point(h, depth, 1, x.number(half[1]))
	return true
}

const splitBatch = 8 // buckets

// divide puts the entries of some buckets into the half they belong to. All keys are hashed before
// any entry is put, so that the processor can wait for many of them at once.
func divide(table []bucket, half *[2]segment, depth uint8, rehash rehasher) bool {
	var refs [splitBatch * slots]slab.Ref
	var tags [splitBatch * slots]uint16
	var to [splitBatch * slots]uint8
	n := 0
	for i := range table {
		for j, ref := range table[i].refs {
			if ref != 0 {
				refs[n], tags[n] = ref, table[i].tags[j]
				n++
			}
		}
	}
	for i, ref := range refs[:n] {
		to[i] = uint8(rehash.hash(ref) >> (64 - depth) & 1)
	}
	for i, ref := range refs[:n] {
		s := &half[to[i]&1]
		if !put(s.table, tags[i], ref) {
			return false
		}
		s.count++
	}
	return true
}

// number stores a segment under a free number. It may move x.segs.
func (x *index) number(s segment) uint32 {
	if last := len(x.free) - 1; last >= 0 {
		n := x.free[last]
		x.free = x.free[:last]
		x.segs[n] = s
		return n
	}
	x.segs = append(x.segs, s)
	return uint32(len(x.segs) - 1)
}

func (x *index) doubleDir() {
	dir := make([]uint32, 2*len(x.dir))
	for i, n := range x.dir {
		dir[2*i], dir[2*i+1] = n, n
	}
	x.dir = dir
	x.shift--
}

// point makes the directory lead to number for all hashes that share depth-1 bits with h and
// have bit as the next one.
func (x *index) point(h uint64, depth uint8, bit uint64, number uint32) {
	prefix := h>>(65-depth)<<1 | bit
	span := uint64(1) << (64 - x.shift - depth)
	for i := prefix * span; i < (prefix+1)*span; i++ {
		x.dir[i] = number
	}
}

// shrink gives back memory where h belongs, where a third or less is used: a smaller table, or
// one segment for two.
func (x *index) shrink(h uint64) {
	s := x.segment(h)
	n := len(s.table)
	if n > splitTable || s.depth == 0 {
		for n > leastTable && int(s.count)*2 < (n/2)*slots {
			n /= 2
		}
		if n < len(s.table) {
			x.resize(s, n)
		}
		return
	}
	x.join(h)
}

// join makes the segment of h and the one beside it, which differs in its last bit, one.
func (x *index) join(h uint64) {
	number := x.dir[h>>x.shift]
	s := &x.segs[number]
	other := x.dir[(h^1<<(64-s.depth))>>x.shift]
	o := &x.segs[other]
	if o.depth != s.depth || int(o.count+s.count)*10 > splitTable*slots*7 {
		return
	}
	one := x.newSegment(splitTable, s.depth-1)
	if !refill(&one, s.table) || !refill(&one, o.table) {
		x.arena.Free(one.ref)
		return
	}
	x.arena.Free(s.ref)
	x.arena.Free(o.ref)
	x.free = append(x.free, other)
	x.point(h, s.depth, 0, number)
	x.point(h, s.depth, 1, number)
	*o = segment{}
	*s = one
	x.halveDir()
}

// halveDir halves the directory while no segment needs its last bit.
func (x *index) halveDir() {
	for len(x.dir) > 1 {
		for i := 0; i < len(x.dir); i += 2 {
			if x.dir[i] != x.dir[i+1] {
				return
			}
		}
		dir := make([]uint32, len(x.dir)/2)
		for i := range dir {
			dir[i] = x.dir[2*i]
		}
		x.dir = dir
		x.shift++
	}
}
