package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// beanstalk speaks to beanstalkd 1.12. Its most urgent priority is 0, so 9 - p is sent for p.
type beanstalk struct{}

func (beanstalk) open(c *conn, queue string) error {
	c.out = beanstalk{}.appendUse(c.out, queue)
	c.out = fmt.Appendf(c.out, "watch %s\r\nignore default\r\n", queue)
	if err := c.flush(); err != nil {
		return err
	}
	if err := (beanstalk{}).readUse(c.r); err != nil {
		return err
	}
	for _, want := range []string{"WATCHING 2", "WATCHING 1"} {
		if err := expect(c.r, want); err != nil {
			return err
		}
	}
	return nil
}

func (beanstalk) appendUse(out []byte, queue string) []byte {
	return fmt.Appendf(out, "use %s\r\n", queue)
}

func (beanstalk) readUse(r *bufio.Reader) error { return starts(r, "USING ") }

func (beanstalk) appendPut(out []byte, _ string, priority int, body []byte) []byte {
	out = append(out, "put "...)
	out = strconv.AppendInt(out, int64(9-priority), 10)
	out = append(out, " 0 "...)
	out = strconv.AppendInt(out, ackDeadline, 10)
	out = append(out, ' ')
	out = strconv.AppendInt(out, int64(len(body)), 10)
	out = append(out, "\r\n"...)
	out = append(out, body...)
	return append(out, "\r\n"...)
}

func (beanstalk) readPut(r *bufio.Reader) error { return starts(r, "INSERTED ") }

func starts(r *bufio.Reader, want string) error {
	b, err := line(r)
	if err == nil && !bytes.HasPrefix(b, []byte(want)) {
		err = fmt.Errorf("the answer is %q, not %q …", b, want)
	}
	return err
}

func (beanstalk) appendTake(out []byte, _ string) []byte {
	return append(out, "reserve-with-timeout 0\r\n"...)
}

func (beanstalk) readTake(r *bufio.Reader, m *message) (bool, error) {
	b, err := line(r)
	if err != nil || string(b) == "TIMED_OUT" {
		return false, err
	}
	rest, ok := bytes.CutPrefix(b, []byte("RESERVED "))
	id, size, found := bytes.Cut(rest, []byte(" "))
	if !ok || !found {
		return false, fmt.Errorf("reserve answers %q", b)
	}
	n, err := number(size)
	if err != nil {
		return false, err
	}
	m.id = append(m.id[:0], id...)
	return true, body(r, m, n)
}

// body reads n bytes and the end of a line.
func body(r *bufio.Reader, m *message, n int) error {
	if cap(m.body) < n+2 {
		m.body = make([]byte, n+2)
	}
	m.body = m.body[:n+2]
	if _, err := io.ReadFull(r, m.body); err != nil {
		return err
	}
	m.body = m.body[:n]
	return nil
}

func (beanstalk) appendAck(out []byte, _ string, id []byte) []byte {
	out = append(out, "delete "...)
	out = append(out, id...)
	return append(out, "\r\n"...)
}

func (beanstalk) readAck(r *bufio.Reader) error { return expect(r, "DELETED") }
