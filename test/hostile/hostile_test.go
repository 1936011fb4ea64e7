// Package hostile sends the built server what no honest client would.
package hostile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/synapdb/synap/test/harness"
)

const mib = 1 << 20

// patience bounds every wait for a server that is expected to act at once.
const patience = 20 * time.Second

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// talk sends text on a fresh connection, half-closes it and returns everything the server says
// until it closes.
func talk(t *testing.T, addr, text string) string {
	t.Helper()
	c := dial(t, addr)
	if _, err := io.WriteString(c, text); err != nil && !isReset(err) {
		t.Fatal(err)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	got, err := io.ReadAll(c)
	if err != nil && !isReset(err) {
		t.Fatalf("the server kept the connection open: %v after %.200q", err, got)
	}
	return string(got)
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// healthy fails unless both doors answer a fresh connection.
func healthy(t *testing.T, s *harness.Server) {
	t.Helper()
	if got := talk(t, s.RESP, "PING\r\n"); got != "+PONG\r\n" {
		t.Fatalf("PING answers %q", got)
	}
	reply, err := http.Get("http://" + s.HTTP + "/health")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != 200 {
		t.Fatalf("/health answers %d", reply.StatusCode)
	}
}

// grown fails if the server's memory rose by more than bound since before.
func grown(t *testing.T, s *harness.Server, before, bound int64) {
	t.Helper()
	if os.Getenv("SYNAP_RACE") != "" {
		bound *= 4 // the race detector keeps notes on every word of memory
	}
	if more := s.RSS(t) - before; more > bound {
		t.Errorf("memory grew by %d MiB, the bound is %d MiB", more/mib, bound/mib)
	}
}

func command(words ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b.String()
}

func TestDeclaredLengthsAreNotBelieved(t *testing.T) {
	s := harness.Start(t)
	healthy(t, s)
	before := s.RSS(t)
	for _, bomb := range []string{
		"*1048576\r\n", "*1048576\r\n$536870912\r\n", "*2\r\n$3\r\nGET\r\n$536870912\r\nabc",
	} {
		for range 50 {
			if _, err := io.WriteString(dial(t, s.RESP), bomb); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 50 {
		_, _ = io.WriteString(dial(t, s.HTTP), "POST /api/v1/command HTTP/1.1\r\nHost: x\r\n"+
			"Content-Type: application/json\r\nContent-Length: 15000000\r\n\r\n{")
	}
	for _, body := range []string{"\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff",
		"\x81\xa7payload\xc6\xff\xff\xff\xff", "\x81\xa7payload\xdd\xff\xff\xff\xff"} {
		status := post(t, s, "/api/v1/command", "application/msgpack", body)
		if status < 400 || status >= 500 {
			t.Errorf("a MessagePack bomb answers %d", status)
		}
	}
	healthy(t, s)
	grown(t, s, before, 24*mib) // 200 connections with their sockets' and net/http's own buffers
}

func post(t *testing.T, s *harness.Server, path, contentType, body string) int {
	t.Helper()
	reply, err := http.Post("http://"+s.HTTP+path, contentType, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if _, err := io.Copy(io.Discard, reply.Body); err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode
}

func TestProtocolErrorsCloseOnlyTheirConnection(t *testing.T) {
	s := harness.Start(t)
	for _, c := range []struct{ send, want string }{
		{"*2147483648\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		{"*1\r\n!3\r\n", "-ERR Protocol error: expected '$', got '!'\r\n"},
		{"*1\r\n$-5\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		{"*1\r\n$99999999999\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		{"GET \"unbalanced\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
		{"PING\r\n*1\r\n!x\r\nPING\r\n", "+PONG\r\n-ERR Protocol error: expected '$', got '!'\r\n"},
		{strings.Repeat("x", 70_000), "-ERR Protocol error: too big inline request\r\n"},
	} {
		if got := talk(t, s.RESP, c.send); got != c.want {
			t.Errorf("%.40q answers %q, want %q", c.send, got, c.want)
		}
	}
	healthy(t, s)
}

func TestErrorTextsStayOnTheirLine(t *testing.T) {
	s := harness.Start(t)
	got := talk(t, s.RESP, command("NO\r\n+OK\r\n", "a\r\n:1"))
	if strings.Count(got, "\r\n") != 1 || !strings.HasPrefix(got, "-ERR unknown command") {
		t.Errorf("the reply is %q", got)
	}
}

func TestHTTPOnTheRedisPortRunsNothing(t *testing.T) {
	s := harness.Start(t)
	for _, head := range []string{"POST / HTTP/1.1\r\n", "Host: 127.0.0.1\r\n"} {
		got := talk(t, s.RESP, head+"\r\n"+command("SET", "evil", "1"))
		if strings.Contains(got, "+OK") {
			t.Errorf("%q: the command ran: %q", head, got)
		}
	}
	if got := talk(t, s.RESP, command("GET", "evil")); got != "$-1\r\n" {
		t.Errorf("the key holds %q", got)
	}
}

func TestGlobsAreLinear(t *testing.T) {
	s := harness.Start(t)
	key := strings.Repeat("a", 10_000)
	pattern := strings.Repeat("*a", 5_000) + "*b"
	got := talk(t, s.RESP, command("SET", key, "1")+command("KEYS", pattern)+
		command("KEYS", strings.Repeat("[", 50_000))+command("PING"))
	if got != "+OK\r\n*0\r\n*0\r\n+PONG\r\n" {
		t.Errorf("got %.100q", got)
	}
}

func TestOversizedKeysAndValuesAreRefused(t *testing.T) {
	s := harness.Start(t)
	long := strings.Repeat("k", 70_000)
	got := talk(t, s.RESP, command("SET", long, "v")+command("GET", long)+command("PING"))
	lines := strings.Split(strings.TrimSuffix(got, "\r\n"), "\r\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "key is 70000 bytes") || lines[2] != "+PONG" {
		t.Errorf("got %.300q", got)
	}
	before := s.RSS(t)
	got = talk(t, s.RESP, command("SETRANGE", "k", "536870912", "x")+
		command("SETBIT", "k", "4294967296", "1")+command("PING"))
	if strings.Count(got, "-ERR") != 2 || !strings.HasSuffix(got, "+PONG\r\n") {
		t.Errorf("got %q", got)
	}
	grown(t, s, before, 4*mib)
}

func TestBadBodies(t *testing.T) {
	s := harness.Start(t)
	deep := strings.Repeat("[", 100_000)
	envelope := `{"command":"kv.set","request_id":"1","payload":{"key":"k","value":%s}}`
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"not JSON":          {"{", 400},
		"empty":             {"", 400},
		"deep nesting":      {fmt.Sprintf(envelope, deep), 400},
		"closed nesting":    {fmt.Sprintf(envelope, deep+strings.Repeat("]", 100_000)), 400},
		"invalid UTF-8":     {fmt.Sprintf(envelope, "\"\xff\xfe\""), 400},
		"lone surrogate":    {fmt.Sprintf(envelope, `"\ud800"`), 400},
		"control character": {fmt.Sprintf(envelope, "\"\x01\""), 400},
		"trailing garbage":  {fmt.Sprintf(envelope, "1") + "x", 400},
		"no payload":        {`{"command":"kv.get","request_id":"1"}`, 422},
		"command a number":  {`{"command":1,"request_id":"1","payload":{}}`, 422},
	} {
		if got := post(t, s, "/api/v1/command", "application/json", c.body); got != c.status {
			t.Errorf("%s: %d, want %d", name, got, c.status)
		}
	}
	for name, body := range map[string]string{
		"deep MessagePack": strings.Repeat("\x91", 100_000),
		"cut MessagePack":  "\x83\xa7comm",
		"reserved byte":    "\xc1",
	} {
		got := post(t, s, "/api/v1/command", "application/msgpack", body)
		if got != 400 {
			t.Errorf("%s: %d, want 400", name, got)
		}
	}
	healthy(t, s)
}

func TestEndlessBodyIsCut(t *testing.T) {
	s := harness.Start(t)
	before := s.RSS(t)
	c := dial(t, s.HTTP)
	_, _ = io.WriteString(c, "POST /api/v1/command HTTP/1.1\r\nHost: x\r\n"+
		"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 64<<10, bytes.Repeat([]byte(" "), 64<<10))
	var sent int
	for sent < 512*mib {
		n, err := io.WriteString(c, chunk)
		if sent += n; err != nil {
			break
		}
	}
	if sent >= 512*mib {
		t.Error("the server took half a gigabyte without a word")
	}
	status, _ := bufio.NewReader(c).ReadString('\n')
	if status != "" && !strings.Contains(status, "413") {
		t.Errorf("the answer is %q", status)
	}
	grown(t, s, before, 96*mib) // the body limit, plus what a growing buffer leaves to the GC
}
