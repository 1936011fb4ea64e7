package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/tinylib/msgp/msgp"

	"github.com/synapdb/synap/test/harness"
)

// mux is the multiplexed socket: commands and all feeds share one connection.
type mux struct {
	conn    *websocket.Conn
	msgpack bool
	cancel  context.CancelFunc
	gone    chan struct{} // closed when nothing more is read

	mu      sync.Mutex
	asked   int
	answers map[string]chan fields
	feeds   map[string]chan fields
	why     error
}

func newMux(addr string, msgpack bool) (*mux, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	protocol := map[bool]string{false: "synap.json", true: "synap.msgpack"}[msgpack]
	//nolint:bodyclose // never needs it: see Dial
	c, _, err := websocket.Dial(ctx, "ws://"+addr+"/api/v1/ws",
		&websocket.DialOptions{Subprotocols: []string{protocol}})
	if err != nil {
		return nil, err
	}
	if c.Subprotocol() != protocol {
		return nil, errors.Join(fmt.Errorf("the subprotocol is %q", c.Subprotocol()), c.CloseNow())
	}
	c.SetReadLimit(64 << 20)
	alive, stop := context.WithCancel(context.Background())
	m := &mux{conn: c, msgpack: msgpack, cancel: stop, gone: make(chan struct{}),
		answers: map[string]chan fields{}, feeds: map[string]chan fields{}}
	go m.read(alive)
	return m, nil
}

// Close cuts the connection.
func (m *mux) Close() {
	_ = m.conn.CloseNow()
	m.cancel()
	<-m.gone
}

func (m *mux) read(ctx context.Context) {
	defer close(m.gone)
	for m.why == nil {
		kind, text, err := m.conn.Read(ctx)
		if err != nil {
			m.why = err
			return
		}
		v, err := m.decode(kind, text)
		if err == nil {
			err = m.sort(v)
		}
		m.why = err
	}
}

func (m *mux) decode(kind websocket.MessageType, text []byte) (fields, error) {
	var v any
	var err error
	switch {
	case m.msgpack && kind == websocket.MessageBinary:
		var rest []byte
		if v, rest, err = msgp.ReadIntfBytes(text); len(rest) > 0 {
			err = fmt.Errorf("%d bytes follow", len(rest))
		}
		v = harness.OwnShapes(v, "")
	case !m.msgpack && kind == websocket.MessageText:
		if v, err = harness.ReadJSON(text, ""); err == nil && v.(fields)["push"] == nil {
			v, err = harness.ReadJSON(text, "data") // in an answer these are bytes
		}
	default:
		err = fmt.Errorf("a message of kind %v", kind)
	}
	f, ok := v.(fields)
	if err != nil || !ok {
		return nil, fmt.Errorf("%w: %.300q", err, text)
	}
	return f, nil
}

// sort hands a message to who waits for it.
func (m *mux) sort(f fields) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if id, ok := f["request_id"].(string); ok && m.answers[id] != nil {
		m.answers[id] <- f
		delete(m.answers, id)
		return nil
	}
	id, _ := f["subscription"].(string)
	to := m.feeds[id]
	if to == nil {
		return fmt.Errorf("nobody waits for %v", f)
	}
	if f["ended"] == true {
		to <- f
		delete(m.feeds, id)
		return nil
	}
	push, ok := f["push"].(fields)
	if !ok {
		return fmt.Errorf("a push is %v", f)
	}
	to <- push
	return nil
}

// Call runs a command.
func (m *mux) Call(command string, f fields) (any, error) {
	m.mu.Lock()
	m.asked++
	id := fmt.Sprintf("r-%d", m.asked)
	answer := make(chan fields, 1)
	m.answers[id] = answer
	m.mu.Unlock()
	if err := m.send(fields{"request_id": id, "command": command, "payload": f}); err != nil {
		return nil, err
	}
	select {
	case reply := <-answer:
		if reply["success"] == true {
			return reply["payload"], nil
		}
		if text, ok := reply["error"].(string); ok && reply["payload"] == nil {
			return nil, &failure{Text: text}
		}
		return nil, fmt.Errorf("%s is answered by %v", command, reply)
	case <-m.gone:
		return nil, fmt.Errorf("the socket is closed: %w", m.why)
	case <-time.After(2 * patience):
		return nil, errors.New("no answer")
	}
}

func (m *mux) send(request fields) error {
	kind := websocket.MessageText
	text, err := json.Marshal(harness.ByteArrays(request))
	if m.msgpack {
		kind = websocket.MessageBinary
		text, err = msgp.AppendIntf(nil, harness.PlainMaps(request))
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return m.conn.Write(ctx, kind, text)
}

// subscribe opens a feed whose id is ours.
func (m *mux) subscribe(to string, f fields) (*feed, error) {
	m.mu.Lock()
	m.asked++
	id := fmt.Sprintf("s-%d", m.asked)
	values := make(chan fields, most)
	m.feeds[id] = values
	m.mu.Unlock()
	ask := fields{"to": to, "subscription": id}
	maps.Copy(ask, f)
	answer, err := m.Call("subscribe", ask)
	first, _ := answer.(fields)
	if err == nil && first["subscription"] != id {
		err = fmt.Errorf("subscribe answers %v", answer)
	}
	if err != nil {
		m.mu.Lock()
		delete(m.feeds, id)
		m.mu.Unlock()
		return nil, err
	}
	stopped := make(chan struct{})
	once := sync.Once{}
	stop := func() {
		once.Do(func() {
			_, _ = m.Call("unsubscribe", fields{"subscription": id})
			m.mu.Lock()
			delete(m.feeds, id) // what still comes fails the socket
			m.mu.Unlock()
			close(stopped)
		})
	}
	return feeding(first, stop, func() (fields, error) {
		select {
		case v := <-values:
			if v["ended"] != true {
				return v, nil
			}
			text, ok := v["error"].(string)
			if !ok {
				return nil, fmt.Errorf("it ends with %v", v)
			}
			return nil, &failure{Text: text}
		case <-stopped:
			return nil, errStopped
		case <-m.gone:
			return nil, m.why
		}
	}), nil
}

func (m *mux) follow(room string, f fields) (*feed, error) {
	return m.subscribe("room", with(with(f, "subscriber_id", "follower"), "room", room))
}

func (m *mux) hear(topics ...string) (*feed, error) {
	return m.subscribe("topics", fields{"topics": anyList(topics)})
}

func (m *mux) watch(f fields, patterns ...string) (*feed, error) {
	return m.subscribe("keys", with(f, "keys", anyList(patterns)))
}

func anyList(words []string) []any {
	out := make([]any, len(words))
	for i := range words {
		out[i] = words[i]
	}
	return out
}
