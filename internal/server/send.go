package server

import (
	"errors"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

// backlog is what the socket did not take: it owns its buffers and retained values.
type backlog struct {
	out  wire.Output
	segs [][]byte // what is left of out
}

// span is one connection's part of the loop's output.
type span struct {
	c                    *conn
	from, to             int // of out.Buf
	firstRef, lastRefEnd int // of out.Splices
	// wrote says that the replies acknowledge a write, and may not leave unless it is durable.
	wrote bool
}

// mark begins a span for c at the end of the loop's output.
func (l *loop) mark(c *conn) span {
	return span{c: c, from: len(l.out.Buf), firstRef: len(l.out.Splices)}
}

func (s *span) empty() bool { return s.from == s.to && s.firstRef == s.lastRefEnd }

// book remembers whose the output since s began is, and what it has to wait for.
func (l *loop) book(s span) {
	s.to, s.lastRefEnd = len(l.out.Buf), len(l.out.Splices)
	level, wrote := s.c.session.TakeRequired()
	s.wrote = wrote && level > command.MemoryLevel
	l.level = max(l.level, level)
	s.c.booked = s.c.booked || !s.empty()
	l.booked = append(l.booked, s)
}

// flush ends a round: every booked connection gets its replies with one system call, and goes
// where it is bound. Replies are written after all connections of the round were served, not
// in between: a peer that wakes up then finds the server free for its next request, and rounds
// can grow larger. Its share of the gain over gnet was not measured apart: see startEngine.
//
// Before the first reply leaves, all the round wrote is committed, at the strongest level that any
// reply waits for. A sync holds up the whole loop. The rival, to park the replies that wait and go
// on with the others, has to keep every connection's replies in order behind a parked one, for
// a loop that soon has nothing else to do: most rounds hold a write, and syncs are shared.
func (l *loop) flush() {
	failure := l.commit()
	cut := 0
	for i := range l.booked {
		s := &l.booked[i]
		c := s.c
		s.c, c.booked = nil, false
		if c.sock == nil || c.cut {
			continue // dropped since it was booked
		}
		if failure != nil && s.wrote {
			cut++
			c.cut = true
			c.sock.drop()
			continue
		}
		unsent, ok := l.send(c, s)
		switch {
		case !ok:
			c.cut = true
			c.sock.drop()
		case unsent != nil || c.then != comeBack:
			c.leave(unsent, c.then)
		case c.server.draining.Load() && c.told && len(c.in) == 0 && !c.woken.Load():
			c.leave(nil, lingerAndClose)
		}
	}
	l.booked = l.booked[:0]
	l.out.Reset(keepOutput)
	if cut > 0 {
		l.server.log.Error("connections closed instead of acknowledging writes that could not be "+
			"made durable", "connections", cut, "error", failure)
	}
}

// commit makes what booked replies tell of as safe as they promise. When that fails, replies that
// acknowledge a write must not leave; others may: a failed journal takes no more writes, but reads
// go on.
func (l *loop) commit() error {
	level := l.level
	l.level = command.DefaultLevel
	return l.server.commit(level)
}

func (s *Server) commit(level command.Level) error {
	if level <= command.MemoryLevel {
		return nil
	}
	return s.protocols.Commit(level)
}

// send writes one connection's replies. What does not fit is returned; ok is false when the
// connection is broken or its backlog over the limit.
func (l *loop) send(c *conn, s *span) (rest *backlog, ok bool) {
	if s.empty() {
		return nil, true
	}
	var n, total int
	var err error
	fd := c.sock.Fd()
	if s.firstRef == s.lastRefEnd {
		total = s.to - s.from
		n, err = writeSocket(fd, l.out.Buf[s.from:s.to])
	} else {
		l.segs = s.segments(&l.out, l.segs[:0])
		for _, seg := range l.segs {
			total += len(seg)
		}
		n, err = writevSocket(fd, l.segs)
	}
	if n = max(n, 0); n > 0 {
		l.stats.bytesOut.Add(uint64(n))
	}
	switch {
	case n == total:
		return nil, true
	case err != nil && !errors.Is(err, unix.EAGAIN):
		return nil, false
	}
	return l.backlog(c, s, n)
}

// segments are the pieces of the span in sending order.
func (s *span) segments(out *wire.Output, dst [][]byte) [][]byte {
	part := wire.Output{Buf: out.Buf[:s.to], Splices: out.Splices[s.firstRef:s.lastRefEnd]}
	whole := part.Segments(dst)
	// Segments starts at 0; what belongs to earlier spans is cut off.
	return append(dst, advance(whole[len(dst):], s.from)...)
}

// backlog copies what is left of a span after sent bytes, and takes over its retained values.
func (l *loop) backlog(c *conn, s *span, sent int) (*backlog, bool) {
	b := new(backlog)
	b.out.Buf = append(b.out.Buf, l.out.Buf[s.from:s.to]...)
	for i := s.firstRef; i < s.lastRefEnd; i++ {
		ref := l.out.Splices[i]
		ref.At -= s.from
		b.out.Splices = append(b.out.Splices, ref)
		l.out.Splices[i].Value = nil
	}
	b.segs = advance(b.out.Segments(nil), sent)
	limit := l.server.opts.OutputBytes
	if len(b.out.Buf) <= limit {
		return b, true
	}
	l.server.log.Warn("connection closed: it does not read its replies",
		"peer", c.peer(), "buffered", len(b.out.Buf), "limit", limit)
	l.server.slowClosed.Add(1)
	b.release()
	return nil, false
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
