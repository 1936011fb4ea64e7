package server

import (
	"net"
	"sync/atomic"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

// conn is one connection on, or for a while off, its loop. Its fields belong to the loop while
// sock is set, and to the slow lane otherwise.
type conn struct {
	server  *Server
	loop    *loop
	door    *Door
	from    *address // counts it until gone, or until the general server closes it
	sock    socket
	index   int       // in loop.conns
	codec   wire.Conn // nil until the first byte
	session *command.Session
	own     bool // session is this connection's alone, and listed
	// in are the bytes of an unfinished request; nil when there are none.
	in []byte
	// need is how long in must be before the codec can get further.
	need int
	// then is where the connection goes once its booked replies are sent; comeBack = it stays.
	then next
	// cut says that the socket was dropped in the middle of replies: no more may follow. Some
	// sockets are gone only when the loop's callback ends.
	cut bool
	// parked says that the codec waits for a wake: fresh bytes are only kept.
	parked bool
	// booked says that replies wait for the loop's next flush.
	booked bool
	// due says that a wake came while the connection was off its loop.
	due bool
	// told says that the codec was asked to give up waiting.
	told bool
	// Times in ms since the Unix epoch: opened; seen: when the peer last sent something, or was
	// listened to again; begun: the first bytes of the request in in, 0 when there is none.
	opened, seen, begun int64
	// lane is the socket while the slow lane has it.
	lane   atomic.Pointer[net.TCPConn]
	killed atomic.Bool
	woken  atomic.Bool // in loop.woken
}

// round feeds fresh bytes to the codec and books the replies for the loop's next flush. It runs
// on the loop; afterwards the connection may be gone from it.
func (c *conn) round(fresh []byte) {
	l := c.loop
	l.stats.bytesIn.Add(uint64(len(fresh)))
	now := c.server.clock.Now()
	c.seen = now
	if c.parked {
		c.keepFresh(fresh)
		return
	}
	in := fresh
	if len(c.in) > 0 {
		c.in = grow(c.in, fresh, c.need)
		if len(c.in) < c.need {
			c.checkInput()
			return
		}
		in = c.in
	}
	if c.codec == nil {
		c.sniff(in[0])
	}
	c.run(in, now)
}

// run feeds in, one round of which is timed now and then.
func (c *conn) run(in []byte, now int64) {
	l := c.loop
	c.session.Now = now
	if c.own {
		c.session.Info.LastActive.Store(now)
	}
	l.rounds++
	if l.rounds%sampleEvery != 0 {
		c.feed(in, now)
		return
	}
	// Timing reads the clock twice, so only a sample of the rounds pays for it.
	before, begun := c.session.Executed, c.server.clock.Micros()
	c.feed(in, now)
	if c.sock == nil {
		return // it left: the session may be in use elsewhere
	}
	l.stats.observe(c.session, before, c.server.clock.Micros()-begun)
}

// feed runs the codec until it wants more bytes, and decides where the connection goes.
func (c *conn) feed(in []byte, now int64) {
	l := c.loop
	for {
		from := l.mark(c)
		n, need, verdict := c.codec.Feed(in, &l.out)
		in = in[n:]
		l.book(from)
		c.parked = verdict == wire.Park
		if (verdict == wire.Open || c.parked) && !l.out.Full() {
			c.keep(in, need, n > 0, now)
			c.checkInput()
			return
		}
		// The end of a connection, and an output that is full, can't wait for the round's end.
		again := verdict == wire.Open && n > 0 && len(in) > 0
		c.keep(in, need, n > 0, now)
		c.then = afterVerdict[verdict]
		l.flush()
		if !again || c.sock == nil || c.cut {
			return
		}
		in = c.in
	}
}

// afterVerdict says where a connection goes once its replies are sent.
var afterVerdict = [...]next{
	wire.Open: comeBack, wire.Close: lingerAndClose, wire.HandOver: handOver,
	wire.Park: comeBack, wire.Wait: wait,
}

// keep remembers the unconsumed bytes for the next round.
func (c *conn) keep(rest []byte, need int, progress bool, now int64) {
	c.need = need
	if len(rest) == 0 {
		c.begun = 0
		if c.in != nil {
			c.loop.recycle(c.in)
			c.in = nil
		}
		return
	}
	if progress || c.begun == 0 {
		c.begun = now
	}
	if c.in == nil {
		c.in = append(c.loop.buffer(), rest...)
		return
	}
	c.in = c.in[:copy(c.in, rest)] // rest is the tail of c.in
}

// keepFresh adds what came while the connection is parked.
func (c *conn) keepFresh(fresh []byte) {
	if c.in == nil {
		c.in = c.loop.buffer()
	}
	c.in = grow(c.in, fresh, 0)
	c.checkInput()
}

// behindBytes is how much may pile up behind a command that waits before the peer is made to wait
// too: it may wait for an hour, and many may. The price: the end of a peer that has sent much more
// is noticed only when its command has waited long enough. Likewise behind a connection that let
// others have their turn, and may do so after each request.
const behindBytes = 256 << 10

// checkInput bounds what a connection holds of its peer's.
func (c *conn) checkInput() {
	if len(c.in) <= c.server.opts.InputBytes {
		if (c.parked || c.woken.Load()) && len(c.in) >= behindBytes {
			c.sock.deafen(true) // until resume
		}
		return
	}
	c.server.log.Warn("connection closed: its unfinished request is over the limit",
		"peer", c.peer(), "bytes", len(c.in), "limit", c.server.opts.InputBytes)
	c.sock.drop()
}

// grow appends fresh to b. A declared need is believed only as far as bytes have arrived: the
// buffer at most doubles, and ends at need without a last doubling.
func grow(b, fresh []byte, need int) []byte {
	total := len(b) + len(fresh)
	if total > cap(b) {
		bigger := max(2*cap(b), total)
		if need >= total {
			bigger = min(bigger, need)
		}
		b = append(make([]byte, 0, bigger), b...)
	}
	return append(b, fresh...)
}

// sniff chooses the codec by the first byte.
func (c *conn) sniff(first byte) {
	p := &c.server.protocols
	if c.door.Dialect == RESPDoor || first == '*' {
		c.session, c.own = c.newSession(), true
		c.codec = p.RESP(c.session)
		p.Sessions.Add(c.session)
	} else {
		c.session = c.loop.session
		c.codec = p.HTTP(c.session)
	}
	if s, ok := c.codec.(wire.Sleeper); ok {
		s.SetWaker(c)
	}
}

func (c *conn) newSession() *command.Session {
	s := &command.Session{Counters: c.loop.counts, Group: c.loop.group}
	s.Info.Addr = c.sock.RemoteAddr().String()
	s.Info.LocalAddr = c.sock.LocalAddr().String()
	s.Info.Created = c.opened
	s.Info.LastActive.Store(c.seen)
	s.Info.Multi.Store(-1)
	s.Info.Kill = c.kill
	return s
}

func (c *conn) peer() string {
	if c.sock != nil {
		return c.sock.RemoteAddr().String()
	}
	if tc := c.lane.Load(); tc != nil {
		return tc.RemoteAddr().String()
	}
	return "?"
}

// kill closes the connection from any goroutine, after the round it may be in.
func (c *conn) kill() {
	c.killed.Store(true)
	if tc := c.lane.Load(); tc != nil {
		hurry(tc)
	}
	c.loop.post(func() {
		if c.sock != nil {
			c.sock.drop()
		}
	})
}

// gone ends the connection's state once its socket is closed. It runs on the loop if that
// still turns.
func (c *conn) gone() {
	if c.codec != nil {
		c.codec.Closed()
	}
	if c.own {
		c.server.protocols.Sessions.Remove(c.session)
	}
	c.in = nil
	c.server.discount(c.from)
}
