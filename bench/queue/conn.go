package main

import (
	"bufio"
	"fmt"
	"net"
	"time"
)

// patience ends a run against a server that does not answer.
const patience = 60 * time.Second

// ackDeadline is how many seconds a consumer has; the runs are shorter.
const ackDeadline = 30

// message is a delivery. Its slices are reused.
type message struct{ id, body []byte }

// dialect is a protocol: what to send, and how to read the answers. The append functions add a
// command to what will be sent; each read function reads one answer.
type dialect interface {
	// open readies a connection to publish to a queue and consume from it.
	open(c *conn, queue string) error
	// appendUse makes a queue, or chooses it, for publishing.
	appendUse(out []byte, queue string) []byte
	readUse(r *bufio.Reader) error
	appendPut(out []byte, queue string, priority int, body []byte) []byte
	readPut(r *bufio.Reader) error
	appendTake(out []byte, queue string) []byte
	// readTake returns false when the queue is empty.
	readTake(r *bufio.Reader, m *message) (bool, error)
	appendAck(out []byte, queue string, id []byte) []byte
	readAck(r *bufio.Reader) error
}

var dialects = map[string]dialect{"synap": synap{}, "beanstalk": beanstalk{}}

// conn is a connection of a worker. Commands gather in out until flush.
type conn struct {
	net.Conn
	r   *bufio.Reader
	out []byte
}

func dial(addr string) (*conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, r: bufio.NewReaderSize(c, 64<<10)}, nil
}

// flush sends what has gathered with one write.
func (c *conn) flush() error {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := c.Write(c.out)
	c.out = c.out[:0]
	return err
}

// line reads a line without its end. It is valid until the next read.
func line(r *bufio.Reader) ([]byte, error) {
	b, err := r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if len(b) < 2 || b[len(b)-2] != '\r' {
		return nil, fmt.Errorf("a line ends without CR: %q", b)
	}
	return b[:len(b)-2], nil
}

// expect reads a line that must be want.
func expect(r *bufio.Reader, want string) error {
	b, err := line(r)
	if err == nil && string(b) != want {
		err = fmt.Errorf("the answer is %q, not %q", b, want)
	}
	return err
}

// number reads decimal digits.
func number(b []byte) (int, error) {
	n := 0
	for _, d := range b {
		if d < '0' || d > '9' || n > 1<<40 {
			return 0, fmt.Errorf("not a number: %q", b)
		}
		n = n*10 + int(d-'0')
	}
	if len(b) == 0 {
		return 0, fmt.Errorf("a number is missing")
	}
	return n, nil
}
