package server

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// dialFrom connects from an address of this machine.
func (f *fixture) dialFrom(host string, door int) *client {
	f.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}}
	nc, err := d.Dial("tcp", f.address(door))
	if err != nil {
		f.t.Skipf("%s is not an address of this machine: %v", host, err)
	}
	_ = nc.SetDeadline(time.Now().Add(patient))
	f.t.Cleanup(func() { _ = nc.Close() })
	return &client{nc.(*net.TCPConn), bufio.NewReader(nc), f.t}
}

// addresses is how many addresses are counted, and how many connections of host.
func (f *fixture) addresses(host string) (all, open int) {
	f.peers.mu.Lock()
	defer f.peers.mu.Unlock()
	for addr, at := range f.peers.mu.open {
		if addr.String() == host {
			open = int(at.open)
		}
	}
	return len(f.peers.mu.open), open
}

func TestConnectionsOfOneAddressAreLimited(t *testing.T) {
	f := start(t, Options{MaxPerAddress: 2}, nil)
	first, second := f.dialFrom("127.0.0.2", 0), f.dialFrom("127.0.0.2", 1)
	first.ask("echo 1")
	second.ask("echo 2")
	want := "-ERR max number of clients of this address reached\r\n"
	if got := f.dialFrom("127.0.0.2", 1).ended(); got != want {
		t.Errorf("RESP refusal: %q", got)
	}
	web := f.dialFrom("127.0.0.2", 0)
	web.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	reply, err := http.ReadResponse(web.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	var body struct{ Error, Code string }
	if err := json.NewDecoder(reply.Body).Decode(&body); err != nil || reply.StatusCode != 429 ||
		body.Code != "too_many_connections_of_address" ||
		!strings.Contains(body.Error, "server.max_connections_per_address") {
		t.Errorf("HTTP refusal: %s, %+v, %v", reply.Status, body, err)
	}
	if got := f.dialFrom("127.0.0.3", 1).ask("echo other"); got != "other" {
		t.Errorf("another address got %q", got)
	}
	if s := f.Stats(); s.Refused != 2 || s.RefusedPeer != 2 {
		t.Errorf("refusals counted: %d, for the address %d; want 2, 2", s.Refused, s.RefusedPeer)
	}
	_ = first.Close()
	f.until("its place is free", func() bool { _, n := f.addresses("127.0.0.2"); return n == 1 })
	f.dialFrom("127.0.0.2", 1).ask("echo 3")
	f.SetMaxPerAddress(3)
	f.dialFrom("127.0.0.2", 1).ask("echo 4")
	if got := f.dialFrom("127.0.0.2", 1).ended(); got != want {
		t.Errorf("the fourth of three: %q", got)
	}
	f.SetMaxPerAddress(0)
	f.dialFrom("127.0.0.2", 1).ask("echo no limit")
}

// An address is the same through sockets of IPv4 and IPv6, and IPv6's have their zones.
func TestAddressesAreThoseOfHosts(t *testing.T) {
	same := func(a, b string) bool {
		return hostOf(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(a))) ==
			hostOf(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(b)))
	}
	for _, pair := range [][2]string{
		{"10.0.0.1:1", "[::ffff:10.0.0.1]:2"}, {"[2001:db8::1]:1", "[2001:db8:0::1]:2"},
	} {
		if !same(pair[0], pair[1]) {
			t.Errorf("%s and %s are counted apart", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{
		{"10.0.0.1:1", "10.0.0.2:1"}, {"[::1]:1", "127.0.0.1:1"},
		{"[fe80::1%a]:1", "[fe80::1%b]:1"},
	} {
		if same(pair[0], pair[1]) {
			t.Errorf("%s and %s are counted together", pair[0], pair[1])
		}
	}
}

// A connection counts until its end, wherever it is: on a loop, in the slow lane, at the general
// server. Nothing is left of an address afterwards.
func TestNothingIsLeftOfAnAddress(t *testing.T) {
	release := make(chan struct{})
	arrived := make(chan struct{})
	f := start(t, Options{Loops: 1, MaxPerAddress: 4},
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			arrived <- struct{}{}
			<-release
			w.Header().Set("Connection", "close")
		}))
	stalled, general := f.dialFrom("127.0.0.2", 1), f.dialFrom("127.0.0.2", 0)
	_ = stalled.SetReadBuffer(64 << 10)
	stalled.send("big 20000000\n")
	f.until("it is in the slow lane", func() bool { return f.lane.Len() == 1 })
	general.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
	<-arrived
	f.dialFrom("127.0.0.2", 1)                  // says nothing
	_ = f.dialFrom("127.0.0.2", 1).SetLinger(0) // will end with a reset
	f.until("all are counted", func() bool { _, n := f.addresses("127.0.0.2"); return n == 4 })
	f.dialFrom("127.0.0.2", 1).ended()
	close(release)
	general.ended()
	f.until("the general server's is gone", func() bool {
		_, n := f.addresses("127.0.0.2")
		return n == 3
	})
	_ = stalled.Close()
	f.until("the stalled one is gone", func() bool {
		_, n := f.addresses("127.0.0.2")
		return n == 2
	})
	f.stop()
	if all, _ := f.addresses(""); all != 0 {
		t.Errorf("%d addresses are remembered", all)
	}
	if n := f.open.Load(); n != 0 {
		t.Errorf("%d connections are counted", n)
	}
}

// Some addresses connect as fast as they can, one of them always over its limit; who behaves is
// admitted and served while they do.
func TestAFloodDoesNotKeepOthersOut(t *testing.T) {
	f := start(t, Options{MaxPerAddress: 8, MaxConnections: 500}, nil)
	for range 8 {
		f.dialFrom("127.0.0.2", 1).ask("echo holds a place")
	}
	var flood sync.WaitGroup
	var over atomic.Bool
	var refused, admitted atomic.Int64
	attack := func(host string, count *atomic.Int64) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}, Timeout: patient}
		for !over.Load() {
			nc, err := d.Dial("tcp", f.address(1))
			if err != nil {
				continue // ports run out for a moment
			}
			_ = nc.(*net.TCPConn).SetLinger(0)
			_ = nc.SetDeadline(time.Now().Add(patient))
			_, _ = io.WriteString(nc, "echo x\n")
			answer, _ := bufio.NewReader(nc).ReadString('\n')
			if (host == "127.0.0.2") != (answer == "x\n") && answer != "" {
				count.Add(1)
			}
			_ = nc.Close()
		}
	}
	for range 4 {
		flood.Go(func() { attack("127.0.0.2", &refused) })
	}
	for _, host := range []string{"127.0.0.3", "127.0.0.4", "127.0.0.5"} {
		flood.Go(func() { attack(host, &admitted) })
	}
	defer flood.Wait()
	defer over.Store(true)
	old := f.dialFrom("127.0.0.9", 1)
	f.until("the flood runs", func() bool { return refused.Load() > 50 && admitted.Load() > 50 })
	for range 200 {
		if got := old.ask("echo old"); got != "old" {
			t.Fatalf("who was there got %q", got)
		}
		c := f.dialFrom("127.0.0.9", 1)
		if got := c.ask("echo new"); got != "new" {
			t.Fatalf("who came got %q", got)
		}
		_ = c.Close()
		f.until("it is gone", func() bool { _, n := f.addresses("127.0.0.9"); return n == 1 })
	}
	before := refused.Load() + admitted.Load()
	f.until("the flood still runs", func() bool { return refused.Load()+admitted.Load() > before })
}

// One who is refused and does not go holds up neither the acceptors nor others' refusals for ever:
// those being told are bounded, and more are cut off.
func TestRefusalsAreBounded(t *testing.T) {
	f := start(t, Options{MaxPerAddress: 1}, nil)
	f.dialFrom("127.0.0.2", 1).ask("echo holds the place")
	for range 3 * maxRefusals {
		f.dialFrom("127.0.0.2", 0) // silent: it is waited for
	}
	f.until("all are refused", func() bool { return f.Stats().RefusedPeer == 3*maxRefusals })
	if tasks := f.lane.Len(); tasks > maxRefusals {
		t.Errorf("%d goroutines are busy with refusals", tasks)
	}
	if got := f.dial(1).ask("echo meanwhile"); got != "meanwhile" {
		t.Errorf("got %q", got)
	}
	f.until("all are gone", func() bool { return f.refusing.Load() == 0 && f.lane.Len() == 0 })
	if got := f.dialFrom("127.0.0.2", 1).ended(); !strings.HasPrefix(got, "-ERR") {
		t.Errorf("afterwards a refusal says %q", got)
	}
}
