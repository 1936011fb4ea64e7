package main

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// publisher publishes; what it adds to out leaves with flush.
type publisher struct {
	net.Conn
	r      *bufio.Reader
	nats   bool
	topics bool
	answer string // to a message, unless empty
	out    []byte
	pad    string
	room   string
	event  []byte // for that room
	at     int    // its digits
}

func newPublisher(o *options) (*publisher, error) {
	nats := o.style == byNATS
	c, err := dial(o.addressOf(min(o.style, byRESP)), 0)
	if err != nil {
		return nil, err
	}
	p := &publisher{Conn: c, r: bufio.NewReaderSize(c, 64<<10), nats: nats, topics: o.topics,
		answer: fmt.Sprintf(":%d\r\n", o.subscribers)}
	if o.stalled > 0 {
		p.answer = "" // some may be there no more
	}
	p.pad = strings.Repeat("x", o.size-minSize)
	if nats || o.topics {
		p.pad += "xx" // in place of quotes
	}
	if nats {
		p.out = append(p.out, "CONNECT {\"verbose\":false}\r\n"...)
	}
	return p, nil
}

// add adds an event. Only its digits are written anew when it is for the same room as the last one.
func (p *publisher) add(room string, number int, sent int64) {
	if p.room != room || p.event == nil {
		p.prepare(room)
	}
	from := len(p.out) + p.at
	p.out = append(p.out, p.event...)
	putDecimal(p.out[from:from+digits], int64(number))
	putDecimal(p.out[from+digits:from+digits+stamp], sent)
}

// prepare makes what publishes an event to a room, up to its digits.
func (p *publisher) prepare(room string) {
	p.room = room
	size := digits + stamp + len(p.pad)
	format := "*4\r\n$8\r\nSPUBLISH\r\n$%d\r\n%s\r\n$1\r\ne\r\n$%d\r\n\""
	end := "\"\r\n"
	switch {
	case p.nats:
		format, end = "PUB %[2]s %[3]d\r\n", "\r\n"
	case p.topics:
		format, end = "*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%d\r\n", "\r\n"
	default:
		size += 2 // quotes
	}
	p.event = fmt.Appendf(p.event[:0], format, len(room), room, size)
	p.at = len(p.event)
	p.event = append(p.event, make([]byte, digits+stamp)...)
	p.event = append(append(p.event, p.pad...), end...)
}

func putDecimal(b []byte, n int64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
}

func (p *publisher) flush() error {
	_, err := p.Write(p.out)
	p.out = p.out[:0]
	return err
}

// answers reads the answers to n events, which are numbers from from on in a room, and how many got
// it in a topic.
func (p *publisher) answers(from, n int) error {
	for i := range n {
		line, err := p.r.ReadSlice('\n')
		want := p.answer
		if !p.topics {
			want = ":" + strconv.Itoa(from+i) + "\r\n"
		}
		if err != nil || want != "" && string(line) != want {
			return fmt.Errorf("publishing event %d is answered %q: %w", from+i, line, err)
		}
	}
	return nil
}

// create makes the rooms, which keep all that is published.
func create(o *options) error {
	p, err := newPublisher(o)
	if err != nil || o.style == byNATS || o.topics {
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
