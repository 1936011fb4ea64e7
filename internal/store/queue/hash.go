package queue

import (
	"encoding/binary"
	"math/bits"
)

// hashOf hashes a name: it multiplies 64 by 64 bits and folds the product, 16 bytes a round. Its
// seed comes from Options.Random, so that a test can run again as it was; hash/maphash can't.
func (s *Store) hashOf(name []byte) uint64 {
	n := len(name)
	h := s.seed[0] ^ uint64(n)*s.seed[1]
	for ; len(name) > 16; name = name[16:] {
		h = fold(binary.LittleEndian.Uint64(name)^s.seed[1],
			binary.LittleEndian.Uint64(name[8:])^h)
	}
	var last [16]byte
	copy(last[:], name)
	h = fold(binary.LittleEndian.Uint64(last[:])^s.seed[2],
		binary.LittleEndian.Uint64(last[8:])^h)
	return fold(h^s.seed[1], uint64(n)^s.seed[2])
}

func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}
