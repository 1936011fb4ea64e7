package synap

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"time"
)

// link is a connection with what all wires need of it.
type link struct {
	net.Conn
	in   *bufio.Reader
	used time.Time // when it was last given back
}

const (
	// longestLine bounds a line of an answer's head, in bytes.
	longestLine = 16 << 10
	// keepBuffer is how much of a buffer is kept between calls, in bytes.
	keepBuffer = 64 << 10
	// fresh is for how long an idle connection is not suspected to have been closed meanwhile.
	fresh = 500 * time.Millisecond
)

// dial connects to the server, with TLS for https:// and wss://.
func dial(ctx context.Context, o *options) (link, error) {
	c, err := dialThrough(ctx, o)
	if err != nil {
		return link{}, err
	}
	return link{Conn: c, in: bufio.NewReaderSize(c, longestLine), used: time.Now()}, nil
}

// bound has reads and writes end when ctx does, until stop is called. stop says whether the
// connection was left alone.
func (l *link) bound(ctx context.Context) (stop func() (whole bool)) {
	deadline, _ := ctx.Deadline()
	_ = l.SetDeadline(deadline) // a closed connection says so when it is used
	if ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { _ = l.SetDeadline(longAgo) })
}

var longAgo = time.Unix(1, 0)

// ended is the reason of a failure: that of ctx if that is over.
func ended(ctx context.Context, err error) error {
	if why := ctx.Err(); why != nil {
		return why
	}
	var timeout net.Error
	if deadline, ok := ctx.Deadline(); ok && errors.As(err, &timeout) && timeout.Timeout() &&
		!time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return err
}

// alive says whether an idle connection can take another request: nothing came unasked, and the
// peer has not closed it.
func (l *link) alive() bool {
	if l.in.Buffered() > 0 {
		return false
	}
	if time.Since(l.used) < fresh {
		return true
	}
	if l.SetReadDeadline(longAgo) != nil {
		return false
	}
	_, err := l.in.Peek(1)
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		return false
	}
	l.in.Reset(l.Conn) // it keeps the error otherwise
	return true
}

// readInto reads size bytes behind those of b. A declared size is believed as the bytes come: no
// more than twice of what came is allocated.
func (l *link) readInto(b []byte, size int) ([]byte, error) {
	const step = 64 << 10
	for size > 0 {
		n := min(size, max(step, len(b)))
		b = slices.Grow(b, n)
		got, err := io.ReadFull(l.in, b[len(b):len(b)+n])
		if b = b[:len(b)+got]; err != nil {
			return b, err
		}
		size -= n
	}
	return b, nil
}

// pipeline writes out as writeAll does, for those who notice by the answers that it failed.
func (l *link) pipeline(out []byte) (wait func()) {
	done := alreadyDone
	if len(out) > muchOutput {
		ended := l.writeAll(out)
		done = func() { _, _ = ended() }
	} else {
		_, _ = l.Write(out)
	}
	return done
}

var alreadyDone = func() {}

// muchOutput is what is written beside the reading of answers, in bytes.
const muchOutput = 128 << 10

// writeAll writes out. If that is much it returns at once, so that answers can be read meanwhile: a
// server that can't send them takes nothing more. done waits for the end, and says how many bytes
// went out.
func (l *link) writeAll(out []byte) (done func() (int, error)) {
	if len(out) <= muchOutput {
		n, err := l.Write(out)
		return func() (int, error) { return n, err }
	}
	var n int
	var err error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if n, err = l.Write(out); err != nil {
			_ = l.SetDeadline(longAgo) // no answers will come
		}
	}()
	return func() (int, error) { <-ended; return n, err }
}
