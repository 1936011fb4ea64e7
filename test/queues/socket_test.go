package queues

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/synapdb/synap/test/harness"
)

// socket consumes from /queue/{name}/ws/{consumer}, and settles what it got on the same socket.
// All other commands go through the envelope. A consumer's socket opens when it first consumes.
type socket struct {
	*envelope
	mu    sync.Mutex
	open  map[string]*push // by queue and consumer
	owner map[string]*push // by message id
}

func newSocket(addr string) *socket {
	return &socket{envelope: newEnvelope(addr, false), open: map[string]*push{},
		owner: map[string]*push{}}
}

// push is one socket.
type push struct {
	conn     *websocket.Conn
	messages chan fields
	answers  chan fields   // to what was sent, and complaints
	closed   chan struct{} // the reader is gone
	asked    atomic.Int64
	cancel   context.CancelFunc
}

// openPush opens a socket and reads its first frame.
func openPush(addr, queue, consumer, query string) (*push, fields, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	address := fmt.Sprintf("ws://%s/queue/%s/ws/%s%s", addr, url.PathEscape(queue),
		url.PathEscape(consumer), query)
	c, _, err := websocket.Dial(ctx, address, nil)
	if err != nil {
		return nil, nil, err
	}
	c.SetReadLimit(16 << 20)
	first, err := harness.ReadFrame(ctx, c, "payload")
	if err != nil {
		return nil, nil, errors.Join(err, c.CloseNow())
	}
	alive, stop := context.WithCancel(context.Background())
	p := &push{conn: c, messages: make(chan fields, 100_000), answers: make(chan fields, 1000),
		closed: make(chan struct{}), cancel: stop}
	go p.read(alive)
	return p, first, nil
}

func (p *push) read(ctx context.Context) {
	defer close(p.closed)
	for {
		frame, err := harness.ReadFrame(ctx, p.conn, "payload")
		if err != nil {
			return
		}
		if frame["type"] == "message" {
			p.messages <- frame
		} else {
			p.answers <- frame
		}
	}
}

// drop cuts the connection without a word.
func (p *push) drop() {
	_ = p.conn.CloseNow()
	p.cancel()
	<-p.closed
}

// next waits for a message; nil: none came.
func (p *push) next(wait time.Duration) fields {
	if wait <= 0 {
		_ = p.ping() // what is under way has arrived
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case m := <-p.messages:
		return m
	default:
	}
	if wait <= 0 {
		return nil
	}
	select {
	case m := <-p.messages:
		return m
	case <-timer.C:
	case <-p.closed:
	}
	return nil
}

// ask sends a frame with a request id and returns the answer to it.
func (p *push) ask(f fields) (any, error) {
	f = maps.Clone(f)
	f["request_id"] = fmt.Sprintf("r-%d", p.asked.Add(1))
	if err := p.send(f); err != nil {
		return nil, err
	}
	select {
	case answer := <-p.answers:
		switch {
		case answer["request_id"] != f["request_id"]:
			return nil, fmt.Errorf("the answer to %v is %v", f, answer)
		case answer["type"] == "error":
			return nil, &failure{Text: answer["error"].(string)}
		case answer["type"] != f["command"] || answer["success"] != true:
			return nil, fmt.Errorf("the answer to %v is %v", f, answer)
		}
		return answer["payload"], nil
	case <-p.closed:
		return nil, errors.New("the server closed the socket")
	case <-time.After(patience):
		return nil, errors.New("no answer")
	}
}

// send sends a frame; without a request id there is no answer unless it fails.
func (p *push) send(f fields) error {
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return p.conn.Write(ctx, websocket.MessageText, text)
}

// ping returns when the server has acted on all that was sent before.
func (p *push) ping() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return p.conn.Ping(ctx)
}

func (s *socket) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.open {
		p.drop()
	}
	s.envelope.Close()
}

func (s *socket) Call(command string, f fields) (any, error) {
	id, _ := f["message_id"].(string)
	s.mu.Lock()
	owner := s.owner[id]
	s.mu.Unlock()
	switch {
	case command == "queue.consume" && f["count"] == nil:
		return s.consume(f)
	case owner != nil && (command == "queue.ack" || command == "queue.nack" ||
		command == "queue.extend"):
		frame := maps.Clone(f)
		delete(frame, "queue")
		frame["command"] = command[len("queue."):]
		return owner.ask(frame)
	}
	return s.envelope.Call(command, f)
}

func (s *socket) consume(f fields) (any, error) {
	p, err := s.of(f["queue"].(string), f["consumer_id"].(string))
	if err != nil {
		return nil, err
	}
	wait, _ := f["wait_ms"].(int64)
	frame := p.next(time.Duration(wait) * time.Millisecond)
	if frame == nil {
		return fields{"message": nil}, nil
	}
	frame["id"] = frame["message_id"]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owner[frame["id"].(string)] = p
	return fields{"message": frame}, nil
}

// of is the socket of a consumer.
func (s *socket) of(queue, consumer string) (*push, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.open[queue+" "+consumer]; p != nil {
		return p, nil
	}
	p, first, err := openPush(s.Addr, queue, consumer, "")
	if err != nil {
		return nil, err
	}
	if first["type"] != "connected" || first["queue"] != queue ||
		first["consumer_id"] != consumer {
		p.drop()
		return nil, fmt.Errorf("the first frame is %v", first)
	}
	s.open[queue+" "+consumer] = p
	return p, nil
}
