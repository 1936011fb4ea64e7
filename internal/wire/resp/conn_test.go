package resp_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/wire"
	"github.com/synapdb/synap/internal/wire/resp"
)

func TestConversations(t *testing.T) {
	for name, c := range map[string]struct {
		in, want string
		closed   bool
	}{
		"multibulk": {in: "*1\r\n$4\r\nPING\r\n", want: "+PONG\r\n"},
		"inline":    {in: "PING\r\n", want: "+PONG\r\n"},
		"pipelined": {in: "SET k v\r\nGET k\r\nGET no\r\n", want: "+OK\r\n$1\r\nv\r\n$-1\r\n"},
		"mixed": {in: "PING\n*1\r\n$4\r\nPING\r\n\r\nPING\r\n",
			want: strings.Repeat("+PONG\r\n", 3)},
		"empty":      {in: "*0\r\n*-1\r\n\r\nPING\r\n", want: "+PONG\r\n"},
		"unfinished": {in: "PING\r\n*1\r\n$4\r\nPI", want: "+PONG\r\n"},
		"unknown": {in: "nope a b\r\nPING\r\n", want: "-ERR unknown command 'nope', with args" +
			" beginning with: 'a' 'b' \r\n+PONG\r\n"},
		"hello 3": {in: "GET no\r\nHELLO 3\r\nGET no\r\n", want: "$-1\r\n" +
			"%7\r\n$6\r\nserver\r\n$5\r\nsynap\r\n$7\r\nversion\r\n$5\r\n1.0.0\r\n" +
			"$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n" +
			"$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n_\r\n"},

		"quit":        {in: "QUIT\r\nSET k v\r\n", want: "+OK\r\n", closed: true},
		"quit, MULTI": {in: "MULTI\r\nQUIT\r\nPING\r\n", want: "+OK\r\n+OK\r\n", closed: true},
		"POST":        {in: "PING\r\nPOST / HTTP/1.1\r\nPING\r\n", want: "+PONG\r\n", closed: true},
		"Host":        {in: "host: a\r\nPING\r\n", closed: true},
		"Host, bulk":  {in: "*1\r\n$5\r\nHost:\r\nPING\r\n", closed: true},
		"quotes": {in: "PING \"\r\nPING\r\n", closed: true,
			want: "-ERR Protocol error: unbalanced quotes in request\r\n"},
		"no dollar": {in: "PING\r\n*1\r\nPING\r\nPING\r\n", closed: true,
			want: "+PONG\r\n-ERR Protocol error: expected '$', got 'P'\r\n"},
		"injected line": {in: "*1\r\n\r\n", closed: true,
			want: "-ERR Protocol error: expected '$', got ' '\r\n"},
		"bulk length": {in: "*1\r\n$-3\r\n", closed: true,
			want: "-ERR Protocol error: invalid bulk length\r\n"},

		"reply off": {in: "CLIENT REPLY OFF\r\nPING\r\nnope\r\nCLIENT REPLY ON\r\nPING\r\n",
			want: "+OK\r\n+PONG\r\n"},
		"reply skip": {in: "CLIENT REPLY SKIP\r\nPING\r\nECHO a\r\n", want: "$1\r\na\r\n"},
		"reply skip twice": {in: "CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nPING\r\nECHO a\r\n",
			want: "$1\r\na\r\n"},
		"reply skip, on": {in: "CLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\n", want: "+OK\r\n"},
		"reply off, reset": {in: "CLIENT REPLY OFF\r\nRESET\r\nPING\r\n",
			want: "+RESET\r\n+PONG\r\n"},
		"reply off, broken": {in: "CLIENT REPLY OFF\r\n*x\r\n", closed: true},
	} {
		t.Run(name, func(t *testing.T) {
			conn := newFixture(t).connect(resp.Limits{})
			if got := conn.send(c.in); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			if closed := conn.verdict == wire.Close; closed != c.closed {
				t.Errorf("closed: %v", closed)
			}
			if c.closed && conn.send("PING\r\n") != "" {
				t.Error("a command ran after the end")
			}
		})
	}
}

func TestNothingRunsAfterTheEnd(t *testing.T) {
	f := newFixture(t)
	for _, end := range []string{"QUIT\r\n", "POST /\r\n", "*x\r\n", "'\r\n"} {
		f.connect(resp.Limits{}).send(end + "SET ran yes\r\n")
	}
	gone := f.connect(resp.Limits{})
	gone.Closed()
	gone.send("SET ran yes\r\n")
	if got := f.connect(resp.Limits{}).send("GET ran\r\n"); got != "$-1\r\n" {
		t.Errorf("got %q", got)
	}
}

func TestBigValueWaitsForAllItsBytes(t *testing.T) {
	c := newFixture(t).connect(resp.Limits{})
	value := strings.Repeat("v", 100_000)
	head := "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\n"
	if got := c.send(head + value[:10]); got != "" || c.need != len(head)+len(value)+2 {
		t.Fatalf("got %q, need %d", got, c.need)
	}
	if got := c.send(value[10:] + "\r\n"); got != "+OK\r\n" || len(c.buffer) != 0 {
		t.Errorf("got %q, %d bytes left", got, len(c.buffer))
	}
	if got := c.send("GET k\r\n"); got != "$100000\r\n"+value+"\r\n" {
		t.Errorf("got %d bytes", len(got))
	}
}

// A value that the store hands out by reference must frame right, also when dropped.
func TestHugeValues(t *testing.T) {
	c := newFixture(t).connect(resp.Limits{})
	value := strings.Repeat("0123456789abcdef", 1<<17)
	c.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2097152\r\n" + value + "\r\n")
	want := "+PONG\r\n$2097152\r\n" + value + "\r\n+PONG\r\n"
	if got := c.send("PING\r\nGET k\r\nPING\r\n") + c.send(""); got != want {
		t.Errorf("got %d bytes, want %d", len(got), len(want))
	}
	if got := c.send("CLIENT REPLY SKIP\r\nGET k\r\nPING\r\n"); got != "+PONG\r\n" {
		t.Errorf("got %d bytes", len(got))
	}
}

func TestFullOutputStopsTheRound(t *testing.T) {
	c := newFixture(t).connect(resp.Limits{})
	c.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$10000\r\n" + strings.Repeat("v", 10_000) + "\r\n")
	got := len(c.send(strings.Repeat("GET k\r\n", 1000)))
	if got < wire.FullBytes || got > 2*wire.FullBytes || len(c.buffer) == 0 {
		t.Errorf("one round replied %d bytes and left %d of input", got, len(c.buffer))
	}
	for len(c.buffer) > 0 {
		got += len(c.send(""))
	}
	if want := 1000 * (len("$10000\r\n\r\n") + 10_000); got != want {
		t.Errorf("all rounds replied %d bytes", got)
	}
}

func TestClosedForgetsWatchedKeys(t *testing.T) {
	c := newFixture(t).connect(resp.Limits{})
	c.send("WATCH a b\r\nMULTI\r\n")
	c.Closed()
	if !c.session.Watched.Empty() || c.session.Multi != nil {
		t.Error("a closed connection still watches")
	}
}

func TestRepliesAreBounded(t *testing.T) {
	c := newFixture(t).connect(resp.Limits{ReplyBytes: 1000})
	c.send("SET k " + strings.Repeat("v", 100) + "\r\nMULTI\r\n" + strings.Repeat("GET k\r\n", 20))
	got := c.send("EXEC\r\nGET k\r\n")
	want := "-ERR the reply would be too large; ask for less at once\r\n$100\r\n"
	if !strings.HasPrefix(got, want) {
		t.Errorf("got %.200q", got)
	}
}

// A connection that rests must not keep the buffer of the big command it once sent.
func TestABigCommandIsLetGo(t *testing.T) {
	c := newFixture(t).connect(resp.Limits{})
	freed := make(chan struct{})
	func() {
		in := []byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048576\r\n" +
			strings.Repeat("x", 1<<20) + "\r\n")
		runtime.AddCleanup(&in[0], func(int) { close(freed) }, 0)
		if n, _, _ := c.Feed(in, new(wire.Output)); n != len(in) {
			t.Fatalf("consumed %d", n)
		}
	}()
	defer runtime.KeepAlive(c)
	for deadline := time.Now().Add(10 * time.Second); ; {
		runtime.GC()
		select {
		case <-freed:
			return
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("an idle connection keeps the input")
		}
	}
}

// A full output may stop the round between commands that were looked at together, of which the
// last is not whole yet.
func TestFullOutputBeforeHalfACommand(t *testing.T) {
	value := strings.Repeat("v", 30_000)
	const get, half = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "*2\r\n$3\r\nGET\r\n$1"
	for _, tail := range []string{half, half + "\r\nk", "*2\r\n$3", "PI", "*1\r\n", "*x\r\n",
		"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nab", "*1\r\n$x\r\n"} {
		c := newFixture(t).connect(resp.Limits{})
		c.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$30000\r\n" + value + "\r\n")
		got := c.send(strings.Repeat(get, 40) + tail)
		for len(c.buffer) > len(tail) && c.verdict == wire.Open {
			got += c.send("")
		}
		if want := strings.Repeat("$30000\r\n"+value+"\r\n", 40); !strings.HasPrefix(got, want) {
			t.Errorf("before %q: %d bytes of replies, want %d", tail, len(got), len(want))
		}
		if tail == half {
			if got := c.send("\r\nk\r\n"); got != "$30000\r\n"+value+"\r\n" {
				t.Errorf("the half command answers %d bytes", len(got))
			}
		}
	}
}
