package resp

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// read feeds a parser and renders what it says: the words, "wait N" or "error: …".
func read(p *parser, in string) string {
	size, need, err := p.next([]byte(in))
	switch {
	case err != "":
		return "error: " + string(err)
	case size == 0:
		return fmt.Sprintf("wait %d", need)
	}
	from := in
	if p.inline {
		from = string(p.scratch)
	}
	words := make([]string, len(p.words))
	for i, w := range p.words {
		words[i] = from[w.from:w.to]
	}
	return fmt.Sprintf("%d %q", size, words)
}

func TestParseMultibulk(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"*1\r\n$4\r\nPING\r\n", `14 ["PING"]`},
		{"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n", `20 ["GET" "k"]`},
		{"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", `19 ["GET" ""]`},
		{"*1\r\n$12\r\nab\r\nc\x00defghi\r\n", `23 ["ab\r\nc\x00defghi"]`},
		{"*11\r\n" + strings.Repeat("$1\r\nx\r\n", 11), `82 ["x" "x" "x" "x" "x" "x" "x" "x" "x"` +
			` "x" "x"]`},
		{"*0\r\n", `4 []`},
		{"*-1\r\n", `5 []`},
		{"*-5\r\n", `5 []`},
		{"*", "wait 0"},
		{"*1", "wait 0"},
		{"*1\r", "wait 0"},
		{"*1\r\n", "wait 0"},
		{"*1\r\n$", "wait 0"},
		{"*1\r\n$4\r", "wait 0"},
		{"*1\r\n$4\r\n", "wait 14"},
		{"*1\r\n$4\r\nPING\r", "wait 14"},
		{"*1\r\n$5000\r\n", "wait 5013"},
		{"*1\r\n$536870912\r\n", "wait 536870930"},
		{"*1\r\n$536870913\r\n", "error: invalid bulk length"},
		{"*1\r\n$-1\r\n", "error: invalid bulk length"},
		{"*1\r\n$abc\r\n", "error: invalid bulk length"},
		{"*1\r\n$04\r\nPING\r\n", "error: invalid bulk length"},
		{"*1\r\n$+4\r\nPING\r\n", "error: invalid bulk length"},
		{"*1\r\n$\r\n", "error: invalid bulk length"},
		{"*1\r\n$99999999999999999999\r\n", "error: invalid bulk length"},
		{"*1\r\nPING\r\n", "error: expected '$', got 'P'"},
		{"*1\r\n:1\r\n", "error: expected '$', got ':'"},
		{"*x\r\n", "error: invalid multibulk length"},
		{"*\r\n", "error: invalid multibulk length"},
		{"*1048577\r\n", "error: invalid multibulk length"},
		{"*1048576\r\n", "wait 0"},
		{"*" + strings.Repeat("1", 64<<10), "error: too big mbulk count string"},
		{"*1\r\n$" + strings.Repeat("1", 64<<10), "error: too big bulk count string"},
	} {
		p := parser{limits: Limits{}.withDefaults()}
		if got := read(&p, c.in); got != c.want {
			t.Errorf("%.40q: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestParseInline(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"PING\r\n", `6 ["PING"]`},
		{"PING\n", `5 ["PING"]`},
		{"  set   k\tv  \r\nGET k\r\n", `15 ["set" "k" "v"]`},
		{"\r\n", `2 []`},
		{"\n", `1 []`},
		{"   \r\n", `5 []`},
		{"set k \"\"\r\n", `10 ["set" "k" ""]`},
		{`echo "a b"` + "\n", `11 ["echo" "a b"]`},
		{`echo "\x41\n\r\t\b\a\q\"\\"` + "\n", `28 ["echo" "A\n\r\t\b\aq\"\\"]`},
		{`echo "\x4" "\xzz"` + "\n", `18 ["echo" "x4" "xzz"]`},
		{`echo 'a\'b\n'` + "\n", `14 ["echo" "a'b\\n"]`},
		{`echo a"b c"` + "\n", `12 ["echo" "ab c"]`},
		{"PING\x00a b\n", `9 ["PING\x00a" "b"]`},
		{"PING", "wait 0"},
		{"echo \"a\n", "error: unbalanced quotes in request"},
		{"echo 'a\n", "error: unbalanced quotes in request"},
		{"echo \"a\"b\n", "error: unbalanced quotes in request"},
		{"echo 'a'b\n", "error: unbalanced quotes in request"},
		{"echo \"a\\\n", "error: unbalanced quotes in request"},
		{strings.Repeat("a", 64<<10), "wait 0"},
		{strings.Repeat("a", 64<<10+1), "error: too big inline request"},
		{strings.Repeat("a", 64<<10+1) + "\n", "error: too big inline request"},
	} {
		p := parser{limits: Limits{}.withDefaults()}
		if got := read(&p, c.in); got != c.want {
			t.Errorf("%.40q: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestRequestLimitCountsAllWords(t *testing.T) {
	in := "*4\r\n" + strings.Repeat("$900\r\n"+strings.Repeat("x", 900)+"\r\n", 4)
	for cut := range len(in) {
		p := parser{limits: Limits{RequestBytes: 2000}.withDefaults()}
		got := read(&p, in[:cut+1])
		if strings.HasPrefix(got, "wait") {
			got = read(&p, in)
		}
		if got != "error: too big request" {
			t.Fatalf("cut at %d: %s", cut, got)
		}
	}
}

// A large command that comes in pieces must cost its length, not length times pieces: what was
// read once is not read again, so spoiling it between two pieces changes nothing.
func TestPiecesAreNotReadAgain(t *testing.T) {
	in := []byte("*1000\r\n" + strings.Repeat("$3\r\nabc\r\n", 1000))
	p := parser{limits: Limits{}.withDefaults()}
	for end := 1; end < len(in); end++ {
		if size, _, err := p.next(in[:end]); size != 0 || err != "" {
			t.Fatal(size, err)
		}
		if p.left > 0 {
			for i := range p.at {
				in[i] = '!'
			}
		}
	}
	size, _, err := p.next(in)
	if err != "" || size != len(in) || len(p.words) != 1000 {
		t.Fatal(size, err, len(p.words))
	}
	inline := []byte(strings.Repeat("a", 5000) + "\n")
	p = parser{limits: Limits{}.withDefaults()}
	for end := 1; end < len(inline); end++ {
		if size, _, err := p.next(inline[:end]); size != 0 || err != "" || p.scanned != end {
			t.Fatal(size, err, p.scanned)
		}
	}
}

func TestDeclaredLengthsAllocateNothing(t *testing.T) {
	bombs := []string{
		"*1048576\r\n",
		"*1048576\r\n$536870912\r\n",
		"*1\r\n$536870912\r\nabc",
		"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n",
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		for _, bomb := range bombs {
			p := parser{limits: Limits{}.withDefaults()}
			if got := read(&p, bomb); !strings.HasPrefix(got, "wait") {
				t.Fatal(got)
			}
		}
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("400 declared lengths allocated %d bytes", grown)
	}
}
