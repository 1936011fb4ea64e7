package server

import (
	"net"
	"os"
	"time"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

// next is where a connection goes from the slow lane.
type next uint8

const (
	comeBack next = iota
	lingerAndClose
	handOver
	wait
)

// leave takes the connection off its loop: one goroutine sends the backlog, then does what then
// says. While it is away nothing is read from it, so a peer that does not read its replies can't
// send further requests: its own kernel makes it wait.
func (c *conn) leave(unsent *backlog, then next) {
	sock := c.sock
	tc, err := c.detach()
	if err != nil {
		c.server.log.Warn("connection closed: its socket could not be copied", "error", err)
		if unsent != nil {
			unsent.release()
		}
		sock.drop()
		return
	}
	c.lane.Store(tc)
	c.loop.remove(c)
	if unsent != nil {
		c.stall(true)
	}
	c.sock, c.then = nil, comeBack
	sock.forget()
	sock.drop()
	started := c.server.lane.Go(func() { c.travel(tc, unsent, then) }, func() { hurry(tc) })
	if !started {
		c.end(tc, unsent)
	}
}

// stall tells the codec whether its peer takes what it is sent.
func (c *conn) stall(is bool) {
	if p, ok := c.codec.(wire.Pusher); ok {
		p.Stall(is)
	}
}

// detach copies the socket for use off the loop.
func (c *conn) detach() (*net.TCPConn, error) {
	fd, err := c.sock.Dup()
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "connection")
	defer f.Close() //nolint:errcheck // FileConn made a copy of its own
	nc, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return nc.(*net.TCPConn), nil
}

func (c *conn) travel(tc *net.TCPConn, unsent *backlog, then next) {
	if unsent != nil {
		count := func(n int) { c.loop.stats.bytesOut.Add(uint64(n)) }
		err := unsent.sendTo(tc, c.server.opts.ConnectionTimeout, count)
		unsent.release()
		if err != nil {
			if os.IsTimeout(err) && !c.killed.Load() {
				c.server.slowClosed.Add(1)
				c.server.log.Warn("connection closed: it does not read its replies",
					"peer", c.peer(), "waited", c.server.opts.ConnectionTimeout)
			}
			c.end(tc, nil)
			return
		}
	}
	switch {
	case then == lingerAndClose || c.killed.Load():
		linger(tc)
		c.end(tc, nil)
	case then == handOver:
		c.handOver(tc)
	case then == wait:
		c.wait(tc)
	default:
		c.comeBack(tc)
	}
}

// wait has the codec do what would have held up the loop, sends its answer and comes back.
func (c *conn) wait(tc *net.TCPConn) {
	answer := new(backlog)
	c.codec.(wire.Waiter).Wait(&answer.out)
	answer.segs = answer.out.Segments(nil)
	then := comeBack
	if c.own { // a session of the loop's is in use there
		level, wrote := c.session.TakeRequired()
		if c.server.commit(level) != nil && wrote && level > command.MemoryLevel {
			c.end(tc, answer)
			return
		}
		if c.session.Closing {
			then = lingerAndClose
		}
	}
	c.travel(tc, answer, then)
}

func (c *conn) comeBack(tc *net.TCPConn) {
	c.lane.Store(nil)
	if c.server.engine.adopt(tc, c) != nil {
		c.finish()
	}
}

// end closes a connection that is off its loop.
func (c *conn) end(tc *net.TCPConn, unsent *backlog) {
	if unsent != nil {
		unsent.release()
	}
	_ = tc.Close()
	c.finish()
}

// finish runs gone on the loop, whose session the codec may share, or here once that has ended.
func (c *conn) finish() {
	if !c.loop.post(c.gone) {
		c.gone()
	}
}

// Lingering: closing a socket with unread input resets the connection, and a reset may overtake
// the last reply. So the end of the replies is announced first and the input is thrown away.
const (
	lingerFor   = time.Second
	lingerBytes = 16 << 20
)

func linger(tc *net.TCPConn) {
	if tc.CloseWrite() != nil || tc.SetReadDeadline(after(lingerFor)) != nil {
		return
	}
	var scrap [512]byte // small: when a server ends, every connection has one on its stack
	for total := 0; total < lingerBytes; {
		n, err := tc.Read(scrap[:])
		if err != nil {
			return
		}
		total += n
	}
}
