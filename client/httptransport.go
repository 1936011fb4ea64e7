package synap

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/tinylib/msgp/msgp"
)

// httpTransport pools connections of plain HTTP/1.1.
type httpTransport struct {
	address string
	head    []byte
	format  Format
	pool    *pool[*httpConn]
	id      atomic.Uint64
}

func newHTTPTransport(o *options) *httpTransport {
	t := &httpTransport{address: o.address(), format: o.format,
		head: httpHead(o.url.Host, o.format.mediaType(), o.token)}
	t.pool = newPool(o.poolSize, t.dial, func(c *httpConn) bool { return c.alive() })
	return t
}

func (t *httpTransport) dial(ctx context.Context) (*httpConn, error) {
	return dialHTTP(ctx, t.address, t.head)
}

func (t *httpTransport) Close() error { return t.pool.Close() }

// do pipelines the requests over one connection.
func (t *httpTransport) do(
	ctx context.Context, reqs []*request,
) (payloads []any, errs []error, err error) {
	c, err := t.pool.take(ctx)
	if err != nil {
		return nil, nil, broken(reqs[0].command, err, true)
	}
	stop := c.bound(ctx)
	payloads, errs, err = t.exchange(ctx, c, reqs)
	whole := stop() && err == nil
	t.pool.give(c, whole)
	return payloads, errs, err
}

func (t *httpTransport) exchange(
	ctx context.Context, c *httpConn, reqs []*request,
) (payloads []any, errs []error, err error) {
	for _, r := range reqs {
		c.body, err = r.appendEnvelope(c.body[:0], t.format, t.id.Add(1))
		if err != nil {
			return nil, nil, &Error{Kind: ErrInvalid, Command: r.command, Message: err.Error()}
		}
		c.put()
	}
	if unsent, err := c.flush(); err != nil {
		return nil, nil, broken(reqs[0].command, ended(ctx, err), unsent)
	}
	payloads = make([]any, len(reqs))
	for i, r := range reqs {
		status, body, err := c.receive()
		if err != nil {
			return nil, nil, broken(r.command, ended(ctx, err), false)
		}
		var refused error
		if status != 200 {
			refused = statusError(r.command, status, body)
		} else {
			payloads[i], refused = readEnvelope(body, t.format, r.command)
		}
		if refused != nil {
			if errs == nil {
				errs = make([]error, len(reqs))
			}
			errs[i] = refused
		}
	}
	c.shrink()
	return payloads, errs, nil
}

// statusError is an answer that is no envelope: the request did not get so far.
func statusError(command string, status int, body []byte) error {
	e := refusal(command, string(body))
	e.Message = fmt.Sprintf("HTTP status %d: %.200s", status, body)
	switch status {
	case 401, 403:
		e.Kind = ErrAuth
	case 429, 502, 503:
		e.Kind = ErrUnavailable
	case 408, 504:
		e.Kind = ErrTimeout
	case 507:
		e.Kind = ErrFull
	}
	return e
}

// shrink lets go of large buffers.
func (c *httpConn) shrink() {
	if cap(c.got) > keepBuffer {
		c.got = nil
	}
	if cap(c.body) > keepBuffer {
		c.body = nil
	}
}

// httpPipe pipelines over one connection.
type httpPipe struct {
	*httpConn
	format Format
	// gets says of each request whether its answer is the bare value of a key.
	gets []bool
	cmds []string
}

func (t *httpTransport) pipe(ctx context.Context) (pipeConn, error) {
	c, err := t.dial(ctx)
	if err != nil {
		return nil, broken("", err, true)
	}
	return &httpPipe{httpConn: c, format: t.format}, nil
}

func (p *httpPipe) get(key []byte) error {
	r := request{command: "kv.get", fields: []field{{"key", key}, {"type", "bytes"}}}
	return p.add(&r, true)
}

func (p *httpPipe) set(key, value []byte) error {
	r := request{command: "kv.set", fields: []field{{"key", key}, {"value", value}}}
	return p.add(&r, false)
}

func (p *httpPipe) put(r *request) error { return p.add(r, false) }

func (p *httpPipe) add(r *request, get bool) (err error) {
	if p.body, err = r.appendEnvelope(p.body[:0], p.format, 1); err != nil {
		return &Error{Kind: ErrInvalid, Command: r.command, Message: err.Error()}
	}
	p.httpConn.put()
	p.gets, p.cmds = append(p.gets, get), append(p.cmds, r.command)
	return nil
}

func (p *httpPipe) exchange(ctx context.Context, n int, f func(i int, r *Reply)) error {
	stop := p.bound(ctx)
	defer stop()
	defer func() { p.gets, p.cmds = p.gets[:0], p.cmds[:0] }()
	if _, err := p.flush(); err != nil {
		return broken("", ended(ctx, err), false)
	}
	for i := range n {
		status, body, err := p.receive()
		if err != nil {
			return broken(p.cmds[i], ended(ctx, err), false)
		}
		var r Reply
		switch {
		case status != 200:
			r.Err = statusError(p.cmds[i], status, body)
		case p.gets[i] && p.format == MessagePack && quickValue(body, &r):
		default:
			r.Payload, r.Err = readEnvelope(body, p.format, p.cmds[i])
			if p.gets[i] {
				r.Value, r.Found = toBytes(r.Payload), r.Payload != nil
			}
		}
		f(i, &r)
	}
	return nil
}

// quickValue reads the envelope of a key's value without making a tree of it. false: it is
// something else.
func quickValue(body []byte, r *Reply) bool {
	n, b, err := msgp.ReadMapHeaderBytes(body)
	if err != nil {
		return false
	}
	ok := false
	for range n {
		var name []byte
		if name, b, err = msgp.ReadStringZC(b); err != nil {
			return false
		}
		switch string(name) {
		case "success":
			if ok, b, err = msgp.ReadBoolBytes(b); err != nil {
				return false
			}
		case "payload":
			switch msgp.NextType(b) {
			case msgp.NilType:
				b, err = msgp.ReadNilBytes(b)
			case msgp.BinType:
				r.Value, b, err = msgp.ReadBytesZC(b)
				r.Found = true
			default:
				return false
			}
		default:
			b, err = msgp.Skip(b)
		}
		if err != nil {
			return false
		}
	}
	return ok
}
