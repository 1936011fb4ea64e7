package target

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"time"
)

// redisConn speaks RESP2, for what the client package has no words for: pub/sub of Redis.
type redisConn struct {
	net.Conn
	in  *bufio.Reader
	out []byte
}

// redisReply is one reply. Texts are valid until the next.
type redisReply struct {
	kind byte
	n    int64
	text []byte
	list []redisReply
}

const (
	// largestBulk and longestList bound replies of Redis, in bytes and items.
	largestBulk = 512 << 20
	longestList = 1 << 20
	// redisBuffer is the size of a reader, in bytes: there may be thousands.
	redisBuffer = 16 << 10
)

var errReply = errors.New("the answer is not RESP")

// dialRedis connects and logs in.
func dialRedis(ctx context.Context, u *url.URL) (*redisConn, error) {
	if db := u.Path; db != "" && db != "/" && db != "/0" {
		return nil, fmt.Errorf("only database 0 of Redis is used, not %s", db)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, unreachable(u, err)
	}
	c := &redisConn{Conn: conn, in: bufio.NewReaderSize(conn, redisBuffer)}
	if password, ok := u.User.Password(); ok {
		words := []string{"AUTH", password}
		if name := u.User.Username(); name != "" {
			words = []string{"AUTH", name, password}
		}
		if _, err := c.ask(ctx, words...); err != nil {
			return nil, errors.Join(fmt.Errorf("the login was refused: %w", err), c.Close())
		}
	}
	return c, nil
}

// bounded has reads and writes end with ctx until stop is called.
func (c *redisConn) bounded(ctx context.Context) (stop func() bool) {
	deadline, _ := ctx.Deadline()
	_ = c.SetDeadline(deadline) // a closed connection says so when it is used
	return context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
}

// begin appends the head of a command of n words.
func (c *redisConn) begin(n int) {
	c.out = strconv.AppendInt(append(c.out, '*'), int64(n), 10)
	c.out = append(c.out, "\r\n"...)
}

func addWord[T string | []byte](c *redisConn, word T) {
	c.out = strconv.AppendInt(append(c.out, '$'), int64(len(word)), 10)
	c.out = append(append(append(c.out, "\r\n"...), word...), "\r\n"...)
}

func (c *redisConn) flush() error {
	_, err := c.Write(c.out)
	c.out = c.out[:0]
	return err
}

// ask sends one command and reads its reply.
func (c *redisConn) ask(ctx context.Context, words ...string) (redisReply, error) {
	defer c.bounded(ctx)()
	c.begin(len(words))
	for _, w := range words {
		addWord(c, w)
	}
	if err := c.flush(); err != nil {
		return redisReply{}, err
	}
	return c.read(0)
}

// read reads one reply. An error reply is an error.
func (c *redisConn) read(depth int) (r redisReply, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return r, err
	}
	line = bytes.TrimRight(line, "\r\n")
	if len(line) == 0 || depth > 4 {
		return r, errReply
	}
	r.kind = line[0]
	switch r.kind {
	case '+':
		r.text = bytes.Clone(line[1:])
		return r, nil
	case '-':
		return r, errors.New(string(line[1:]))
	}
	if r.n, err = strconv.ParseInt(string(line[1:]), 10, 64); err != nil {
		return r, errReply
	}
	switch r.kind {
	case ':':
		return r, nil
	case '$':
		return r, c.bulk(&r)
	case '*':
		if r.n > longestList {
			return r, errReply
		}
		for range r.n {
			item, err := c.read(depth + 1)
			if err != nil {
				return r, err
			}
			r.list = append(r.list, item)
		}
		return r, nil
	}
	return r, errReply
}

func (c *redisConn) bulk(r *redisReply) error {
	if r.n < 0 {
		return nil // absent
	}
	if r.n > largestBulk {
		return errReply
	}
	b := make([]byte, r.n+2)
	if _, err := io.ReadFull(c.in, b); err != nil {
		return err
	}
	r.text = b[:r.n]
	return nil
}
