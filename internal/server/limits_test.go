package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

func TestSilenceAndHalfRequestsEnd(t *testing.T) {
	f := start(t, Options{ConnectionTimeout: 10 * time.Second}, nil)
	silent, half, idle := f.dial(1), f.dial(1), f.dial(1)
	half.ask("echo whole")
	half.send("echo ha")
	idle.ask("echo idle")
	f.until("all three are there, one with half a request", func() bool {
		sent := int64(len("echo whole\necho haecho idle\n"))
		return f.open.Load() == 3 && f.Stats().BytesIn == sent
	})
	f.sweep()
	f.clock.Advance(9_000)
	f.sweep()
	if got := half.ask("lf"); got != "half" {
		t.Fatalf("got %q before the timeout", got)
	}
	half.send("echo ha")
	f.until("the half request is there", func() bool { return f.Stats().BytesIn == 28+3+7 })
	f.clock.Advance(9_000)
	f.sweep()
	silent.ended()
	f.clock.Advance(2_000)
	f.sweep()
	half.ended()
	if got := idle.ask("echo still here"); got != "still here" {
		t.Errorf("got %q", got)
	}
}

func TestIdleTimeoutChangesAtOnce(t *testing.T) {
	f := start(t, Options{}, nil)
	c := f.dial(1)
	c.ask("echo x")
	f.clock.Advance(3_600_000)
	f.sweep()
	if got := c.ask("echo never by default"); got != "never by default" {
		t.Fatalf("got %q", got)
	}
	f.SetIdleTimeout(5 * time.Second)
	f.clock.Advance(6_000)
	f.sweep()
	c.ended()
}

func TestConnectionsOverTheLimitAreToldSo(t *testing.T) {
	f := start(t, Options{MaxConnections: 2}, nil)
	first, second := f.dial(1), f.dial(0)
	first.ask("echo 1")
	second.ask("echo 2")
	if got := f.dial(1).ended(); got != "-ERR max number of clients reached\r\n" {
		t.Errorf("RESP refusal: %q", got)
	}
	refusal := f.dial(0)
	refusal.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	reply, err := http.ReadResponse(refusal.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	var body struct{ Error, Code string }
	if err := json.NewDecoder(reply.Body).Decode(&body); err != nil || reply.StatusCode != 503 ||
		body.Code != "too_many_connections" || !strings.Contains(body.Error, "max_connections") {
		t.Errorf("HTTP refusal: %s, %+v, %v", reply.Status, body, err)
	}
	if n := f.Stats().Refused; n != 2 {
		t.Errorf("%d refusals are counted, want 2", n)
	}
	_ = first.Close()
	f.until("the place is free again", func() bool { return f.open.Load() == 1 })
	if got := f.dial(1).ask("echo 3"); got != "3" {
		t.Errorf("got %q", got)
	}
}

// A client that sends requests and reads no replies is made to wait by its own kernel. When it
// reads at last, every reply is there.
func TestSlowReaderWaitsAndLosesNothing(t *testing.T) {
	f := start(t, Options{Loops: 1}, nil)
	c := f.dial(1)
	_ = c.SetReadBuffer(64 << 10)
	const count, size = 2_000, 50_000
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := range count {
			if _, err := fmt.Fprintf(c, "big %d\necho %d\n", size, i); err != nil {
				return
			}
		}
		_, _ = c.Write([]byte("bye\n"))
	}()
	f.until("the connection is in the slow lane", func() bool { return f.lane.Len() > 0 })
	if got := f.dial(1).ask("echo others are served"); got != "others are served" {
		t.Errorf("got %q", got)
	}
	buffered := int64(0)
	f.loopsDo(func(l *loop) { buffered = int64(cap(l.out.Buf)) })
	if buffered > 4*wire.FullBytes {
		t.Errorf("the loop holds %d bytes of replies", buffered)
	}
	for i := range count {
		if got := c.line(); len(got) != size {
			t.Fatalf("reply %d has %d bytes", i, len(got))
		}
		if got := c.line(); got != fmt.Sprint(i) {
			t.Fatalf("got %q after big reply %d", got, i)
		}
	}
	if got := c.ended(); got != "bye\n" {
		t.Errorf("got %.100q at the end", got)
	}
	<-sent
}

// A client can't send while it is read no further: the time in the slow lane is not its fault.
func TestTimeInTheSlowLaneDoesNotCount(t *testing.T) {
	f := start(t, Options{Loops: 1, ConnectionTimeout: 10 * time.Second,
		IdleTimeout: 10 * time.Second}, nil)
	whole, half := f.dial(1), f.dial(1)
	for _, c := range []*client{whole, half} {
		_ = c.SetReadBuffer(64 << 10)
		c.send("big 20000000\n")
	}
	half.send("echo ha")
	f.until("both are in the slow lane", func() bool { return f.lane.Len() == 2 })
	f.clock.Advance(60_000)
	whole.line()
	half.line()
	f.until("both are back", func() bool {
		there := 0
		f.loopsDo(func(l *loop) { there = len(l.conns) })
		return there == 2
	})
	f.sweep()
	if got := whole.ask("echo still here"); got != "still here" {
		t.Errorf("got %q", got)
	}
	if got := half.ask("lf"); got != "half" {
		t.Errorf("got %q", got)
	}
	f.killAll()
	whole.ended()
	half.ended()
}

// CLIENT KILL comes from any loop, at any moment of a connection's travels.
func TestConnectionsAreKilledWhereverTheyAre(t *testing.T) {
	f := start(t, Options{Loops: 1}, nil)
	c := f.dial(1)
	_ = c.SetReadBuffer(64 << 10)
	c.send("big 20000000\n")
	f.until("it is in the slow lane", func() bool { return f.lane.Len() == 1 })
	c.line()
	f.killAll()
	c.ended()
	f.until("it is gone", func() bool { return f.open.Load() == 0 && f.gone.Load() == 1 })
}

// killAll does what CLIENT KILL does, from outside the loops.
func (f *fixture) killAll() {
	f.protocols.Sessions.Each(func(s *command.Session) bool { s.Info.Kill(); return true })
}

// loopsDo runs look on every loop in turn.
func (f *fixture) loopsDo(look func(*loop)) {
	for _, l := range f.allLoops() {
		done := make(chan struct{})
		l.post(func() { look(l); close(done) })
		<-done
	}
}

func TestSlowReaderIsClosedAtTheCap(t *testing.T) {
	f := start(t, Options{OutputBytes: 1 << 20}, nil)
	c := f.dial(1)
	_ = c.SetReadBuffer(64 << 10)
	c.send("big 50000000\n")
	f.until("it is closed", func() bool { return f.Stats().SlowClosed == 1 && f.open.Load() == 0 })
	if got := c.ended(); len(got) > 20<<20 {
		t.Errorf("%d bytes came over a cap of 1 MiB and the socket's buffers", len(got))
	}
}

func TestReaderThatStopsIsClosedInTheEnd(t *testing.T) {
	f := start(t, Options{ConnectionTimeout: 100 * time.Millisecond}, nil)
	c := f.dial(1)
	_ = c.SetReadBuffer(64 << 10)
	c.send("big 50000000\n")
	f.until("it is closed", func() bool { return f.Stats().SlowClosed == 1 && f.open.Load() == 0 })
}

func TestHalfClosedClientGetsItsReplies(t *testing.T) {
	f := start(t, Options{}, nil)
	c := f.dial(1)
	c.send("big 3000000\necho end\n")
	_ = c.CloseWrite()
	got := c.ended()
	if !strings.HasSuffix(got, "\nend\n") || len(got) != 3_000_001+4 {
		t.Errorf("got %d bytes", len(got))
	}
}

func TestOnlyLoopbackIsLocal(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true,
		"10.0.0.1:1": false, "[::ffff:10.0.0.1]:1": false, "0.0.0.0:1": false, "[fe80::1]:1": false,
	} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := isLocal(tcp); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
}

func TestRefusalOfRemotePeersExplainsItself(t *testing.T) {
	resp, web := string(notLocal.bytes(RESPDoor)), notLocal.bytes(HTTPDoor)
	if !strings.HasPrefix(resp, "-DENIED Synap runs without credentials") ||
		strings.Count(resp, "\r\n") != 1 || !strings.Contains(resp, "--allow-insecure") {
		t.Errorf("RESP: %q", resp)
	}
	reply, err := http.ReadResponse(newReader(web), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, _ := io.ReadAll(reply.Body)
	if reply.StatusCode != 403 || !json.Valid(body) ||
		!bytes.Contains(body, []byte("allow_insecure")) {
		t.Errorf("HTTP: %s %s", reply.Status, body)
	}
}

// The machine's own address that is not loopback stands for another machine.
func TestRemotePeersAreRefused(t *testing.T) {
	own := ownAddress()
	if own == "" {
		t.Skip("this machine has only loopback addresses")
	}
	for _, allowed := range []bool{false, true} {
		f := &fixture{t: t}
		f.Server = start(t, Options{AllowRemote: allowed}, nil).Server
		ln, err := net.Listen("tcp", net.JoinHostPort(own, "0"))
		if err != nil {
			t.Skip(err)
		}
		ended := make(chan struct{})
		go func() { defer close(ended); _ = f.accept(ln, &f.opts.Doors[1]) }()
		nc, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = nc.SetDeadline(time.Now().Add(patient))
		_, _ = nc.Write([]byte("echo served\nbye\n"))
		got, _ := io.ReadAll(nc)
		if served := strings.HasPrefix(string(got), "served"); served != allowed {
			t.Errorf("allowed %v: %q", allowed, got)
		}
		_ = nc.Close()
		_ = ln.Close()
		<-ended
	}
}

func ownAddress() string {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String()
		}
	}
	return ""
}
