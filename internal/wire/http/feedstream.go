package httpwire

import (
	"bytes"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/wire"
	"github.com/synapdb/synap/internal/wire/ws"
)

// style is how the values of a feed are sent.
type style uint8

const (
	// socketStyle: frames of a WebSocket.
	socketStyle style = iota
	// eventStyle: server-sent events, an answer that ends with the connection.
	eventStyle
	// lineStyle: lines of JSON, an answer that ends when all is said.
	lineStyle
)

// types are the content types of answers that go on.
var types = [...]string{eventStyle: "text/event-stream", lineStyle: "application/x-ndjson"}

// streams says whether e answers the request by a feed.
func (x *exchange) streams(e *endpoint) bool {
	switch {
	case e == nil || e.stream == nil || x.req.upgrade:
		return false
	case e.style == eventStyle:
		return true
	}
	for q := x.req.query; len(q) > 0; {
		var item []byte
		if item, q, _ = bytes.Cut(q, []byte{'&'}); bytes.HasPrefix(item, []byte("format=")) {
			return string(item) == "format=ndjson"
		}
	}
	lines := 0
	eachWeighted(x.req.accept, func(word []byte, weight int) {
		if equalFold(word, types[lineStyle]) {
			lines = weight
		}
	})
	return lines > 0
}

// stream begins an answer that goes on. If it is refused, x says so and the connection is no feed.
func (c *Conn) stream(x *exchange, e *endpoint, out *wire.Output) (answered bool) {
	if c.waker == nil {
		x.away = true
		return false
	}
	c.closing = x.req.close
	r := feedRound{feed: c.handler.newFeed(x, e.stream, c.waker), h: c.handler, x: x, out: out}
	r.style, r.chunked = e.style, true
	if !r.start(func() { r.head() }) {
		return true
	}
	c.feed = r.feed
	return false
}

// start opens the feed that x asks for, and sends what head does and the first value. false: it
// is refused, and x has the answer.
func (r *feedRound) start(head func()) bool {
	x := r.x
	req := x.req
	r.begin()
	err := r.arguments()
	if err == nil && len(req.lastEvent) > 0 && r.point.Resume != nil {
		err = r.point.Resume(&x.args, req.lastEvent)
	}
	if err == nil {
		err = r.enter()
	}
	if err == nil && x.over() {
		err = errOver
	}
	if err != nil {
		r.close()
	}
	if x.req = req; err != nil {
		x.json.reset()
		x.failure(errs.Of(err).HTTPStatus(), err.Error())
		return false
	}
	head()
	from := len(r.out.Buf)
	r.openChunk()
	if len(x.json.buf) > 0 {
		r.frame()
	}
	r.closeChunk(from)
	return true
}

// streamHeaders are those of answers that go on, beside their type. Proxies must pass on what
// comes at once.
var streamHeaders = [...]headerField{
	{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"},
	{"X-Content-Type-Options", "nosniff"}, {"Access-Control-Allow-Origin", "*"},
}

// head appends the head of an answer in chunks.
func (r *feedRound) head() {
	b := append(r.out.Buf, "HTTP/1.1 200 OK\r\nContent-Type: "...)
	b = append(append(b, types[r.style]...), "\r\n"...)
	for _, f := range streamHeaders {
		b = append(append(append(append(b, f.name...), ": "...), f.value...), "\r\n"...)
	}
	if r.x.req.close || r.style == eventStyle {
		b = append(b, "Connection: close\r\n"...)
	}
	b = append(append(b, "Date: "...), r.x.date.at(r.x.now(r.h))...)
	r.out.Buf = append(b, "\r\nTransfer-Encoding: chunked\r\n\r\n"...)
}

// chunkHead is the size of a part of an answer, filled in when it is known.
const chunkHead = "00000000\r\n"

// openChunk begins a part of an answer.
func (r *feedRound) openChunk() {
	if r.chunked {
		r.out.Buf = append(r.out.Buf, chunkHead...)
	}
}

// closeChunk completes the part that began at from. The last one is left out if the answer is not
// whole, so that the peer notices.
func (r *feedRound) closeChunk(from int) {
	if !r.chunked {
		return
	}
	b := r.out.Buf
	size := len(b) - from - len(chunkHead)
	if size == 0 {
		b = b[:from]
	} else {
		const digits = "0123456789abcdef"
		for i, n := from+len(chunkHead)-3, size; n > 0; i, n = i-1, n>>4 {
			b[i] = digits[n&15]
		}
		b = append(b, "\r\n"...)
	}
	if r.ended && (r.style == eventStyle || !r.broken) {
		b = append(b, "0\r\n\r\n"...)
	}
	r.out.Buf = b
}

// frames has the feed append what is ready.
func (r *feedRound) frames(most int) (then command.Then) {
	e, x := r.h.engine, r.x
	from := len(r.out.Buf)
	switch {
	case r.style == socketStyle && r.deflate == 0:
		r.out.Buf, then = r.point.Frames(e, &r.sub, most, r.out.Buf)
	case r.style == socketStyle:
		x.pulled, then = r.point.Frames(e, &r.sub, most, x.pulled[:0])
		r.recode(x.pulled)
	default:
		x.pulled, then = r.point.Frames(e, &r.sub, most, x.pulled[:0])
		for rest := x.pulled; len(rest) > 0; {
			var text []byte
			text, rest = ws.Cut(rest)
			r.value(text)
		}
	}
	if len(r.out.Buf) > from {
		e.Shown(x.session)
	}
	return then
}

// value sends the JSON text of a value.
func (r *feedRound) value(text []byte) {
	b := r.out.Buf
	switch r.style {
	case socketStyle:
		r.message(ws.Text, text)
		return
	case lineStyle:
		b = append(appendLine(b, text), '\n')
	case eventStyle:
		r.pinged = r.x.now(r.h)
		b = r.event(b, text)
	}
	r.out.Buf = b
}

// event appends a server-sent event. EventSource has events of its own, error and open, which must
// not be taken for those: names that are one of these words behind any number of underscores get
// one underscore more.
func (r *feedRound) event(b, text []byte) []byte {
	const id = "id: "
	var name []byte
	from := len(b)
	if b = append(b, id...); r.point.Label != nil {
		b, name = r.point.Label(b, text, &r.sub)
	}
	if len(b) > from+len(id) {
		b = append(b, '\n')
	} else if b = b[:from]; len(name) == 0 {
		name = typeOf(text)
	}
	if len(name) > 0 {
		b = append(b, "event: "...)
		if word := bytes.TrimLeft(name, "_"); string(word) == "error" || string(word) == "open" {
			b = append(b, '_')
		}
		b = append(appendInside(b, name), '\n')
	}
	return append(appendLine(append(b, "data: "...), text), "\n\n"...)
}

// message sends one message of a socket, compressed if that was negotiated.
func (r *feedRound) message(kind ws.Kind, payload []byte) {
	if r.deflate == 0 {
		r.out.Buf = ws.AppendMessage(r.out.Buf, kind, payload)
		return
	}
	z := r.h.zippers.Get().(*ws.Deflater)
	r.out.Buf = z.Append(r.out.Buf, kind, r.deflate, payload)
	r.h.zippers.Put(z)
}

// recode sends the text messages of whole plain frames, compressed as was negotiated.
func (r *feedRound) recode(plain []byte) {
	z := r.h.zippers.Get().(*ws.Deflater)
	r.out.Buf = z.Recode(r.out.Buf, r.deflate, plain)
	r.h.zippers.Put(z)
	r.work += len(plain)
}

// ping sends something that means nothing.
func (r *feedRound) ping() {
	switch r.style {
	case socketStyle:
		r.out.Buf = ws.AppendPing(r.out.Buf, nil)
	case eventStyle:
		r.out.Buf = append(r.out.Buf, ":\n\n"...) // a comment
	case lineStyle: // it waits for nothing but its peer
	}
}

// typeOf is the type that a value {"type":"word",…} says it has, or nil.
func typeOf(text []byte) []byte {
	rest, ok := bytes.CutPrefix(text, []byte(`{"type":"`))
	word, _, found := bytes.Cut(rest, []byte{'"'})
	if !ok || !found {
		return nil
	}
	return word
}

// appendLine appends JSON text as one line: breaks may stand between its words, and mean nothing.
func appendLine(dst, text []byte) []byte {
	from := len(dst)
	dst = append(dst, text...)
	if bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\r') < 0 {
		return dst
	}
	for i, c := range dst[from:] {
		if c == '\n' || c == '\r' {
			dst[from+i] = ' '
		}
	}
	return dst
}

// appendInside appends what the inside of a JSON string means, in which nothing but quotes,
// backslashes and control characters is escaped. Those are spaces here: one could end the line.
func appendInside(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' && i+1 < len(text) {
			i++
			if c = text[i]; c == 'u' {
				c = ' '
				i = min(i+4, len(text)-1)
			} else if c != '"' && c != '\\' && c != '/' {
				c = ' '
			}
		}
		dst = append(dst, c)
	}
	return dst
}

// serveNoStream answers what can't open a stream.
func (h *Handler) serveNoStream(x *exchange) {
	x.plain(400, "This is a stream of server-sent events, not a WebSocket\n")
}
