package order

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// A node is a run of 64-bit words:
//
//	word 0   count (16 bits), prefix length in bytes (16 bits), slot of the latest
//	         insertion or noRun (16 bits)
//	slots    capacity words: disc in the high half, ref in the low half;
//	         slot 0 of an inner node holds no key
//	kids     capacity words, inner nodes only: ids of children
//
// A disc is the 4 bytes of the key that follow the node's prefix, big-endian, padded with zeros.
// Comparing discs decides most comparisons without touching a key. Equal discs decide nothing
// (a zero may be padding) and the keys themselves are compared. Disc and ref share a word, so
// that the cache lines a search brings in are those that an insertion moves and a scan reads.
const (
	headWords = 1
	maxSlots  = 127
	lineSlots = 8 // slots in a cache line
	noRun     = 0xffff
)

type node struct {
	w     []uint64
	slots []uint64 // by capacity, not count
	n     int
	pre   int // every key in the node shares its first pre bytes with the others
}

func strideOf(class int) int {
	if class == innerClass {
		return headWords + 2*maxSlots + 1 // one word to spare keeps chunks on allocation sizes
	}
	return (class + 1) * leafStep
}

// classFor is the smallest leaf class with room for n slots.
func classFor(n int) int { return max(1, n/leafStep) }

func isLeaf(id uint32) bool { return id&classMask != innerClass }

func (s *Set) node(id uint32) node {
	w := s.pools[id&classMask].at(id >> classBits)
	c := len(w)
	if !isLeaf(id) {
		c = headWords + maxSlots
	}
	return node{w, w[headWords:c:c], int(w[0] & 0xffff), int(w[0] >> 16 & 0xffff)}
}

func (v *node) setHead(n, pre int) {
	v.n, v.pre = n, pre
	v.w[0] = v.w[0]>>32<<32 | uint64(pre)<<16 | uint64(n)
}

// run is the slot of the latest insertion, or noRun.
func (v *node) run() int { return int(v.w[0] >> 32) }

func (v *node) setRun(slot int) { v.w[0] = v.w[0]<<32>>32 | uint64(slot)<<32 }

func (v *node) kids() []uint64 { return v.w[headWords+maxSlots : headWords+2*maxSlots] }

func (v *node) ref(i int) uint32 { return uint32(v.slots[i]) }

func (v *node) disc(i int) uint32 { return uint32(v.slots[i] >> 32) }

func slot(disc, ref uint32) uint64 { return uint64(disc)<<32 | uint64(ref) }

// disc is the 4 bytes of k from byte pre on. pre must not exceed len(k).
func disc(k []byte, pre int) uint32 {
	k = k[pre:]
	if len(k) >= 4 {
		return binary.BigEndian.Uint32(k)
	}
	var d uint32
	for i, b := range k {
		d |= uint32(b) << (24 - 8*i)
	}
	return d
}

// shared is how many leading bytes two discs certainly have in common with every key between
// them. It stops at a zero, which may be padding.
func shared(a, b uint32) int {
	n := bits.LeadingZeros32(a^b) / 8
	for i := range n {
		if a<<(8*i)>>24 == 0 {
			return i
		}
	}
	return n
}

// common is the length of the common prefix of a and b, known to be at least from, at most limit.
func common(a, b []byte, from, limit int) int {
	limit = min(limit, len(a), len(b))
	i := from
	for ; i+8 <= limit; i += 8 {
		x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:])
		if x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for i < limit && a[i] == b[i] {
		i++
	}
	return i
}

// lower is the first index of slots, whose discs ascend, with a disc >= x. It looks at the last
// slot of every 8, then at one run of 8: loads that don't wait for each other and no branch to
// mispredict. A binary search, which waits for its cache misses in turn, is slower (doc.go).
func lower(slots []uint64, x uint32) int {
	y, from := uint64(x)<<32, uint64(0)
	for i := lineSlots - 1; i < len(slots); i += lineSlots {
		_, less := bits.Sub64(slots[i], y, 0)
		from += less
	}
	from *= lineSlots
	at := from
	for _, v := range slots[from:min(from+lineSlots, uint64(len(slots)))] {
		_, less := bits.Sub64(v, y, 0)
		at += less
	}
	return int(at)
}

// find looks for k in slots [from, n) of v, knowing that k shares m bytes with every key of v.
// It returns the first slot whose key is >= k, or > k if after is set, and how many bytes of the
// prefix k has; when these are fewer than v.pre, k is before or after all keys of the node.
func (s *Set) find(v *node, from int, k []byte, m int, after bool) (pos, has int) {
	if from >= v.n {
		return v.n, v.pre
	}
	if v.pre > m {
		f := s.keys.Key(v.ref(from))
		if c := common(k, f, m, v.pre); c < v.pre {
			if c == len(k) || k[c] < f[c] {
				return from, c
			}
			return v.n, c
		}
	}
	x := disc(k, v.pre)
	d := v.slots[:v.n]
	lo := from + lower(d[from:], x)
	if lo == v.n || uint32(d[lo]>>32) != x {
		return lo, v.pre
	}
	hi := lo + 1
	if hi < v.n && uint32(d[hi]>>32) == x {
		hi = v.n
		if x != ^uint32(0) {
			hi = lo + lower(d[lo:], x+1)
		}
	}
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		c := bytes.Compare(s.keys.Key(v.ref(mid))[v.pre:], k[v.pre:])
		if c < 0 || c == 0 && after {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, v.pre
}

// shorten makes pre the prefix length of slots [from, n). f is the key of any of them. The bytes
// that leave the prefix enter the discs, so no key is looked up.
func (v *node) shorten(from, pre int, f []byte) {
	t := v.pre - pre
	top := disc(f, pre)
	for i := from; i < v.n && t > 0; i++ {
		d := top
		if t < 4 {
			d = top>>(32-8*t)<<(32-8*t) | v.disc(i)>>(8*t)
		}
		v.slots[i] = slot(d, v.ref(i))
	}
	v.setHead(v.n, pre)
}

// tighten lengthens the prefix of slots [from, n) when the discs waste two bytes or more on what
// all of them share. One byte is not worth the look-ups.
func (s *Set) tighten(v *node, from int) {
	if v.n-from < 2 || bits.LeadingZeros32(v.disc(from)^v.disc(v.n-1)) < 16 {
		return
	}
	a, b := s.keys.Key(v.ref(from)), s.keys.Key(v.ref(v.n-1))
	pre := common(a, b, v.pre, len(a))
	if pre == v.pre {
		return
	}
	for i := from; i < v.n; i++ {
		v.slots[i] = slot(disc(s.keys.Key(v.ref(i)), pre), v.ref(i))
	}
	v.setHead(v.n, pre)
}

// admit makes the prefix of slots [from, n) one that k has too, and returns k's disc. k shares
// at least m bytes with all of them.
func (s *Set) admit(v *node, from int, k []byte, m int) uint32 {
	if from >= v.n {
		v.setHead(v.n, len(k))
		return 0
	}
	if v.pre > m {
		f := s.keys.Key(v.ref(from))
		if c := common(k, f, m, v.pre); c < v.pre {
			v.shorten(from, c, f)
		}
	}
	return disc(k, v.pre)
}
