package glob

import (
	"bufio"
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// quoted splits a line of Go string literals; a colon may follow one.
func quoted(t *testing.T, line string) (out []string) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimLeft(line, ": ") {
		q, err := strconv.QuotedPrefix(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		s, err := strconv.Unquote(q)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		out = append(out, s)
		line = line[len(q):]
	}
	return out
}

// TestMatchAnswersAsRedis replays what a real Redis answered (the files say how).
func TestMatchAnswersAsRedis(t *testing.T) {
	for name, fold := range map[string]bool{"redis-keys.txt": false, "redis-fold.txt": true} {
		f, err := os.Open("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		var names []string
		for sc := bufio.NewScanner(f); sc.Scan(); {
			if strings.HasPrefix(sc.Text(), "#") {
				continue
			}
			words := quoted(t, sc.Text())
			if names == nil {
				names = words[1:]
				continue
			}
			for _, s := range names {
				want := slices.Contains(words[1:], s)
				if Match([]byte(words[0]), []byte(s), fold) != want {
					t.Errorf("%s: %q on %q: want %v", name, words[0], s, want)
				}
			}
		}
	}
}

func TestLiteralPrefix(t *testing.T) {
	for pattern, want := range map[string]string{
		"":              "",
		"user:1":        "user:1",
		"user:*":        "user:",
		"user:?x":       "user:",
		"user:[ab]":     "user:",
		"*":             "",
		`a\*b*`:         "a*b",
		`a\\b?`:         `a\b`,
		`a\`:            `a\`,
		`\[x]*`:         "[x]",
		"a]b*":          "a]b",
		"\x00\xff\x80*": "\x00\xff\x80",
	} {
		p := []byte(pattern)
		if got := LiteralPrefix(p); string(got) != want {
			t.Errorf("%q: %q, want %q", pattern, got, want)
		}
		if string(p) != pattern {
			t.Errorf("%q was changed to %q", pattern, p)
		}
	}
}

// TestHostilePatternsEnd runs patterns that blow up recursive or backtracking matchers: if one
// did, the test would not end.
func TestHostilePatternsEnd(t *testing.T) {
	as := bytes.Repeat([]byte("a"), 65535)
	rep := func(s string, n int) []byte { return bytes.Repeat([]byte(s), n) }
	for _, c := range []struct {
		name    string
		pattern []byte
		want    bool
	}{
		{"stars", append(rep("*a", 60000), 'b'), false},
		{"few stars", append(rep("*a", 30), 'b'), false},
		{"stars that match", rep("*a", 65535), true},
		{"question marks", append(rep("*?", 1<<19), 'b'), false},
		{"only stars", rep("*", 1<<20), true},
		{"open sets", rep("[", 1<<20), false},
		{"sets", rep("[a]", 1<<19), false},
		{"escapes", rep(`\`, 1<<20), false},
		{"a long part", append(append([]byte("*?"), rep("a", 5000)...), "b*"...), false},
		{"a huge set", append(append([]byte("*["), rep("a-z", 1<<16)...), "]*"...), true},
		{"sets in a long part", append(append([]byte("*"), rep("[ab]", 3000)...), "c*"...), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, fold := range []bool{false, true} {
				if got := Match(c.pattern, as, fold); got != c.want {
					t.Errorf("fold %v: %v", fold, got)
				}
			}
			LiteralPrefix(c.pattern)
		})
	}
}

func TestMatchingAllocatesNothing(t *testing.T) {
	s := []byte("user:12345:profile")
	for _, p := range []string{"user:*", "*:profile", "user:[0-9]*:prof?le", "*[1-3]?4*"} {
		n := testing.AllocsPerRun(100, func() {
			if !Match([]byte(p), s, true) {
				t.Errorf("%q doesn't match", p)
			}
		})
		if n != 0 {
			t.Errorf("%q: %v allocations", p, n)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	s := []byte("user:12345:profile")
	as := bytes.Repeat([]byte("a"), 65535)
	for _, c := range []struct {
		name    string
		pattern string
		s       []byte
	}{
		{"prefix", "user:*", s},
		{"suffix", "*:profile", s},
		{"sets", "user:[0-9]*:prof?le", s},
		{"hostile", strings.Repeat("*a", 30000) + "b", as},
		{"hostile part", "*?" + strings.Repeat("a", 32000) + "b*", as},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			p := []byte(c.pattern)
			for b.Loop() {
				Match(p, c.s, false)
			}
		})
	}
}
