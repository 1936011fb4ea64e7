package server

import (
	"errors"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/wire"
)

// backlog is what the socket did not take: it owns its buffers and retained values.
type backlog struct {
	out  wire.Output
	segs [][]byte // what is left of out
}

// send writes a round's replies with one system call, and empties out. What does not fit is
// returned; ok is false when the connection is broken or its backlog is over the limit.
func (c *conn) send(out *wire.Output) (rest *backlog, ok bool) {
	if len(out.Buf) == 0 && len(out.Splices) == 0 {
		return nil, true
	}
	l := c.loop
	var n, total int
	var err error
	if len(out.Splices) == 0 {
		total = len(out.Buf)
		n, err = writeSocket(c.sock.Fd(), out.Buf)
	} else {
		l.segs = out.Segments(l.segs[:0])
		for _, s := range l.segs {
			total += len(s)
		}
		n, err = writevSocket(c.sock.Fd(), l.segs)
	}
	if n > 0 {
		l.stats.bytesOut.Add(uint64(n))
	}
	switch {
	case n == total:
		out.Reset(keepOutput)
		return nil, true
	case err != nil && !errors.Is(err, unix.EAGAIN):
		out.Reset(keepOutput)
		return nil, false
	}
	return c.backlog(out, max(n, 0))
}

// backlog takes over out, of which the first sent bytes are gone.
func (c *conn) backlog(out *wire.Output, sent int) (*backlog, bool) {
	b := &backlog{out: *out}
	*out = wire.Output{}
	b.segs = advance(b.out.Segments(nil), sent)
	if limit := c.server.opts.OutputBytes; len(b.out.Buf) > limit {
		c.server.log.Warn("connection closed: it does not read its replies",
			"peer", c.peer(), "buffered", len(b.out.Buf), "limit", limit)
		c.server.slowClosed.Add(1)
		b.release()
		return nil, false
	}
	return b, true
}

func (b *backlog) release() { b.out.Reset(0) }

// advance drops the first n bytes of segs.
func advance(segs [][]byte, n int) [][]byte {
	for len(segs) > 0 && n >= len(segs[0]) {
		n -= len(segs[0])
		segs = segs[1:]
	}
	if len(segs) > 0 {
		segs[0] = segs[0][n:]
	}
	return segs
}

// patience is how much a slow reader must take within one timeout.
const patience = 256 << 10

// sendTo writes the backlog, as slowly as the peer reads, but at least patience bytes per
// timeout. sent tells how many bytes went out.
func (b *backlog) sendTo(tc *net.TCPConn, timeout time.Duration, sent func(int)) error {
	for _, seg := range b.segs {
		for len(seg) > 0 {
			if err := tc.SetWriteDeadline(after(timeout)); err != nil {
				return err
			}
			n, err := tc.Write(seg[:min(len(seg), patience)])
			sent(n)
			if err != nil {
				return err
			}
			seg = seg[n:]
		}
	}
	return tc.SetWriteDeadline(time.Time{})
}

// after is the wall time d from now; socket deadlines follow the machine's clock even in tests.
func after(d time.Duration) time.Time { return time.UnixMilli(clock.Real{}.Now()).Add(d) }

// hurry makes every pending and later read and write of tc fail.
func hurry(tc *net.TCPConn) { _ = tc.SetDeadline(time.Unix(1, 0)) }
