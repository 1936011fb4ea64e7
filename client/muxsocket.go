package synap

import (
	"context"
	"sync"
	"time"
)

// muxSocket is a multiplexed WebSocket: any number of goroutines have requests under way on it,
// matched with their answers by id, so that one that is given up shifts none.
type muxSocket struct {
	conn   *wsConn
	format Format
	ended  sync.WaitGroup // its two goroutines
	wake   chan struct{}  // of the writer

	// pushed takes what subscriptions are sent, on the reader's goroutine; nil: there are none.
	pushed func(*envelope)
	// lost is told once why the socket ended, after its calls were; nil: nobody wants to know.
	lost func(error)

	mu         sync.Mutex
	calls      map[uint64]*muxCall
	last       uint64 // id
	out, spare []byte
	drained    chan struct{} // closed when out was taken; nil: nobody waits
	put, sent  int64         // bytes ever appended to out, and those that may have gone out
	err        error         // why it is of no use any more
}

// muxCall is some requests of one caller.
type muxCall struct {
	commands []*request
	first    uint64 // their ids follow each other
	from     int64  // where in all that was ever sent they begin
	left     int
	payloads []any
	errs     []error
	err      error // the socket ended
	done     chan struct{}
}

// maxUnsent is how much may wait to be written, in bytes, before callers wait; or one message.
const maxUnsent = 8 << 20

const muxPath = "/api/v1/ws"

func (f Format) protocol() string {
	if f == JSON {
		return "synap.json"
	}
	return "synap.msgpack"
}

func (f Format) op() byte {
	if f == JSON {
		return opText
	}
	return opBinary
}

// dialMux opens a socket. pushed and lost may be nil.
func dialMux(
	ctx context.Context, o *options, pushed func(*envelope), lost func(error),
) (*muxSocket, error) {
	c, err := dialWS(ctx, o, muxPath, o.format.protocol())
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Time{}) // a closed connection says so when it is used
	s := &muxSocket{conn: c, format: o.format, pushed: pushed, lost: lost,
		calls: map[uint64]*muxCall{}, wake: make(chan struct{}, 1)}
	s.ended.Add(2)
	go s.read()
	go s.write()
	return s, nil
}

// Close ends the socket and waits for its goroutines. Calls under way fail.
func (s *muxSocket) Close() error {
	s.fail(ErrClosed)
	s.ended.Wait()
	return nil
}

// alive says whether it can be used, and busy how many requests are under way.
func (s *muxSocket) state() (alive bool, busy int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err == nil, len(s.calls)
}

// do sends requests and waits for all answers.
func (s *muxSocket) do(ctx context.Context, reqs []*request) ([]any, []error, error) {
	c, err := s.start(ctx, reqs)
	if err != nil {
		return nil, nil, err
	}
	return s.wait(ctx, c)
}

// start sends requests.
func (s *muxSocket) start(ctx context.Context, reqs []*request) (*muxCall, error) {
	c := &muxCall{commands: reqs, left: len(reqs), payloads: make([]any, len(reqs)),
		done: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.err == nil && len(s.out) > maxUnsent {
		if err := s.awaitRoom(ctx); err != nil {
			return nil, broken(reqs[0].command, err, true)
		}
	}
	if s.err != nil {
		return nil, broken(reqs[0].command, s.err, true)
	}
	before := len(s.out)
	c.first, c.from = s.last+1, s.put
	var body []byte
	for i, r := range reqs {
		var err error
		if body, err = r.appendEnvelope(body[:0], s.format, c.first+uint64(i)); err != nil {
			s.out = s.out[:before]
			return nil, &Error{Kind: ErrInvalid, Command: r.command, Message: err.Error()}
		}
		s.out = appendFrame(s.out, s.format.op(), body)
	}
	s.put += int64(len(s.out) - before)
	s.last += uint64(len(reqs))
	for i := range reqs {
		s.calls[c.first+uint64(i)] = c
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return c, nil
}

// awaitRoom waits, unlocked, until what was to be sent is being sent.
func (s *muxSocket) awaitRoom(ctx context.Context) error {
	if s.drained == nil {
		s.drained = make(chan struct{})
	}
	drained := s.drained
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wait waits for all answers. When ctx ends first they are nobody's any more.
func (s *muxSocket) wait(ctx context.Context, c *muxCall) ([]any, []error, error) {
	select {
	case <-c.done:
	case <-ctx.Done():
		s.mu.Lock()
		for i := range c.commands {
			delete(s.calls, c.first+uint64(i))
		}
		unsent := c.from >= s.sent
		s.mu.Unlock()
		return nil, nil, broken(c.commands[0].command, ctx.Err(), unsent)
	}
	if c.err != nil {
		return nil, nil, c.err
	}
	return c.payloads, c.errs, nil
}

// write writes what callers append, and asks a silent server whether it is there.
func (s *muxSocket) write() {
	defer s.ended.Done()
	tick := time.NewTicker(silence)
	defer tick.Stop()
	for {
		var ping bool
		select {
		case <-s.wake:
		case <-tick.C:
			ping = true
		}
		s.mu.Lock()
		out := s.out
		s.out = s.spare[:0]
		s.sent += int64(len(out)) // before they are written: an answer may come at once
		if s.drained != nil {
			close(s.drained)
			s.drained = nil
		}
		over := s.err != nil
		s.mu.Unlock()
		if over {
			return
		}
		counted := len(out)
		if ping {
			out = appendFrame(out, opPing, nil)
		}
		if err := s.flush(out, counted); err != nil {
			s.fail(err)
			return
		}
	}
}

// flush writes out, of which counted bytes are requests.
func (s *muxSocket) flush(out []byte, counted int) error {
	s.conn.writing.Lock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(patience)) // as above
	n, err := s.conn.Write(out)
	s.conn.writing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent -= int64(max(0, counted-n))
	if s.spare = nil; cap(out) <= keepBuffer {
		s.spare = out[:0]
	}
	return err
}

// read hands answers to who waits for them.
func (s *muxSocket) read() {
	defer s.ended.Done()
	var bounded time.Time
	for {
		// The deadline is moved now and then, not with every message.
		if now := time.Now(); now.Sub(bounded) > time.Second {
			_ = s.conn.SetReadDeadline(now.Add(patience)) // as above
			bounded = now
		}
		op, body, err := s.conn.message()
		var e envelope
		if err == nil && op != s.format.op() {
			err = errFrame
		}
		if err == nil {
			err = e.read(body, s.format)
		}
		switch {
		case err != nil:
			s.fail(err)
			return
		case e.push != nil, e.ended && e.id == 0:
			if s.pushed != nil {
				s.pushed(&e)
			}
		default:
			s.answer(&e)
		}
	}
}

// answer gives an answer to its caller, unless that has left.
func (s *muxSocket) answer(e *envelope) {
	s.mu.Lock()
	c := s.calls[e.id]
	delete(s.calls, e.id)
	s.mu.Unlock()
	if c == nil {
		return
	}
	i := int(e.id - c.first)
	v, err := e.result(s.format, c.commands[i])
	if err != nil {
		if c.errs == nil {
			c.errs = make([]error, len(c.commands))
		}
		c.errs[i] = err
	}
	c.payloads[i] = v
	if c.left--; c.left == 0 {
		close(c.done)
	}
}

// fail ends the socket, once, and all calls under way.
func (s *muxSocket) fail(err error) {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = err
	calls, sent := s.calls, s.sent
	s.calls = nil
	if s.drained != nil {
		close(s.drained)
		s.drained = nil
	}
	s.mu.Unlock()
	_ = s.conn.Close() // it is of no use any more
	select {
	case s.wake <- struct{}{}:
	default:
	}
	for _, c := range calls {
		if c.err == nil {
			c.err = broken(c.commands[0].command, err, c.from >= sent)
			close(c.done)
		}
	}
	if s.lost != nil {
		s.lost(err)
	}
}

// subscribe opens a subscription and returns the payload of the answer. What it is sent may come
// before that.
func (s *muxSocket) subscribe(ctx context.Context, fields []field) (any, error) {
	payloads, errs, err := s.do(ctx, []*request{{command: "subscribe", fields: fields}})
	if err == nil {
		err = first(errs)
	}
	if err != nil {
		return nil, err
	}
	return payloads[0], nil
}
