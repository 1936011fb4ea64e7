package shards

import (
	"iter"
	"math/bits"
)

// Most is how many shards a store may have.
const Most = 256

// Set is a set of numbers of shards, below Most: those that a transaction declared. The zero value
// is empty. Sets may be compared and copied.
type Set [Most / 64]uint64

// Add puts a shard into the set, if it is not there.
func (s *Set) Add(shard uint64) { s[shard/64] |= 1 << (shard % 64) }

// AddAll puts the first n shards into the set.
func (s *Set) AddAll(n int) {
	for i := range n {
		s.Add(uint64(i))
	}
}

// Has says whether a shard is in the set.
func (s *Set) Has(shard uint64) bool { return s[shard/64]&(1<<(shard%64)) != 0 }

// Len is how many shards are in the set.
func (s *Set) Len() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// All is the shards in the order in which they are to be locked: ascending.
func (s *Set) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for w, rest := range s {
			for ; rest != 0; rest &= rest - 1 {
				if !yield(w*64 + bits.TrailingZeros64(rest)) {
					return
				}
			}
		}
	}
}
