package synap

import (
	"context"
	"errors"
	"strconv"
)

// respTransport pools connections of RESP3.
type respTransport struct {
	options *options
	pool    *pool[*respConn]
}

func newRESPTransport(o *options) *respTransport {
	t := &respTransport{options: o}
	t.pool = newPool(o.poolSize, func(ctx context.Context) (*respConn, error) {
		return dialRESP(ctx, o)
	}, func(c *respConn) bool { return c.alive() })
	return t
}

func (t *respTransport) Close() error { return t.pool.Close() }

// do pipelines the requests over one connection.
func (t *respTransport) do(
	ctx context.Context, reqs []*request,
) (payloads []any, errs []error, err error) {
	for _, r := range reqs {
		if r.line == nil {
			return nil, nil, errNoLine(r.command)
		}
	}
	c, err := t.pool.take(ctx)
	if err != nil {
		return nil, nil, dialFailed(reqs[0].command, err)
	}
	stop := c.bound(ctx)
	payloads, errs, err = c.exchange(ctx, reqs)
	t.pool.give(c, stop() && err == nil, err)
	return payloads, errs, err
}

// dialFailed is why there is no connection: the server may have refused who we are.
func dialFailed(command string, err error) error {
	var refused respError
	if errors.As(err, &refused) {
		return refusal(command, string(refused), "")
	}
	var answered *Error
	if errors.As(err, &answered) { // the handshake of a WebSocket was refused
		answered.Command, answered.unsent = command, true
		return answered
	}
	return broken(command, err, true)
}

func (c *respConn) exchange(
	ctx context.Context, reqs []*request,
) (payloads []any, errs []error, err error) {
	for _, r := range reqs {
		c.put(r.line)
	}
	sent := c.flush()
	defer sent()
	payloads = make([]any, len(reqs))
	for i, r := range reqs {
		v, err := c.receive()
		var refused respError
		switch {
		case errors.As(err, &refused):
			if errs == nil {
				errs = make([]error, len(reqs))
			}
			errs[i] = refusal(r.command, string(refused), "")
		case err != nil:
			return nil, nil, broken(r.command, ended(ctx, err), sent())
		default:
			payloads[i] = v
		}
	}
	return payloads, errs, nil
}

// respPipe pipelines over one connection.
type respPipe struct {
	*respConn
	kinds []pipeKind
	got   []byte // the present value
	reply Reply
}

func (t *respTransport) pipe(ctx context.Context) (pipeConn, error) {
	c, err := dialRESP(ctx, t.options)
	if err != nil {
		return nil, dialFailed("", err)
	}
	return &respPipe{respConn: c}, nil
}

func (p *respPipe) get(key []byte) error {
	p.out = appendBulk(append(p.out, "*2\r\n$3\r\nGET\r\n"...), key)
	p.kinds = append(p.kinds, pipeKind{pipeGet, true})
	return nil
}

func (p *respPipe) set(key, value []byte) error {
	p.out = appendBulk(appendBulk(append(p.out, "*3\r\n$3\r\nSET\r\n"...), key), value)
	p.kinds = append(p.kinds, pipeKind{pipeSet, false})
	return nil
}

func (p *respPipe) put(r *request) error {
	if r.line == nil {
		return errNoLine(r.command)
	}
	p.respConn.put(r.line)
	p.kinds = append(p.kinds, pipeKind{r, false})
	return nil
}

func (p *respPipe) exchange(ctx context.Context, n int, f func(i int, r *Reply)) error {
	stop := p.bound(ctx)
	defer stop()
	kinds, r := p.kinds, &p.reply
	p.kinds = kinds[:0]
	defer p.pipeline(p.taken())()
	for i := range n {
		*r = Reply{}
		var err error
		if kinds[i].get {
			err = p.value(r)
		} else {
			r.Payload, err = p.receive()
		}
		if refused, ok := errors.AsType[respError](err); ok {
			r.Err = refusal(kinds[i].request.command, string(refused), "")
		} else if err != nil {
			return broken(kinds[i].request.command, ended(ctx, err), false)
		}
		f(i, r)
	}
	return nil
}

// value reads the value of a key without making anything of it.
func (p *respPipe) value(r *Reply) error {
	head, err := p.in.Peek(1)
	if err != nil {
		return err
	}
	if head[0] != '$' {
		r.Payload, err = p.receive()
		r.Value, r.Found = toBytes(r.Payload), r.Payload != nil
		return err
	}
	line, err := p.line()
	if err != nil {
		return err
	}
	size, err := strconv.Atoi(string(line[1:]))
	if err != nil || size < 0 || size > maxReply {
		return errRESP
	}
	if p.got = p.got[:0]; cap(p.got) > keepBuffer {
		p.got = nil
	}
	p.got, err = p.readInto(p.got, size+2)
	r.Found, r.Value = true, p.got[:max(0, len(p.got)-2)]
	return err
}
