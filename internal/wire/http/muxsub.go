package httpwire

import (
	"bytes"
	"strconv"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/wire/ws"
)

const (
	// maxSubscriptions bounds those of one socket.
	maxSubscriptions = 1024
	// maxSubscriptionBytes bounds what is kept of one, in bytes: its payload.
	maxSubscriptionBytes = maxFeedTarget
	// maxSubscriptionName bounds the name that a peer gives one, in bytes.
	maxSubscriptionName = 128
	// turnBytes is about what one subscription pushes before the next has its turn.
	turnBytes = 4 << 10
	// maxTurns bounds the turns of one round: they may find nothing.
	maxTurns = 128
)

// muxSub is one subscription of a multiplexed WebSocket.
type muxSub struct {
	name    string
	point   *feedPoint
	payload []byte // as it was sent: the feed's fields are read from it again
	sub     command.Subscription
	waker   command.Waker
	// prev and next are its neighbours in the line for turns, while inLine is set.
	prev, next *muxSub
	inLine     bool
	ended      bool
}

// woken has a subscription wait for its turn.
func (s *muxSub) woken(r *feedRound) { r.mux.enqueue(s) }

func (m *mux) enqueue(s *muxSub) {
	switch {
	case s.inLine || s.ended:
		return
	case m.last == nil:
		m.first = s
	default:
		m.last.next = s
	}
	s.prev = m.last
	m.last, s.inLine = s, true
}

// dequeue takes s out of the line, if it is there.
func (m *mux) dequeue(s *muxSub) {
	if !s.inLine {
		return
	}
	if s.prev == nil {
		m.first = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		m.last = s.prev
	} else {
		s.next.prev = s.prev
	}
	s.prev, s.next, s.inLine = nil, nil, false
}

// wanted is what the socket itself reads of the payload of subscribe and unsubscribe.
type wanted struct {
	to, name []byte
	named    bool
}

// wants reads the payload of c.
func (r *feedRound) wants(c *call) (w wanted, err error) {
	if !c.hasPayload {
		return w, nil
	}
	src := r.x.source(r.mux.encoding)
	src.seek(c.payloadAt)
	if k, err := src.kind(); err != nil || k != kindObject {
		return w, err
	}
	n, err := src.enter()
	for i := 0; err == nil; i++ {
		key, more, keyErr := src.key(i, n)
		if keyErr != nil || !more {
			return w, keyErr
		}
		switch k, kindErr := src.kind(); {
		case kindErr != nil:
			err = kindErr
		case string(key) == "to" && k == kindString:
			w.to, err = src.str()
		case string(key) == "subscription" && k != kindNull:
			if k != kindString {
				return w, errs.Request("Field 'subscription' must be a string, not " + kindNames[k])
			}
			w.named = true
			w.name, err = src.str()
		default:
			err = src.skip()
		}
	}
	return w, err
}

// subscribe opens a subscription. Its first pushes follow the answer.
func (r *feedRound) subscribe(message []byte, c *call) {
	s, err := r.prepare(message, c)
	if err != nil {
		r.refuse(c, err)
		return
	}
	x, m := r.x, r.mux
	s.waker = m.wakes.Add(s)
	s.sub.Conn, s.sub.Waker, s.sub.Lists = r.h.feeds.Add(1), s.waker, true
	x.openEnvelope(c, 4, true)
	err = r.h.engine.CallAs(x.session, &x.args,
		func(c *command.Ctx, a *command.Args) error { return s.point.Open(c, a, &s.sub) },
		s.point.row.Flags, &opening{Reply: x.reply(), name: s.name})
	if err == nil && x.over() {
		err = errOver
	}
	if err != nil {
		r.closeOne(s)
		r.refuse(c, err)
		return
	}
	x.reply().Str("error")
	x.reply().Null()
	x.take()
	r.reply()
	if m.subs == nil {
		m.subs = map[string]*muxSub{}
	}
	m.subs[s.name] = s
	m.enqueue(s)
}

// prepare reads what is to be subscribed to into a subscription and x.args.
func (r *feedRound) prepare(message []byte, c *call) (*muxSub, error) {
	m, x := r.mux, r.x
	w, err := r.wants(c)
	if err != nil {
		return nil, err
	}
	s := &muxSub{name: string(w.name), point: r.h.kinds[string(w.to)]}
	switch {
	case s.point == nil:
		return nil, errs.Request("Field 'to' must be one of " + r.h.known)
	case w.named && (len(w.name) == 0 || len(w.name) > maxSubscriptionName || !validText(w.name)):
		return nil, errs.Newf(errs.BadRequest, "Invalid request: Field 'subscription' must be "+
			"UTF-8 of 1 to %d bytes", maxSubscriptionName)
	case m.subs[s.name] != nil:
		return nil, errs.Newf(errs.BadRequest,
			"Invalid request: this socket has a subscription '%s' already", s.name)
	case len(m.subs) == maxSubscriptions:
		return nil, errs.Newf(errs.TooLarge, "Invalid request: this socket has %d subscriptions "+
			"already; end one, or open another socket", maxSubscriptions)
	case c.payloadEnd-c.payloadAt > maxSubscriptionBytes:
		return nil, errs.Newf(errs.TooLarge, "Invalid request: the payload of a subscription may "+
			"have at most %d bytes; subscribe in parts", maxSubscriptionBytes)
	}
	s.payload = bytes.Clone(message[c.payloadAt:c.payloadEnd])
	if err := r.fields(s); err != nil {
		return nil, err
	}
	if err := x.args.Validate(); err != nil {
		return nil, err
	}
	for s.name == "" || m.subs[s.name] != nil {
		m.named++
		s.name = "s" + strconv.FormatUint(m.named, 10)
	}
	return s, nil
}

// fields reads what s was opened with into x.args.
func (r *feedRound) fields(s *muxSub) error {
	if r.fieldsOf == s {
		return nil
	}
	x := r.x
	x.dec.reset()
	x.req = request{body: s.payload}
	err := x.dec.payload(x.source(r.mux.encoding), &x.args, s.point.row)
	if err == nil {
		err = x.dec.fault
	}
	if r.fieldsOf = nil; err == nil {
		r.fieldsOf = s
	}
	return err
}

// opening is a Reply for the first value of a feed, an object whose type comes first: the type is
// left out, and the name of the subscription put in its place.
type opening struct {
	command.Reply
	name string
	seen int // strings so far; the first two are the type
}

// skip says whether the next string is part of the type.
func (o *opening) skip() bool {
	o.seen++
	return o.seen <= 2
}

// Map is part of command.Reply.
func (o *opening) Map(n int) {
	o.Reply.Map(n)
	if o.seen == 0 {
		o.Reply.Str("subscription")
		o.Reply.Str(o.name)
	}
}

// Str is part of command.Reply.
func (o *opening) Str(s string) {
	if !o.skip() {
		o.Reply.Str(s)
	}
}

// Text is part of command.Reply.
func (o *opening) Text(b []byte) {
	if !o.skip() {
		o.Reply.Text(b)
	}
}

// unsubscribe ends a subscription. Nothing of it comes after the answer.
func (r *feedRound) unsubscribe(c *call) {
	w, err := r.wants(c)
	s := r.mux.subs[string(w.name)]
	switch {
	case err != nil:
	case !w.named:
		err = errs.Missing("subscription")
	case s == nil:
		err = errs.Newf(errs.NotFound, "Not found: this socket has no subscription '%s'", w.name)
	}
	if err != nil {
		r.refuse(c, err)
		return
	}
	r.closeOne(s)
	x := r.x
	x.openEnvelope(c, 4, true)
	reply := x.reply()
	reply.Map(2)
	reply.Str("subscription")
	reply.Str(s.name)
	reply.Str("ended")
	reply.Bool(true)
	reply.Str("error")
	reply.Null()
	x.take()
	r.reply()
}

// pushAll gives those that were woken their turns, until nothing more is there or it is enough for
// one round.
func (r *feedRound) pushAll() {
	m, x := r.mux, r.x
	x.roused = m.wakes.Take(x.roused[:0])
	for _, item := range x.roused {
		item.woken(r)
	}
	clear(x.roused)
	for turns := 0; m.first != nil; turns++ {
		if turns == maxTurns || r.pushed >= maxPush || r.out.Full() {
			// The server first sends what is there, as slowly as the peer reads.
			m.wakes.Waker.Wake()
			return
		}
		s := m.first
		m.dequeue(s)
		r.turn(s)
	}
}

// turn pushes some of what a subscription has.
func (r *feedRound) turn(s *muxSub) {
	most := r.pushed + turnBytes
	for asked := 0; !s.ended; asked++ {
		if r.pushed >= most || asked == maxAsked || r.out.Full() {
			r.mux.enqueue(s)
			return
		}
		then := command.ThenNext
		if s.point.Frames != nil {
			then = r.framesOf(s, most-r.pushed)
		}
		switch then {
		case command.ThenWait:
			return
		case command.ThenNext:
			if !r.nextOf(s) {
				return
			}
		case command.ThenEnd:
			r.finish(s, nil)
		}
	}
}

// framesOf pushes what is ready. It was made as JSON, once for everybody.
func (r *feedRound) framesOf(s *muxSub, most int) (then command.Then) {
	x := r.x
	x.pulled, then = s.point.Frames(r.h.engine, &s.sub, most, x.pulled[:0])
	if len(x.pulled) > 0 {
		r.h.engine.Shown(x.session)
	}
	for rest := x.pulled; len(rest) > 0; {
		var text []byte
		text, rest = ws.Cut(rest)
		r.openPush(s).JSON(text)
		if x.over() {
			r.finish(s, errOver)
			return command.ThenWait
		}
		r.pushValue()
	}
	return then
}

// nextOf pushes the next value. false: there is none.
func (r *feedRound) nextOf(s *muxSub) (more bool) {
	err := r.fields(s)
	if err == nil {
		session, reply := r.x.session, r.openPush(s)
		session.Parking, s.sub.Parked = &s.sub.Parking, false
		err = r.h.engine.CallAs(session, &r.x.args,
			func(c *command.Ctx, a *command.Args) (err error) {
				more, err = s.point.Next(c, a, &s.sub)
				return err
			}, s.point.row.Flags, reply)
		session.Parking = nil
	}
	if err == nil && more && r.x.over() {
		err = errOver
	}
	switch {
	case err != nil:
		r.finish(s, err)
		return false
	case more:
		r.pushValue()
	}
	return more
}

// openPush begins {subscription, push}.
func (r *feedRound) openPush(s *muxSub) command.Reply {
	r.x.json.reset()
	r.x.pack.reset()
	reply := r.x.reply()
	reply.Map(2)
	reply.Str("subscription")
	reply.Str(s.name)
	reply.Str("push")
	return reply
}

// pushValue sends what was written as one value.
func (r *feedRound) pushValue() {
	r.x.take()
	r.pushed += len(r.x.body)
	r.reply()
}

// finish says that a subscription has ended, and why; nil: it is complete.
func (r *feedRound) finish(s *muxSub, why error) {
	r.closeOne(s)
	r.x.json.reset()
	r.x.pack.reset()
	reply, pairs := r.x.reply(), 2
	if why != nil {
		pairs = 4
	}
	reply.Map(pairs)
	reply.Str("subscription")
	reply.Str(s.name)
	reply.Str("ended")
	reply.Bool(true)
	if why != nil {
		reply.Str("error")
		reply.Str(why.Error())
		reply.Str("code")
		reply.Str(errs.Of(why).Code())
	}
	r.pushValue()
}

// closeOne gives back what a subscription holds, once.
func (r *feedRound) closeOne(s *muxSub) {
	if s.ended {
		return
	}
	m := r.mux
	s.ended = true
	m.dequeue(s) // peers may subscribe and unsubscribe faster than there are turns
	m.wakes.Forget(s.waker)
	if m.subs[s.name] == s { // not if it could not be opened
		if delete(m.subs, s.name); len(m.subs) == 0 {
			m.subs = nil // maps don't shrink
		}
	}
	s.sub.Parked = true // it may be in line from a round before
	if r.fields(s) == nil {
		s.point.Closed(r.h.engine, &r.x.args, &s.sub, r.h.engine.Clock.Now())
	}
}

// closeAll gives back what the socket holds.
func (r *feedRound) closeAll() {
	m := r.mux
	for _, s := range m.subs {
		r.closeOne(s)
	}
	for _, w := range m.waits {
		r.h.engine.Leave(w.parking)
		m.wakes.Forget(w.waker)
		w.message = nil
	}
	m.subs, m.waits, m.spare, m.slow, m.first, m.last = nil, nil, nil, nil, nil, nil
}
