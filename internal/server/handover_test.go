package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func newReader(b []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(b)) }

func echoBody(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%s %s %d", r.Proto, r.URL.Path, len(body))
}

func TestGeneralRequestsAreHandedOver(t *testing.T) {
	f := start(t, Options{HTTP2: HTTP2{Enabled: true}}, http.HandlerFunc(echoBody))
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		tr := &http.Transport{Protocols: new(http.Protocols)}
		tr.Protocols.SetHTTP1(proto == "HTTP/1.1")
		tr.Protocols.SetUnencryptedHTTP2(proto == "HTTP/2.0")
		web := &http.Client{Transport: tr, Timeout: patient}
		for i := range 3 {
			// A reader of unknown length makes the body chunked.
			body := io.MultiReader(strings.NewReader(strings.Repeat("x", 300_000)))
			reply, err := web.Post("http://"+f.address(0)+"/p", "text/plain", body)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(reply.Body)
			_ = reply.Body.Close()
			if want := proto + " /p 300000"; string(got) != want {
				t.Errorf("%s request %d: %q, want %q", proto, i, got, want)
			}
		}
		tr.CloseIdleConnections()
	}
	if n := f.Stats().HandedOver; n != 2 {
		t.Errorf("%d connections were handed over, want 2", n)
	}
	f.until("handed-over connections are no longer counted", func() bool {
		return f.open.Load() == 0
	})
}

func TestHTTP2CanBeSwitchedOff(t *testing.T) {
	f := start(t, Options{}, http.HandlerFunc(echoBody))
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	defer tr.CloseIdleConnections()
	web := &http.Client{Transport: tr, Timeout: patient}
	if reply, err := web.Get("http://" + f.address(0) + "/"); err == nil {
		_ = reply.Body.Close()
		t.Errorf("served with %s", reply.Proto)
	}
}

// What the fast lane answered before, even more than the socket takes, comes first.
func TestHandOverKeepsTheOrderOfReplies(t *testing.T) {
	f := start(t, Options{}, http.HandlerFunc(echoBody))
	c := f.dial(0)
	_ = c.SetReadBuffer(64 << 10)
	c.send("big 9000000\necho first\n" +
		"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" +
		"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nz")
	if got := c.line(); len(got) != 9_000_000 {
		t.Fatalf("%d bytes", len(got))
	}
	if got := c.line(); got != "first" {
		t.Fatalf("got %q", got)
	}
	for _, want := range []string{"HTTP/1.1 /a 3", "HTTP/1.1 /b 1"} {
		reply, err := http.ReadResponse(c.Reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(reply.Body)
		_ = reply.Body.Close()
		if string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	c.ended()
}

func TestSlowBodyOfAGeneralRequestEnds(t *testing.T) {
	f := start(t, Options{ConnectionTimeout: 50 * time.Millisecond}, http.HandlerFunc(echoBody))
	c := f.dial(0)
	c.send("POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
	c.ended()
	f.until("it is no longer counted", func() bool { return f.open.Load() == 0 })
}

// The idle timeout holds on both sides of a hand-over.
func TestIdleConnectionsEndWhereverTheyAre(t *testing.T) {
	const idle = 100 * time.Millisecond
	f := start(t, Options{IdleTimeout: idle}, http.HandlerFunc(echoBody))
	c, away := f.dial(1), f.dial(0)
	c.ask("echo x")
	away.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na")
	if got := away.ended(); !strings.HasSuffix(got, "HTTP/1.1 /a 1") {
		t.Errorf("got %q", got)
	}
	if got := c.ask("echo its clock stands still"); got != "its clock stands still" {
		t.Errorf("got %q", got)
	}
	f.clock.Advance(idle.Milliseconds() + 1)
	c.ended()
}

func TestDrainAnswersWhatHasArrived(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	f := start(t, Options{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		_, _ = io.WriteString(w, "done")
	}))
	idle, busy, half := f.dial(1), f.dial(0), f.dial(1)
	idle.ask("echo x")
	half.ask("echo y")
	half.send("echo ha")
	busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-begun
	f.until("the half request is there", func() bool {
		return f.Stats().BytesIn >= int64(len("echo x\necho y\necho haGET"))
	})
	drained := f.drain(patient)
	f.until("draining has begun", f.Draining)
	close(finish)
	reply, err := http.ReadResponse(busy.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if got, _ := io.ReadAll(reply.Body); string(got) != "done" {
		t.Errorf("got %q", got)
	}
	idle.ended()
	if got := half.ask("lf"); got != "half" {
		t.Errorf("got %q", got)
	}
	half.ended()
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if nc, err := net.Dial("tcp", f.address(0)); err == nil {
		_ = nc.Close()
		t.Error("the door is still open")
	}
}

func TestDrainCutsOffWhatDoesNotEnd(t *testing.T) {
	f := start(t, Options{}, nil)
	half, slow := f.dial(1), f.dial(1)
	half.send("echo ha")
	_ = slow.SetReadBuffer(64 << 10)
	slow.send("big 30000000\n")
	f.until("one is in the slow lane", func() bool { return f.lane.Len() == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := f.Drain(ctx); err == nil {
		t.Error("Drain says that all was answered")
	}
	half.ended()
	slow.ended()
}

// A request of which half had arrived is answered, by whichever server it turns out to be for.
func TestDrainStillHandsOver(t *testing.T) {
	f := start(t, Options{}, http.HandlerFunc(echoBody))
	c := f.dial(0)
	c.send("PO")
	f.until("half a request is there", func() bool { return f.Stats().BytesIn == 2 })
	drained := f.drain(patient)
	f.until("the doors are closed", func() bool {
		nc, err := net.Dial("tcp", f.address(0))
		if err == nil {
			_ = nc.Close()
		}
		return err != nil
	})
	c.send("ST /late HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
	reply, err := http.ReadResponse(c.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if got, _ := io.ReadAll(reply.Body); string(got) != "HTTP/1.1 /late 3" || !reply.Close {
		t.Errorf("got %q, close %v", got, reply.Close)
	}
	c.ended()
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// What a handler works on may go away once Drain has returned.
func TestDrainWaitsForHandlers(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	f := start(t, Options{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(begun)
		<-finish
	}))
	c := f.dial(0)
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-begun
	drained := f.drain(time.Millisecond)
	c.ended()
	time.Sleep(20 * time.Millisecond) // no more than a chance to be wrong
	early := len(drained) > 0
	close(finish)
	if early {
		t.Error("Drain returned while a handler ran")
	}
	if err := <-drained; err == nil || errors.Is(err, ErrStillRunning) {
		t.Errorf("got %v", err)
	}
}

// drain begins to drain for at most d and yields the result.
func (f *fixture) drain(d time.Duration) <-chan error {
	drained := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		drained <- f.Drain(ctx)
	}()
	return drained
}

func TestPortInUseIsNamed(t *testing.T) {
	f := start(t, Options{}, nil)
	port := f.Doors()[0].Port
	_, err := Listen(Options{Doors: []Door{{Name: "HTTP", Host: "127.0.0.1", Port: port}}})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(port)) {
		t.Errorf("got %v", err)
	}
}
