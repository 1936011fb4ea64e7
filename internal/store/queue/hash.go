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
	var a, b uint64
	switch {
	case n > 16:
		for p := name; len(p) > 16; p = p[16:] {
			h = fold(binary.LittleEndian.Uint64(p)^s.seed[1], binary.LittleEndian.Uint64(p[8:])^h)
		}
		a = binary.LittleEndian.Uint64(name[n-16:])
		b = binary.LittleEndian.Uint64(name[n-8:])
	case n >= 8:
		a = binary.LittleEndian.Uint64(name)
		b = binary.LittleEndian.Uint64(name[n-8:])
	case n >= 4:
		a = uint64(binary.LittleEndian.Uint32(name))
		b = uint64(binary.LittleEndian.Uint32(name[n-4:]))
	case n > 0:
		a = uint64(name[0])<<16 | uint64(name[n/2])<<8 | uint64(name[n-1])
	}
	return fold(fold(a^s.seed[2], b^h)^s.seed[0], h^s.seed[2])
}

func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}
