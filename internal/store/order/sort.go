package order

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// Sorting looks at every key once, takes the 8 bytes after what all keys share, and sorts by
// these; only what is equal in them is looked at again, by the same procedure 8 bytes further.
const (
	// Below smallSort elements counting costs more than comparing.
	smallSort = 48
	// More scratch than this many elements is not kept for the next batch.
	keepSort = 4096
)

type item struct {
	word uint64
	ref  uint32
}

type span struct{ from, to, at int }

type sorter struct {
	a, b  []item
	spans []span
}

func (t *sorter) bytes() int64 {
	return int64(cap(t.a)+cap(t.b))*16 + int64(cap(t.spans))*24
}

// Sort puts refs into ascending order of their keys. They need not be in the set.
func (s *Set) Sort(refs []uint32) {
	t := &s.sorter
	t.spans = append(t.spans[:0], span{0, len(refs), 0})
	for len(t.spans) > 0 {
		sp := t.spans[len(t.spans)-1]
		t.spans = t.spans[:len(t.spans)-1]
		s.sortSpan(refs[sp.from:sp.to], sp)
	}
	if cap(t.a) > keepSort {
		*t = sorter{}
	}
}

// sortSpan sorts refs, whose keys agree in their first sp.at bytes, by the next bytes that
// differ, and leaves what is still equal for later.
func (s *Set) sortSpan(refs []uint32, sp span) {
	if len(refs) < 2 {
		return
	}
	first := s.keys.Key(refs[0])
	pre := len(first)
	for _, r := range refs[1:] {
		pre = common(first, s.keys.Key(r), min(sp.at, pre), pre)
	}
	t := &s.sorter
	t.a = slices.Grow(t.a[:0], len(refs))[:len(refs)]
	for i, r := range refs {
		t.a[i] = item{word(s.keys.Key(r)[pre:]), r}
	}
	t.order()
	for i, e := range t.a {
		refs[i] = e.ref
	}
	for i := 0; i < len(t.a); {
		j := i + 1
		for j < len(t.a) && t.a[j].word == t.a[i].word {
			j++
		}
		s.sortEqual(refs[i:j], sp.from+i, pre)
		i = j
	}
}

// sortEqual sorts refs whose keys have the same word at byte pre, or puts that off if they are
// many. A word may hold padding, so the next round starts before it if a key ends inside.
func (s *Set) sortEqual(refs []uint32, from, pre int) {
	if len(refs) < 2 {
		return
	}
	least := pre + 8
	for _, r := range refs {
		least = min(least, len(s.keys.Key(r)))
	}
	if len(refs) >= smallSort && least == pre+8 {
		s.sorter.spans = append(s.sorter.spans, span{from, from + len(refs), pre + 8})
		return
	}
	slices.SortFunc(refs, func(x, y uint32) int {
		return bytes.Compare(s.keys.Key(x)[pre:], s.keys.Key(y)[pre:])
	})
}

// word is the first 8 bytes of k, big-endian, padded with zeros.
func word(k []byte) uint64 {
	if len(k) >= 8 {
		return binary.BigEndian.Uint64(k)
	}
	var b [8]byte
	copy(b[:], k)
	return binary.BigEndian.Uint64(b[:])
}

// order sorts t.a by word.
func (t *sorter) order() {
	byWord := func(x, y item) int { return cmp.Compare(x.word, y.word) }
	if len(t.a) < smallSort {
		slices.SortFunc(t.a, byWord)
		return
	}
	var differ uint64
	for _, e := range t.a {
		differ |= e.word ^ t.a[0].word
	}
	t.b = slices.Grow(t.b[:0], len(t.a))[:len(t.a)]
	for shift := 0; shift < 64; shift += 8 {
		if differ>>shift&0xff == 0 {
			continue
		}
		var at [256]int32
		for _, e := range t.a {
			at[byte(e.word>>shift)]++
		}
		sum := int32(0)
		for i, n := range at {
			at[i] = sum
			sum += n
		}
		for _, e := range t.a {
			d := byte(e.word >> shift)
			t.b[at[d]] = e
			at[d]++
		}
		t.a, t.b = t.b, t.a
	}
}
