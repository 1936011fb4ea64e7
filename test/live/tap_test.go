package live

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// wish is what a tap is opened for: a room from an offset on, or a topic.
type wish struct {
	room    string
	from    int64
	topic   string
	receive int // bytes of the socket's receive buffer; 0 is the system's
}

// opener opens a tap.
type opener func(s *harness.Server, w wish) (*tap, error)

// followers are the doors that push events of rooms, and listeners those that push messages.
var (
	followers = map[string]opener{"WebSocket": tapWeb, "SSE": tapSSE, "RESP3": tapRoom}
	listeners = map[string]opener{"WebSocket": tapWeb, "SSE": tapSSE, "RESP2": tapTopic(2),
		"RESP3": tapTopic(3)}
)

func tapWeb(s *harness.Server, w wish) (*tap, error) {
	path := fmt.Sprintf("/stream/%s/ws/tap?from_offset=%d", w.room, w.from)
	if w.topic != "" {
		path = "/pubsub/ws?topics=" + w.topic
	}
	b, err := harness.DialBare(s.HTTP, path, w.receive, long)
	if err != nil {
		return nil, err
	}
	return (&tap{b, func() ([]byte, error) {
		for {
			f, err := b.Next()
			if err != nil || f.Header.OpCode != frames.OpPing {
				return f.Payload, err
			}
			pong := frames.MaskFrame(frames.NewPongFrame(f.Payload))
			if err := frames.WriteFrame(b, pong); err != nil {
				return nil, err
			}
		}
	}}).connected()
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
	path := fmt.Sprintf("/stream/%s/events?from_offset=%d", w.room, w.from)
	if w.topic != "" {
		path = "/pubsub/events?topics=" + w.topic
	}
	c, err := dialTCP(s.HTTP, w.receive)
	if err != nil {
		return nil, err
	}
	_, _ = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n", path)
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

func tapTopic(protocol int) opener {
	return func(s *harness.Server, w wish) (*tap, error) {
		l, err := pushes(s, w, protocol, "SUBSCRIBE", w.topic)
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

// drain reads what is there until the connection ends, and returns how many bytes came.
func (t *tap) drain() (int64, error) { return io.Copy(io.Discard, t.Conn) }

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
