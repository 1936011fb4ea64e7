package httpwire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	frames "github.com/gobwas/ws"
	"github.com/tinylib/msgp/msgp"

	"github.com/synapdb/synap/internal/command"
)

// caller is somebody else's client of a multiplexed WebSocket.
type caller struct {
	*peer
	kind websocket.MessageType
}

// dialMux opens a socket that speaks a subprotocol.
func (l *live) dialMux(protocol string) *caller {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	l.t.Cleanup(cancel)
	//nolint:bodyclose // the library says that there is none to close
	c, _, err := websocket.Dial(ctx, "ws://"+l.address()+muxPath,
		&websocket.DialOptions{Subprotocols: []string{"other", protocol}})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = c.CloseNow() })
	if got := c.Subprotocol(); got != protocol {
		l.t.Fatalf("the server speaks %q", got)
	}
	c.SetReadLimit(1 << 20)
	kind := websocket.MessageText
	if protocol == protocolPack {
		kind = websocket.MessageBinary
	}
	return &caller{&peer{c, l.t, ctx}, kind}
}

// ask sends requests.
func (c *caller) ask(requests ...string) {
	c.t.Helper()
	for _, q := range requests {
		message := []byte(q)
		if c.kind == websocket.MessageBinary {
			message = packJSON(nil, message)
		}
		if err := c.Write(c.ctx, c.kind, message); err != nil {
			c.t.Fatal(err)
		}
	}
}

// hear reads the next message, as compact JSON. MessagePack's binary data is base64.
func (c *caller) hear() string {
	c.t.Helper()
	kind, b, err := c.Read(c.ctx)
	if err != nil || kind != c.kind {
		c.t.Fatalf("read: %v, %v", kind, err)
	}
	if kind == websocket.MessageText {
		return string(b)
	}
	var raw, text bytes.Buffer
	if _, err = msgp.UnmarshalAsJSON(&raw, b); err == nil {
		err = json.Compact(&text, raw.Bytes())
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return text.String()
}

func (c *caller) wants(all ...string) {
	c.t.Helper()
	for _, want := range all {
		if got := c.hear(); got != want {
			c.t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
}

func onBothLines(t *testing.T, test func(*testing.T, *live, *caller)) {
	for _, protocol := range []string{protocolJSON, protocolPack} {
		t.Run(protocol, func(t *testing.T) {
			l := newBench(t, Options{}).listen(t)
			test(t, l, l.dialMux(protocol))
		})
	}
}

func TestMuxOfAnotherLibrary(t *testing.T) {
	onBothLines(t, func(t *testing.T, l *live, c *caller) {
		c.ask(req(1, "queue.create", `{"name":"q"}`), req(2, "stream.create", `{"room":"r"}`),
			req(3, "queue.consume", `{"queue":"q","consumer_id":"c","wait_ms":3600000}`),
			req(4, "subscribe", `{"to":"room","room":"r","subscriber_id":"me"}`),
			req(5, "subscribe", `{"to":"topics","topics":["a.#"],"subscription":"news"}`),
			req(6, "kv.set", `{"key":"a","value":"x"}`), req(7, "kv.get", `{"key":"a"}`))
		c.wants(done(1, `{"success":true}`), done(2, `{"success":true,"room":"r"}`),
			done(4, `{"subscription":"s1","room":"r","subscriber_id":"me","from_offset":0}`))
		if got := c.hear(); !strings.HasPrefix(got, `{"success":true,"request_id":5,"payload":`+
			`{"subscription":"news","subscriber_id":"`) {
			t.Fatalf("got %s", got)
		}
		c.wants(done(6, `{"success":true}`), done(7, `"x"`))

		other := l.dialMux(protocolJSON)
		other.ask(req(1, "stream.publish", `{"room":"r","event":"e0","data":0}`),
			req(2, "pubsub.publish", `{"topic":"a.b.c","payload":{"x":1}}`),
			req(3, "queue.publish", `{"queue":"q","payload":"hello"}`))
		got := map[string]bool{}
		for range 3 {
			m := c.hear()
			switch {
			case m == pushOf("s1", roomEvent(0)):
				got["room"] = true
			case strings.HasPrefix(m, `{"subscription":"news","push":{"type":"message",`) &&
				strings.Contains(m, `"topic":"a.b.c","payload":{"x":1}`):
				got["topics"] = true
			case strings.HasPrefix(m, `{"success":true,"request_id":3,"payload":{"message":{"id":`):
				got["queue"] = true
			default:
				t.Fatalf("got %s", m)
			}
		}
		if len(got) != 3 {
			t.Errorf("only %v came", got)
		}

		long := strings.Repeat("long ", 20_000)
		w, err := c.Writer(c.ctx, c.kind) // so long that it is sent in fragments
		message := []byte(req(8, "kv.set", `{"key":"long","value":"`+long+`"}`))
		if c.kind == websocket.MessageBinary {
			message = packJSON(nil, message)
		}
		for part := range bytes.SplitSeq(message, []byte("g ")) {
			if err == nil {
				_, err = w.Write(append(part, "g "...)[:min(len(part)+2, len(message))])
			}
			message = message[min(len(part)+2, len(message)):]
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		c.wants(done(8, `{"success":true}`))
		c.ask(req(9, "kv.strlen", `{"key":"long"}`))
		c.wants(done(9, fmt.Sprintf(`{"length":%d}`, len(long))))
		if err := c.Close(websocket.StatusNormalClosure, "done"); err != nil {
			t.Errorf("the close was not echoed: %v", err)
		}
	})
}

// Who leaves without a word gives back messages, places in line and subscriptions.
func TestMuxThatIsCutGivesBack(t *testing.T) {
	onBothLines(t, func(t *testing.T, l *live, c *caller) {
		c.ask(req(1, "queue.create", `{"name":"q"}`), req(2, "stream.create", `{"room":"r"}`),
			req(3, "queue.publish", `{"queue":"q","payload":[1]}`),
			req(4, "subscribe", `{"to":"queue","queue":"q","consumer_id":"c"}`),
			req(5, "subscribe", `{"to":"room","room":"r"}`),
			req(6, "subscribe", `{"to":"topics","topics":["a"]}`),
			req(7, "stream.consume", `{"room":"r","subscriber_id":"s","wait_ms":3600000}`))
		for range 7 {
			c.hear()
		}
		state := func() string {
			_, queues := l.engine.Queues.Totals()
			_, rooms := l.engine.Rooms.Totals()
			topics, _, _ := l.engine.Subscribed()
			return fmt.Sprintf("%d ready, %d leased, %d in line, %d topics, %d follow, %d wait",
				queues.Depth, queues.Leased, queues.Waiters, topics, rooms.Subscribers,
				l.engine.Waits.Count())
		}
		l.until("all of it is there", func() bool {
			return state() == "0 ready, 1 leased, 1 in line, 1 topics, 2 follow, 1 wait"
		})
		if err := c.CloseNow(); err != nil {
			t.Fatal(err)
		}
		l.until("all of it is back", func() bool {
			return state() == "1 ready, 0 leased, 0 in line, 0 topics, 0 follow, 0 wait"
		})
	})
}

func TestMuxWhenTheServerEnds(t *testing.T) {
	onBothLines(t, func(t *testing.T, l *live, c *caller) {
		c.ask(req(1, "queue.create", `{"name":"q"}`),
			req(2, "queue.consume", `{"queue":"q","consumer_id":"c","wait_ms":3600000}`),
			req(3, "subscribe", `{"to":"queue","queue":"q","consumer_id":"d"}`))
		c.wants(done(1, `{"success":true}`),
			done(3, `{"subscription":"s1","queue":"q","consumer_id":"d"}`))
		idle := l.dialMux(protocolJSON)
		answer, closed := make(chan string, 1), make(chan string, 2)
		ended := func(c *caller) {
			_, _, err := c.Read(c.ctx)
			closed <- fmt.Sprint(websocket.CloseStatus(err))
		}
		go func() {
			_, b, _ := c.Read(c.ctx)
			answer <- string(b)
			ended(c)
		}()
		go ended(idle)
		l.drain()
		if got := <-answer; !strings.Contains(got, "message") {
			t.Errorf("what waited was not answered: %q", got)
		}
		for range 2 {
			if got := <-closed; got != "StatusGoingAway" {
				t.Errorf("closed with %s", got)
			}
		}
	})
}

// holds is a table whose command hold writes, and answers when it is let go.
func holds(began chan<- bool, release <-chan bool) func(*command.Engine) {
	return func(e *command.Engine) {
		e.Table = command.NewTable(e.Table.Rows(), []*command.Row{{
			Name: "hold", Flags: command.SelfLocking | command.Blocking | command.Write,
			Call: func(c *command.Ctx, _ *command.Args) error {
				began <- true
				<-release
				c.Reply.Bool(true)
				return nil
			},
		}})
	}
}

// While one socket's request blocks, others of its loop go on; what comes for it meanwhile follows
// the answer.
func TestMuxRequestsThatBlockLeaveTheLoop(t *testing.T) {
	const others = 20 // some of them on the same loop
	began, release := make(chan bool, 1), make(chan bool)
	l := newBench(t, Options{}, holds(began, release)).listen(t)
	c := l.dialMux(protocolJSON)
	c.ask(req(1, "stream.create", `{"room":"r"}`),
		req(2, "subscribe", `{"to":"room","room":"r","subscriber_id":"me"}`),
		req(3, "hold", `{}`), req(4, "kv.dbsize", `{}`))
	c.wants(done(1, `{"success":true,"room":"r"}`),
		done(2, `{"subscription":"s1","room":"r","subscriber_id":"me","from_offset":0}`))
	<-began
	for i := range others {
		o := l.dialMux(protocolPack)
		o.ask(req(i, "stream.publish", fmt.Sprintf(`{"room":"r","event":"e%d","data":%d}`, i%2, i)))
		o.wants(done(i, fmt.Sprintf(`{"offset":%d,"room":"r"}`, i)))
	}
	release <- true
	c.wants(done(3, "true"))
	answered, next := false, 0
	for range others + 1 {
		if got := c.hear(); got == pushOf("s1", roomEvent(next)) {
			next++
		} else if got == done(4, `{"size":0}`) && !answered {
			answered = true
		} else {
			t.Fatalf("event %d is %s", next, got)
		}
	}
}

func TestMuxSocketsCostNoGoroutines(t *testing.T) {
	const count = 300
	l := newBench(t, Options{}).listen(t)
	l.call(t, "stream.create", `{"room":"r"}`)
	first := l.rawMux()
	before := runtime.NumGoroutine()
	all := []*raw{first}
	for range count {
		all = append(all, l.rawMux())
	}
	for _, r := range all {
		r.send(masked(frames.OpText, true, req(1, "subscribe", `{"to":"room","room":"r"}`)) +
			masked(frames.OpText, true, req(2, "kv.dbsize", `{}`)))
		r.frame()
		r.want(done(2, `{"size":0}`))
	}
	l.publish(t, 0, 0)
	for _, r := range all {
		r.want(pushOf("s1", roomEvent(0)))
	}
	if more := runtime.NumGoroutine() - before; more > 10 { // the test's own, and the runtime's
		t.Errorf("%d sockets brought %d goroutines", count, more)
	}
}

// rawMux is a socket in bytes.
func (l *live) rawMux() *raw {
	l.t.Helper()
	r := l.dialRaw()
	r.send(handshake(muxPath))
	head := make([]byte, len(switching))
	if _, err := io.ReadFull(r.Reader, head); err != nil || string(head) != switching {
		l.t.Fatalf("%v: %q", err, head)
	}
	return r
}

// A message of fragments may not take for ever, even if half a frame of it always stands in the
// server's buffer.
func TestMuxMessageThatNeverEnds(t *testing.T) {
	l := newBench(t, Options{}).listen(t)
	r := l.rawMux()
	first, next := masked(frames.OpText, false, "x"), masked(frames.OpContinuation, false, "x")
	half := len(next) - 1
	sent := l.server.Stats().BytesIn
	send := func(text string) {
		r.send(text)
		sent += int64(len(text))
		l.until("it has arrived", func() bool { return l.server.Stats().BytesIn == sent })
	}
	send(first + next[:half])
	for range 19 { // three seconds each time: half a frame may take four
		l.clock.Advance(3_000)
		send(next[half:] + next[:half])
	}
	l.clock.Advance(3_000)
	if got := r.frame(); got != "close 1008 a message took too long" {
		t.Errorf("got %q", got)
	}
}

// TestMuxPeerThatReadsSlowly pushes far more than a peer reads at first: little of it may leave
// the queue before the peer reads on, and then all of it comes, in order.
func TestMuxPeerThatReadsSlowly(t *testing.T) {
	const count, size, most = 1000, 16 << 10, 500 // the kernel's buffers are among the most
	l := newBench(t, Options{}).listen(t)
	l.call(t, "queue.create", `{"name":"q"}`)
	pad := strings.Repeat("x", size)
	for i := range count { // before: a peer that reads nothing for long is given up
		l.call(t, "queue.publish", fmt.Sprintf(`{"queue":"q","payload":"%d %s"}`, i, pad))
	}
	r := l.rawMux()
	r.send(masked(frames.OpText, true, req(1, "subscribe",
		`{"to":"queue","queue":"q","consumer_id":"c","prefetch":10000}`)))
	r.frame()
	was, still := int64(-1), 0
	l.until("the pushing pauses", func() bool {
		time.Sleep(10 * time.Millisecond)
		_, sum := l.engine.Queues.Totals()
		if still++; sum.Leased != was || sum.Leased == 0 {
			was, still = sum.Leased, 0
		}
		return still == 20
	})
	if was > most {
		t.Errorf("%d of %d messages were pushed to a peer that does not read", was, count)
	}
	for i := range count {
		if got := r.frame(); !strings.Contains(got, fmt.Sprintf(`"value":"%d x`, i)) {
			t.Fatalf("message %d is %.300s", i, got)
		}
	}
}
