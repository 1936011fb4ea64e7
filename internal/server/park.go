package server

import (
	"sync"
	"sync/atomic"

	"github.com/synapdb/synap/internal/wire"
)

// wakes are the connections of a loop that are to be fed though no byte has come. Any goroutine
// adds to them; many make one task of the loop.
type wakes struct {
	sync.Mutex
	conns, spare []*conn
	some         atomic.Bool // conns is not empty, or was a moment ago
}

// Wake has the connection fed soon: see wire.Waker. The codec got it from sniff, so the connection
// has its loop.
func (c *conn) Wake() {
	if c.woken.Swap(true) {
		return
	}
	l := c.loop
	l.woken.Lock()
	l.woken.conns = append(l.woken.conns, c)
	first := len(l.woken.conns) == 1
	l.woken.some.Store(true)
	l.woken.Unlock()
	if first {
		l.post(l.rouse)
	}
}

// feedWoken feeds the connections that were woken since the last time.
func (l *loop) feedWoken() {
	l.woken.Lock()
	conns := l.woken.conns
	l.woken.conns, l.woken.spare = l.woken.spare, nil
	l.woken.some.Store(false)
	l.woken.Unlock()
	for i, c := range conns {
		conns[i] = nil
		c.woken.Store(false) // before it is fed: a later wake is for what it does then
		c.resume()
	}
	if cap(conns) > keepWakes {
		return
	}
	l.woken.Lock()
	l.woken.spare = conns[:0]
	l.woken.Unlock()
}

// keepWakes is how many places for woken connections a loop keeps.
const keepWakes = 1 << 10

// resume feeds the codec what it left unconsumed, which may be nothing.
func (c *conn) resume() {
	if c.booked {
		c.loop.flush() // what can't be sent takes it to the slow lane, before it says more
	}
	if c.sock == nil {
		c.due = true // opened goes on, should it come back
		return
	}
	c.due = false
	c.sock.deafen(false)
	if c.parked {
		c.parked = false
		c.excuse() // what is unconsumed could not get further
	}
	c.run(c.in, c.server.clock.Now())
}

// giveUp tells the codec once that the server ends. true means that it will be fed for that.
func (c *conn) giveUp() bool {
	if c.told || c.codec == nil {
		return false
	}
	c.told = true
	if s, ok := c.codec.(wire.Sleeper); !ok || !s.GiveUp() {
		return false
	}
	c.Wake()
	return true
}
