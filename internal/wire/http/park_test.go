package httpwire

import (
	"bytes"
	"context"
	"errors"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/synapcmd"
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/wire"
)

// waiting is a bench with a queue, q, and a command that waits for its messages.
type waiting struct {
	*bench
	t     *testing.T
	wakes int
}

// Wake counts: see wire.Waker.
func (w *waiting) Wake() { w.wakes++ }

func newWaiting(t *testing.T) *waiting {
	t.Helper()
	store, err := queue.New(queue.Options{Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	w := &waiting{t: t}
	w.bench = newBench(t, Options{}, func(e *command.Engine) {
		e.Queues = store
		e.Table = command.NewTable(synapcmd.Rows(synapcmd.Options{}), []*command.Row{takeRow()})
	})
	w.tx(func(tx *queue.Tx) {
		if _, err := tx.Create([]byte("q"), queue.Settings{}); err != nil {
			t.Error(err)
		}
	})
	w.conn.SetWaker(w)
	return w
}

func takeRow() *command.Row {
	name := []byte("q")
	return &command.Row{Name: "q.take", Flags: command.Write,
		Fields: []command.Field{{Name: "queue", Type: command.QueueField, Required: true}},
		Call: func(c *command.Ctx, _ *command.Args) error {
			got := c.Queues.Deliver(name, &queue.Deliver{Consumer: name, Count: 1}, nil)
			switch {
			case len(got) > 0:
				c.Reply.Text(got[0].Payload)
			case !c.Park(name, name, 1000):
				c.Reply.Null()
			}
			return nil
		},
		Routes: []command.Route{{Method: "GET", Path: "/take/{queue}"}}}
}

func (w *waiting) tx(do func(*queue.Tx)) {
	var tx queue.Tx
	w.engine.Queues.Begin(&tx, w.clock.Now())
	tx.Declare([]byte("q"))
	tx.Lock()
	do(&tx)
	tx.Unlock()
}

func (w *waiting) put(payload string) {
	w.t.Helper()
	w.tx(func(tx *queue.Tx) {
		if _, err := tx.Publish([]byte("q"), &queue.Message{Payload: []byte(payload)}); err != nil {
			w.t.Error(err)
		}
	})
}

func (w *waiting) waiters() (n int64) {
	w.tx(func(tx *queue.Tx) {
		stats, err := tx.Stats([]byte("q"))
		if n = stats.Waiters; err != nil {
			w.t.Error(err)
		}
	})
	return n
}

// feed gives the connection in and returns what it left, and its answers.
func (w *waiting) feed(in string, want wire.Verdict) (rest, answers string) {
	w.t.Helper()
	var out wire.Output
	n, _, v := w.conn.Feed([]byte(in), &out)
	if v != want {
		w.t.Errorf("%q got the verdict %d, want %d", in, v, want)
	}
	return in[n:], string(bytes.Join(out.Segments(nil), nil))
}

const (
	takeRequest  = "GET /take/q HTTP/1.1\r\nHost: x\r\n\r\n"
	aliveRequest = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
)

func takeEnvelope(accept string) string {
	body := `{"command":"q.take","request_id":"7","payload":{"queue":"q"}}`
	return "POST /api/v1/command HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
		"Accept: " + accept + "\r\nContent-Length: 61\r\n\r\n" + body
}

func TestRequestThatWaitsStaysUnconsumed(t *testing.T) {
	for _, request := range []string{takeRequest, takeEnvelope("application/json"),
		takeEnvelope("application/msgpack")} {
		w := newWaiting(t)
		rest, answer := w.feed(aliveRequest+request+aliveRequest, wire.Park)
		if rest != request+aliveRequest || !strings.HasSuffix(answer, "\r\n\r\nok\n") {
			t.Fatalf("%q is left, %q was answered", rest, answer)
		}
		if again, answer := w.feed(rest, wire.Park); again != rest || answer != "" {
			t.Fatalf("a wake in vain left %q and answered %q", again, answer)
		}
		w.put("message")
		if w.wakes != 1 {
			t.Fatalf("a message woke %d times", w.wakes)
		}
		rest, answer = w.feed(rest, wire.Open)
		if rest != "" || strings.Count(answer, "message") != 1 ||
			strings.Count(answer, "HTTP/1.1 200 OK") != 2 || !strings.HasSuffix(answer, "ok\n") {
			t.Errorf("%q is left, %q was answered", rest, answer)
		}
		if n := w.waiters(); n != 0 {
			t.Errorf("%d wait after the answer", n)
		}
		w.feed("", wire.Open) // a wake may come too late
	}
}

// Connections of a loop share a session: one that waits does not make others wait, nor take their
// place.
func TestConnectionsWaitApart(t *testing.T) {
	w := newWaiting(t)
	first, second := w.conn, w.NewConn(w.conn.session)
	second.SetWaker(w)
	bare := w.NewConn(w.conn.session)
	w.feed(takeRequest, wire.Park)
	w.conn = bare
	if _, answer := w.feed(takeRequest, wire.Open); !strings.HasSuffix(answer, "null") {
		t.Errorf("a connection that nobody wakes was answered %q", answer)
	}
	w.conn = second
	w.feed(takeRequest, wire.Park)
	if n := w.waiters(); n != 2 {
		t.Errorf("%d wait, want 2", n)
	}
	first.Closed()
	if n := w.waiters(); n != 1 {
		t.Errorf("%d wait after one is gone", n)
	}
	if !second.GiveUp() || bare.GiveUp() {
		t.Error("not exactly the connection that waits asks to be fed at the end")
	}
	if _, answer := w.feed(takeRequest, wire.Open); !strings.HasSuffix(answer, "null") {
		t.Errorf("the end of the server was answered %q", answer)
	}
	if n := w.waiters(); n != 0 {
		t.Errorf("%d wait after the end", n)
	}
}

// ask serves takeRequest through net/http in the background; aborted says that it was not answered.
func (w *waiting) ask(ctx context.Context) (answer func() (body string, aborted bool)) {
	rec := httptest.NewRecorder()
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		w.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, "GET", "/take/q", nil))
	}()
	return func() (string, bool) {
		w.t.Helper()
		select {
		case fault := <-done:
			err, _ := fault.(error)
			return rec.Body.String(), errors.Is(err, nethttp.ErrAbortHandler)
		case <-time.After(10 * time.Second):
			w.t.Fatal("the request is never done")
			return "", false
		}
	}
}

func (w *waiting) until(n int64) {
	w.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for ; w.waiters() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("never: %d wait", n)
		}
	}
}

func TestWaitingOnTheGeneralLane(t *testing.T) {
	w := newWaiting(t)
	quit := make(chan struct{})
	ctx := wire.WithQuit(context.Background(), quit)
	left, leave := context.WithCancel(ctx)
	for range 3 { // sessions are used again
		given := w.ask(left)
		w.until(1)
		leave()
		if _, aborted := given(); !aborted {
			t.Error("a request whose client left was answered")
		}
		w.until(0)
		left, leave = context.WithCancel(ctx)
		got := w.ask(ctx)
		w.until(1)
		w.put("message")
		if body, _ := got(); body != `"message"` {
			t.Errorf("got %s", body)
		}
	}
	leave()
	last := w.ask(ctx)
	w.until(1)
	close(quit)
	if body, _ := last(); body != "null" {
		t.Errorf("the end of the server was answered %s", body)
	}
	if body, _ := w.ask(ctx)(); body != "null" {
		t.Errorf("after the end a request was answered %s", body)
	}
	w.until(0)
}

// leaving is a context that ends, as a message comes, when it is first looked at.
type leaving struct {
	context.Context
	leave func()
}

// Done is what a request waits for.
func (l leaving) Done() <-chan struct{} {
	l.leave()
	return l.Context.Done()
}

func TestNothingIsGivenToAClientThatLeft(t *testing.T) {
	w := newWaiting(t)
	for range 30 { // of two things at once either may be seen first
		ctx, cancel := context.WithCancel(context.Background())
		left := leaving{ctx, sync.OnceFunc(func() { cancel(); w.put("message") })}
		if body, aborted := w.ask(left)(); !aborted {
			t.Fatalf("a client that left was given %s", body)
		}
		if body, _ := w.ask(context.Background())(); body != `"message"` {
			t.Fatalf("the next client got %s", body)
		}
	}
}
