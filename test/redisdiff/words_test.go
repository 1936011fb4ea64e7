package redisdiff

import (
	"strings"

	"pgregory.net/rapid"
)

// words draws a part of a command line.
type words func(t *rapid.T) []string

// one draws one of the words of a list, separated by spaces.
func one(list string) words { return among(strings.Fields(list)) }

func among(list []string) words {
	g := rapid.SampledFrom(list)
	return func(t *rapid.T) []string { return []string{g.Draw(t, "word")} }
}

// option is a word in upper or lower case.
func option(name string) words { return among([]string{name, strings.ToLower(name)}) }

// seq draws each part in turn.
func seq(parts ...words) words {
	return func(t *rapid.T) (line []string) {
		for _, part := range parts {
			line = append(line, part(t)...)
		}
		return line
	}
}

// either draws one of the parts.
func either(parts ...words) words {
	g := rapid.IntRange(0, len(parts)-1)
	return func(t *rapid.T) []string { return parts[g.Draw(t, "alternative")](t) }
}

// times draws part from least to most times.
func times(least, most int, part words) words {
	g := rapid.IntRange(least, most)
	return func(t *rapid.T) (line []string) {
		for range g.Draw(t, "times") {
			line = append(line, part(t)...)
		}
		return line
	}
}

func maybe(part words) words { return times(0, 1, part) }

// The key universe is small, so that commands meet.
var (
	keyNames = []string{"a", "b", "c", "user:1", "user:2", "\x00\xff k"}
	key      = among(keyNames)
	value    = among([]string{
		"", "0", "1", "-1", "10", "9999", "10000", "3.14", "-0.5", "1e3", "0x1f", "inf", "01", " 1",
		"9223372036854775807", "-9223372036854775808", "9223372036854775808", "abc", "foobar",
		"ohmytext", "mynewtext", "\x00", "\xff", "\xff\xff\xff", "\x00\x00\xf0", "\x01\x80\r\n",
		strings.Repeat("x", 44), strings.Repeat("xy", 40),
	})
	number = one("0 1 -1 5 10 -7 100 2147483648 4294967296 9223372036854775807 " +
		"-9223372036854775808 9223372036854775808 abc 01 +1 -0 1.5")
	float = one("0 1 -1 0.1 0.2 -0.3 3.0e3 1e-5 5e17 123456789.987654321 0x1p-3 1e300 1e4931 " +
		"1e5000 1e-5000 inf -Infinity nan abc 1e 0.30000000000000004 4611686018427387904")
	// position counts in a short string, from both ends.
	position = one("0 1 2 3 5 8 13 40 -1 -2 -3 -8 -40 9223372036854775807 -9223372036854775808 x")
	// bitAt stays small where it is valid: one bit far out costs the oracle 512 MB.
	bitAt    = one("0 1 2 7 8 9 15 16 23 31 63 100 -1 4294967296 9223372036854775807 x")
	database = one("0 0 1 1 2 15 16 -1 x 99999999999")
	pattern  = one("* a* user:* user:? [ab] [^a] [a-c] \\a user:\\* *1 ** *:* ? nope [ [a- \\")
	// odd words replace or follow others. None is a small positive number: as a time to live it
	// would expire during the test.
	odd = among([]string{
		"", "0", "-1", "abc", "NX", "xx", "KEEPTTL", "GET", "\xfe", "9223372036854775807",
	})
	// relative times to live are filled in by step number, so that no two steps use the same: which
	// of two equal ones ends later would depend on the clock's tick between them.
	soonS  = one("@s @s @s 0 -1 @big 9223372036854775807 -9223372036854775808 x")
	soonMS = one("@ms @ms @ms 0 -1 @big 9223372036854775807 -9223372036854775808 x")
	atS    = one("4102444800 4102444801 4102444802 1 0 -1 9223372036854775807 x")
	atMS   = one("4102444800000 4102444801000 4102444800500 1 0 -1 9223372036854775807 x")
)
