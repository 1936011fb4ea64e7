package httpwire

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
	"github.com/synapdb/synap/internal/wire/ws"
)

// upgrade opens the feed that a handshake asks for, and its first frame follows. A handshake for
// anything else is net/http's; one that is wrong leaves c.feed nil, and is served as a request.
func (c *Conn) upgrade(x *exchange, e *endpoint, out *wire.Output) wire.Verdict {
	h := c.handler
	if e == nil || e.feed == nil && !e.mux || c.waker == nil {
		return wire.HandOver
	}
	if x.begin(); x.req.handshakeFault() != "" {
		return wire.Open
	}
	var f *feed
	if e.mux {
		f = h.newMux(x, c.waker)
	} else {
		if _, err := x.readRoute(e); err != nil {
			return wire.Open
		}
		f = h.newFeed(x, e.feed, c.waker)
		f.reader.Most = min(maxFeedMessage, h.options.MaxBody)
	}
	extensions := h.extend(f, x)
	out.Buf = append(out.Buf, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Accept: "...)
	out.Buf = append(ws.AppendAccept(out.Buf, x.req.wsKey), "\r\n"...)
	if f.mux != nil {
		out.Buf = f.mux.appendProtocol(out.Buf)
	}
	out.Buf = append(append(out.Buf, extensions...), "\r\n"...)
	if c.feed = f; f.mux != nil {
		return wire.Open // it says nothing unasked
	}
	r := feedRound{feed: f, h: h, x: x, out: out}
	r.begin()
	r.open()
	return wire.Open
}

// extend chooses the extensions of a WebSocket from what is offered, and returns the answer's
// header, or nothing.
func (h *Handler) extend(f *feed, x *exchange) (header string) {
	if !h.options.SocketCompression || len(x.req.wsExtensions) == 0 {
		return ""
	}
	answer, bits := ws.Negotiate(x.req.wsExtensions)
	if bits == 0 {
		return ""
	}
	f.deflate, f.reader.Deflate = bits, true
	return "Sec-WebSocket-Extensions: " + answer + "\r\n"
}

// newFeed is the state of a feed that a request asks for.
func (h *Handler) newFeed(x *exchange, p *feedPoint, w command.Waker) *feed {
	f := &feed{point: p, path: string(x.req.path), query: string(x.req.query)}
	f.sub.Conn, f.sub.Waker = h.feeds.Add(1), w
	return f
}

// handshakeFault says what is wrong with a handshake, or nothing: RFC 6455, 4.2.1. Any Origin is
// welcome, and subprotocols are known to the multiplexed WebSocket only.
func (r *request) handshakeFault() string {
	switch {
	case r.method != "GET":
		return "the method must be GET"
	case len(r.body) > 0:
		return "the request must have no body"
	case len(r.path)+len(r.query) > maxFeedTarget:
		return "the path and query are too long"
	case r.seen&hasUpgradeOption == 0:
		return "the Connection header must contain Upgrade"
	case string(r.wsVersion) != ws.Version:
		return badVersion
	case !ws.ValidKey(r.wsKey):
		return "Sec-WebSocket-Key must be 16 bytes in base64"
	}
	return ""
}

const badVersion = "Sec-WebSocket-Version must be " + ws.Version

// serveFeedRequest answers a request for a feed that does not open it.
func (h *Handler) serveFeedRequest(x *exchange) {
	if !x.req.upgrade {
		x.header("Upgrade", "websocket")
		x.header("Connection", "Upgrade")
		x.plain(426, "This is a live endpoint: connect with a WebSocket client\n")
		return
	}
	x.req.close = true // frames may follow, which must not be read as requests
	switch fault := x.req.handshakeFault(); {
	case fault == badVersion:
		x.header("Upgrade", "websocket")
		x.header("Sec-WebSocket-Version", ws.Version)
		x.plain(426, "Bad WebSocket handshake: "+fault+"\n")
	case fault != "":
		x.plain(400, "Bad WebSocket handshake: "+fault+"\n")
	default:
		if e := h.find(x); e.row != nil {
			if status, err := x.readRoute(e); err != nil {
				x.failure(status, err.Error())
				return
			}
		}
		x.plain(400, "Bad WebSocket handshake: it must be a plain HTTP/1.1 request in origin "+
			"form, with each header once\n")
	}
}
