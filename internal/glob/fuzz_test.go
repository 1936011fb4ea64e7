package glob

import (
	"bytes"
	"testing"
)

// twin is a slow matcher written from the description alone: a table of which beginnings of the
// name each beginning of the pattern matches.
func twin(p, s []byte, fold bool) bool {
	if string(p) == "*" {
		return true
	}
	now := make([]bool, len(s)+1) // now[i]: the pattern so far matches s[:i]
	now[0] = true
	for i := 0; i < len(p); {
		next := make([]bool, len(s)+1)
		if p[i] == '*' {
			i++
			seen := false
			for j := range now {
				seen = seen || now[j]
				next[j] = seen && len(s) > 0
			}
		} else {
			var size int
			for j := range s {
				if now[j] {
					next[j+1], size = twinByte(p[i:], s[j], fold)
				}
			}
			if size == 0 {
				return false // nothing got this far
			}
			i += size
		}
		now = next
	}
	return now[len(s)]
}

func twinByte(p []byte, c byte, fold bool) (bool, int) {
	same := func(a, b byte) bool {
		return a == b || fold && bytes.EqualFold([]byte{a}, []byte{b}) && a < 0x80 && b < 0x80
	}
	low := func(b byte) int {
		if fold {
			b = bytes.ToLower([]byte{b & 0x7f})[0] | b&0x80
		}
		return int(int8(b))
	}
	if p[0] == '?' {
		return true, 1
	}
	if p[0] == '\\' && len(p) > 1 {
		return same(p[1], c), 2
	}
	if p[0] != '[' {
		return same(p[0], c), 1
	}
	rest, want, in := p[1:], true, false
	if len(rest) > 0 && rest[0] == '^' {
		rest, want = rest[1:], false
	}
	for len(rest) > 0 && rest[0] != ']' {
		switch {
		case rest[0] == '\\' && len(rest) > 1:
			in = in || rest[1] == c
			rest = rest[2:]
		case len(rest) > 2 && rest[1] == '-':
			a, b := rest[0], rest[2]
			if int8(a) > int8(b) {
				a, b = b, a
			}
			in = in || low(a) <= low(c) && low(c) <= low(b)
			rest = rest[3:]
		default:
			in = in || same(rest[0], c)
			rest = rest[1:]
		}
	}
	size := len(p) - len(rest)
	if len(rest) > 0 {
		size++
	}
	return in == want, size
}

func FuzzMatch(f *testing.F) {
	for _, p := range []string{
		"", "*", "**", "h[^e]l?o*", "[a-]", "[\\", "a\\", "[^", "*[a-\xff]x*", "*ab*?b",
		"*[ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab]b*",
		"*??????????????????????????????????????????????????????????????????????a*",
	} {
		f.Add([]byte(p), []byte("hello"), false)
		f.Add([]byte(p), bytes.Repeat([]byte("aB"), 50), true)
	}
	f.Fuzz(func(t *testing.T, p, s []byte, fold bool) {
		if len(p) > 400 || len(s) > 400 {
			return
		}
		want := twin(p, s, fold)
		if got := Match(p, s, fold); got != want {
			t.Errorf("Match(%q, %q, %v) = %v", p, s, fold, got)
		}
		if pre := LiteralPrefix(p); want && !fold && !bytes.HasPrefix(s, pre) {
			t.Errorf("%q matches %q, which doesn't start with %q", p, s, pre)
		}
	})
}
