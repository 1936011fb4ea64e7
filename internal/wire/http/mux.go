package httpwire

import (
	"bytes"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/wire"
	"github.com/synapdb/synap/internal/wire/ws"
)

// muxPath is where the multiplexed WebSocket opens: requests as POST commandPath takes them, and
// subscriptions, any number of both over one connection.
const muxPath = "/api/v1/ws"

// Subprotocols of the multiplexed WebSocket: the language of its messages.
const (
	protocolJSON = "synap.json"    // text messages; also spoken when no known one is asked for
	protocolPack = "synap.msgpack" // binary messages
)

const (
	// maxWaiting bounds the requests of one socket that wait at once.
	maxWaiting = 64
	// maxWaitingBytes bounds a request that waits: it is kept meanwhile.
	maxWaitingBytes = 16 << 10
)

// mux is what a multiplexed WebSocket has beside a feed. Between rounds it holds no buffer: of a
// subscription its fields as they were sent, and of a request that waits all of it.
type mux struct {
	encoding encoding
	chosen   bool // the peer asked for the subprotocol
	wakes    command.Wakes[muxItem]
	subs     map[string]*muxSub // nil before the first
	named    uint64             // subscriptions that were given a name
	// first and last are the subscriptions that may have something to push, in the order of their
	// turns.
	first, last *muxSub
	waits       []*muxWait // requests that wait, in the order in which they came
	spare       *muxWait   // for the next request, or nil
	slow        []byte     // a request that would hold up the loop: see Conn.Wait
}

// muxItem is something of a multiplexed WebSocket that can be woken.
type muxItem interface{ woken(r *feedRound) }

// muxWait is a request that waits, or the place for one.
type muxWait struct {
	waker   command.Waker
	parking *command.Parking
	message []byte // nil: it does not wait
}

// newMux is the state of a connection that became a multiplexed WebSocket.
func (h *Handler) newMux(x *exchange, w command.Waker) *feed {
	m := new(mux)
	m.encoding, m.chosen = chooseProtocol(x.req.wsProtocol)
	m.wakes.Waker = w
	f := &feed{mux: m}
	f.reader.Most = h.options.MaxBody
	return f
}

// chooseProtocol is the first subprotocol of the peer's list that is known.
func chooseProtocol(list []byte) (e encoding, chosen bool) {
	for item := range bytes.SplitSeq(list, []byte{','}) {
		switch string(trim(item)) {
		case protocolJSON:
			return encodingJSON, true
		case protocolPack:
			return encodingPack, true
		}
	}
	return encodingJSON, false
}

// appendProtocol appends the header that says which subprotocol was chosen.
func (m *mux) appendProtocol(b []byte) []byte {
	if !m.chosen {
		return b
	}
	name := protocolJSON
	if m.encoding == encodingPack {
		name = protocolPack
	}
	return append(append(append(b, "Sec-WebSocket-Protocol: "...), name...), "\r\n"...)
}

// reply sends what was taken as one message.
func (r *feedRound) reply() {
	kind := ws.Text
	if r.mux.encoding == encodingPack {
		kind = ws.Binary
	}
	r.message(kind, r.x.body)
}

// held says that no further request may run now: one has to be answered off the loop first, or
// subscribers have to be served what was published.
func (r *feedRound) held() bool {
	return r.mux != nil && (r.mux.slow != nil || r.x.session.Crowded)
}

// request takes one message of the peer.
func (r *feedRound) request(e ws.Event) {
	m := r.mux
	switch {
	case e.Kind == ws.Binary && m.encoding == encodingJSON:
		r.end(ws.CodeUnsupported, "this socket speaks "+protocolJSON+": messages must be text")
		return
	case e.Kind == ws.Text && m.encoding == encodingPack:
		r.end(ws.CodeUnsupported, "this socket speaks "+protocolPack+": messages must be binary")
		return
	}
	w := m.spare
	if w == nil {
		w = new(muxWait)
		w.waker = m.wakes.Add(w)
		m.spare = w
	}
	r.perform(e.Data, w, true)
}

// perform runs a request and sends its answer, unless it waits now: in w, or nowhere if w is nil.
// On a loop a request that may take long is put aside instead.
func (r *feedRound) perform(message []byte, w *muxWait, loop bool) {
	x := r.x
	x.begin()
	r.fieldsOf = nil
	x.req = request{body: message}
	c, k, err := x.readEnvelope(r.mux.encoding)
	if c.echo = message[c.idAt:c.idEnd]; len(c.echo) == 0 {
		c.echo = r.mux.null()
	}
	why := c.unclear(k)
	if err != nil {
		why = err.Error()
	}
	switch {
	case why != "":
		r.refuse(&c, errs.Request(why))
		return
	case c.row == nil && string(c.name) == "subscribe":
		r.subscribe(message, &c)
		return
	case c.row == nil && string(c.name) == "unsubscribe":
		r.unsubscribe(&c)
		return
	case c.row != nil && c.row.Has(command.Blocking) && loop:
		r.mux.slow = bytes.Clone(message)
		return
	case c.row != nil && !c.decoded:
		x.args.Reset(c.row) // a payload that is not there has no fields
	}
	answered := r.execute(&c, w)
	switch {
	case answered && !loop && !r.durable():
		r.refuse(&c, errNotDurable)
	case answered:
		r.leave(w)
		r.reply()
	case w.message == nil:
		if err := r.stay(message, w); err != nil {
			r.h.engine.Leave(w.parking)
			r.refuse(&c, err)
		}
	}
}

// durable makes what was done off the loop, whose rounds do it otherwise, as safe as it has to be.
func (r *feedRound) durable() bool {
	level, wrote := r.x.session.TakeRequired()
	return r.h.engine.Commit(level) == nil || !wrote || level <= command.MemoryLevel
}

var errNotDurable = errs.New(errs.Storage,
	"Storage failed: what this did may be lost in a crash")

// null is no request_id.
func (m *mux) null() []byte {
	if m.encoding == encodingPack {
		return []byte{0xc0}
	}
	return []byte("null")
}

// unclear says what keeps c, read from a value of kind k, from being a request, or nothing. Unlike
// over HTTP its request_id may be anything, and its payload may be left out.
func (c *call) unclear(k kind) string {
	switch {
	case k != kindObject:
		return "a message must be an object, not " + kindNames[k]
	case !c.hasName:
		return "missing field `command`, a string"
	}
	return ""
}

// refuse answers that a request failed.
func (r *feedRound) refuse(c *call, err error) {
	r.x.json.reset()
	r.x.pack.reset()
	r.x.failEnvelope(c, err)
	r.reply()
}

// execute runs a command of the table, which may wait in w unless that is nil.
func (r *feedRound) execute(c *call, w *muxWait) (answered bool) {
	s := r.x.session
	s.Parking, s.Waker = nil, nil
	if w != nil {
		if s.Parking, s.Waker = w.parking, w.waker; s.Parking != nil {
			s.Parking.Parked = false
		}
	}
	r.h.runCall(r.x, c)
	if s.Parking != nil { // a batch has cleared it
		w.parking = s.Parking
	}
	answered = r.h.engine.Answered(s)
	s.Parking, s.Waker = nil, nil
	return answered
}

// stay keeps a request that waits.
func (r *feedRound) stay(message []byte, w *muxWait) error {
	m := r.mux
	switch {
	case len(m.waits) == maxWaiting:
		return errs.Newf(errs.TooLarge, "Invalid request: %d requests of this socket wait "+
			"already; use another one, or subscribe", maxWaiting)
	case len(message) > maxWaitingBytes:
		return errs.Newf(errs.TooLarge, "Invalid request: a request that waits may have at most "+
			"%d bytes", maxWaitingBytes)
	}
	w.message, m.spare = bytes.Clone(message), nil
	m.waits = append(m.waits, w)
	return nil
}

// leave forgets a request that waits no more.
func (r *feedRound) leave(w *muxWait) {
	if w == nil || w.message == nil {
		return
	}
	m := r.mux
	m.wakes.Forget(w.waker)
	w.message = nil
	for i := range m.waits {
		if m.waits[i] == w {
			m.waits = append(m.waits[:i], m.waits[i+1:]...)
			break
		}
	}
	if len(m.waits) == 0 {
		m.waits = nil
	}
}

// woken attempts a request that waits again.
func (w *muxWait) woken(r *feedRound) {
	switch {
	case w.message == nil: // it was answered meanwhile
	case r.out.Full():
		w.waker.Wake() // what is there is sent first
	default:
		r.perform(w.message, w, true)
	}
}

// attendMux has a request answered off the loop, and at the server's end those that wait at once.
func (r *feedRound) attendMux(ending bool) wire.Verdict {
	m := r.mux
	if m.slow != nil {
		if ending {
			m.wakes.Waker.Wake() // to say goodbye
		}
		return wire.Wait
	}
	for ending && len(m.waits) > 0 {
		w := m.waits[0]
		message := w.message
		r.h.engine.Leave(w.parking)
		r.leave(w)
		r.perform(message, nil, true)
	}
	return wire.Open
}

// Wait answers the request that Feed put aside: see wire.Waiter.
func (c *Conn) Wait(out *wire.Output) {
	h, m := c.handler, c.feed.mux
	s := h.sessions.Get().(*laneSession)
	x := h.acquire(&s.Session)
	r := feedRound{feed: c.feed, h: h, x: x, out: out}
	r.begin()
	message := m.slow
	m.slow = nil
	r.perform(message, nil, false)
	h.release(x)
	h.sessions.Put(s)
}

// stall tells the subscriptions whether the peer takes what it is sent.
func (m *mux) stall(stalled bool) {
	for _, s := range m.subs {
		if s.point.Stalled != nil {
			s.point.Stalled(&s.sub, stalled)
		}
	}
}

// addKinds finds the feeds that can be subscribed to. What the table does not have is left out.
func (h *Handler) addKinds() {
	h.kinds = map[string]*feedPoint{}
	var known []string
	for _, kind := range [...][2]string{{"keys", "kv.watch"}, {"queue", "queue.consume"},
		{"room", "stream.consume"}, {"topics", "pubsub.subscribe"}} {
		if row := h.engine.Table.Synap([]byte(kind[1])); row != nil && row.Feed != nil {
			h.kinds[kind[0]] = &feedPoint{Feed: row.Feed, row: row}
			known = append(known, kind[0])
		}
	}
	h.known = strings.Join(known, ", ")
}
