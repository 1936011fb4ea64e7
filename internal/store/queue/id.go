package queue

import (
	"encoding/binary"
	"encoding/hex"
)

// The text of an ID is a UUID of version 8, which leaves 122 bits to its makers:
//
//	| incarnation, upper 48 | 8 | incarnation, lower 12 | 10 | number 62 |
const (
	incarnationBits = 60
	numberBits      = 62
	idText          = 36
)

// AppendID appends the text of id, a UUID of 36 characters, to dst. Of Queue the low 60 bits
// count, of Number 62: a store gives no others.
func AppendID(dst []byte, id ID) []byte {
	var raw [16]byte
	queue := id.Queue & (1<<incarnationBits - 1)
	binary.BigEndian.PutUint64(raw[:], queue>>12<<16|8<<12|queue&0xFFF)
	binary.BigEndian.PutUint64(raw[8:], 2<<numberBits|id.Number&(1<<numberBits-1))
	dst = append(hex.AppendEncode(dst, raw[:4]), '-')
	dst = append(hex.AppendEncode(dst, raw[4:6]), '-')
	dst = append(hex.AppendEncode(dst, raw[6:8]), '-')
	dst = append(hex.AppendEncode(dst, raw[8:10]), '-')
	return hex.AppendEncode(dst, raw[10:])
}

// ParseID reads what AppendID wrote, in any letter case.
func ParseID(text []byte) (ID, bool) {
	var digits [32]byte
	if len(text) != idText {
		return ID{}, false
	}
	n := 0
	for i, c := range text {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return ID{}, false
			}
			continue
		}
		digits[n] = c
		n++
	}
	var raw [16]byte
	if _, err := hex.Decode(raw[:], digits[:]); err != nil {
		return ID{}, false
	}
	high, low := binary.BigEndian.Uint64(raw[:]), binary.BigEndian.Uint64(raw[8:])
	if high>>12&0xF != 8 || low>>numberBits != 2 {
		return ID{}, false
	}
	return ID{Queue: high>>16<<12 | high&0xFFF, Number: low & (1<<numberBits - 1)}, true
}

// idString is the text of id, for errors.
func idString(id ID) string { return string(AppendID(nil, id)) }
