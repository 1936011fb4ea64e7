package httpwire

import (
	nethttp "net/http"
	"strconv"
	"time"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

// Conn is the fast lane of one connection. It keeps nothing between rounds, unless it waits, became
// a WebSocket or is sent an answer that goes on.
type Conn struct {
	handler *Handler
	session *command.Session
	waker   command.Waker    // nil: nothing may wait
	parking *command.Parking // of the first request that waited; nil before
	feed    *feed            // nil: HTTP is spoken
	closing bool             // the feed's request wanted no other behind it
	ending  bool             // the server shuts down
}

var (
	_ wire.Conn    = (*Conn)(nil)
	_ wire.Sleeper = (*Conn)(nil)
	_ wire.Keeper  = (*Conn)(nil)
)

// NewConn makes the fast lane of a connection. Commands run as s, which connections of the same
// loop may share: HTTP requests leave no state in it.
func (h *Handler) NewConn(s *command.Session) *Conn { return &Conn{handler: h, session: s} }

// Feed answers the whole plain requests at the start of in, in order: see wire.Conn. The first
// request that is not the fast lane's to judge ends in HandOver, with its bytes unconsumed.
func (c *Conn) Feed(in []byte, out *wire.Output) (consumed, need int, v wire.Verdict) {
	for {
		if c.feed == nil {
			n, more, verdict := c.requests(in[consumed:], out)
			consumed, need, v = consumed+n, more, verdict
		}
		if c.feed == nil {
			return consumed, need, v
		}
		n, more, verdict := c.feedSocket(in[consumed:], out)
		consumed, need, v = consumed+n, more, verdict
		if c.feed != nil || out.Full() {
			return consumed, need, v
		}
	}
}

// requests is Feed until the connection becomes a feed.
func (c *Conn) requests(in []byte, out *wire.Output) (consumed, need int, v wire.Verdict) {
	h := c.handler
	x := h.acquire(c.session)
	x.fast = true
	defer h.release(x)
	for consumed < len(in) && !out.Full() {
		n, more, l := x.req.parse(in[consumed:])
		if l == laneMore {
			return consumed, more, wire.Open
		}
		if l != laneFast || len(x.req.body) > h.options.MaxBody || h.extra(x) {
			return consumed, 0, wire.HandOver
		}
		e := h.find(x)
		if x.req.upgrade {
			if v = c.upgrade(x, e, out); v != wire.Open {
				return consumed, 0, v
			}
			if c.feed != nil {
				return consumed + n, 0, wire.Open
			}
		}
		answered := false
		switch x.away = e.waits(); {
		case x.away:
		case x.streams(e):
			answered = c.stream(x, e, out)
		default:
			answered = c.serve(x, e)
		}
		switch {
		case c.feed != nil:
			return consumed + n, 0, wire.Open
		case x.away:
			return consumed, 0, wire.HandOver
		case !answered:
			return consumed, 0, wire.Park
		}
		x.send(h, out)
		consumed += n
		if x.req.close {
			return consumed, 0, wire.Close
		}
		if c.crowded(consumed < len(in)) {
			break
		}
	}
	return consumed, 0, wire.Open
}

// crowded says that subscribers have much to be sent, and so have their turn now. If something is
// left, the connection is fed again after them.
func (c *Conn) crowded(left bool) bool {
	is := c.session.Crowded && c.waker != nil
	if c.session.Crowded = false; is && left {
		c.waker.Wake()
	}
	return is
}

// serve answers one request, unless its command parked: then it is false, and the request is to
// come again. The loop's session has what lets it wait only meanwhile.
func (c *Conn) serve(x *exchange, e *endpoint) (answered bool) {
	s := c.session
	if !c.ending {
		s.Parking, s.Waker = c.parking, c.waker
	}
	answered = c.handler.attempt(x, e)
	if s.Parking != nil { // a batch has cleared it
		c.parking = s.Parking
	}
	s.Parking, s.Waker = nil, nil
	return answered
}

// SetWaker lets requests and feeds wait: see wire.Sleeper.
func (c *Conn) SetWaker(w wire.Waker) { c.waker = w }

// GiveUp ends a feed, or has a request that waits answered, in the next round.
func (c *Conn) GiveUp() bool {
	c.ending = true
	return c.leave() || c.feed != nil
}

// leave gives up the place in line of a request that waits, and says whether there is one.
func (c *Conn) leave() bool {
	p := c.parking
	waits := p != nil && p.Parked
	if waits {
		c.handler.engine.Leave(p)
	}
	return waits
}

// Closed gives back what a feed or a request that waits holds.
func (c *Conn) Closed() {
	c.leave()
	c.closeFeed()
}

// extra says whether the path belongs to a handler of the net/http lane.
func (h *Handler) extra(x *exchange) bool {
	if len(h.options.Extra) == 0 {
		return false
	}
	_, ok := h.options.Extra[string(x.req.path)]
	return ok
}

// send appends the answer to out:
//
//	status line, Content-Type, CORS, Date, further headers, Content-Length, empty line, body
func (x *exchange) send(h *Handler, out *wire.Output) {
	b := out.Buf
	if x.status == 200 {
		b = append(b, "HTTP/1.1 200 OK\r\n"...)
	} else {
		b = append(b, "HTTP/1.1 "...)
		b = strconv.AppendInt(b, int64(x.status), 10)
		b = append(append(append(b, ' '), nethttp.StatusText(x.status)...), "\r\n"...)
	}
	if x.ctype == typeJSON {
		b = append(b, "Content-Type: application/json\r\nAccess-Control-Allow-Origin: *\r\n"...)
	} else {
		b = append(append(b, "Content-Type: "...), x.ctype...)
		b = append(b, "\r\nAccess-Control-Allow-Origin: *\r\n"...)
	}
	for _, f := range x.headers {
		b = append(append(append(append(b, f.name...), ": "...), f.value...), "\r\n"...)
	}
	if x.req.close {
		b = append(b, "Connection: close\r\n"...)
	}
	b = append(append(b, "Date: "...), x.date.at(x.now(h))...)
	length := len(x.body)
	if x.large != nil {
		length = len(x.large.Bytes())
	}
	b = append(b, "\r\nContent-Length: "...)
	b = append(strconv.AppendInt(b, int64(length), 10), "\r\n\r\n"...)
	if x.large != nil {
		out.Splices = append(out.Splices, wire.Splice{At: len(b), Value: x.large})
		x.large = nil
	} else {
		b = append(b, x.body...)
	}
	out.Buf = b
}

// now is the time of the round in ms since the Unix epoch.
func (x *exchange) now(h *Handler) int64 {
	if x.session.Now != 0 {
		return x.session.Now
	}
	return h.engine.Clock.Now()
}

// dateCache formats the Date header once a second.
type dateCache struct {
	second int64
	text   [29]byte
}

// at returns the date of a time in ms since the Unix epoch.
func (d *dateCache) at(now int64) []byte {
	if second := now / 1000; second != d.second || d.text[0] == 0 {
		d.second = second
		time.Unix(second, 0).UTC().AppendFormat(d.text[:0], nethttp.TimeFormat)
	}
	return d.text[:]
}
