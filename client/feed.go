package synap

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// feed is one subscription on a connection of its own. What comes is read when it is asked for: a
// caller who is slow holds up the server, which keeps events of rooms, and drops messages of topics
// and watches of keys once too many wait.
type feed struct {
	ws   *wsConn
	resp *respConn
	mux  bool // its messages are those of a multiplexed socket
	// bounded is when the deadline of reads was moved last.
	bounded time.Time
	ctx     context.Context //nolint:containedctx // its end is the feed's
	forget  func() bool     // ctx

	mu     sync.Mutex
	timer  *time.Timer
	closed bool
}

// pushed is one thing a feed was sent, valid until the next one: JSON text over WebSocket, words
// over RESP.
type pushed struct {
	text  []byte
	words []any
}

// subject is what a feed is about, in the words of each wire.
type subject struct {
	command string
	// path, with its query, is where a WebSocket for it opens. "": only as fields of subscribe.
	path   string
	fields []field
	line   []any
	acks   int // RESP: how many pushes acknowledge it; 0: it has a reply
}

// openFeed subscribes. opened is what the server says first.
func (c *Client) openFeed(ctx context.Context, s *subject) (f *feed, opened any, err error) {
	dialing, cancel := c.timed(ctx)
	defer cancel()
	f = &feed{ctx: ctx, bounded: time.Now()}
	if c.lines() {
		opened, err = f.openRESP(dialing, c.options, s)
	} else {
		opened, err = f.openWS(dialing, c.options, s)
	}
	if err != nil {
		f.drop()
		return nil, nil, named(s.command, dialFailed(s.command, ended(dialing, err)))
	}
	f.forget = context.AfterFunc(ctx, f.drop)
	f.timer = time.AfterFunc(silence, f.ping)
	return f, opened, nil
}

// named gives an error its command.
func named(command string, err error) error {
	var e *Error
	if errors.As(err, &e) && e.Command == "" {
		e.Command = command
	}
	return err
}

// failed is why a connection is of no use any more: what the server said, or the network.
func failed(command string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return named(command, err)
	}
	return broken(command, err, false)
}

func (f *feed) openWS(ctx context.Context, o *options, s *subject) (opened any, err error) {
	path, protocol := s.path, ""
	if path == "" {
		f.mux = true
		path, protocol = muxPath, JSON.protocol()
	}
	if f.ws, err = dialWS(ctx, o, path, protocol); err != nil {
		return nil, err
	}
	defer f.ws.bound(ctx)()
	if f.mux {
		r := request{command: "subscribe", fields: s.fields}
		body, err := r.appendJSON(nil, 1)
		if err != nil {
			return nil, err
		}
		if err := f.ws.send(opText, body); err != nil {
			return nil, err
		}
	}
	_, text, err := f.ws.message()
	if err != nil {
		return nil, err
	}
	if f.mux {
		return readEnvelope(text, JSON, &request{command: s.command})
	}
	if err := failure(text); err != nil {
		return nil, err
	}
	return readJSON(text)
}

func (f *feed) openRESP(ctx context.Context, o *options, s *subject) (opened any, err error) {
	if s.line == nil {
		return nil, errNoLine(s.command)
	}
	if f.resp, err = dialRESP(ctx, o); err != nil {
		return nil, err
	}
	defer f.resp.bound(ctx)()
	f.resp.put(s.line)
	defer f.resp.flush()()
	if opened, err = f.resp.receive(); err != nil {
		return nil, err
	}
	for range s.acks - 1 {
		if _, err = f.resp.receive(); err != nil {
			return nil, err
		}
	}
	return opened, nil
}

// failure is what a message of type error says.
func failure(text []byte) error {
	var kind, why, code string
	err := members(text, func(name, value []byte) {
		switch string(name) {
		case "type":
			kind = jsonText(value)
		case "error":
			why = jsonText(value)
		case "code":
			code = jsonText(value)
		}
	})
	if err == nil && kind == "error" {
		return refusal("", why, code)
	}
	return err
}

// next waits for what comes next. After an error the feed is of no use.
func (f *feed) next() (p pushed, err error) {
	if now := time.Now(); now.Sub(f.bounded) > time.Second {
		f.bounded = now
		_ = f.link().SetReadDeadline(now.Add(patience)) // a closed connection says so when read
	}
	if f.ws != nil {
		p.text, err = f.nextText()
	} else {
		p.words, err = f.nextWords()
	}
	if f.ctx.Err() != nil {
		err = f.ctx.Err()
	}
	return p, err
}

func (f *feed) nextText() ([]byte, error) {
	_, text, err := f.ws.message()
	if err != nil || !f.mux {
		return text, err
	}
	var e envelope
	if err := e.read(text, JSON); err != nil {
		return nil, err
	}
	if e.ended {
		return nil, refusal("", e.text, e.code)
	}
	return e.push, nil
}

// nextWords skips what is no push: the answers to pings.
func (f *feed) nextWords() ([]any, error) {
	for {
		v, err := f.resp.receive()
		if err != nil {
			return nil, err
		}
		words, ok := v.(push)
		if !ok || len(words) == 0 {
			continue
		}
		if toText(words[0]) == "ended" && len(words) == 3 {
			return nil, refusal("", toText(words[2]), "")
		}
		return words, nil
	}
}

func (f *feed) link() *link {
	if f.ws != nil {
		return &f.ws.link
	}
	return &f.resp.link
}

// ping keeps the connection in use: the server gives up peers that are silent, and the answers show
// that it is there.
func (f *feed) ping() {
	_ = f.link().SetWriteDeadline(time.Now().Add(silence / 2)) // as above
	if f.ws != nil {
		_ = f.ws.send(opPing, nil) // reading finds out, too
	} else {
		_, _ = f.resp.Write([]byte("*1\r\n$4\r\nPING\r\n")) // likewise
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.timer.Reset(silence)
	}
}

// drop closes the connection.
func (f *feed) drop() {
	f.mu.Lock()
	f.closed = true
	if f.timer != nil {
		f.timer.Stop()
	}
	f.mu.Unlock()
	if f.ws != nil {
		_ = f.ws.Close() // nothing is to be saved
	}
	if f.resp != nil {
		_ = f.resp.Close() // likewise
	}
}

// Close ends the subscription.
func (f *feed) Close() error {
	f.forget()
	f.drop()
	return nil
}

// Reader reads one subscription from one connection of its own, without reconnecting: the layer
// below Subscribe and Watch, for those who want to see connections break. One goroutine uses it.
type Reader[T any] struct {
	feed    *feed
	command string
	decode  func(pushed) (item T, ok bool, err error)
}

// Next waits for the next item. An error is the end: that of the context it was opened with, or why
// the connection broke.
func (r *Reader[T]) Next() (T, error) {
	for {
		p, err := r.feed.next()
		if err == nil {
			item, ok, why := r.decode(p)
			if why == nil && !ok {
				continue
			}
			if why == nil {
				return item, nil
			}
			err = why
		}
		var none T
		return none, failed(r.command, err)
	}
}

// Close ends the subscription.
func (r *Reader[T]) Close() error { return r.feed.Close() }

// follow yields what readers give, opening another one whenever the connection breaks. open resumes
// where the one before ended; it is told whether it is the first.
func follow[T any](
	ctx context.Context, c *Client, open func(again bool) (*Reader[T], error),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var lost time.Time // when the connection was lost; zero: it never stood
		for tries := 1; ; tries++ {
			r, err := open(!lost.IsZero())
			if err == nil {
				opened := time.Now()
				var came, more bool
				came, more, err = r.each(yield)
				_ = r.Close() // nil
				if !more {
					return
				}
				// One that breaks at once, again and again, is as good as none.
				if came || lost.IsZero() || time.Since(opened) > stood {
					tries, lost = 0, time.Now()
				}
			}
			if !c.tryAgain(ctx, err, tries, lost) {
				var none T
				if why := ctx.Err(); why != nil {
					err = broken("", why, false)
				}
				yield(none, err)
				return
			}
		}
	}
}

// stood is how long a connection has to last to count as one.
const stood = 5 * time.Second

// each yields items until there is an error; came says whether there was one, and more is false
// when the caller wants no more.
func (r *Reader[T]) each(yield func(T, error) bool) (came, more bool, err error) {
	for {
		item, err := r.Next()
		if err != nil {
			return came, true, err
		}
		came = true
		if !yield(item, nil) {
			return came, false, nil
		}
	}
}

// tryAgain waits before a subscription is opened again; false: it is over. One that never stood is
// tried as often as a call, one that did until WithReconnect has passed.
func (c *Client) tryAgain(ctx context.Context, err error, tries int, since time.Time) bool {
	var e *Error
	if ctx.Err() != nil || !errors.As(err, &e) || !e.Retryable() {
		return false
	}
	if most := c.options.reconnect; since.IsZero() {
		if tries >= c.options.retry.Attempts {
			return false
		}
	} else if most >= 0 && time.Since(since) > most {
		return false
	}
	r := c.options.retry
	bound := min(r.Least<<min(tries, 20), r.Most)
	if bound <= 0 {
		return true
	}
	t := time.NewTimer(rand.N(bound) + 1)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// own copies what must outlive the next read.
func own(text []byte) []byte { return slices.Clone(text) }
