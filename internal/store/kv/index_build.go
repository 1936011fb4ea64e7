package kv

import "github.com/synapdb/synap/internal/store/slab"

const (
	// buildSegment is the most entries that build gives a segment on average: with what chance
	// adds, its table stays below mostTable.
	buildSegment = 2400
	buildPercent = 75 // fill of the tables: insert would have them at 75 to 85
)

// placed is an entry on its way into a table.
type placed struct {
	hash uint64
	ref  slab.Ref
}

// build makes an empty index hold refs. It knows how many there are, so it deals them out by the
// top bits of the hash and fills every table once, while it is in the cache: a quarter of the cost
// of inserting them, which misses the cache for each and copies tables as they grow.
func (x *index) build(refs []slab.Ref, rehash rehasher) {
	depth := uint8(0)
	for len(refs)>>depth > buildSegment {
		depth++
	}
	x.shift = 64 - depth
	x.dir = make([]uint32, 1<<depth)
	x.segs = make([]segment, 1<<depth)
	ends, dealt := deal(refs, x.shift, rehash)
	var rest []placed
	for i := range x.dir {
		x.dir[i] = uint32(i)
		from := 0
		if i > 0 {
			from = ends[i-1]
		}
		rest = x.fillSegment(uint32(i), depth, dealt[from:ends[i]], rest)
	}
	for _, p := range rest {
		x.insert(p.hash, p.ref, rehash)
	}
}

// deal sorts refs by the bits of their hashes from shift on; ends says where each group ends.
func deal(refs []slab.Ref, shift uint8, rehash rehasher) (ends []int, dealt []placed) {
	hashes := make([]uint64, len(refs))
	next := make([]int, 1<<(64-shift)+1)
	for i, ref := range refs {
		hashes[i] = rehash.hash(ref)
		next[hashes[i]>>shift+1]++
	}
	for i := 1; i < len(next); i++ {
		next[i] += next[i-1]
	}
	dealt = make([]placed, len(refs))
	for i, ref := range refs {
		at := &next[hashes[i]>>shift]
		dealt[*at] = placed{hashes[i], ref}
		*at++
	}
	return next[:len(next)-1], dealt
}

// fillSegment makes segment number i of the entries and appends to rest what finds no room near
// its home.
func (x *index) fillSegment(i uint32, depth uint8, entries, rest []placed) []placed {
	buckets := leastTable
	for buckets < mostTable && buckets*slots*buildPercent < len(entries)*100 {
		buckets = larger(buckets)
	}
	s := x.newSegment(buckets, depth)
	for _, p := range entries {
		if int(s.count)*100 < buckets*slots*fillPercent &&
			put(s.table, uint16(p.hash>>tagShift), p.ref) {
			s.count++
			continue
		}
		rest = append(rest, p)
	}
	x.segs[i] = s
	return rest
}
