package kv

import (
	"encoding/binary"
	"math/bits"
)

// The hash is ours and must never change: snapshots store its seed and rely on it. It multiplies
// 64 by 64 bits and folds the product, 16 bytes a round, so a key of 16 bytes costs about 3 ns.
// hash/maphash was rejected because its seed can't be stored.
//
// Use of the 64 bits:
//
//	63                  32 31       16 15       8 7        0
//	| directory (top bits)  | tag       |          | shard    |

// hasher holds the seed and what is derived from it.
type hasher struct{ seed, k0, k1, k2 uint64 }

func newHasher(seed uint64) hasher {
	next := func() uint64 { // splitmix64
		seed += 0x9E3779B97F4A7C15
		z := seed
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		return z ^ z>>31
	}
	return hasher{seed: seed, k0: next(), k1: next() | 1, k2: next() | 1}
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// of hashes key.
func (h *hasher) of(key []byte) uint64 {
	n := len(key)
	s := h.k0 ^ uint64(n)*h.k1
	var a, b uint64
	switch {
	case n > 16:
		for p := key; len(p) > 16; p = p[16:] {
			s = fold(binary.LittleEndian.Uint64(p)^h.k1, binary.LittleEndian.Uint64(p[8:])^s)
		}
		a = binary.LittleEndian.Uint64(key[n-16:])
		b = binary.LittleEndian.Uint64(key[n-8:])
	case n >= 8:
		a = binary.LittleEndian.Uint64(key)
		b = binary.LittleEndian.Uint64(key[n-8:])
	case n >= 4:
		a = uint64(binary.LittleEndian.Uint32(key))
		b = uint64(binary.LittleEndian.Uint32(key[n-4:]))
	case n > 0:
		a = uint64(key[0])<<16 | uint64(key[n/2])<<8 | uint64(key[n-1])
	}
	return fold(fold(a^h.k2, b^s)^h.k0, s^h.k2)
}
