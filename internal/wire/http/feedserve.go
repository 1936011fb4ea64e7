package httpwire

import (
	nethttp "net/http"
	"time"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

// streamHTTP answers by a feed on the net/http lane: over HTTP/2, and where a request is not plain
// enough for a loop. It takes over s and x.
func (h *Handler) streamHTTP(
	w nethttp.ResponseWriter, r *nethttp.Request, s *laneSession, x *exchange, e *endpoint,
) {
	var out wire.Output
	round := feedRound{feed: h.newFeed(x, e.stream, s), h: h, x: x, out: &out}
	round.style = e.style
	started := round.start(func() {
		header := w.Header()
		header.Set("Content-Type", types[e.style])
		for _, f := range streamHeaders {
			header.Set(f.name, f.value)
		}
	})
	if !started {
		x.write(w, r.ProtoMajor)
		h.release(x)
		h.sessions.Put(s)
		return
	}
	h.release(x)
	c := &Conn{handler: h, session: &s.Session, waker: s, feed: round.feed}
	whole := c.push(w, r, s, &out)
	c.Closed()
	h.sessions.Put(s)
	if !whole {
		panic(nethttp.ErrAbortHandler)
	}
}

// push sends what the feed has until it ends, or its peer leaves. whole: all was said.
func (c *Conn) push(
	w nethttp.ResponseWriter, r *nethttp.Request, s *laneSession, out *wire.Output,
) (whole bool) {
	control := nethttp.NewResponseController(w)
	tick, stop := pings(c.handler.options.PingEvery)
	defer stop()
	f := c.feed
	for {
		c.feedSocket(nil, out)
		level, _ := s.TakeRequired()
		if c.handler.engine.Commit(level) != nil && level > command.MemoryLevel {
			return false // what it shows might be gone after a restart
		}
		if _, err := w.Write(out.Buf); err != nil || control.Flush() != nil {
			return false
		}
		if out.Reset(keepBytes); f.ended {
			return f.style == eventStyle || !f.broken
		}
		select {
		case <-s.woken:
		case <-tick:
			f.say = sayPing
		case <-wire.Quit(r.Context()):
			c.ending = true
		case <-r.Context().Done():
			return false
		}
	}
}

// pings says when to ping a peer: never, where none is to be.
func pings(every time.Duration) (tick <-chan time.Time, stop func()) {
	if every <= 0 {
		return nil, func() {}
	}
	t := time.NewTicker(every)
	return t.C, t.Stop
}
