package main

import (
	"bufio"
	"fmt"
	"strconv"
)

// synap speaks RESP to Synap.
type synap struct{}

// maxDepth bounds no run.
const maxDepth = "100000000"

func appendHead(out []byte, kind byte, n int) []byte {
	out = append(out, kind)
	out = strconv.AppendInt(out, int64(n), 10)
	return append(out, "\r\n"...)
}

func appendWord[T string | []byte](out []byte, w T) []byte {
	out = appendHead(out, '$', len(w))
	out = append(out, w...)
	return append(out, "\r\n"...)
}

func (synap) open(c *conn, queue string) error {
	c.out = synap{}.appendUse(c.out, queue)
	if err := c.flush(); err != nil {
		return err
	}
	return synap{}.readUse(c.r)
}

func (synap) appendUse(out []byte, queue string) []byte {
	out = appendHead(out, '*', 4)
	out = appendWord(out, "QCREATE")
	out = appendWord(out, queue)
	out = appendWord(out, maxDepth)
	return appendWord(out, strconv.Itoa(ackDeadline))
}

func (synap) readUse(r *bufio.Reader) error { return expect(r, "+OK") }

func (synap) appendPut(out []byte, queue string, priority int, body []byte) []byte {
	out = appendHead(out, '*', 4)
	out = appendWord(out, "QPUBLISH")
	out = appendWord(out, queue)
	out = appendWord(out, body)
	return append(out, '$', '1', '\r', '\n', byte('0'+priority), '\r', '\n')
}

func (synap) readPut(r *bufio.Reader) error {
	var m message
	_, err := bulk(r, &m)
	return err
}

func (synap) appendTake(out []byte, queue string) []byte {
	out = appendHead(out, '*', 3)
	out = appendWord(out, "QCONSUME")
	out = appendWord(out, queue)
	return appendWord(out, "worker")
}

func (synap) readTake(r *bufio.Reader, m *message) (bool, error) {
	n, err := head(r, '*')
	if err != nil || n < 0 {
		return false, err
	}
	return true, delivery(r, m, n)
}

// delivery reads the n parts of one: id, payload, then numbers and words that do not matter here.
func delivery(r *bufio.Reader, m *message, n int) error {
	if n < 2 {
		return fmt.Errorf("a delivery has %d parts", n)
	}
	if _, err := bulk(r, m); err != nil {
		return err
	}
	m.id = append(m.id[:0], m.body...)
	if _, err := bulk(r, m); err != nil {
		return err
	}
	for range n - 2 {
		if err := skip(r); err != nil {
			return err
		}
	}
	return nil
}

func (synap) appendAck(out []byte, queue string, id []byte) []byte {
	out = appendHead(out, '*', 3)
	out = appendWord(out, "QACK")
	out = appendWord(out, queue)
	return appendWord(out, id)
}

func (synap) readAck(r *bufio.Reader) error { return expect(r, "+OK") }

// head reads the first line of an answer of a kind and returns its number, -1 for null.
func head(r *bufio.Reader, kind byte) (int, error) {
	b, err := line(r)
	if err != nil {
		return 0, err
	}
	switch {
	case string(b) == "_" || string(b) == "$-1" || string(b) == "*-1":
		return -1, nil
	case len(b) < 2 || b[0] != kind:
		return 0, fmt.Errorf("the answer is %q, not a %q", b, kind)
	}
	return number(b[1:])
}

// bulk reads a string into m.body; false: it is null.
func bulk(r *bufio.Reader, m *message) (bool, error) {
	n, err := head(r, '$')
	if err != nil || n < 0 {
		return false, err
	}
	return true, body(r, m, n)
}

// skip reads one value of a delivery that nobody looks at.
func skip(r *bufio.Reader) error {
	b, err := line(r)
	if err != nil || len(b) == 0 {
		return err
	}
	if b[0] == '-' {
		return fmt.Errorf("the answer is %q", b)
	}
	if (b[0] != '$' && b[0] != '*' && b[0] != '%') || b[1] == '-' {
		return nil
	}
	kind := b[0]
	n, err := number(b[1:])
	if err != nil {
		return err
	}
	if kind == '$' {
		_, err = r.Discard(n + 2)
		return err
	}
	if kind == '%' {
		n *= 2
	}
	for range n {
		if err := skip(r); err != nil {
			return err
		}
	}
	return nil
}
