package plan

import (
	"encoding/binary"
	"math/bits"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
)

// Bit 0 of a string is the most significant bit of its first byte.

// MaxBits is the number of bits in the largest value.
const MaxBits = int64(kv.MaxValueBytes) * 8

// GetBit is bit number at (0 or more) of value; bits beyond its end are 0.
func GetBit(value []byte, at int64) int64 {
	if at>>3 >= int64(len(value)) {
		return 0
	}
	return int64(value[at>>3]>>(7-at&7)) & 1
}

// SetBit sets bit number at (0..MaxBits-1) of key to bit (0 or 1) and returns what it was. The
// string grows as needed; if nothing differs, nothing is changed. Error: ErrTooLarge.
func SetBit(tx *kv.Tx, db uint8, key []byte, at, bit int64) (old int64, err error) {
	if at >= MaxBits {
		return 0, ErrTooLarge
	}
	e, found := tx.Peek(db, key)
	offset := int(at >> 3)
	var b [1]byte
	if found && offset < e.Len() {
		value := e.Value()
		if old = GetBit(value, at); old == bit {
			return old, nil
		}
		b[0] = value[offset]
	}
	mask := byte(1) << (7 - at&7)
	b[0] &^= mask
	if bit == 1 {
		b[0] |= mask
	}
	patch(tx, target{db, key, e, found, effect.BySetBit}, offset, b[:])
	return old, nil
}

// CountBits counts the bits of value that are 1 in the bit range [from, to), which lies inside it.
func CountBits(value []byte, from, to int64) int64 {
	if from >= to {
		return 0
	}
	first, last := from>>3, (to-1)>>3
	head := byte(0xff) >> (from & 7)
	tail := byte(0xff) << (7 - (to-1)&7)
	if first == last {
		return int64(bits.OnesCount8(value[first] & head & tail))
	}
	n := bits.OnesCount8(value[first]&head) + bits.OnesCount8(value[last]&tail)
	p := value[first+1 : last]
	for ; len(p) >= 8; p = p[8:] {
		n += bits.OnesCount64(binary.BigEndian.Uint64(p))
	}
	for _, b := range p {
		n += bits.OnesCount8(b)
	}
	return int64(n)
}

// FindBit is the position of the first bit of value that equals bit (0 or 1) in the bit range
// [from, to), which lies inside it, or -1.
func FindBit(value []byte, bit, from, to int64) int64 {
	if from >= to {
		return -1
	}
	var flip byte // makes the wanted bit a 1
	if bit == 0 {
		flip = 0xff
	}
	at := from >> 3
	b := (value[at] ^ flip) & (0xff >> (from & 7))
	last := (to - 1) >> 3
	for b == 0 && at < last {
		at++
		for ; last-at >= 8; at += 8 {
			if binary.BigEndian.Uint64(value[at:]) != uint64(flip)*0x0101010101010101 {
				break
			}
		}
		b = value[at] ^ flip
	}
	if b == 0 {
		return -1
	}
	if found := at<<3 + int64(bits.LeadingZeros8(b)); found < to {
		return found
	}
	return -1
}

// BitOperator combines strings bit by bit; see BitOp.
type BitOperator uint8

// The operators. Not takes one source.
const (
	And BitOperator = iota
	Or
	Xor
	Not
)

// BitOp combines the strings under sources, absent ones being empty and short ones padded with
// zeros, and stores the result, a string without deadline, under key. It returns its length in
// bytes; an empty result removes key. The shards of key and all sources must be locked. Errors:
// errs.Storage.
func BitOp(
	tx *kv.Tx, db uint8, op BitOperator, key []byte, sources [][]byte,
) (int, error) {
	var result []byte
	for i, source := range sources {
		var value []byte
		if e, found := tx.Get(db, source); found {
			value = e.Value()
		}
		result = op.fold(result, value, i == 0)
	}
	if len(result) == 0 {
		Delete(tx, db, key)
		return 0, nil
	}
	if err := admitted(tx, result); err != nil {
		return 0, err
	}
	tx.Apply(effect.Effect{Kind: effect.Set, DB: db, Key: key, Value: result})
	return len(result), nil
}

// fold combines acc, which it may change, with the next source.
func (op BitOperator) fold(acc, next []byte, first bool) []byte {
	if short := len(next) - len(acc); short > 0 {
		acc = append(acc, make([]byte, short)...)
	}
	switch {
	case op == Not:
		for i, b := range next {
			acc[i] = ^b
		}
	case first:
		copy(acc, next)
	case op == And:
		for i, b := range next {
			acc[i] &= b
		}
		clear(acc[len(next):])
	case op == Or:
		for i, b := range next {
			acc[i] |= b
		}
	default:
		for i, b := range next {
			acc[i] ^= b
		}
	}
	return acc
}
