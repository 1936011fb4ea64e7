package server

import (
	"net"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

// engine runs connections on event loops. gnet.go implements it; nothing else here knows gnet.
type engine interface {
	// adopt brings a connection onto its loop, or onto the least busy one when c.loop is nil. The
	// socket belongs to the engine afterwards, even when adopt fails.
	adopt(tc *net.TCPConn, c *conn) error
	// stop closes all connections and waits for the loops to end.
	stop() error
}

// poller is one event loop as its engine shows it.
type poller interface {
	// post runs f on the loop soon, from any goroutine; false: the loop has ended.
	post(f func()) bool
}

// socket is a connection as its loop sees it. Only the loop may use it.
type socket interface {
	// Fd is the file descriptor, non-blocking.
	Fd() int
	// Dup copies the descriptor; the caller closes the copy.
	Dup() (int, error)
	RemoteAddr() net.Addr
	LocalAddr() net.Addr
	// deafen stops reading, or begins again. An engine that can't goes on: see conn.checkInput.
	deafen(on bool)
	// drop closes the socket; the connection's closed is called.
	drop()
	// forget parts the connection from the socket: the socket's end is no longer its own.
	forget()
}

// loop is what the connections of one event loop share. Everything but stats, woken and poller is
// used by the loop alone.
type loop struct {
	poller
	server  *Server
	conns   []*conn
	out     wire.Output      // replies of all connections of a round
	booked  []span           // whose replies they are, in order
	level   command.Level    // the strongest that booked replies wait for
	spare   [][]byte         // emptied input buffers
	session *command.Session // of all HTTP connections
	segs    [][]byte
	woken   wakes
	rouse   func() // feedWoken, made once
	rounds  uint64
	stats   loopStats
	counts  *command.Counters
	group   *command.Group // of the connections among those that listen; may be nil
}

const (
	// readBytes is the most that one round takes from one connection, for fairness.
	readBytes = 64 << 10
	// keepOutput is the reply buffer a loop keeps between rounds.
	keepOutput = 2 << 20
	// keepInput is the input buffer a loop keeps for the next half request.
	keepInput = 64 << 10
	maxSpare  = 64
)

func newLoop(s *Server, p poller) *loop {
	l := &loop{poller: p, server: s, counts: s.protocols.Counters()}
	l.stats.latency = make([]histogram, s.protocols.Rows)
	if s.protocols.Group != nil {
		l.group = s.protocols.Group(l.post)
	}
	l.session = &command.Session{Counters: l.counts, Group: l.group}
	l.session.Info.Multi.Store(-1)
	l.rouse = l.feedWoken
	return l
}

func (l *loop) add(c *conn) {
	c.index = len(l.conns)
	l.conns = append(l.conns, c)
}

// opened welcomes a connection, new or back from the slow lane.
func (l *loop) opened(c *conn, s socket) {
	if c.loop == nil {
		c.loop = l // for good: kill reads it from other goroutines
	} else {
		c.excuse()
		c.stall(false)
	}
	c.sock = s
	l.add(c)
	switch {
	case c.killed.Load():
		s.drop()
	case c.due:
		c.resume()
	case c.parked: // its wake is still to come
	case len(c.in) > 0:
		c.round(nil)
	case c.server.draining.Load() && c.told:
		c.leave(nil, lingerAndClose)
	}
}

// closed says goodbye to a connection whose socket is closed.
func (l *loop) closed(c *conn) {
	l.remove(c)
	c.sock = nil
	c.gone()
}

func (l *loop) remove(c *conn) {
	last := len(l.conns) - 1
	moved := l.conns[last]
	l.conns[c.index] = moved
	moved.index = c.index
	l.conns[last] = nil
	l.conns = l.conns[:last]
}

// buffer returns an empty input buffer.
func (l *loop) buffer() []byte {
	if n := len(l.spare); n > 0 {
		b := l.spare[n-1]
		l.spare = l.spare[:n-1]
		return b
	}
	return make([]byte, 0, 4096)
}

func (l *loop) recycle(b []byte) {
	if cap(b) <= keepInput && len(l.spare) < maxSpare {
		l.spare = append(l.spare, b[:0])
	}
}
