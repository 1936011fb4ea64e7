package server

import (
	"context"
	"time"

	"github.com/synapdb/synap/internal/wire"
)

// slowestBytes is how much of a request must arrive per second once its timeout has passed.
const slowestBytes = 64 << 10

// sweeper looks for overdue connections until ctx ends.
func (s *Server) sweeper(ctx context.Context) error {
	tick := time.NewTicker(s.sweepEvery())
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.sweep()
		}
	}
}

// sweepEvery is fine enough for the timeouts and coarse enough to cost nothing.
func (s *Server) sweepEvery() time.Duration {
	d := s.opts.ConnectionTimeout
	if idle := s.opts.IdleTimeout; idle > 0 {
		d = min(d, idle)
	}
	return min(max(d/4, 20*time.Millisecond), time.Second)
}

// sweep asks every loop to close its overdue connections.
func (s *Server) sweep() {
	for _, l := range s.allLoops() {
		l.post(l.sweep)
	}
}

// sweep closes overdue connections. It goes downwards because remove fills a gap with the last.
func (l *loop) sweep() {
	now := l.server.clock.Now()
	for i := len(l.conns) - 1; i >= 0; i-- {
		c := l.conns[i]
		switch {
		case l.server.draining.Load():
			c.drain()
		case c.overdue(now):
			c.sock.drop()
		}
	}
}

func (c *conn) overdue(now int64) bool {
	o := &c.server.opts
	timeout := o.ConnectionTimeout.Milliseconds()
	idle := c.server.idle.Load()
	switch {
	case c.parked:
		return false // it waits for us
	case c.begun != 0:
		c.kept(now) // half a frame is no excuse for what else may take too long
		return now-c.begun > timeout+int64(len(c.in)/slowestBytes)*1000
	case c.codec == nil:
		return now-c.opened > timeout
	case c.kept(now):
		return false
	case idle > 0:
		return now-c.seen > idle
	}
	return false
}

// kept says whether the codec looks after a silent peer itself.
func (c *conn) kept(now int64) bool {
	k, ok := c.codec.(wire.Keeper)
	return ok && k.Keep(now, c.seen)
}

// excuse restarts the timeouts of a connection that was not read from for a while.
func (c *conn) excuse() {
	c.seen = c.server.clock.Now()
	if c.begun != 0 {
		c.begun = c.seen
	}
}

// drain closes a connection that has nothing to be answered. Others close after their round, which
// comes now for those that wait; answers that are booked leave with the loop's next flush.
func (c *conn) drain() {
	if c.giveUp() || c.booked || len(c.in) > 0 || waiting(c.sock.Fd()) > 0 {
		return
	}
	c.leave(nil, lingerAndClose)
}
