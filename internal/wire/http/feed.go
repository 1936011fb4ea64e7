package httpwire

import (
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/wire"
	"github.com/synapdb/synap/internal/wire/ws"
)

const (
	// maxFeedMessage bounds a message of a feed's peer, in bytes: it may be held for a while.
	maxFeedMessage = 1 << 20
	// maxPush is about what one round pushes to one connection, in bytes: for fairness, and because
	// a peer that reads slowly holds so much of our memory.
	maxPush = 64 << 10
	// maxAsked bounds how often a round asks a feed for frames: it may find none that are wanted.
	maxAsked = 16
	// maxInflated is about what one round inflates of one connection, in bytes: few that arrive may
	// become many.
	maxInflated = 256 << 10
	// maxFeedTarget bounds path and query of a feed, in bytes, which are kept as long as it lives:
	// two names of 512 bytes fit, percent-encoded throughout, and further fields.
	maxFeedTarget = 4 << 10
)

// feed is a connection that became a WebSocket, or an answer that goes on. Between rounds it holds
// no buffer and no decoded arguments: those are read from path and query again, which take a tenth
// of the room.
type feed struct {
	point       *feedPoint
	path, query string // as sent
	style       style
	chunked     bool  // the answer's parts say how long they are; net/http does that itself
	broken      bool  // it ended before all was said
	deflate     uint8 // window of compressed messages, as ws.Negotiate said; 0 = there are none
	reader      ws.Reader
	sub         command.Subscription
	mux         *mux // set for a multiplexed WebSocket, which has no point, path, query and sub
	ended       bool
	silence
}

// feedPoint is a command.Feed with what its connections share.
type feedPoint struct {
	*command.Feed
	row      *command.Row
	commands map[string]*feedCommand
	known    string // their names, for people
}

// feedRound is one Feed of one connection.
type feedRound struct {
	*feed
	h    *Handler
	x    *exchange
	out  *wire.Output
	read bool // x.args are those of the feed
	// Of a multiplexed WebSocket: whose x.args are, and the bytes that were pushed this round.
	fieldsOf *muxSub
	pushed   int
	work     int // bytes that were inflated, or pulled to be compressed
}

// feedSocket reads frames and pushes what there is: see wire.Conn.
func (c *Conn) feedSocket(in []byte, out *wire.Output) (consumed, need int, v wire.Verdict) {
	h := c.handler
	x := h.acquire(c.session)
	r := feedRound{feed: c.feed, h: h, x: x, out: out}
	r.begin()
	switch r.style {
	case socketStyle:
		consumed, need = r.receive(in)
	case eventStyle:
		consumed = len(in) // nothing that comes behind such a request will be answered
	case lineStyle: // what comes behind it waits
	}
	from := len(out.Buf)
	r.openChunk()
	if !r.ended {
		r.attend(r.style == socketStyle && consumed > 0)
	}
	if !r.ended && r.mux != nil {
		v = r.attendMux(c.ending)
	}
	if !r.ended && c.ending && v != wire.Wait {
		r.broken = true
		r.end(ws.CodeGoingAway, "the server shuts down")
	}
	if !r.ended {
		r.push()
	}
	if r.mux != nil {
		c.crowded(consumed < len(in))
	}
	r.closeChunk(from)
	switch {
	case !r.ended && r.style == lineStyle:
		v = wire.Park // what comes behind the request waits until it is answered
	case r.ended && (r.style != lineStyle || r.broken || c.closing):
		v = wire.Close
	case r.ended:
		c.feed = nil
	}
	h.release(x)
	return consumed, need, v
}

// begin prepares the exchange, and the session, which the loop's connections share.
func (r *feedRound) begin() {
	r.x.begin()
	r.x.encoding = encodingJSON
	if r.mux != nil {
		r.x.encoding = r.mux.encoding
		r.x.session.Crowded = false // another connection's
	}
	r.x.session.Parking, r.x.session.Waker = nil, nil
}

// receive takes the whole frames at the start of in.
func (r *feedRound) receive(in []byte) (consumed, need int) {
	for consumed < len(in) && !r.ended && !r.out.Full() && !r.held() {
		if r.work > maxInflated {
			r.wakeAgain()
			break
		}
		e, n, more, fault := r.reader.Next(in[consumed:])
		if fault != nil {
			r.end(fault.Code, fault.Reason)
			break
		}
		if n == 0 {
			return consumed, more
		}
		consumed += n
		if r.deflate != 0 {
			r.work += len(e.Data)
		}
		r.unfinished(r.reader.Unfinished(), r.x.now(r.h))
		r.take(e)
	}
	return consumed, 0
}

// wakeAgain asks for another round.
func (r *feedRound) wakeAgain() {
	if r.mux != nil {
		r.mux.wakes.Waker.Wake()
		return
	}
	r.sub.Waker.Wake()
}

// take acts on one event of the peer.
func (r *feedRound) take(e ws.Event) {
	if r.mux != nil && (e.Kind == ws.Text || e.Kind == ws.Binary) {
		r.request(e)
		return
	}
	switch e.Kind {
	case ws.Text:
		if len(r.point.commands) > 0 {
			r.command(e.Data)
		}
	case ws.Binary:
		r.end(ws.CodeUnsupported, "messages must be text: JSON")
	case ws.Ping:
		r.push() // so that a peer knows by the pong that what was there has been sent
		if !r.ended {
			r.out.Buf = ws.AppendPong(r.out.Buf, e.Data)
		}
	case ws.Closing:
		r.end(e.Code, "")
	}
}

// open runs the feed's Open and sends its frame.
func (r *feedRound) open() {
	if err := r.arguments(); err != nil {
		r.fail(err)
		return
	}
	if err := r.written(r.enter()); err != nil {
		r.fail(err)
	}
}

// enter runs the feed's Open.
func (r *feedRound) enter() error {
	r.x.json.reset()
	return r.h.engine.CallAs(r.x.session, &r.x.args,
		func(c *command.Ctx, a *command.Args) error { return r.point.Open(c, a, &r.sub) },
		r.point.row.Flags, &r.x.json)
}

// push writes what there is for the peer until there is no more, or it is enough for one round.
func (r *feedRound) push() {
	if r.mux != nil {
		r.pushAll()
		return
	}
	asked := 0
	for start, work := len(r.out.Buf), r.work; !r.ended; {
		left := maxPush - max(len(r.out.Buf)-start, r.work-work)
		if r.out.Full() || left <= 0 || asked == maxAsked {
			// The server first sends what is there, as slowly as the peer reads.
			r.sub.Waker.Wake()
			return
		}
		then := command.ThenNext
		if r.point.Frames != nil {
			then = r.frames(left)
			asked++
		}
		switch then {
		case command.ThenWait:
			return
		case command.ThenNext:
			if !r.next() {
				return
			}
		case command.ThenEnd:
			r.end(ws.CodeNormal, "")
		}
	}
}

// next writes the next value. false: there is none.
func (r *feedRound) next() (more bool) {
	if err := r.arguments(); err != nil {
		r.fail(err)
		return false
	}
	s := r.x.session
	r.x.json.reset()
	s.Parking, r.sub.Parked = &r.sub.Parking, false
	err := r.h.engine.CallAs(s, &r.x.args, func(c *command.Ctx, a *command.Args) (err error) {
		more, err = r.point.Next(c, a, &r.sub)
		return err
	}, r.point.row.Flags, &r.x.json)
	s.Parking = nil
	if err == nil && !more {
		return false
	}
	if err = r.written(err); err != nil {
		r.fail(err)
	}
	return err == nil
}

// written makes what was written a frame, unless err says why there is none.
func (r *feedRound) written(err error) error {
	if err == nil && r.x.over() {
		err = errOver
	}
	if err == nil && len(r.x.json.buf) > 0 {
		r.frame()
	}
	return err
}

// frame sends the value that was written.
func (r *feedRound) frame() {
	r.x.json.finish()
	r.value(r.x.json.buf)
}

// arguments reads what the connection was opened with into x.args, once a round.
func (r *feedRound) arguments() error {
	if r.read {
		return nil
	}
	x := r.x
	x.dec.reset()
	x.req = request{method: "GET", path: stringBytes(r.path), query: stringBytes(r.query)}
	_, err := x.readRoute(r.h.find(x))
	r.read = err == nil
	return err
}

// fail says what is wrong and ends the connection.
func (r *feedRound) fail(err error) {
	r.x.json.reset()
	writeFailure(&r.x.json, err, nil)
	r.frame()
	r.broken = true
	code := ws.CodePolicy
	switch errs.Of(err) {
	case errs.Internal, errs.IO, errs.Serialization:
		code = ws.CodeInternal
	case errs.Loading, errs.Storage, errs.MemoryLimit:
		code = ws.CodeTryAgain
	}
	r.end(code, err.Error())
}

// end sends a close frame, and gives back what the connection holds at once: the peer may take its
// time to close the socket.
func (r *feedRound) end(code int, reason string) {
	if r.style == socketStyle {
		r.out.Buf = ws.AppendClose(r.out.Buf, code, reason)
	}
	r.close()
}

// close ends the subscription, once.
func (r *feedRound) close() {
	if r.ended {
		return
	}
	r.ended = true
	if r.mux != nil {
		r.closeAll()
		return
	}
	r.sub.Parked = true // it may be in line from a round before
	if r.arguments() == nil {
		r.point.Closed(r.h.engine, &r.x.args, &r.sub, r.h.engine.Clock.Now())
	}
}

// closeFeed ends the subscription of a connection that is gone. The loop may have ended, so its
// session is out of bounds.
func (c *Conn) closeFeed() {
	if c.feed == nil || c.feed.ended {
		return
	}
	x := c.handler.acquire(nil)
	x.begin()
	r := feedRound{feed: c.feed, h: c.handler, x: x}
	r.close()
	c.handler.release(x)
}

// addFeed routes a row's live endpoint. It panics on commands that are none: they are part of the
// program.
func (h *Handler) addFeed(row *command.Row) {
	p := &feedPoint{Feed: row.Feed, row: row, commands: map[string]*feedCommand{}}
	if row.Feed.Events != "" {
		h.routes.add("GET", row.Feed.Events, &endpoint{row: row, body: -1, stream: p,
			style: eventStyle, serve: (*Handler).serveNoStream})
	}
	if row.Feed.Path == "" {
		return
	}
	e := &endpoint{row: row, body: -1, feed: p, serve: (*Handler).serveFeedRequest}
	h.routes.add("GET", row.Feed.Path, e)
	for name, target := range row.Feed.Commands {
		p.commands[name] = newFeedCommand(e, h.engine.Table.Synap([]byte(target)), target)
	}
	p.known = strings.Join(sortedNames(p.commands), ", ")
}
