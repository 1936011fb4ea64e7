package shards

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Sum adds up the hashes of what a store holds, as four numbers each: a sum does not depend on the
// order. Unlike with an exclusive or, what is there twice makes a difference. See NewSum.
type Sum struct {
	// Scratch is for the encoding that is added next; its contents last until Add.
	Scratch []byte
	hash    hash.Hash
	sum     [sha256.Size / 8]uint64
}

// NewSum is the sum of nothing.
func NewSum() *Sum { return &Sum{hash: sha256.New()} }

// Add counts one item, whose encoding is head and behind it tail. Head becomes Scratch.
func (s *Sum) Add(head, tail []byte) {
	s.hash.Reset()
	_, _ = s.hash.Write(head) // hash.Hash never fails
	_, _ = s.hash.Write(tail)
	s.Scratch = s.hash.Sum(head[:0])
	for i := range s.sum {
		s.sum[i] += binary.LittleEndian.Uint64(s.Scratch[i*8:])
	}
}

// Bytes is the sum so far.
func (s *Sum) Bytes() (out [sha256.Size]byte) {
	for i, w := range s.sum {
		binary.LittleEndian.PutUint64(out[i*8:], w)
	}
	return out
}
