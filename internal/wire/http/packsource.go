package httpwire

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// packSource reads MessagePack. Declared lengths are only ever compared with the bytes at hand,
// so a header that promises four billion elements costs nothing.
type packSource struct {
	buf []byte
	off int
}

func (s *packSource) fail(why string) error { return &syntaxError{"MessagePack", s.off, why} }

func (s *packSource) pos() int     { return s.off }
func (s *packSource) seek(at int)  { s.off = at }
func (s *packSource) rest() []byte { return s.buf[s.off:] }

// took moves past what a read of msgp consumed.
func (s *packSource) took(rest []byte, err error) error {
	if err != nil {
		return s.fail(err.Error())
	}
	s.off = len(s.buf) - len(rest)
	return nil
}

func (s *packSource) end() error {
	if s.off < len(s.buf) {
		return s.fail("unexpected bytes after the value")
	}
	return nil
}

func (s *packSource) kind() (kind, error) {
	if s.off >= len(s.buf) {
		return 0, s.fail("unexpected end; a value was expected")
	}
	switch msgp.NextType(s.rest()) {
	case msgp.StrType:
		return kindString, nil
	case msgp.BinType:
		return kindBinary, nil
	case msgp.MapType:
		return kindObject, nil
	case msgp.ArrayType:
		return kindArray, nil
	case msgp.IntType, msgp.UintType, msgp.Float32Type, msgp.Float64Type:
		return kindNumber, nil
	case msgp.BoolType:
		return kindBool, nil
	case msgp.NilType:
		return kindNull, nil
	default:
		return 0, s.fail("extension types are not supported")
	}
}

func (s *packSource) str() ([]byte, error) {
	var b, rest []byte
	var err error
	if msgp.NextType(s.rest()) == msgp.BinType {
		b, rest, err = msgp.ReadBytesZC(s.rest())
	} else {
		b, rest, err = msgp.ReadStringZC(s.rest())
	}
	return b, s.took(rest, err)
}

func (s *packSource) boolean() (bool, error) {
	b, rest, err := msgp.ReadBoolBytes(s.rest())
	return b, s.took(rest, err)
}

func (s *packSource) integer() (int64, bool, error) {
	switch msgp.NextType(s.rest()) {
	case msgp.IntType:
		i, rest, err := msgp.ReadInt64Bytes(s.rest())
		return i, true, s.took(rest, err)
	case msgp.UintType:
		u, rest, err := msgp.ReadUint64Bytes(s.rest())
		return int64(u), u <= math.MaxInt64, s.took(rest, err)
	default:
		f, err := s.float()
		if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return 0, false, err
		}
		return int64(f), true, err
	}
}

func (s *packSource) float() (float64, error) {
	if msgp.NextType(s.rest()) == msgp.Float32Type {
		f, rest, err := msgp.ReadFloat32Bytes(s.rest())
		return float64(f), s.took(rest, err)
	}
	f, rest, err := msgp.ReadFloat64Bytes(s.rest())
	return f, s.took(rest, err)
}

// enter returns the number of elements or pairs as the hint. Each takes at least one byte.
func (s *packSource) enter() (int, error) {
	var n uint32
	var rest []byte
	var err error
	each := 1
	if msgp.NextType(s.rest()) == msgp.MapType {
		each = 2
		n, rest, err = msgp.ReadMapHeaderBytes(s.rest())
	} else {
		n, rest, err = msgp.ReadArrayHeaderBytes(s.rest())
	}
	if err == nil && uint64(n)*uint64(each) > uint64(len(rest)) {
		return 0, s.fail("a length beyond the end of the body")
	}
	return int(n), s.took(rest, err)
}

func (s *packSource) elem(i, hint int) (bool, error) { return i < hint, nil }

func (s *packSource) key(i, hint int) ([]byte, bool, error) {
	if i >= hint {
		return nil, false, nil
	}
	k, err := s.kind()
	if err != nil {
		return nil, false, err
	}
	if k != kindString && k != kindBinary {
		return nil, false, s.fail("a map key was " + kindNames[k] + "; keys must be strings")
	}
	b, err := s.str()
	return b, err == nil, err
}

// octets takes numbers of the integer types only.
func (s *packSource) octets(dst []byte) ([]byte, bool, error) {
	if k, err := s.kind(); err != nil || k != kindArray {
		return dst, false, err
	}
	begin, start := s.off, len(dst)
	n, err := s.enter()
	if err != nil {
		return dst, false, err
	}
	for range n {
		rest := s.rest()
		switch t := msgp.NextType(rest); {
		case len(rest) > 0 && rest[0] <= msgpMaxFixInt:
			dst = append(dst, rest[0])
			s.off++
			continue
		case t != msgp.IntType && t != msgp.UintType:
			s.off = begin
			return dst[:start], false, nil
		}
		i, _, err := s.integer()
		if err != nil {
			return dst[:start], false, err
		}
		if i < 0 || i > 255 {
			s.off = begin
			return dst[:start], false, nil
		}
		dst = append(dst, byte(i))
	}
	return dst, true, nil
}

// msgpMaxFixInt is the highest number that is a byte of its own.
const msgpMaxFixInt = 0x7f

func (s *packSource) skip() error {
	_, err := s.walk(nil, false, 0)
	return err
}

func (s *packSource) text(dst []byte) ([]byte, error) { return s.walk(dst, true, 0) }

// walk checks one value and, if keep is set, appends it to dst as JSON.
func (s *packSource) walk(dst []byte, keep bool, depth int) ([]byte, error) {
	k, err := s.kind()
	if err != nil {
		return dst, err
	}
	switch k {
	case kindArray, kindObject:
		if depth == maxDepth {
			return dst, s.fail("nested too deeply")
		}
		return s.walkContainer(dst, keep, depth, k == kindObject)
	case kindString, kindBinary:
		b, err := s.str()
		if err != nil || !keep {
			return dst, err
		}
		return s.quoted(dst, b)
	case kindNumber:
		return s.walkNumber(dst, keep)
	case kindBool:
		b, err := s.boolean()
		if keep {
			dst = strconv.AppendBool(dst, b)
		}
		return dst, err
	default:
		s.off++
		if keep {
			dst = append(dst, "null"...)
		}
		return dst, nil
	}
}

// quoted appends a string inside a JSON text; binary data has no place there.
func (s *packSource) quoted(dst, b []byte) ([]byte, error) {
	if !utf8.Valid(b) {
		return dst, s.fail("invalid UTF-8 in a nested string")
	}
	return appendQuoted(dst, b), nil
}

func (s *packSource) walkNumber(dst []byte, keep bool) ([]byte, error) {
	switch msgp.NextType(s.rest()) {
	case msgp.IntType:
		i, rest, err := msgp.ReadInt64Bytes(s.rest())
		if keep {
			dst = strconv.AppendInt(dst, i, 10)
		}
		return dst, s.took(rest, err)
	case msgp.UintType:
		u, rest, err := msgp.ReadUint64Bytes(s.rest())
		if keep {
			dst = strconv.AppendUint(dst, u, 10)
		}
		return dst, s.took(rest, err)
	default:
		return s.walkFloat(dst, keep)
	}
}

func (s *packSource) walkFloat(dst []byte, keep bool) ([]byte, error) {
	f, err := s.float()
	if err != nil || !keep {
		return dst, err
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, s.fail("NaN and infinity cannot be stored as JSON")
	}
	return appendFloat(dst, f), nil
}

func (s *packSource) walkContainer(dst []byte, keep bool, depth int, object bool) ([]byte, error) {
	n, err := s.enter()
	if err != nil {
		return dst, err
	}
	open, shut := byte('['), byte(']')
	if object {
		open, shut = '{', '}'
	}
	if keep {
		dst = append(dst, open)
	}
	for i := range n {
		if keep && i > 0 {
			dst = append(dst, ',')
		}
		if object {
			k, _, err := s.key(i, n)
			if err != nil {
				return dst, err
			}
			if keep {
				if dst, err = s.quoted(dst, k); err != nil {
					return dst, err
				}
				dst = append(dst, ':')
			}
		}
		if dst, err = s.walk(dst, keep, depth+1); err != nil {
			return dst, err
		}
	}
	if keep {
		dst = append(dst, shut)
	}
	return dst, nil
}
