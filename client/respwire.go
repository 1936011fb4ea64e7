package synap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// respConn is a connection that speaks RESP3.
type respConn struct {
	link
	out []byte
}

// maxReply bounds one bulk of a reply, in bytes: what a server may hold.
const maxReply = 1 << 30

// dialRESP connects, agrees on RESP3 and logs in.
func dialRESP(ctx context.Context, o *options) (*respConn, error) {
	l, err := dial(ctx, o)
	if err != nil {
		return nil, err
	}
	c := &respConn{link: l}
	stop := c.bound(ctx)
	defer stop()
	hello := []any{"HELLO", int64(3)}
	if o.token != "" {
		user := o.url.User.Username()
		if user == "" {
			user = "default"
		}
		hello = append(hello, "AUTH", user, o.token)
	}
	c.put(hello)
	defer c.flush()()
	if _, err := c.receive(); err != nil {
		_ = c.Close() // of no use
		return nil, ended(ctx, err)
	}
	return c, nil
}

// put appends a command line.
func (c *respConn) put(line []any) {
	b := strconv.AppendInt(append(c.out, '*'), int64(len(line)), 10)
	b = append(b, "\r\n"...)
	for _, word := range line {
		switch w := word.(type) {
		case string:
			b = appendBulk(b, w)
		case []byte:
			b = appendBulk(b, w)
		case int64:
			var digits [20]byte
			b = appendBulk(b, strconv.AppendInt(digits[:0], w, 10))
		default:
			panic(fmt.Sprintf("synap: a word of type %T", word))
		}
	}
	c.out = b
}

func appendBulk[T string | []byte](b []byte, word T) []byte {
	b = strconv.AppendInt(append(b, '$'), int64(len(word)), 10)
	b = append(b, "\r\n"...)
	return append(append(b, word...), "\r\n"...)
}

// taken is what was put, and is to be sent now.
func (c *respConn) taken() []byte {
	out := c.out
	if c.out = out[:0]; cap(out) > keepBuffer {
		c.out = nil
	}
	return out
}

// flush sends what was put. nothing says, when it went out or could not, whether nothing of it did.
func (c *respConn) flush() (nothing func() bool) {
	done := c.writeAll(c.taken())
	return func() bool {
		n, _ := done() // whoever reads the answers is told the error
		return n == 0
	}
}

// respError is an error reply.
type respError string

func (e respError) Error() string { return string(e) }

// push is what came unasked.
type push []any

var errRESP = errors.New("the server's answer is not RESP")

// receive reads one reply. An error reply is an error of type respError, a push a value of type
// push.
func (c *respConn) receive() (any, error) { return c.value(0) }

// deepest bounds how far replies are nested.
const deepest = 32

func (c *respConn) value(depth int) (any, error) {
	line, err := c.line()
	if err != nil {
		return nil, err
	}
	if len(line) == 0 || depth > deepest {
		return nil, errRESP
	}
	rest := line[1:]
	switch line[0] {
	case '+':
		return string(rest), nil
	case '-':
		return nil, respError(rest)
	case ':':
		n, err := strconv.ParseInt(string(rest), 10, 64)
		return n, err
	case '$', '=', '!':
		return c.bulk(line[0], rest)
	case '_':
		return nil, nil //nolint:nilnil // null
	case '#':
		return string(rest) == "t", nil
	case ',':
		return parseDouble(string(rest))
	case '(':
		return string(rest), nil
	case '*', '~':
		return c.list(rest, depth)
	case '>':
		all, err := c.list(rest, depth)
		list, _ := all.([]any)
		return push(list), err
	case '%':
		return c.members(rest, depth)
	}
	return nil, errRESP
}

func parseDouble(text string) (any, error) {
	switch text {
	case "inf":
		return math.Inf(1), nil
	case "-inf":
		return math.Inf(-1), nil
	}
	return strconv.ParseFloat(text, 64)
}

// line reads a line without its end; it is valid until the next read.
func (c *respConn) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'}), nil
}

func (c *respConn) bulk(kind byte, size []byte) (any, error) {
	n, err := strconv.Atoi(string(size))
	switch {
	case err != nil || n > maxReply:
		return nil, errRESP
	case n < 0:
		return nil, nil //nolint:nilnil // null
	}
	b := make([]byte, 0, min(n+2, keepBuffer))
	if b, err = c.readInto(b, n+2); err != nil {
		return nil, err
	}
	switch b = b[:n]; kind {
	case '!':
		return nil, respError(b)
	case '=':
		_, text, _ := bytes.Cut(b, []byte{':'})
		return text, nil
	}
	return b, nil
}

func (c *respConn) count(text []byte) (int, error) {
	n, err := strconv.Atoi(string(text))
	if err != nil || n > maxReply {
		return 0, errRESP
	}
	return n, nil
}

// list reads items. One that is an error reply stands as an error in its place, as in EXEC.
func (c *respConn) list(size []byte, depth int) (any, error) {
	n, err := c.count(size)
	if err != nil || n < 0 {
		return nil, err
	}
	list := make([]any, 0, min(n, 1024))
	for range n {
		v, err := c.value(depth + 1)
		var refused respError
		if errors.As(err, &refused) {
			v, err = error(refused), nil
		}
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (c *respConn) members(size []byte, depth int) (any, error) {
	n, err := c.count(size)
	if err != nil || n < 0 {
		return nil, err
	}
	m := make(map[string]any, min(n, 1024))
	for range n {
		name, err := c.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if m[toText(name)], err = c.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return m, nil
}
