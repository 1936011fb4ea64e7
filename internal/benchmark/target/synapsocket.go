package target

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/gobwas/ws"
)

// readBuffer is that of a subscriber's connection, in bytes: one read takes several small events,
// and thousands of subscribers still fit into memory.
const readBuffer = 4 << 10

// longestFrame bounds what is believed of a frame's length, in bytes.
const longestFrame = 64 << 20

// socket is a WebSocket that is only listened to, with no more state than a buffer: there may be
// many thousands.
type socket struct {
	net.Conn
	place
	in   *bufio.Reader
	skip int    // bytes of the last frame, still in the buffer
	long []byte // a frame that does not fit into the buffer
}

// openSocket shakes hands and awaits that the subscription stands.
func openSocket(
	c net.Conn, host string, o *Subscription, space Space, token string,
) (*socket, error) {
	s := &socket{Conn: c, in: bufio.NewReaderSize(c, readBuffer), place: place{space: space}}
	if space == Rooms {
		s.name = o.Names[0]
	}
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: YmVuY2htYXJrIG9ubHkgIQ==\r\n", o.path(space), host)
	if token != "" {
		request = fmt.Appendf(request, "Authorization: Bearer %s\r\n", token)
	}
	if _, err := c.Write(append(request, "\r\n"...)); err != nil {
		return nil, err
	}
	reply, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return nil, err
	}
	if reply.StatusCode != http.StatusSwitchingProtocols {
		text, _ := io.ReadAll(io.LimitReader(reply.Body, 500)) // the status says enough
		return nil, errors.Join(fmt.Errorf("the server answers %s: %s", reply.Status, text),
			reply.Body.Close())
	}
	text, err := s.frame()
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(text, []byte(`{"type":"connected"`)) {
		return nil, fmt.Errorf("the server refuses: %.200s", text)
	}
	return s, nil
}

// Next is part of Subscriber.
func (s *socket) Next(context.Context) (Event, error) {
	text, err := s.frame()
	if err != nil {
		return Event{}, err
	}
	if s.space == Rooms {
		return s.roomEvent(text)
	}
	payload, topic := payloadOf(member(text, payloadName)), payloadOf(member(text, topicName))
	if payload == nil || topic == nil {
		return Event{}, fmt.Errorf("no message: %.200s", text)
	}
	return Event{Name: s.intern(topic), Offset: -1, Payload: payload}, nil
}

// frame reads the text of the next message; it is valid until the next call.
func (s *socket) frame() ([]byte, error) {
	for {
		if _, err := s.in.Discard(s.skip); err != nil {
			return nil, err
		}
		s.skip = 0
		head, size, err := s.head()
		if err != nil {
			return nil, err
		}
		text, err := s.body(size)
		if err != nil {
			return nil, err
		}
		switch op := ws.OpCode(head & 0x0f); {
		case op == ws.OpText && head&0x80 != 0:
			return text, nil
		case op == ws.OpPing:
			pong := ws.MaskFrame(ws.NewPongFrame(bytes.Clone(text)))
			if err := ws.WriteFrame(s.Conn, pong); err != nil {
				return nil, err
			}
		case op == ws.OpPong:
		case op == ws.OpClose:
			code, why := ws.ParseCloseFrameData(text)
			return nil, fmt.Errorf("the server closes the connection: %d %s", code, why)
		default:
			return nil, fmt.Errorf("a frame of %#x was not expected", head)
		}
	}
}

// head reads the first byte of a frame, and the length of its body. Servers don't mask.
func (s *socket) head() (first byte, size int, err error) {
	b, err := s.in.Peek(2)
	if err != nil {
		return 0, 0, err
	}
	first, size = b[0], int(b[1])
	length := 2
	switch size {
	case 126:
		if b, err = s.in.Peek(4); err != nil {
			return 0, 0, err
		}
		size, length = int(binary.BigEndian.Uint16(b[2:])), 4
	case 127:
		if b, err = s.in.Peek(10); err != nil {
			return 0, 0, err
		}
		long := binary.BigEndian.Uint64(b[2:])
		if long > longestFrame {
			return 0, 0, fmt.Errorf("a frame of %d bytes", long)
		}
		size, length = int(long), 10
	default:
		if size > 127 {
			return 0, 0, errors.New("the server masks its frames")
		}
	}
	_, err = s.in.Discard(length)
	return first, size, err
}

// body reads so many bytes, which are valid until the next read.
func (s *socket) body(size int) ([]byte, error) {
	if size <= s.in.Size() {
		s.skip = size
		return s.in.Peek(size)
	}
	if cap(s.long) < size {
		s.long = make([]byte, size)
	}
	_, err := io.ReadFull(s.in, s.long[:size])
	return s.long[:size], err
}

// The members of what servers push.
var (
	offsetName  = []byte(`"offset":`)
	dataName    = []byte(`"data":`)
	fromName    = []byte(`"from":`)
	toName      = []byte(`"to":`)
	topicName   = []byte(`"topic":`)
	payloadName = []byte(`"payload":`)
)

// member finds a member of an object of which no text holds quotes, as those of benchmarks don't:
// that is many times cheaper than to parse it. nil: there is none.
func member(text, name []byte) []byte {
	at := bytes.Index(text, name)
	if at < 0 {
		return nil
	}
	text = text[at+len(name):]
	if len(text) > 0 && text[0] == '"' {
		if end := bytes.IndexByte(text[1:], '"'); end >= 0 {
			return text[:end+2]
		}
		return nil
	}
	if end := bytes.IndexAny(text, ",}"); end >= 0 {
		return text[:end]
	}
	return nil
}

// roomEvent reads an event as it stands in all pushes of rooms.
func (p *place) roomEvent(text []byte) (Event, error) {
	data, offset := member(text, dataName), member(text, offsetName)
	if data == nil || offset == nil {
		from, err := parseOffset(member(text, fromName))
		to, err2 := parseOffset(member(text, toName))
		if err == nil && err2 == nil && to > from {
			return Event{Name: p.name, Offset: to, Trimmed: to - from}, nil
		}
		return Event{}, fmt.Errorf("no event: %.200s", text)
	}
	n, err := parseOffset(offset)
	return Event{Name: p.name, Offset: n, Payload: payloadOf(data)}, err
}
