package synap

import (
	"context"
	"sync"
)

// wsTransport keeps up to poolSize multiplexed WebSockets. Each call uses the one that has least to
// do; another one is opened only when all have something to do.
type wsTransport struct {
	options *options

	mu      sync.Mutex
	sockets []*muxSocket
	opening int
	opened  chan struct{} // closed when one was opened, or could not be; nil: nobody waits
	closed  bool
}

func newWSTransport(o *options) *wsTransport { return &wsTransport{options: o} }

// do sends requests together over one socket.
func (t *wsTransport) do(ctx context.Context, reqs []*request) ([]any, []error, error) {
	s, err := t.take(ctx)
	if err != nil {
		return nil, nil, dialFailed(reqs[0].command, err)
	}
	return s.do(ctx, reqs)
}

// take chooses a socket, or opens one.
func (t *wsTransport) take(ctx context.Context) (*muxSocket, error) {
	for {
		t.mu.Lock()
		if t.closed {
			t.mu.Unlock()
			return nil, ErrClosed
		}
		best, idle := t.choose()
		full := len(t.sockets)+t.opening >= t.options.poolSize
		if best != nil && (idle || full) {
			t.mu.Unlock()
			return best, nil
		}
		if !full {
			t.opening++
			t.mu.Unlock()
			return t.open(ctx)
		}
		if t.opened == nil {
			t.opened = make(chan struct{})
		}
		opened := t.opened
		t.mu.Unlock()
		select {
		case <-opened:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// choose forgets sockets that have ended and finds the one with the fewest requests under way.
func (t *wsTransport) choose() (best *muxSocket, idle bool) {
	kept := t.sockets[:0]
	least := 0
	for _, s := range t.sockets {
		alive, busy := s.state()
		if !alive {
			continue
		}
		kept = append(kept, s)
		if best == nil || busy < least {
			best, least = s, busy
		}
	}
	clear(t.sockets[len(kept):])
	t.sockets = kept
	return best, best != nil && least == 0
}

func (t *wsTransport) open(ctx context.Context) (*muxSocket, error) {
	s, err := dialMux(ctx, t.options, nil, nil)
	t.mu.Lock()
	t.opening--
	if t.opened != nil {
		close(t.opened)
		t.opened = nil
	}
	closed := t.closed
	if err == nil && !closed {
		t.sockets = append(t.sockets, s)
	}
	t.mu.Unlock()
	if err == nil && closed {
		_ = s.Close() // nil
		return nil, ErrClosed
	}
	return s, err
}

// Close closes all sockets. Calls under way fail.
func (t *wsTransport) Close() error {
	t.mu.Lock()
	sockets := t.sockets
	t.sockets, t.closed = nil, true
	t.mu.Unlock()
	for _, s := range sockets {
		_ = s.Close() // nil
	}
	return nil
}

// wsPipe pipelines over one socket, without goroutines of its own.
type wsPipe struct {
	conn   *wsConn
	format Format
	out    []byte
	body   []byte
	first  uint64 // id of the first request of this round
	kinds  []pipeKind
	reply  Reply
}

// pipeKind is what is to be known of a request when its answer comes.
type pipeKind struct {
	request *request
	get     bool // the answer is the bare value of a key
}

func (t *wsTransport) pipe(ctx context.Context) (pipeConn, error) {
	c, err := dialWS(ctx, t.options, muxPath, t.options.format.protocol())
	if err != nil {
		return nil, dialFailed("", err)
	}
	return &wsPipe{conn: c, format: t.options.format, first: 1}, nil
}

func (p *wsPipe) next() uint64 { return p.first + uint64(len(p.kinds)) }

func (p *wsPipe) get(key []byte) (err error) {
	p.body, err = appendGet(p.body[:0], p.format, p.next(), key)
	return p.add(pipeKind{pipeGet, true}, err)
}

func (p *wsPipe) set(key, value []byte) (err error) {
	p.body, err = appendSet(p.body[:0], p.format, p.next(), key, value)
	return p.add(pipeKind{pipeSet, false}, err)
}

func (p *wsPipe) put(r *request) (err error) {
	p.body, err = r.appendEnvelope(p.body[:0], p.format, p.next())
	return p.add(pipeKind{r, false}, err)
}

// add takes the request in p.body.
func (p *wsPipe) add(kind pipeKind, err error) error {
	if err != nil {
		return &Error{Kind: ErrInvalid, Command: kind.request.command, Message: err.Error()}
	}
	p.out = appendFrame(p.out, p.format.op(), p.body)
	p.kinds = append(p.kinds, kind)
	return nil
}

func (p *wsPipe) exchange(ctx context.Context, n int, f func(i int, r *Reply)) error {
	stop := p.conn.bound(ctx)
	defer stop()
	out := p.out
	if p.out = out[:0]; cap(out) > keepBuffer {
		p.out = nil
	}
	p.conn.writing.Lock()
	defer p.conn.pipeline(out)()
	p.conn.writing.Unlock()
	from, kinds, r := p.first, p.kinds, &p.reply
	p.first, p.kinds = p.next(), kinds[:0]
	for range n {
		_, body, err := p.conn.message()
		var e envelope
		if err == nil {
			err = e.read(body, p.format)
		}
		i := e.id - from
		if err == nil && i >= uint64(len(kinds)) {
			err = errStrange
		}
		if err != nil {
			return broken("", ended(ctx, err), false)
		}
		*r = Reply{}
		e.fill(r, p.format, &kinds[i])
		f(int(i), r)
	}
	return nil
}

func (p *wsPipe) Close() error { return p.conn.Close() }
