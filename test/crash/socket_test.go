package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// socket is a WebSocket that consumes from a queue.
type socket struct {
	*websocket.Conn
	queue string
}

// frame is what a server pushes, or its answer to a command.
type frame struct {
	answered
	Type      string
	MessageID string `json:"message_id"`
	Success   bool
}

// socket opens one. An error is all that a server says that dies meanwhile.
func (c *child) socket(queue, consumer string, window int) (*socket, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	address := fmt.Sprintf("ws://127.0.0.1:%d/queue/%s/ws/%s?prefetch=%d", c.HTTP, queue, consumer,
		window)
	conn, _, err := websocket.Dial(ctx, address, nil) //nolint:bodyclose // never needs it: see Dial
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(1 << 20)
	s := &socket{conn, queue}
	if f, err := s.next(patient); err != nil || f.Type != "connected" {
		return nil, errors.Join(fmt.Errorf("the first frame is %+v: %w", f, err), s.CloseNow())
	}
	return s, nil
}

func (s *socket) next(wait time.Duration) (f frame, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	_, text, err := s.Read(ctx)
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	return f, err
}

// delivery is the next message.
func (s *socket) delivery() (*delivery, error) {
	f, err := s.next(patient)
	if err != nil {
		return nil, err
	}
	if f.Type != "message" {
		return nil, refusal{fmt.Sprintf("a frame that is no message: %+v", f)}
	}
	return &delivery{s.queue, f.MessageID, f.Token, f.text(), f.RetryCount}, nil
}

// push consumes from a WebSocket, and settles over HTTP what it got.
func (w *worker) push(c *child) {
	call := c.caller()
	w.ended.Go(func() {
		defer call.CloseIdleConnections()
		_, at := w.room()
		s, err := c.socket(queues[w.IntN(len(queues))], w.name, 1+w.IntN(10))
		if err != nil {
			w.unanswered()
			return
		}
		defer s.CloseNow()
		for !w.t.Failed() {
			d, err := s.delivery()
			if err == nil {
				w.took(d, at)
				err = w.decide(call)
			}
			if no := (refusal{}); errors.As(err, &no) {
				w.t.Error(err)
			} else if err != nil {
				w.unanswered() // and what was pushed and not read
				return
			}
		}
	})
}

// decide settles one of what is held, or lets its lease run out.
func (w *worker) decide(c *caller) error {
	d := w.pick()
	switch w.IntN(8) {
	case 0:
		return nil
	case 1, 2:
		return late(c.call("queue.nack", d.settle(), &struct{}{}))
	}
	return w.ack(c, d)
}

// What a WebSocket held when the server was killed comes back with the next start, at once, in its
// old place and with one failed delivery more; what it acknowledged does not. What others hold
// stays theirs.
func TestSocketsLoseWhatTheyHeldInAKill(t *testing.T) {
	dir := t.TempDir()
	c := launch(t, dir).await()
	p := c.dial()
	do := func(want string, words ...string) string {
		t.Helper()
		reply, err := p.do(words...)
		if err != nil || want != "" && reply != want {
			t.Fatalf("%q is answered by %q, %v; log: %s", words, reply, err, c.log.String())
		}
		return reply
	}
	do("OK", "QCREATE", "jobs")
	for _, payload := range []string{"pulled", "acked", "a", "b", "c"} {
		do("", "QPUBLISH", "jobs", payload)
	}
	pulled, err := take(do("", "QCONSUME", "jobs", "puller"), "jobs")
	if err != nil || pulled.payload != "pulled" {
		t.Fatalf("%+v, %v", pulled, err)
	}
	s, err := c.socket("jobs", "pushed", 3)
	if err != nil {
		t.Fatal(err)
	}
	defer s.CloseNow()
	held := map[string]*delivery{}
	for _, payload := range []string{"acked", "a", "b"} {
		d, err := s.delivery()
		if err != nil || d.payload != payload || d.retries != 0 {
			t.Fatalf("%+v, %v", d, err)
		}
		held[payload] = d
	}
	if err := c.caller().call("queue.ack", held["acked"].settle(), &struct{}{}); err != nil {
		t.Fatal(err)
	}
	if d, err := s.delivery(); err != nil || d.payload != "c" {
		t.Fatalf("%+v, %v", d, err)
	}
	c.kill()
	c = launch(t, dir).await()
	p = c.dial()
	if err := c.caller().call("queue.ack", held["a"].settle(), &struct{}{}); late(err) != nil ||
		err == nil {
		t.Errorf("the lease of a socket outlives the server: %v", err)
	}
	for _, payload := range []string{"a", "b", "c"} {
		d, err := take(do("", "QCONSUME", "jobs", "other"), "jobs")
		if err != nil || d == nil || d.payload != payload || d.retries != 1 {
			t.Errorf("%+v, %v; want %s", d, err, payload)
		}
	}
	do("(nil)", "QCONSUME", "jobs", "other")
	do("OK", "QACK", "jobs", pulled.id)
}
