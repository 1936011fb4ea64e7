package order

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// A node is a run of words:
//
//	word 0   count (low 16 bits) and prefix length in bytes (high 16 bits)
//	word 1   slot of the latest insertion, or noRun
//	refs     capacity words; slot 0 of an inner node is unused
//	discs    capacity words: the 4 bytes of each key that follow the prefix, big-endian,
//	         padded with zeros
//	kids     capacity words, inner nodes only
//
// Comparing discs decides most comparisons without touching a key. Equal discs decide nothing
// (a zero may be padding) and the keys themselves are compared.
const (
	headWords = 2
	maxSlots  = 127
	noRun     = 1 << 16
)

type node struct {
	w     []uint32
	refs  []uint32 // by capacity, not count
	discs []uint32
	n     int
	pre   int // every key in the node shares its first pre bytes with the others
}

func strideOf(class int) int {
	if class == innerClass {
		return headWords + 3*maxSlots + 1 // one word to spare keeps chunks on allocation sizes
	}
	return 2 * (class + 1) * leafStep
}

// classFor is the smallest leaf class with room for n slots.
func classFor(n int) int { return max(1, n/leafStep) }

func isLeaf(id uint32) bool { return id&classMask != innerClass }

func (s *Set) node(id uint32) node {
	w := s.pools[id&classMask].at(id >> classBits)
	c := maxSlots
	if isLeaf(id) {
		c = len(w)/2 - 1
	}
	refs := w[headWords : headWords+c : headWords+c]
	discs := w[headWords+c : headWords+2*c : headWords+2*c]
	return node{w, refs, discs, int(w[0] & 0xffff), int(w[0] >> 16)}
}

func (v *node) setHead(n, pre int) { v.n, v.pre, v.w[0] = n, pre, uint32(n)|uint32(pre)<<16 }

func (v *node) kids() []uint32 { return v.w[headWords+2*maxSlots : headWords+3*maxSlots] }

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

// lower is the first index of d whose value is >= x. The loop has no unpredictable branch.
func lower(d []uint32, x uint32) int {
	base, n := 0, len(d)
	for n > 1 {
		half := n >> 1
		if d[base+half-1] < x {
			base += half
		}
		n -= half
	}
	if n == 1 && d[base] < x {
		base++
	}
	return base
}

// find looks for k in slots [from, n) of v, knowing that k shares m bytes with every key of v.
// It returns the first slot whose key is >= k, or > k if after is set, and how many bytes of the
// prefix k has; when these are fewer than v.pre, k is before or after all keys of the node.
func (s *Set) find(v *node, from int, k []byte, m int, after bool) (pos, has int) {
	if from >= v.n {
		return v.n, v.pre
	}
	if v.pre > m {
		f := s.keys.Key(v.refs[from])
		if c := common(k, f, m, v.pre); c < v.pre {
			if c == len(k) || k[c] < f[c] {
				return from, c
			}
			return v.n, c
		}
	}
	x := disc(k, v.pre)
	d := v.discs[:v.n]
	if d[v.n-1] < x {
		return v.n, v.pre
	}
	lo := from + lower(d[from:], x)
	if lo == v.n || d[lo] != x {
		return lo, v.pre
	}
	hi := lo + 1
	if hi < v.n && d[hi] == x {
		hi = v.n
		if x != ^uint32(0) {
			hi = lo + lower(d[lo:], x+1)
		}
	}
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		c := bytes.Compare(s.keys.Key(v.refs[mid])[v.pre:], k[v.pre:])
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
		if t >= 4 {
			v.discs[i] = top
		} else {
			v.discs[i] = top>>(32-8*t)<<(32-8*t) | v.discs[i]>>(8*t)
		}
	}
	v.setHead(v.n, pre)
}

// tighten lengthens the prefix of slots [from, n) when the discs waste two bytes or more on what
// all of them share. One byte is not worth the look-ups.
func (s *Set) tighten(v *node, from int) {
	if v.n-from < 2 || bits.LeadingZeros32(v.discs[from]^v.discs[v.n-1]) < 16 {
		return
	}
	a, b := s.keys.Key(v.refs[from]), s.keys.Key(v.refs[v.n-1])
	pre := common(a, b, v.pre, len(a))
	if pre == v.pre {
		return
	}
	for i := from; i < v.n; i++ {
		v.discs[i] = disc(s.keys.Key(v.refs[i]), pre)
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
		f := s.keys.Key(v.refs[from])
		if c := common(k, f, m, v.pre); c < v.pre {
			v.shorten(from, c, f)
		}
	}
	return disc(k, v.pre)
}
