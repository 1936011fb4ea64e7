package synap

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Handler works on one message. Its context ends when the message is no longer ours (the cause is
// ErrLeaseLost), and some time after that of Consume has; see DrainTimeout.
type Handler func(ctx context.Context, m *Message) error

// ErrLeaseLost is the cause of a handler's context when its message went to somebody else, or may
// have: the connection broke, or the lease could not be extended in time.
var ErrLeaseLost = errors.New("synap: the message is not ours any more")

// ConsumeOption is a setting of Consume.
type ConsumeOption func(*consumeOptions)

type consumeOptions struct {
	prefetch, concurrency int
	drain                 time.Duration
}

// Prefetch is how many messages may be held at once, those that are worked on included: 1 to 10000,
// 10 by default, and at least as many as Concurrency. Over resp:// none is held ahead.
func Prefetch(n int) ConsumeOption { return func(o *consumeOptions) { o.prefetch = n } }

// Concurrency is how many handlers run at once, 1 by default.
func Concurrency(n int) ConsumeOption { return func(o *consumeOptions) { o.concurrency = n } }

// DrainTimeout is how long handlers may go on when Consume is to end, before their context ends,
// too; 30 s by default.
func DrainTimeout(d time.Duration) ConsumeOption { return func(o *consumeOptions) { o.drain = d } }

// consumer is one run of Consume.
type consumer struct {
	q       *Queue
	handler Handler
	consumeOptions
	beat time.Duration // between two extensions of a lease
	// handlers is what theirs are made of: it outlives Consume's own context by the drain timeout.
	handlers context.Context //nolint:containedctx // of all handlers together
	workers  sync.WaitGroup
	running  context.Context //nolint:containedctx // until nothing more is to be begun
	end      func()          // ends running, and with it all

	mu       sync.Mutex
	changed  *sync.Cond // waiting, idle or stopped
	waiting  []*lease
	held     map[*lease]struct{} // waiting, or worked on
	idle     int                 // workers
	stopped  bool
	panicked bool
	reason   any // of the panic
}

// lease is a message that is ours for now.
type lease struct {
	*Message
	calls  caller
	ctx    context.Context //nolint:containedctx // of its handler
	cancel context.CancelCauseFunc
}

// caller sends requests about the messages of one source.
type caller interface {
	// settle sends a request whose answer nobody waits for, where the wire can.
	settle(r *request)
	// releases says whether what is not settled goes back when the source ends.
	releases() bool
	// do sends requests together.
	do(ctx context.Context, reqs []*request) ([]any, []error, error)
}

// Consume works on the messages of the queue, which must exist, until ctx ends. A handler that
// returns nil acknowledges its message, an error gives it back to be delivered again (later or as
// a dead letter, as the queue is set). One that panics gives it back, too, and Consume panics with
// the same value once all others have ended. Leases are extended for as long as handlers run.
//
// It has a connection of its own. When that breaks the server gives what was held to others at
// once, and another connection is opened; see WithReconnect. So a message can be worked on more
// than once. In the end handlers under way finish, and what was not begun goes back to its place;
// the server counts that as a delivery.
//
// The error is that of ctx, or why the queue can't be consumed any more.
func (q *Queue) Consume(ctx context.Context, handler Handler, options ...ConsumeOption) error {
	c := &consumer{q: q, handler: handler, held: map[*lease]struct{}{},
		consumeOptions: consumeOptions{prefetch: 10, concurrency: 1, drain: 30 * time.Second}}
	for _, o := range options {
		o(&c.consumeOptions)
	}
	c.prefetch = max(c.prefetch, c.concurrency)
	if c.concurrency < 1 || c.prefetch > 10_000 {
		return &Error{Kind: ErrInvalid, Command: "queue.consume",
			Message: "concurrency must be at least 1, prefetch at most 10000"}
	}
	if err := c.measure(ctx); err != nil {
		return err
	}
	c.changed = sync.NewCond(&c.mu)
	handlers, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	c.handlers = handlers
	running, stop := context.WithCancel(ctx)
	defer stop()
	c.running, c.end = running, stop
	for range c.concurrency {
		c.workers.Go(c.work)
	}
	go func() { // ends with running
		<-running.Done()
		c.stop()
		patience := time.NewTimer(c.drain)
		defer patience.Stop()
		select {
		case <-patience.C:
			cut()
		case <-handlers.Done():
		}
	}()
	var err error
	if q.c.lines() {
		err = c.pull(running)
	} else {
		err = c.push(running)
	}
	if c.panicked {
		panic(c.reason)
	}
	if why := ctx.Err(); why != nil {
		return why
	}
	return err
}

// measure asks how long leases of the queue last.
func (c *consumer) measure(ctx context.Context) error {
	v, err := c.q.c.call(ctx, &request{command: "queue.info", read: true,
		line: []any{"QINFO", c.q.name}, fields: []field{{"queue", c.q.name}}})
	if err != nil {
		return err
	}
	if m := member(v, "config"); m != nil {
		v = m
	}
	ms := toInt(member(v, "ack_deadline_ms"))
	if ms <= 0 {
		ms = 30_000
	}
	c.beat = time.Duration(ms) * time.Millisecond / 3
	return nil
}

// stop has workers take nothing more.
func (c *consumer) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	c.changed.Broadcast()
}

// got takes a message in.
func (c *consumer) got(m *Message, calls caller) {
	l := &lease{Message: m, calls: calls}
	l.ctx, l.cancel = context.WithCancelCause(c.handlers)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held[l] = struct{}{}
	c.waiting = append(c.waiting, l)
	c.changed.Broadcast()
}

// take waits for a message to work on; nil: it is over.
func (c *consumer) take() *lease {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle++
	c.changed.Broadcast()
	for len(c.waiting) == 0 && !c.stopped {
		c.changed.Wait()
	}
	c.idle--
	if c.stopped || c.running.Err() != nil {
		return nil
	}
	l := c.waiting[0]
	c.waiting = c.waiting[1:]
	return l
}

// work is one worker.
func (c *consumer) work() {
	for l := c.take(); l != nil; l = c.take() {
		c.handle(l)
	}
}

// handle runs the handler and says what became of the message. A panic is kept for the caller of
// Consume.
func (c *consumer) handle(l *lease) {
	err, returned := error(nil), false
	defer func() {
		reason := recover()
		if !returned {
			if reason == nil { // runtime.Goexit, as by t.FailNow
				reason = "synap: a handler ended its goroutine"
			}
			c.panic(reason) // before it is given back, or it might come again
		}
		c.settle(l, returned && err == nil)
	}()
	err = c.handler(l.ctx, l.Message)
	returned = true
}

// panic keeps the reason of the first panic and ends all.
func (c *consumer) panic(reason any) {
	c.end()
	c.stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.panicked {
		c.panicked, c.reason = true, reason
	}
}

// settle acknowledges a message or gives it back, unless somebody did or it is not ours any more.
func (c *consumer) settle(l *lease, done bool) {
	c.mu.Lock()
	_, ours := c.held[l]
	delete(c.held, l)
	c.mu.Unlock()
	l.cancel(nil)
	switch {
	case !ours, l.settled.Load():
	case done:
		l.calls.settle(l.ack())
	case c.running.Err() != nil && l.calls.releases(): // given back now it would come again
	default:
		l.calls.settle(l.nack(0))
	}
}

// lose forgets what came from a source, which others have now. nil: from all.
func (c *consumer) lose(calls caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for l := range c.held {
		if calls == nil || l.calls == calls {
			c.drop(l)
		}
	}
}

// drop forgets a message. c.mu is held.
func (c *consumer) drop(l *lease) {
	delete(c.held, l)
	l.cancel(ErrLeaseLost)
	for i := range c.waiting {
		if c.waiting[i] == l {
			c.waiting = append(c.waiting[:i:i], c.waiting[i+1:]...)
			break
		}
	}
}

// heartbeat extends all leases, again and again, until ctx ends.
func (c *consumer) heartbeat(ctx context.Context, calls caller) {
	tick := time.NewTicker(c.beat)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		c.mu.Lock()
		var leases []*lease
		var reqs []*request
		for l := range c.held {
			if l.calls == calls && !l.settled.Load() {
				leases, reqs = append(leases, l), append(reqs, l.extend(0))
			}
		}
		c.mu.Unlock()
		if len(reqs) == 0 {
			continue
		}
		asking, cancel := context.WithTimeout(ctx, c.beat)
		_, errs, err := calls.do(asking, reqs)
		cancel()
		if err != nil || errs == nil {
			continue // the source finds out, too
		}
		c.mu.Lock()
		for i, l := range leases {
			_, held := c.held[l]
			if held && (errors.Is(errs[i], ErrConflict) || errors.Is(errs[i], ErrNotFound)) {
				c.drop(l)
			}
		}
		c.mu.Unlock()
	}
}
