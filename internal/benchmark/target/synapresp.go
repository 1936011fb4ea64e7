package target

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// pushes is a RESP connection that is only listened to.
type pushes struct {
	net.Conn
	place
	in   *bufio.Reader
	text []byte    // of the present push
	cuts [4][]byte // its words, within text
}

// openPushes says hello, subscribes and reads what is answered.
func openPushes(
	c net.Conn, o *Subscription, space Space, token string,
) (*pushes, error) {
	p := &pushes{Conn: c, in: bufio.NewReaderSize(c, readBuffer), place: place{space: space}}
	hello := []string{"HELLO", "3"}
	if token != "" {
		hello = append(hello, "AUTH", "default", token)
	}
	subscribe := []string{"PSUBSCRIBE"}
	switch {
	case space == Rooms:
		p.name = o.Names[0]
		subscribe = []string{"SFOLLOW", p.name, "NEW", "ID", o.ID}
		if o.Replay {
			subscribe = []string{"SFOLLOW", p.name, "FROM", "0", "ID", o.ID}
		}
	case !strings.ContainsAny(strings.Join(o.Names, ""), "*#"):
		subscribe[0] = "SUBSCRIBE"
		fallthrough
	default:
		subscribe = append(subscribe, o.Names...)
	}
	if _, err := c.Write(appendLine(appendLine(nil, hello), subscribe)); err != nil {
		return nil, err
	}
	if err := p.skipValue(0); err != nil {
		return nil, fmt.Errorf("HELLO 3: %w", err)
	}
	acknowledged := 1
	if space == Topics {
		acknowledged = len(o.Names)
	}
	for range acknowledged {
		if err := p.skipValue(0); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func appendLine(dst []byte, words []string) []byte {
	dst = fmt.Appendf(dst, "*%d\r\n", len(words))
	for _, w := range words {
		dst = fmt.Appendf(dst, "$%d\r\n%s\r\n", len(w), w)
	}
	return dst
}

// Next is part of Subscriber.
func (p *pushes) Next(context.Context) (Event, error) {
	words, err := p.push()
	if err != nil {
		return Event{}, err
	}
	switch kind := string(words[0]); {
	case kind == "event" && len(words) == 3:
		return p.roomEvent(words[2])
	case kind == "message" && len(words) == 3:
		return Event{Name: p.intern(words[1]), Offset: -1, Payload: unquoted(words[2])}, nil
	case kind == "pmessage" && len(words) == 4:
		return Event{Name: p.intern(words[2]), Offset: -1, Payload: unquoted(words[3])}, nil
	case kind == "ended" && len(words) == 3:
		return Event{}, fmt.Errorf("the server ends the subscription: %s", words[2])
	}
	return Event{}, fmt.Errorf("a push of %q was not expected", words[0])
}

// unquoted is a payload, which may come as it stood in JSON.
func unquoted(text []byte) []byte {
	if inner := payloadOf(text); inner != nil {
		return inner
	}
	return text
}

var errPush = errors.New("the server pushes what is not RESP3")

// push reads the words of a push, to 4; they are valid until the next one.
func (p *pushes) push() ([][]byte, error) {
	kind, n, err := p.line()
	if err != nil {
		return nil, err
	}
	if kind != '>' || n < 1 || n > len(p.cuts) {
		return nil, errPush
	}
	p.text = p.text[:0]
	var ends [4]int
	for i := range n {
		kind, size, err := p.line()
		if err != nil {
			return nil, err
		}
		if kind != '$' || size < 0 || size > longestFrame {
			return nil, errPush
		}
		from := len(p.text)
		p.text = append(p.text, make([]byte, size+2)...)
		if _, err := io.ReadFull(p.in, p.text[from:]); err != nil {
			return nil, err
		}
		p.text = p.text[:from+size]
		ends[i] = from + size
	}
	from := 0
	for i := range n {
		p.cuts[i], from = p.text[from:ends[i]], ends[i]
	}
	return p.cuts[:n], nil
}

// line reads the head of a value: its type, and its size or number.
func (p *pushes) line() (kind byte, n int, err error) {
	line, err := p.in.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 3 {
		return 0, 0, errPush
	}
	text := line[1 : len(line)-2]
	switch line[0] {
	case '-':
		return 0, 0, errors.New(string(text))
	case '$', '*', '%', '>', ':':
		if n, err = strconv.Atoi(string(text)); err != nil {
			return 0, 0, errPush
		}
	}
	return line[0], n, nil
}

// deepest bounds how far answers are nested.
const deepest = 8

// skipValue reads a value of which only counts that it is no error.
func (p *pushes) skipValue(depth int) error {
	kind, n, err := p.line()
	switch {
	case err != nil:
		return err
	case depth > deepest:
		return errPush
	}
	switch kind {
	case '$':
		_, err = p.in.Discard(n + 2)
		return err
	case '%':
		n *= 2
	case '*', '>':
	default:
		return nil
	}
	for range n {
		if err := p.skipValue(depth + 1); err != nil {
			return err
		}
	}
	return nil
}
