package glob

import "bytes"

// naiveBytes is the length of pattern up to which a part is tried at each place in turn.
const naiveBytes = 64

// Match says whether the whole of s matches pattern. fold ignores the case of ASCII letters.
// Both may be of any length and hold any bytes.
func Match(pattern, s []byte, fold bool) bool {
	if len(s) == 0 {
		return len(pattern) == 0 || len(pattern) == 1 && pattern[0] == '*'
	}
	n, size := measure(pattern, len(s))
	if n > len(s) || !matchAt(pattern[:size], s, fold) {
		return false
	}
	pattern, s = pattern[size:], s[n:]
	if len(pattern) == 0 {
		return len(s) == 0
	}
	for {
		for len(pattern) > 0 && pattern[0] == '*' {
			pattern = pattern[1:]
		}
		if len(pattern) == 0 {
			return true
		}
		n, size := measure(pattern, len(s))
		if n > len(s) {
			return false
		}
		if size == len(pattern) {
			return matchAt(pattern, s[len(s)-n:], fold)
		}
		at := index(pattern[:size], n, s, fold)
		if at < 0 {
			return false
		}
		pattern, s = pattern[size:], s[at+n:]
	}
}

// LiteralPrefix is what every name matched by pattern, case respected, starts with: the bytes
// before the first `*`, `?` or `[`, escapes resolved. The result may share memory with pattern.
func LiteralPrefix(pattern []byte) []byte {
	i := bytes.IndexAny(pattern, "*?[\\")
	if i < 0 {
		return pattern
	}
	out := pattern[:i:i] // appending copies
	for i < len(pattern) {
		c := pattern[i]
		if c == '*' || c == '?' || c == '[' {
			break
		}
		if c == '\\' && i+1 < len(pattern) {
			i++
		}
		out = append(out, pattern[i])
		i++
	}
	return out
}

// measure gives the number of bytes that the part of p before the first star takes, and its
// size in p. It stops early when the number exceeds limit.
func measure(p []byte, limit int) (n, size int) {
	for size < len(p) && p[size] != '*' && n <= limit {
		size += width(p[size:])
		n++
	}
	return n, size
}

// width is the size of the element p starts with.
func width(p []byte) int {
	switch {
	case p[0] == '\\' && len(p) > 1:
		return 2
	case p[0] == '[':
		return class(p, nil, false)
	}
	return 1
}

// matchAt says whether p, a part without stars, matches the beginning of s, which is no shorter.
func matchAt(p, s []byte, fold bool) bool {
	for i := 0; len(p) > 0; i++ {
		ok, size := matchByte(p, s[i], fold)
		if !ok {
			return false
		}
		p = p[size:]
	}
	return true
}

// matchByte says whether the element p starts with matches c, and what its size is.
func matchByte(p []byte, c byte, fold bool) (ok bool, size int) {
	size = 1
	switch p[0] {
	case '?':
		return true, 1
	case '[':
		var in set
		size = class(p, &in, fold)
		return in.has(c), size
	case '\\':
		if len(p) > 1 {
			size = 2
		}
	}
	x := p[size-1]
	return x == c || fold && lower(x) == lower(c), size
}

// index is the first place in s where the part p, which takes n bytes, matches, or -1.
func index(p []byte, n int, s []byte, fold bool) int {
	if !fold && !bytes.ContainsAny(p, "?[\\") {
		return bytes.Index(s, p)
	}
	if len(p) > naiveBytes {
		return indexBits(p, n, s, fold)
	}
	for i := 0; i+n <= len(s); i++ {
		if matchAt(p, s[i:], fold) {
			return i
		}
	}
	return -1
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
