package httpwire

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonSource scans JSON by the letter of RFC 8259, UTF-8 only. It differs from encoding/json in
// refusing invalid UTF-8 and lone surrogates (which that package silently replaces) and nesting
// beyond maxDepth. Strings without escapes are slices of the body; others go to the arena.
type jsonSource struct {
	buf   []byte
	off   int
	arena *[]byte
}

func (s *jsonSource) fail(why string) error { return &syntaxError{"JSON", s.off, why} }

func (s *jsonSource) pos() int    { return s.off }
func (s *jsonSource) seek(at int) { s.off = at }

// peek skips white space and returns the next byte, 0 at the end.
func (s *jsonSource) peek() byte {
	for ; s.off < len(s.buf); s.off++ {
		switch c := s.buf[s.off]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (s *jsonSource) end() error {
	if s.peek(); s.off < len(s.buf) {
		return s.fail("unexpected bytes after the value")
	}
	return nil
}

func (s *jsonSource) kind() (kind, error) {
	switch c := s.peek(); {
	case c == '"':
		return kindString, nil
	case c == '{':
		return kindObject, nil
	case c == '[':
		return kindArray, nil
	case c == 't' || c == 'f':
		return kindBool, nil
	case c == 'n':
		return kindNull, nil
	case c == '-' || '0' <= c && c <= '9':
		return kindNumber, nil
	}
	if s.off >= len(s.buf) {
		return 0, s.fail("unexpected end; a value was expected")
	}
	return 0, s.fail("a value was expected")
}

// plainRun is the length of the leading run of b that needs no thought in a JSON string:
// ASCII except control characters, quotes and backslashes. Eight bytes at a time.
func plainRun(b []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		// A byte's high bit is set in odd if it is >= 0x80, < 0x20, '"' or '\\'. Borrows can
		// only set bits above the first true one, so the lowest set bit is exact.
		odd := (w | (w - ones*0x20) | (quote - ones) | (slash - ones)) & highs
		if odd != 0 {
			return i + bits.TrailingZeros64(odd)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < 0x20 || c >= 0x80 || c == '"' || c == '\\' {
			break
		}
	}
	return i
}

// scanString consumes a string and returns what stands between the quotes.
func (s *jsonSource) scanString() (raw []byte, escaped bool, err error) {
	if s.peek() != '"' {
		return nil, false, s.fail("a string was expected")
	}
	s.off++
	start, ascii := s.off, true
	for {
		s.off += plainRun(s.buf[s.off:])
		if s.off >= len(s.buf) {
			return nil, false, s.fail("unterminated string")
		}
		switch c := s.buf[s.off]; {
		case c == '"':
			raw = s.buf[start:s.off]
			if !ascii && !utf8.Valid(raw) {
				return nil, false, s.fail("invalid UTF-8 in a string")
			}
			s.off++
			return raw, escaped, nil
		case c == '\\':
			escaped = true
			if err := s.scanEscape(); err != nil {
				return nil, false, err
			}
		case c < 0x20:
			return nil, false, s.fail("control character in a string")
		default:
			ascii = false
			for s.off < len(s.buf) && s.buf[s.off] >= utf8.RuneSelf {
				s.off++
			}
		}
	}
}

// scanEscape consumes one escape, or the two of a surrogate pair.
func (s *jsonSource) scanEscape() error {
	if s.off+1 >= len(s.buf) {
		return s.fail("unterminated string")
	}
	switch s.buf[s.off+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.off += 2
		return nil
	case 'u':
		first := hex4(s.buf[s.off+2:])
		if first < 0 {
			return s.fail("bad \\u escape")
		}
		s.off += 6
		if !utf16.IsSurrogate(first) {
			return nil
		}
		if s.off+6 <= len(s.buf) && s.buf[s.off] == '\\' && s.buf[s.off+1] == 'u' &&
			utf16.DecodeRune(first, hex4(s.buf[s.off+2:])) != utf8.RuneError {
			s.off += 6
			return nil
		}
		return s.fail("lone surrogate in a string")
	}
	return s.fail("bad escape in a string")
}

// hex4 reads four hexadecimal digits, or returns -1.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		v := hexValue(c)
		if v < 0 {
			return -1
		}
		r = r<<4 | rune(v)
	}
	return r
}

func (s *jsonSource) str() ([]byte, error) {
	raw, escaped, err := s.scanString()
	if err != nil || !escaped {
		return raw, err
	}
	start := len(*s.arena)
	*s.arena = unescape(*s.arena, raw)
	return (*s.arena)[start:len(*s.arena):len(*s.arena)], nil
}

// unescape appends what a string's inside means. raw was checked by scanString.
func unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c != '\\' {
			dst = append(dst, c)
			continue
		}
		i++
		switch c = raw[i]; c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r := hex4(raw[i+1:])
			i += 4
			if utf16.IsSurrogate(r) {
				r = utf16.DecodeRune(r, hex4(raw[i+3:]))
				i += 6
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// word consumes a literal.
func (s *jsonSource) word(w string) error {
	if len(s.buf)-s.off < len(w) || string(s.buf[s.off:s.off+len(w)]) != w {
		return s.fail("a value was expected")
	}
	s.off += len(w)
	return nil
}

func (s *jsonSource) boolean() (bool, error) {
	if s.peek() == 't' {
		return true, s.word("true")
	}
	return false, s.word("false")
}

// digits consumes at least one digit.
func (s *jsonSource) digits() error {
	start := s.off
	for s.off < len(s.buf) && '0' <= s.buf[s.off] && s.buf[s.off] <= '9' {
		s.off++
	}
	if s.off == start {
		return s.fail("a digit was expected")
	}
	return nil
}

// number consumes a number and returns its text.
func (s *jsonSource) number() ([]byte, error) {
	s.peek()
	start := s.off
	if s.off < len(s.buf) && s.buf[s.off] == '-' {
		s.off++
	}
	if s.off < len(s.buf) && s.buf[s.off] == '0' {
		s.off++
	} else if err := s.digits(); err != nil {
		return nil, err
	}
	if s.off < len(s.buf) && s.buf[s.off] == '.' {
		s.off++
		if err := s.digits(); err != nil {
			return nil, err
		}
	}
	if s.off < len(s.buf) && s.buf[s.off]|0x20 == 'e' {
		s.off++
		if s.off < len(s.buf) && (s.buf[s.off] == '+' || s.buf[s.off] == '-') {
			s.off++
		}
		if err := s.digits(); err != nil {
			return nil, err
		}
	}
	return s.buf[start:s.off], nil
}

func (s *jsonSource) integer() (int64, bool, error) {
	raw, err := s.number()
	if err != nil {
		return 0, false, err
	}
	i, ok := wholeNumber(raw)
	return i, ok, nil
}

// wholeNumber reads digits with an optional minus, or a float without fraction such as 1e3.
func wholeNumber(text []byte) (int64, bool) {
	digits, negative := text, false
	if len(digits) > 0 && digits[0] == '-' {
		digits, negative = digits[1:], true
	}
	var n int64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return wholeFloat(text)
		}
		d := int64(c - '0')
		if n < (math.MinInt64+d)/10 { // counted downwards: MinInt64 has no positive twin
			return 0, false
		}
		n = n*10 - d
	}
	if !negative {
		if n == math.MinInt64 {
			return 0, false
		}
		n = -n
	}
	return n, len(digits) > 0
}

func wholeFloat(text []byte) (int64, bool) {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}
