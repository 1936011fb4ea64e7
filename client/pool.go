package synap

import (
	"context"
	"errors"
	"io"
	"sync"
)

// pool keeps connections that nobody uses, and bounds how many are in use. C is closed when it is
// not given back whole.
type pool[C io.Closer] struct {
	dial  func(context.Context) (C, error)
	alive func(C) bool // of one that was idle; nil: it is
	slots chan struct{}

	mu     sync.Mutex
	idle   []C
	closed bool
}

func newPool[C io.Closer](size int, dial func(context.Context) (C, error), alive func(C) bool,
) *pool[C] {
	return &pool[C]{dial: dial, alive: alive, slots: make(chan struct{}, size)}
}

// take waits for a connection until ctx ends.
func (p *pool[C]) take(ctx context.Context) (c C, err error) {
	select {
	case p.slots <- struct{}{}:
	default:
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return c, ctx.Err()
		}
	}
	for {
		c, ok, err := p.pop()
		if err != nil {
			<-p.slots
			return c, err
		}
		if !ok {
			break
		}
		if p.alive == nil || p.alive(c) {
			return c, nil
		}
		_ = c.Close() // the server has closed it
	}
	if c, err = p.dial(ctx); err != nil {
		<-p.slots
	}
	return c, err
}

func (p *pool[C]) pop() (c C, ok bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return c, false, ErrClosed
	}
	if n := len(p.idle); n > 0 {
		c = p.idle[n-1]
		p.idle = p.idle[:n-1]
		return c, true, nil
	}
	return c, false, nil
}

// give returns a connection. One that is not whole is closed: an answer may be under way on it.
// The others are given up too if it was found broken, that is if err is ErrUnavailable.
func (p *pool[C]) give(c C, whole bool, err error) {
	p.mu.Lock()
	keep := whole && !p.closed
	if keep {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !keep {
		_ = c.Close() // it is of no use any more
	}
	<-p.slots
	if errors.Is(err, ErrUnavailable) {
		p.forget()
	}
}

// forget closes idle connections: one like them was found broken, as they are when a server was
// started anew.
func (p *pool[C]) forget() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, c := range idle {
		_ = c.Close() // nothing is under way on it
	}
}

// Close closes idle connections; those in use are closed when they are given back.
func (p *pool[C]) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.forget()
	return nil
}
