package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
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

// follower reads the events of one room.
type follower struct {
	net.Conn
	r    *bufio.Reader
	nats bool
	skip int // bytes of a frame's text before the offset
	body []byte
}

// follow subscribes, from an event on; from does not count in NATS.
func follow(o *options, room string, from, source, buffer int) (*follower, error) {
	c, err := dial(o.addr, source)
	if err != nil {
		return nil, err
	}
	f := &follower{Conn: c, r: bufio.NewReaderSize(c, buffer), nats: o.nats}
	if o.nats {
		return f, f.subscribe(room)
	}
	f.skip = len(`{"type":"event","room":"` + room + `","offset":`)
	_, err = fmt.Fprintf(c, "GET /stream/%s/ws/me?from_offset=%d HTTP/1.1\r\nHost: bench\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", room, from)
	for line := []byte("HTTP"); err == nil && len(line) > 2; {
		line, err = f.r.ReadSlice('\n')
		if bytes.HasPrefix(line, []byte("HTTP/1.1 ")) && line[9] != '1' {
			return nil, fmt.Errorf("the handshake is answered %q", line)
		}
	}
	if err == nil {
		if err = f.frame(); err == nil && !bytes.HasPrefix(f.body, []byte(`{"type":"connected"`)) {
			err = fmt.Errorf("the first frame is %q", f.body)
		}
	}
	return f, err
}

func (f *follower) subscribe(room string) error {
	_, err := fmt.Fprintf(f, "CONNECT {\"verbose\":false}\r\nSUB %s 1\r\nPING\r\n", room)
	if err != nil {
		return err
	}
	for {
		line, err := f.r.ReadSlice('\n')
		if err != nil || string(line) == "PONG\r\n" {
			return err
		}
	}
}

// frame reads the next frame of a WebSocket into body.
func (f *follower) frame() error {
	head, err := f.r.Peek(2)
	if err != nil {
		return err
	}
	size, length := 2, int(head[1])
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
	return f.take(size, length)
}

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
	if f.nats {
		line, err := f.r.ReadSlice('\n')
		for err == nil && string(line) == "PING\r\n" {
			if _, err = f.Write([]byte("PONG\r\n")); err == nil {
				line, err = f.r.ReadSlice('\n')
			}
		}
		if err != nil || !bytes.HasPrefix(line, []byte("MSG ")) {
			return 0, 0, fmt.Errorf("%q: %w", line, err)
		}
		at := bytes.LastIndexByte(line, ' ')
		size, err := decimal(line[at+1 : len(line)-2])
		if err == nil {
			err = f.take(0, size+2)
		}
		if err != nil {
			return 0, 0, err
		}
		return content(f.body)
	}
	if err = f.frame(); err != nil {
		return 0, 0, err
	}
	if len(f.body) < f.skip || f.body[9] != 'e' {
		return 0, 0, fmt.Errorf("a frame is %q", f.body)
	}
	rest := f.body[f.skip:]
	end := bytes.IndexByte(rest, ',')
	offset, err := decimal(rest[:max(end, 0)])
	if err != nil {
		return 0, 0, err
	}
	const between = `,"event":"e","data":"`
	number, sent, err = content(rest[end+len(between):])
	if err == nil && number != offset {
		err = fmt.Errorf("event %d has offset %d", number, offset)
	}
	return number, sent, err
}

// content reads what data begins with.
func content(data []byte) (number int, sent int64, err error) {
	if len(data) < digits+stamp {
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

// publisher publishes; what it adds to out leaves with flush.
type publisher struct {
	net.Conn
	r    *bufio.Reader
	nats bool
	out  []byte
	pad  string
}

func newPublisher(o *options) (*publisher, error) {
	addr := o.resp
	if o.nats {
		addr = o.addr
	}
	c, err := dial(addr, 0)
	if err != nil {
		return nil, err
	}
	p := &publisher{Conn: c, r: bufio.NewReaderSize(c, 64<<10), nats: o.nats}
	p.pad = strings.Repeat("x", o.size-minSize)
	if o.nats {
		p.pad += "xx" // in place of quotes
		p.out = append(p.out, "CONNECT {\"verbose\":false}\r\n"...)
	}
	return p, nil
}

// add adds an event.
func (p *publisher) add(room string, number int, sent int64) {
	size := digits + stamp + len(p.pad)
	if p.nats {
		p.out = fmt.Appendf(p.out, "PUB %s %d\r\n%012d%020d%s\r\n", room, size, number, sent, p.pad)
		return
	}
	p.out = fmt.Appendf(p.out, "*4\r\n$8\r\nSPUBLISH\r\n$%d\r\n%s\r\n$1\r\ne\r\n$%d\r\n"+
		"\"%012d%020d%s\"\r\n", len(room), room, size+2, number, sent, p.pad)
}

func (p *publisher) flush() error {
	_, err := p.Write(p.out)
	p.out = p.out[:0]
	return err
}

// answers reads the answers to n events, whose numbers are to be from on.
func (p *publisher) answers(from, n int) error {
	for i := range n {
		line, err := p.r.ReadSlice('\n')
		if want := ":" + strconv.Itoa(from+i) + "\r\n"; err != nil || string(line) != want {
			return fmt.Errorf("publishing event %d is answered %q: %w", from+i, line, err)
		}
	}
	return nil
}

// create makes the rooms, which keep all that is published.
func create(o *options) error {
	p, err := newPublisher(o)
	if err != nil || o.nats {
		return err
	}
	defer func() { _ = p.Close() }()
	for i := range o.rooms {
		name := o.room(i)
		most := strconv.Itoa(o.events + 1)
		p.out = fmt.Appendf(p.out, "*3\r\n$7\r\nSCREATE\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n",
			len(name), name, len(most), most)
		if err := p.flush(); err != nil {
			return err
		}
		if line, err := p.r.ReadSlice('\n'); err != nil || string(line) != "+OK\r\n" {
			return fmt.Errorf("SCREATE is answered %q: %w", line, err)
		}
	}
	return nil
}
