package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strings"
	"time"
)

// patience ends a run against a server that does not answer.
const patience = 120 * time.Second

// An event's data is its number in 12 digits, when it was sent in 20 digits of ns, and a filler; it
// is a JSON string in Synap, whose quotes count.
const (
	digits  = 12
	stamp   = 20
	minSize = digits + stamp + 2
)

// dial connects, from an address of this machine when there are too many for one.
func dial(addr string, from int) (net.Conn, error) {
	d := net.Dialer{Timeout: patience}
	if from > 0 {
		d.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+from))}
	}
	c, err := d.Dial("tcp", addr)
	if err == nil {
		err = c.SetDeadline(time.Now().Add(patience))
	}
	return c, err
}

// style is how events come to a follower.
type style uint8

const (
	byNATS   style = iota
	byRESP         // messages of SUBSCRIBE, in RESP2
	bySocket       // a WebSocket
	byEvents       // server-sent events
)

// follower reads the events of one room or topic.
type follower struct {
	net.Conn
	r     *bufio.Reader
	style style
	topic bool
	size  int    // of an event's data
	head  []byte // what comes before the offset, or before the data in RESP
	body  []byte
}

// follow subscribes: to a room from an event on, to a topic from now on, whatever from says.
func follow(o *options, room string, from, source, buffer int) (*follower, error) {
	c, err := dial(o.addressOf(o.style), source)
	if err != nil {
		return nil, err
	}
	f := &follower{Conn: c, r: bufio.NewReaderSize(c, buffer), style: o.style, topic: o.topics,
		size: o.size}
	switch o.style {
	case byNATS:
		err = f.subscribe("CONNECT {\"verbose\":false}\r\nSUB "+room+" 1\r\nPING\r\n", "PONG\r\n")
	case byRESP:
		n := len(room)
		f.head = fmt.Appendf(nil, "*3\r\n$7\r\nmessage\r\n$%d\r\n%s\r\n$%d\r\n", n, room, o.size)
		err = f.subscribe("SUBSCRIBE "+room+"\r\n", ":1\r\n")
	case bySocket, byEvents:
		err = f.request(room, from)
	}
	if err != nil {
		_ = c.Close()
	}
	return f, err
}

// subscribe sends a request and reads up to the line that ends its answer.
func (f *follower) subscribe(request, end string) error {
	_, err := io.WriteString(f, request)
	for err == nil {
		var line []byte
		if line, err = f.r.ReadSlice('\n'); string(line) == end {
			return nil
		}
	}
	return err
}

// handshake is the request for a WebSocket or server-sent events.
func (o *options) handshake(room string, from int) string {
	path := fmt.Sprintf("/stream/%s/ws/me?from_offset=%d", room, from)
	switch events := o.style == byEvents; {
	case o.topics && events:
		path = "/pubsub/events?topics=" + room
	case o.topics:
		path = "/pubsub/ws?topics=" + room
	case events:
		path = fmt.Sprintf("/stream/%s/events?from_offset=%d", room, from)
	}
	if o.style == byEvents {
		return "GET " + path + " HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n"
	}
	return "GET " + path + " HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\n" +
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
}

// headOf is what the text of a room's event begins with.
func headOf(room string) []byte { return []byte(`{"type":"event","room":"` + room + `","offset":`) }

// request asks for a WebSocket or server-sent events and reads the first value.
func (f *follower) request(room string, from int) error {
	f.head = headOf(room)
	o := options{style: f.style, topics: f.topic}
	_, err := io.WriteString(f, o.handshake(room, from))
	chunked := false
	for line := []byte("HTTP"); err == nil && len(line) > 2; {
		line, err = f.r.ReadSlice('\n')
		if bytes.HasPrefix(line, []byte("HTTP/1.1 ")) && line[9] != '1' && line[9] != '2' {
			return fmt.Errorf("the handshake is answered %q", line)
		}
		chunked = chunked || strings.EqualFold(string(line), "Transfer-Encoding: chunked\r\n")
	}
	if chunked {
		f.r = bufio.NewReaderSize(httputil.NewChunkedReader(f.r), f.r.Size())
	}
	if err == nil {
		if err = f.value(); err == nil && !bytes.HasPrefix(f.body, []byte(`{"type":"connected"`)) {
			err = fmt.Errorf("the first value is %q", f.body)
		}
	}
	return err
}

// value reads the next JSON text into body.
func (f *follower) value() error {
	if f.style == bySocket {
		return f.frame()
	}
	for {
		line, err := f.r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			f.body = bytes.Clone(line)
			line, err = f.r.ReadBytes('\n')
			line = append(f.body, line...)
		}
		if err != nil {
			return err
		}
		if text, found := bytes.CutPrefix(line, []byte("data: ")); found {
			f.body = text
			return nil
		}
	}
}

// frame reads the next text frame of a WebSocket into body.
func (f *follower) frame() error {
	for {
		head, err := f.r.Peek(2)
		if err != nil {
			return err
		}
		kind, size, length := head[0], 2, int(head[1])
		if length >= 126 {
			if size = 4; length == 127 {
				size = 10
			}
			if head, err = f.r.Peek(size); err != nil {
				return err
			}
			length = int(binary.BigEndian.Uint16(head[2:]))
			if size == 10 {
				length = int(binary.BigEndian.Uint64(head[2:]))
			}
		}
		if err = f.take(size, length); err != nil {
			return err
		}
		switch kind {
		case textFrame:
			return nil
		case pingFrame:
			if _, err := f.Write(pong); err != nil {
				return err
			}
		default:
			return fmt.Errorf("a frame of kind %x: %q", kind, f.body)
		}
	}
}

const (
	textFrame = 0x81
	pingFrame = 0x89
)

// pong answers a ping without data, as the server's are.
var pong = []byte{0x8a, 0x80, 0, 0, 0, 0}

// take reads so many bytes behind others into body, which is valid until the next read.
func (f *follower) take(skip, length int) error {
	all, err := f.r.Peek(skip + length)
	if errors.Is(err, bufio.ErrBufferFull) {
		all = make([]byte, skip+length)
		_, err = io.ReadFull(f.r, all)
		f.body = all[skip:]
		return err
	}
	if err != nil {
		return err
	}
	f.body = all[skip:]
	_, err = f.r.Discard(len(all))
	return err
}

// next reads an event: its number, by the server and by its data, and when it was sent.
func (f *follower) next() (number int, sent int64, err error) {
	switch f.style {
	case byNATS:
		if err = f.msg(); err == nil {
			return content(f.body, f.size)
		}
		return 0, 0, err
	case byRESP:
		all := len(f.head) + f.size + 2
		if err = f.take(0, all); err != nil {
			return 0, 0, err
		}
		if !bytes.HasPrefix(f.body, f.head) {
			return 0, 0, fmt.Errorf("a message is %q", f.body)
		}
		return content(f.body[len(f.head):all-2], f.size)
	}
	if err = f.value(); err != nil {
		return 0, 0, err
	}
	return event(f.body, f.head, f.size, f.topic)
}

// msg reads a message of NATS into body.
func (f *follower) msg() error {
	line, err := f.r.ReadSlice('\n')
	for err == nil && string(line) == "PING\r\n" {
		if _, err = io.WriteString(f, "PONG\r\n"); err == nil {
			line, err = f.r.ReadSlice('\n')
		}
	}
	if err != nil || !bytes.HasPrefix(line, []byte("MSG ")) {
		return fmt.Errorf("%q: %w", line, err)
	}
	at := bytes.LastIndexByte(line, ' ')
	size, err := decimal(line[at+1 : len(line)-2])
	if err == nil {
		err = f.take(0, size+2)
	}
	if err == nil {
		f.body = f.body[:size]
	}
	return err
}

// event reads the JSON text of a room's event, which begins with head, or of a message.
func event(text, head []byte, size int, topic bool) (number int, sent int64, err error) {
	if topic {
		const before = `"payload":"`
		at := bytes.Index(text, []byte(before))
		if at < 0 || len(text) < at+len(before)+size+1 || text[at+len(before)+size] != '"' {
			return 0, 0, fmt.Errorf("a message is %q", text)
		}
		return content(text[at+len(before):at+len(before)+size], size)
	}
	if !bytes.HasPrefix(text, head) {
		return 0, 0, fmt.Errorf("an event is %q", text)
	}
	rest := text[len(head):]
	end := max(bytes.IndexByte(rest, ','), 0)
	offset, err := decimal(rest[:end])
	if err != nil {
		return 0, 0, err
	}
	const between = `,"event":"e","data":"`
	from := end + len(between)
	if len(rest) < from+size || rest[from+size-2] != '"' { // quotes count
		return 0, 0, fmt.Errorf("an event is %q", text)
	}
	number, sent, err = content(rest[from:from+size-2], size-2)
	if err == nil && number != offset {
		err = fmt.Errorf("event %d has offset %d", number, offset)
	}
	return number, sent, err
}

// content reads what data begins with and looks whether the rest is there.
func content(data []byte, size int) (number int, sent int64, err error) {
	if len(data) != size || size < digits+stamp || size > digits+stamp && data[size-1] != 'x' {
		return 0, 0, fmt.Errorf("data are %q", data)
	}
	number, err = decimal(data[:digits])
	at, bad := decimal(data[digits : digits+stamp])
	if err == nil {
		err = bad
	}
	return number, int64(at), err
}

func decimal(b []byte) (int, error) {
	n := 0
	for _, d := range b {
		if d < '0' || d > '9' {
			return 0, fmt.Errorf("not a number: %q", b)
		}
		n = n*10 + int(d-'0')
	}
	return n, nil
}
