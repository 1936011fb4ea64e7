package httpwire

import (
	"math"
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendQuoted appends b as a JSON string. b must be valid UTF-8.
func appendQuoted(dst, b []byte) []byte { return append(appendEscaped(append(dst, '"'), b), '"') }

// appendEscaped is appendQuoted without the quotes.
func appendEscaped(dst, b []byte) []byte {
	for {
		n := plainRun(b)
		for n < len(b) && b[n] >= utf8.RuneSelf {
			n++
			n += plainRun(b[n:])
		}
		dst = append(dst, b[:n]...)
		if n == len(b) {
			return dst
		}
		switch c := b[n]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		b = b[n+1:]
	}
}

// appendText appends a stored value as a JSON string, or says that it is none.
func appendText(dst, b []byte) []byte {
	if plainRun(b) == len(b) {
		return append(append(append(dst, '"'), b...), '"')
	}
	if utf8.Valid(b) {
		return appendQuoted(dst, b)
	}
	dst = append(dst, `"<binary data: `...)
	dst = strconv.AppendInt(dst, int64(len(b)), 10)
	return append(dst, ` bytes>"`...)
}

// appendNumbers appends b as a JSON array of numbers.
func appendNumbers(dst, b []byte) []byte {
	dst = append(dst, '[')
	for i, c := range b {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(c), 10)
	}
	return append(dst, ']')
}

// appendFloat appends the shortest text that reads back as f; JSON has no NaN or infinity.
func appendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, format, -1, 64)
	for _, c := range dst[start:] {
		if c == '.' || c == 'e' {
			return dst
		}
	}
	return append(dst, '.', '0') // a float stays a float for whoever reads it
}
