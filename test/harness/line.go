package harness

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// Line is one connection to the RESP door, over which also pushes are read.
type Line struct {
	net.Conn
	in *bufio.Reader
}

// Push is what came without being asked for, or, in RESP2, an array.
type Push []any

// DialLine opens a connection of a protocol version, on which all reads end by a deadline.
func DialLine(addr string, protocol int, patience time.Duration) (*Line, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	l := &Line{c, bufio.NewReader(c)}
	if protocol == 3 {
		if err = l.Send("HELLO", "3"); err == nil {
			_, err = l.Value()
		}
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return l, nil
}

// Send sends a command line.
func (l *Line) Send(words ...string) error {
	b := fmt.Appendf(nil, "*%d\r\n", len(words))
	for _, w := range words {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(w), w)
	}
	_, err := l.Write(b)
	return err
}

// Value reads one value: string, int64, float64, bool, nil, []any, Push, Fields or *Failure. The
// error is one of the connection.
func (l *Line) Value() (any, error) {
	head, err := l.in.ReadString('\n')
	if err != nil || len(head) < 3 {
		return nil, fmt.Errorf("%q: %w", head, err)
	}
	text := head[1 : len(head)-2]
	switch head[0] {
	case '+':
		return text, nil
	case '-':
		return &Failure{text}, nil
	case ':':
		return strconv.ParseInt(text, 10, 64)
	case ',':
		return strconv.ParseFloat(text, 64)
	case '#':
		return text == "t", nil
	case '_':
		return nil, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", head, err)
	}
	switch {
	case n < 0:
		return nil, nil
	case head[0] == '$':
		b := make([]byte, n+2)
		_, err = io.ReadFull(l.in, b)
		return string(b[:n]), err
	case head[0] == '%':
		return l.pairs(n)
	}
	list := make([]any, n)
	for i := range list {
		if list[i], err = l.Value(); err != nil {
			return nil, err
		}
	}
	if head[0] == '>' {
		return Push(list), nil
	}
	return list, nil
}

func (l *Line) pairs(n int) (any, error) {
	f := Fields{}
	for range n {
		name, err := l.Value()
		if err != nil {
			return nil, err
		}
		if f[fmt.Sprint(name)], err = l.Value(); err != nil {
			return nil, err
		}
	}
	return f, nil
}
