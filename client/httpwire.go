package synap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
)

// httpConn is a connection to an HTTP/1.1 server, spoken in the few words that a command needs: a
// load generator must cost less than what it loads, and net/http costs several times as much. It
// serves plain http:// without a proxy; everything else goes through net/http.
type httpConn struct {
	link
	out  []byte
	head []byte // of every request, up to the length of its body
	body []byte // of the present request
	got  []byte // of the present answer
}

func dialHTTP(ctx context.Context, o *options, head []byte) (*httpConn, error) {
	l, err := dial(ctx, o)
	if err != nil {
		return nil, err
	}
	return &httpConn{link: l, head: head}, nil
}

// httpHead is what every request begins with.
func httpHead(host, format, token string) []byte {
	b := fmt.Appendf(nil, "POST /api/v1/command HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\n"+
		"Accept: %s\r\n", host, format, format)
	if token != "" {
		b = fmt.Appendf(b, "Authorization: Bearer %s\r\n", token)
	}
	return append(b, "Content-Length: "...)
}

// put appends a request with what is in c.body.
func (c *httpConn) put() {
	c.out = append(c.out, c.head...)
	c.out = strconv.AppendInt(c.out, int64(len(c.body)), 10)
	c.out = append(append(c.out, "\r\n\r\n"...), c.body...)
}

// taken is what was put, and is to be sent now.
func (c *httpConn) taken() []byte {
	out := c.out
	if c.out = out[:0]; cap(out) > keepBuffer {
		c.out = nil
	}
	return out
}

// flush sends what was put. nothing says, when it went out or could not, whether nothing of it did.
func (c *httpConn) flush() (nothing func() bool) {
	done := c.writeAll(c.taken())
	return func() bool {
		n, _ := done() // whoever reads the answers is told the error
		return n == 0
	}
}

var errAnswer = errors.New("the server's answer is not HTTP")

// receive reads one answer; its body is valid until the next one.
func (c *httpConn) receive() (status int, body []byte, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return 0, nil, errAnswer
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, errAnswer
	}
	length, chunked := -1, false
	for {
		line, err = c.in.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte{':'})
		value = bytes.TrimSpace(value)
		switch {
		case len(name) == len("Content-Length") && bytes.EqualFold(name, contentLength):
			if length, err = strconv.Atoi(string(value)); err != nil || length < 0 {
				return 0, nil, errAnswer
			}
		case len(name) == len("Transfer-Encoding") && bytes.EqualFold(name, transferEncoding):
			chunked = true
		}
	}
	if chunked {
		err = c.chunks()
	} else {
		err = c.whole(length)
	}
	return status, c.got, err
}

var (
	contentLength    = []byte("Content-Length")
	transferEncoding = []byte("Transfer-Encoding")
)

// whole reads a body of a known length into c.got.
func (c *httpConn) whole(length int) error {
	if length < 0 || length > maxReply {
		return errAnswer
	}
	var err error
	c.got, err = c.readInto(c.got[:0], length)
	return err
}

// chunks reads a body of chunks into c.got.
func (c *httpConn) chunks() error {
	c.got = c.got[:0]
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		text, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte{';'})
		size, err := strconv.ParseInt(string(text), 16, 31)
		whole := len(c.got) + int(size)
		if err != nil || size < 0 || whole > maxReply {
			return errAnswer
		}
		if c.got, err = c.readInto(c.got, int(size)+2); err != nil {
			return err
		}
		if c.got = c.got[:whole]; size == 0 {
			return nil
		}
	}
}
