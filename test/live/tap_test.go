package live

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	frames "github.com/gobwas/ws"

	"github.com/synapdb/synap/test/harness"
)

// long bounds what takes long on a busy machine.
const long = 10 * time.Minute

// tap is a connection that is pushed the values of one feed. Nothing is read unless the test does.
type tap struct {
	net.Conn
	// next is the JSON text of the next value; of a topic over RESP, its payload.
	next func() ([]byte, error)
}

// wish is what a tap is opened for: a room from an offset on, or a topic, or a key.
type wish struct {
	room    string
	from    int64
	topic   string
	key     string
	receive int // bytes of the socket's receive buffer; 0 is the system's
}

// opener opens a tap.
type opener func(s *harness.Server, w wish) (*tap, error)

// followers are the doors that push events of rooms, listeners those that push messages, and
// watchers those that push changes of keys.
var (
	followers = map[string]opener{"WebSocket": tapWeb, "SSE": tapSSE, "RESP3": tapRoom,
		"mux": tapMux}
	listeners = map[string]opener{"WebSocket": tapWeb, "SSE": tapSSE, "RESP2": tapLine(2),
		"RESP3": tapLine(3), "mux": tapMux}
	watchers = listeners
)

// path is the address of what w wants, under the name that its kind of feed has.
func (w wish) path(room, topics string) string {
	switch {
	case w.topic != "":
		return "/pubsub/" + topics + "?topics=" + w.topic
	case w.key != "":
		return "/kv/" + topics + "?keys=" + w.key
	}
	return fmt.Sprintf("/stream/%s/%s?from_offset=%d", w.room, room, w.from)
}

func tapWeb(s *harness.Server, w wish) (*tap, error) {
	b, err := harness.DialBare(s.HTTP, w.path("ws/tap", "ws"), w.receive, long)
	if err != nil {
		return nil, err
	}
	return (&tap{b, func() ([]byte, error) { return nextText(b) }}).connected()
}

// nextText reads a message, and answers pings. The server's goodbye is an error.
func nextText(b *harness.Bare) ([]byte, error) {
	for {
		f, err := b.Next()
		switch {
		case err != nil || f.Header.OpCode == frames.OpText:
			return f.Payload, err
		case f.Header.OpCode == frames.OpClose:
			code, reason := frames.ParseCloseFrameData(f.Payload)
			return nil, fmt.Errorf("closed with %d %s", code, reason)
		}
		pong := frames.MaskFrame(frames.NewPongFrame(f.Payload))
		if err := frames.WriteFrame(b, pong); err != nil {
			return nil, err
		}
	}
}

// tapMux has one subscription of a multiplexed socket.
func tapMux(s *harness.Server, w wish) (*tap, error) {
	b, err := harness.DialBare(s.HTTP, "/api/v1/ws", w.receive, long)
	if err != nil {
		return nil, err
	}
	ask := fields{"subscription": "s", "to": "room", "room": w.room, "subscriber_id": "tap",
		"from_offset": w.from}
	switch {
	case w.topic != "":
		ask = fields{"subscription": "s", "to": "topics", "topics": []string{w.topic}}
	case w.key != "":
		ask = fields{"subscription": "s", "to": "keys", "keys": []string{w.key}}
	}
	if err := request(b, "subscribe", ask); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return &tap{b, func() ([]byte, error) {
		text, err := nextText(b)
		if err != nil {
			return nil, err
		}
		push, ok := bytes.CutPrefix(text, []byte(`{"subscription":"s","push":`))
		if !ok {
			return nil, fmt.Errorf("%.300q is pushed", text)
		}
		return bytes.TrimSuffix(push, []byte{'}'}), nil
	}}, nil
}

// request sends a command over a multiplexed socket, and reads up to its answer.
func request(b *harness.Bare, command string, f fields) error {
	text := jsonText(fields{"request_id": "r", "command": command, "payload": f})
	frame := frames.MaskFrame(frames.NewTextFrame([]byte(text)))
	if err := frames.WriteFrame(b, frame); err != nil {
		return err
	}
	for {
		text, err := nextText(b)
		if err != nil {
			return err
		}
		var answer struct {
			Success bool
			ID      string `json:"request_id"`
		}
		if err := json.Unmarshal(text, &answer); err != nil {
			return err
		}
		if answer.ID == "r" {
			if !answer.Success {
				return fmt.Errorf("%s is answered by %.300q", command, text)
			}
			return nil
		}
	}
}

// connected reads the first value.
func (t *tap) connected() (*tap, error) {
	text, err := t.next()
	if err == nil && !bytes.HasPrefix(text, []byte(`{"type":"connected"`)) {
		err = fmt.Errorf("the first value is %.300q", text)
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

func dialTCP(addr string, receive int) (net.Conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	if receive > 0 {
		_ = c.(*net.TCPConn).SetReadBuffer(receive)
	}
	return c, c.SetDeadline(time.Now().Add(long))
}

func tapSSE(s *harness.Server, w wish) (*tap, error) {
	path := w.path("events", "events")
	c, err := dialTCP(s.HTTP, w.receive)
	if err != nil {
		return nil, err
	}
	_, _ = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n", path)
	//nolint:bodyclose // it ends with its connection
	reply, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || reply.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("%s: %+v, %w", path, reply, err), c.Close())
	}
	in := bufio.NewReader(reply.Body)
	return (&tap{c, func() ([]byte, error) {
		for {
			line, err := in.ReadBytes('\n')
			if err != nil {
				return nil, err
			}
			if text, ok := bytes.CutPrefix(line, []byte("data:")); ok {
				return bytes.TrimSpace(text), nil
			}
		}
	}}).connected()
}

// pushes is a RESP connection that has been answered.
func pushes(s *harness.Server, w wish, protocol int, argv ...string) (*harness.Line, error) {
	l, err := harness.DialLine(s.RESP, protocol, long)
	if err != nil {
		return nil, err
	}
	if w.receive > 0 {
		_ = l.Conn.(*net.TCPConn).SetReadBuffer(w.receive)
	}
	if err = l.Send(argv...); err == nil {
		var v any
		v, err = l.Value()
		if why, no := v.(*failure); no {
			err = why
		}
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// lastPart is the last of three parts that are pushed.
func lastPart(l *harness.Line) ([]byte, error) {
	v, err := l.Value()
	if err != nil {
		return nil, err
	}
	parts, ok := v.([]any)
	if push, is := v.(harness.Push); is {
		parts, ok = push, true
	}
	if !ok || len(parts) != 3 || parts[0] == "ended" {
		return nil, fmt.Errorf("%v is pushed", v)
	}
	return []byte(fmt.Sprint(parts[2])), nil
}

func tapRoom(s *harness.Server, w wish) (*tap, error) {
	l, err := pushes(s, w, 3, "SFOLLOW", w.room, "FROM", strconv.FormatInt(w.from, 10))
	if err != nil {
		return nil, err
	}
	return &tap{l, func() ([]byte, error) { return lastPart(l) }}, nil
}

func tapLine(protocol int) opener {
	return func(s *harness.Server, w wish) (*tap, error) {
		argv := []string{"SUBSCRIBE", w.topic}
		if w.key != "" {
			argv = []string{"KV.WATCH", w.key}
		}
		l, err := pushes(s, w, protocol, argv...)
		if err != nil {
			return nil, err
		}
		return &tap{l, func() ([]byte, error) { return lastPart(l) }}, nil
	}
}

// event reads the next value, which must be the event with an offset.
func (t *tap) event(want int64) error {
	text, err := t.next()
	if err != nil {
		return err
	}
	at, fine := offsetIn(text)
	if !fine || at != want || !bytes.HasPrefix(text, []byte(`{"type":"event"`)) {
		return fmt.Errorf("%.200q comes, not the event with offset %d", text, want)
	}
	return nil
}

// offsetIn finds the offset in the text of an event, without decoding all of it.
func offsetIn(text []byte) (int64, bool) {
	_, rest, ok := bytes.Cut(text, []byte(`"offset":`))
	n := int64(0)
	for i, c := range rest {
		if c < '0' || c > '9' {
			return n, ok && i > 0
		}
		n = n*10 + int64(c-'0')
	}
	return n, false
}

// toEnd reads until the server says that there is no more, and returns how many values came.
func (t *tap) toEnd() (values int, why error) {
	for {
		text, err := t.next()
		if err == nil && bytes.HasPrefix(text, []byte(`{"type":"error"`)) {
			err = errors.New(string(text))
		}
		if err != nil {
			return values, err
		}
		values++
	}
}

// gapIn is what a notice of a gap says, if text is one.
func gapIn(text []byte) (from, to int64, is bool) {
	var gap struct {
		Type     string
		From, To int64
	}
	if !bytes.HasPrefix(text, []byte(`{"type":"gap"`)) || json.Unmarshal(text, &gap) != nil {
		return 0, 0, false
	}
	return gap.From, gap.To, true
}
