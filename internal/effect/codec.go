package effect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// The bytes of an effect are the same in the journal, in snapshots and on the way to replicas. A
// record of the journal is some of them one after the other; so is a block of a snapshot. They
// carry no checksum: what contains them does.
//
//	Set       | kind 1 | db 1 | flags 1 | version v | deadline s | keyLen v | valLen v |
//	          | key | value |
//	Patch     | kind 1 | db 1 | version v | offset v | keyLen v | valLen v | key | value |
//	Delete, Expire, Evict | kind 1 | db 1 | keyLen v | key |
//	Deadline  | kind 1 | db 1 | version v | deadline s | keyLen v | key |
//	Flush     | kind 1 | db 1 |
//	FlushAll  | kind 1 |
//	Swap      | kind 1 | db 1 | other 1 |
//
// Before an effect that has a Cause: | causeMark 1 | cause 1 |
//
// v is an unsigned varint, s a signed (zigzag) one. A Set of a key of 16 and a value of 100 bytes
// takes 7 more, 12 with a deadline.

// ErrMalformed says that bytes are no effect: cut off, of an unknown kind, or out of bounds.
var ErrMalformed = errors.New("malformed effect")

// MaxEncoded is the most bytes that Append adds beyond key and value.
const MaxEncoded = 2 + 3 + 5 + 3*binary.MaxVarintLen64

// Append appends the bytes of e, whose kind must be a known one, to dst. It keeps nothing of e, and
// leaves out fields that e.Kind does not use.
func Append(dst []byte, e *Effect) []byte {
	dst = AppendHead(dst, e, len(e.Value))
	if e.Kind != Set && e.Kind != Patch {
		return dst
	}
	return append(dst, e.Value...)
}

// AppendHead is Append without the value, of valLen bytes, which the caller appends: e.Value is
// not looked at. For kinds that have no value it is all.
func AppendHead(dst []byte, e *Effect, valLen int) []byte {
	if e.Cause != Unsaid {
		dst = append(dst, byte(causeMark), byte(e.Cause))
	}
	switch e.Kind {
	case Set:
		dst = append(dst, byte(Set), e.DB, byte(e.Flags))
		dst = binary.AppendUvarint(dst, uint64(e.Version))
		dst = binary.AppendVarint(dst, e.Deadline)
		dst = binary.AppendUvarint(dst, uint64(len(e.Key)))
		dst = binary.AppendUvarint(dst, uint64(valLen))
	case Patch:
		dst = append(dst, byte(Patch), e.DB)
		dst = binary.AppendUvarint(dst, uint64(e.Version))
		dst = binary.AppendUvarint(dst, uint64(e.Offset))
		dst = binary.AppendUvarint(dst, uint64(len(e.Key)))
		dst = binary.AppendUvarint(dst, uint64(valLen))
	case Delete, Expire, Evict:
		dst = append(dst, byte(e.Kind), e.DB)
		dst = binary.AppendUvarint(dst, uint64(len(e.Key)))
	case Deadline:
		dst = append(dst, byte(Deadline), e.DB)
		dst = binary.AppendUvarint(dst, uint64(e.Version))
		dst = binary.AppendVarint(dst, e.Deadline)
		dst = binary.AppendUvarint(dst, uint64(len(e.Key)))
	case Flush:
		return append(dst, byte(Flush), e.DB)
	case FlushAll:
		return append(dst, byte(FlushAll))
	case Swap:
		return append(dst, byte(Swap), e.DB, e.Other)
	}
	return append(dst, e.Key...)
}

// Decode reads the first effect of b; rest is what follows it. Key and Value are views of b. Any b
// is safe; what it may name (databases, sizes) is for the store to check. The error is
// ErrMalformed.
func Decode(b []byte) (e Effect, rest []byte, err error) {
	r := reader{b: b}
	e.Kind = Kind(r.byte())
	if e.Kind == causeMark {
		e.Cause = Cause(r.byte())
		e.Kind = Kind(r.byte())
	}
	if e.Kind != FlushAll {
		e.DB = r.byte()
	}
	keyLen, valLen := 0, 0
	switch e.Kind {
	case Set:
		e.Flags = Flag(r.byte())
		e.Version = r.version()
		e.Deadline = r.signed()
		keyLen, valLen = r.number(), r.number()
	case Patch:
		e.Version = r.version()
		e.Offset = r.number()
		keyLen, valLen = r.number(), r.number()
	case Delete, Expire, Evict:
		keyLen = r.number()
	case Deadline:
		e.Version = r.version()
		e.Deadline = r.signed()
		keyLen = r.number()
	case Flush, FlushAll:
	case Swap:
		e.Other = r.byte()
	default:
		r.bad = true
	}
	e.Key = r.bytes(keyLen)
	e.Value = r.bytes(valLen)
	if r.bad {
		return Effect{}, nil, fmt.Errorf("%w: kind %d, %d bytes", ErrMalformed, e.Kind, len(b))
	}
	return e, r.b, nil
}

// reader takes fields off b; once something is missing or out of bounds it is bad.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) unsigned(most uint64) uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 { // nearly always
		v := uint64(r.b[0])
		r.b = r.b[1:]
		return v
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > most {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) version() uint32 { return uint32(r.unsigned(math.MaxUint32)) }

func (r *reader) number() int { return int(r.unsigned(math.MaxInt32)) }

func (r *reader) signed() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

// bytes takes n bytes as they are; nil when there are none, as in effects that have no such field.
func (r *reader) bytes(n int) []byte {
	if n == 0 || r.bad {
		return nil
	}
	if n > len(r.b) {
		r.bad = true
		return nil
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}
