package httpwire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	frames "github.com/gobwas/ws"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/server"
	"github.com/synapdb/synap/internal/wire"
)

const patient = 10 * time.Second // an upper bound that only a broken server reaches

// live is a fake feed behind a real server, whose clock stands still.
type live struct {
	*bench
	t      *testing.T
	fake   *fakeFeed
	server *server.Server
	end    sync.Once
}

func serveLive(t *testing.T, fake *fakeFeed, o ...Options) *live {
	t.Helper()
	l := newBench(t, append(o, Options{})[0], withFake(fake)).listen(t)
	l.fake = fake
	return l
}

// listen puts the bench behind a real server.
func (b *bench) listen(t *testing.T) *live {
	t.Helper()
	l := &live{t: t, fake: newFakeFeed(), bench: b}
	var err error
	l.server, err = server.Listen(server.Options{
		Doors: []server.Door{{Name: "HTTP", Host: "127.0.0.1", Dialect: server.HTTPDoor}},
		Loops: 2, Clock: l.clock, ConnectionTimeout: 4 * time.Second,
		IdleTimeout: 10 * time.Second, // which is not for feeds
		HTTP2:       server.HTTP2{Enabled: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = l.server.Start(server.Protocols{
		HTTP:    func(s *command.Session) wire.Conn { return l.NewConn(s) },
		General: l.Handler, Sessions: command.NewRegistry(), Commit: l.engine.Commit,
		Counters: func() *command.Counters { return command.NewCounters(l.engine.Table) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.drain)
	return l
}

func (l *live) drain() {
	l.end.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		if err := l.server.Drain(ctx); err != nil {
			l.t.Error(err)
		}
	})
}

func (l *live) address() string { return fmt.Sprintf("127.0.0.1:%d", l.server.Doors()[0].Port) }

// until waits for a condition that some goroutine will bring about.
func (l *live) until(what string, ok func() bool) {
	l.t.Helper()
	for deadline := time.Now().Add(patient); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("never: %s; %s", what, l.fake.state())
		}
	}
}

func (l *live) untilState(want string) {
	l.t.Helper()
	l.until(want, func() bool { return l.fake.state() == want })
}

// peer is somebody else's client.
type peer struct {
	*websocket.Conn
	t   *testing.T
	ctx context.Context
}

// dial opens a feed and reads its first frame.
func (l *live) dial(path string) *peer {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	l.t.Cleanup(cancel)
	//nolint:bodyclose // the library says that there is none to close
	c, _, err := websocket.Dial(ctx, "ws://"+l.address()+path, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = c.CloseNow() })
	p := &peer{c, l.t, ctx}
	if got := p.read(); !strings.HasPrefix(got, `{"type":"connected"`) {
		l.t.Fatalf("the first frame is %s", got)
	}
	return p
}

func (p *peer) read() string {
	p.t.Helper()
	kind, b, err := p.Read(p.ctx)
	if err != nil || kind != websocket.MessageText {
		p.t.Fatalf("read: %v, %v", kind, err)
	}
	return string(b)
}

func (p *peer) want(frames ...string) {
	p.t.Helper()
	for _, want := range frames {
		if got := p.read(); got != want {
			p.t.Fatalf("got %s, want %s", got, want)
		}
	}
}

func (p *peer) say(text string) {
	p.t.Helper()
	if err := p.Write(p.ctx, websocket.MessageText, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

func TestASocketOfAnotherLibrary(t *testing.T) {
	l := serveLive(t, newFakeFeed())
	p := l.dial("/fake/a%20b/ws/me?window=2")
	l.fake.add("1") // nothing was there: it is pushed as it comes
	p.want(pushed("1"))
	l.fake.add("2", "3")
	p.want(pushed("2"))
	l.untilState("[3], 2 held, 1 opened, 0 closed")
	p.say(`{"command":"ack","message_id":"2","request_id":"r"}`)
	p.want(`{"type":"ack","request_id":"r","success":true,"payload":{"by":"me"}}`, pushed("3"))
	p.say(`{"command":"ack","message_id":"2"}`)
	p.want(`{"type":"error","error":"Message not found: 2","code":"message_not_found",` +
		`"message_id":"2"}`)

	w, err := p.Writer(p.ctx, websocket.MessageText) // so long that it is sent in fragments
	for _, part := range []string{`{"command":"say",`, strings.Repeat(" ", 100_000),
		`"text":"long","request_id":1}`} {
		if err == nil {
			_, err = io.WriteString(w, part)
		}
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	p.want(`{"type":"say","request_id":1,"success":true,"payload":{"said":"long"}}`)

	if err := p.Close(websocket.StatusNormalClosure, "done"); err != nil {
		t.Errorf("the close was not echoed: %v", err)
	}
	l.untilState("[1 3 long], 0 held, 1 opened, 1 closed")
}

func TestWhoLeavesWithoutAWordGivesBackAtOnce(t *testing.T) {
	l := serveLive(t, newFakeFeed())
	p := l.dial("/fake/q/ws/me")
	l.fake.add("1", "2")
	p.want(pushed("1"), pushed("2"))
	other := l.dial("/fake/q/ws/other?window=9")
	if err := p.CloseNow(); err != nil {
		t.Fatal(err)
	}
	l.untilState("[1 2], 0 held, 2 opened, 1 closed")
	l.fake.add("3")
	other.want(pushed("1"), pushed("2"), pushed("3"))
}

func TestPingsOfBothSides(t *testing.T) {
	l := serveLive(t, newFakeFeed())
	p, silent := l.dial("/fake/q/ws/me"), l.raw("/fake/q/ws/silent")
	go func() { // the library answers pings while somebody reads
		for {
			if _, _, err := p.Read(p.ctx); err != nil {
				return
			}
		}
	}()
	if err := p.Ping(p.ctx); err != nil {
		t.Error(err)
	}
	l.clock.Advance(31_000)
	silent.want("ping ")
	l.clock.Advance(29_000) // whoever answered has time again
	if err := p.Ping(p.ctx); err != nil {
		t.Error(err)
	}
	l.clock.Advance(2_000)
	silent.want("close 1001 no answer")
	silent.ended()
	if err := p.Ping(p.ctx); err != nil {
		t.Errorf("who answers was closed: %v", err)
	}
}

// raw is a socket in bytes.
type raw struct {
	net.Conn
	*bufio.Reader
	t *testing.T
}

func (r *raw) Read(b []byte) (int, error) { return r.Reader.Read(b) }

// raw opens a feed, behind a plain request on the same connection, and drops its first frame.
func (l *live) raw(path string) *raw {
	l.t.Helper()
	r := l.dialRaw()
	r.send(request1("GET /livez") + handshake(path))
	for _, status := range []int{200, 101} {
		resp, err := nethttp.ReadResponse(r.Reader, nil)
		if err != nil || resp.StatusCode != status {
			l.t.Fatalf("%v: %+v", err, resp)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	if got := r.frame(); !strings.HasPrefix(got, `{"type":"connected"`) {
		l.t.Fatalf("the first frame is %s", got)
	}
	return r
}

func (l *live) dialRaw() *raw {
	l.t.Helper()
	nc, err := net.Dial("tcp", l.address())
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patient))
	return &raw{nc, bufio.NewReader(nc), l.t}
}

func (r *raw) send(bytes string) {
	r.t.Helper()
	if _, err := io.WriteString(r.Conn, bytes); err != nil {
		r.t.Fatal(err)
	}
}

// frame reads one frame, worded as unframe words it.
func (r *raw) frame() string {
	r.t.Helper()
	f, err := frames.ReadFrame(r)
	if err != nil {
		r.t.Fatal(err)
	}
	b, err := frames.CompileFrame(f)
	if err != nil {
		r.t.Fatal(err)
	}
	return unframe(r.t, string(b))[0]
}

func (r *raw) want(want string) {
	r.t.Helper()
	if got := r.frame(); got != want {
		r.t.Fatalf("got %.80q, want %.80q", got, want)
	}
}

func (r *raw) ended() {
	r.t.Helper()
	if rest, err := io.ReadAll(r.Reader); err != nil || len(rest) > 0 {
		r.t.Errorf("%d bytes behind the close frame: %v", len(rest), err)
	}
}

// TestSlowFragmentsAndTheCloseHandshake sends each byte by itself.
func TestSlowFragmentsAndTheCloseHandshake(t *testing.T) {
	l := serveLive(t, newFakeFeed())
	r := l.raw("/fake/q/ws/me")
	say := `{"command":"say","text":"x","request_id":1}`
	for _, b := range []byte(masked(frames.OpText, false, say[:20]) +
		masked(frames.OpPing, true, "p") + masked(frames.OpContinuation, true, say[20:])) {
		r.send(string([]byte{b}))
	}
	r.want("pong p")
	r.want(`{"type":"say","request_id":1,"success":true,"payload":{"said":"x"}}`)
	r.want(pushed("x"))
	r.send(masked(frames.OpClose, true, "\x0f\xa0") + masked(frames.OpPing, true, "late"))
	r.want("close 4000 ")
	r.ended()
	l.untilState("[x], 0 held, 1 opened, 1 closed")
}

func TestAServerThatEndsClosesItsFeeds(t *testing.T) {
	l := serveLive(t, newFakeFeed())
	r, half := l.raw("/fake/q/ws/me"), l.raw("/fake/q/ws/half")
	l.fake.add("1")
	l.untilState("[], 1 held, 2 opened, 0 closed")
	half.send(masked(frames.OpText, true, "{}")[:3])
	l.drain()
	for _, r := range []*raw{r, half} {
		got := r.frame()
		if got == pushed("1") {
			got = r.frame()
		}
		if got != "close 1001 the server shuts down" {
			t.Errorf("got %q", got)
		}
		r.ended()
	}
	l.untilState("[1], 0 held, 2 opened, 2 closed")
}

// TestAPeerThatReadsSlowlyIsNotBufferedFor pushes far more than a peer reads at first: little of it
// may leave the feed before the peer reads on, and then all of it comes, in order.
func TestAPeerThatReadsSlowlyIsNotBufferedFor(t *testing.T) {
	const count, size, most = 3000, 16 << 10, 16 << 20 // the kernel's buffers are among the most
	fake := newFakeFeed()
	fake.window = count
	l := serveLive(t, fake)
	r := l.raw("/fake/q/ws/slow")
	pad := strings.Repeat("x", size)
	all := make([]string, count)
	for i := range all {
		all[i] = fmt.Sprint(i, " ", pad)
	}
	fake.add(all...)
	held := func() (n int) {
		fake.Lock()
		defer fake.Unlock()
		for _, h := range fake.held {
			n += len(h)
		}
		return n
	}
	was, still := -1, 0
	l.until("the pushing pauses", func() bool {
		time.Sleep(10 * time.Millisecond)
		now := held()
		if still++; now != was || now == 0 {
			was, still = now, 0
		}
		return still == 20
	})
	if was*size > most {
		t.Errorf("%d MiB were pushed to a peer that does not read", was*size>>20)
	}
	for i := range all {
		r.want(pushed(all[i]))
	}
	r.send(masked(frames.OpPing, true, "alive"))
	r.want("pong alive")
}

// TestManySocketsCostNoGoroutines also shares messages out: who has a full window leaves the rest
// to the others.
func TestManySocketsCostNoGoroutines(t *testing.T) {
	const count = 500
	l := serveLive(t, newFakeFeed())
	first := l.raw("/fake/q/ws/first?window=1")
	before := runtime.NumGoroutine()
	sockets := []*raw{first}
	for i := range count {
		sockets = append(sockets, l.raw(fmt.Sprintf("/fake/q/ws/c%d?window=1", i)))
	}
	for i := range sockets {
		l.fake.add(fmt.Sprint(i))
	}
	seen := map[string]bool{}
	for _, r := range sockets {
		seen[r.frame()] = true
	}
	if len(seen) != len(sockets) {
		t.Errorf("%d sockets got %d different messages", len(sockets), len(seen))
	}
	if more := runtime.NumGoroutine() - before; more > 10 { // the test's own, and the runtime's
		t.Errorf("%d sockets brought %d goroutines", count, more)
	}
}

// TestAnIdleSocketIsSmall counts what the codec of a connection holds between rounds.
func TestAnIdleSocketIsSmall(t *testing.T) {
	const count, most = 2000, 1024
	b := newBench(t, Options{}, withFake(newFakeFeed()))
	in := []byte(handshake("/fake/queue/ws/consumer-1") +
		masked(frames.OpText, true, `{"command":"ack","message_id":"none"}`))
	var out wire.Output
	var s command.Session
	conns := make([]*Conn, count)
	for i := range conns {
		conns[i] = b.NewConn(&s)
		conns[i].SetWaker(new(socket))
	}
	each := heap(func() {
		for _, c := range conns {
			if _, _, v := c.Feed(bytes.Clone(in), &out); v != wire.Open || c.feed == nil {
				t.Fatalf("verdict %d: %q", v, out.Buf)
			}
			out.Reset(1 << 20)
		}
	}) / count
	t.Logf("a WebSocket holds %d bytes more than a connection of HTTP", each)
	if each > most {
		t.Errorf("%d bytes, over %d", each, most)
	}
	runtime.KeepAlive(conns)
}

// heap is how many bytes are there after f that were not before.
func heap(f func()) int64 {
	var before, after runtime.MemStats
	read := func(into *runtime.MemStats) {
		for range 3 { // what a pool held, and what a finalizer did, is free only later
			runtime.GC()
		}
		runtime.ReadMemStats(into)
	}
	read(&before)
	f()
	read(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}
