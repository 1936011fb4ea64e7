package main

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/synapdb/synap/test/harness"
)

// Everybody gets every event of its room in order, also who is cut off in the middle and comes
// back, and who reads only when everybody else has everything.
func TestSynap(t *testing.T) {
	s := harness.Start(t)
	for name, o := range map[string]options{
		"many rooms": {rooms: 40, subscribers: 50, events: 250, publishers: 2, batch: 16,
			cuts: 10},
		"behind": {rooms: 1, subscribers: 5, events: 60_000, publishers: 1, batch: 64,
			stalled: 3},
		"paced": {rooms: 2, subscribers: 2, events: 50, publishers: 2, batch: 1, rate: 2000},
		"large events": {rooms: 1, subscribers: 3, events: 200, publishers: 1, batch: 4,
			size: 90_000},
		"events": {rooms: 2, subscribers: 5, events: 300, publishers: 2, batch: 16,
			style: byEvents},
		"topics": {topics: true, rooms: 3, subscribers: 10, events: 5000, publishers: 3,
			batch: 64, window: 1000},
		"topics of Redis": {topics: true, style: byRESP, rooms: 2, subscribers: 3, events: 5000,
			publishers: 1, batch: 64, window: 500},
		"topics as events": {topics: true, style: byEvents, rooms: 1, subscribers: 3,
			events: 500, publishers: 1, batch: 16, window: 500},
		"nobody listens": {rooms: 3, events: 20, publishers: 1, batch: 7},
	} {
		if o.style == byNATS {
			o.style = bySocket
		}
		o.addr, o.resp, o.prefix = s.HTTP, s.RESP, strings.ReplaceAll(name, " ", "-")
		o.size, o.pid = max(o.size, 200), os.Getpid()
		var out strings.Builder
		if err := load(&out, o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := options{addr: s.HTTP, resp: s.RESP, prefix: "crowd", style: bySocket, subscribers: 60,
		size: 200, events: 3, pid: os.Getpid()}
	for _, o.topics = range []bool{false, true} {
		var out strings.Builder
		err := crowd(&out, o)
		if err != nil || !strings.Contains(out.String(), "connections 60:") ||
			!strings.Contains(out.String(), "told 3 times") {
			t.Errorf("a crowd, topics %v: %v, %s", o.topics, err, &out)
		}
	}
}

func TestFill(t *testing.T) {
	s := harness.Start(t)
	o := options{addr: s.HTTP, resp: s.RESP, prefix: "fill", style: bySocket, size: 200,
		events: 500, batch: 16, window: 100, pid: os.Getpid()}
	var out strings.Builder
	err := fill(&out, o, filling{rooms: 30, topics: 5000, subscriptions: 2000, connections: 3})
	if err != nil || strings.Count(out.String(), "deliveries/s") != 4 {
		t.Errorf("%v, %s", err, &out)
	}
}

func TestNATS(t *testing.T) {
	path, err := exec.LookPath("nats-server")
	if err != nil {
		t.Skip("nats-server is not installed: make tools-apt")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	host, port, _ := net.SplitHostPort(addr)
	server := exec.Command(path, "-a", host, "-p", port)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	for deadline := time.Now().Add(20 * time.Second); ; {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nats-server does not answer")
		}
		time.Sleep(5 * time.Millisecond) // a poll of its socket
	}
	o := options{addr: addr, style: byNATS, prefix: "r", rooms: 3, subscribers: 10, events: 500,
		publishers: 2, batch: 16, size: 200}
	var out strings.Builder
	if err := load(&out, o); err != nil {
		t.Error(err)
	}
}

func TestWrongEventsAreSeen(t *testing.T) {
	for _, data := range []string{"", strings.Repeat("x", digits+stamp), strings.Repeat("0", 31),
		strings.Repeat("0", 40)} {
		if _, _, err := content([]byte(data), len(data)); err == nil {
			t.Errorf("%q passes", data)
		}
	}
}
