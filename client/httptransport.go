package synap

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/tinylib/msgp/msgp"
)

// httpTransport pools connections of plain HTTP/1.1.
type httpTransport struct {
	options *options
	head    []byte
	format  Format
	pool    *pool[*httpConn]
	id      atomic.Uint64
}

func newHTTPTransport(o *options) *httpTransport {
	t := &httpTransport{options: o, format: o.format,
		head: httpHead(o.url.Host, o.format.mediaType(), o.token)}
	t.pool = newPool(o.poolSize, t.dial, func(c *httpConn) bool { return c.alive() })
	return t
}

func (t *httpTransport) dial(ctx context.Context) (*httpConn, error) {
	return dialHTTP(ctx, t.options, t.head)
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
	t.pool.give(c, whole, err)
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
	sent := c.flush()
	defer sent()
	payloads = make([]any, len(reqs))
	for i, r := range reqs {
		status, body, err := c.receive()
		if err != nil {
			return nil, nil, broken(r.command, ended(ctx, err), sent())
		}
		var refused error
		if status != 200 {
			refused = statusError(r.command, status, body)
		} else {
			payloads[i], refused = readEnvelope(body, t.format, r)
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

// statusError is an answer that is no envelope: the request did not get so far, or it is one of a
// route, whose text is that of an envelope.
func statusError(command string, status int, body []byte) error {
	text := ""
	_ = members(body, func(name, value []byte) { // not all are JSON
		if string(name) == "error" {
			text = jsonText(value)
		}
	})
	e := refusal(command, text, "")
	if text == "" {
		e.Message = fmt.Sprintf("HTTP status %d: %.200s", status, body)
	}
	if kind := statuses[status]; kind != nil {
		e.Kind = kind
	}
	return e
}

var statuses = map[int]error{401: ErrAuth, 403: ErrAuth, 404: ErrNotFound, 408: ErrTimeout,
	409: ErrConflict, 410: ErrGone, 429: ErrUnavailable, 500: ErrServer, 502: ErrUnavailable,
	503: ErrUnavailable, 504: ErrTimeout, 507: ErrFull}

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
	kinds  []pipeKind
	reply  Reply
}

func (t *httpTransport) pipe(ctx context.Context) (pipeConn, error) {
	c, err := t.dial(ctx)
	if err != nil {
		return nil, broken("", err, true)
	}
	return &httpPipe{httpConn: c, format: t.format}, nil
}

// Requests of pipes, as far as their answers need to know them.
var (
	pipeGet = &request{command: "kv.get", bytes: true}
	pipeSet = &request{command: "kv.set"}
)

// appendGet and appendSet append what most requests of pipes are, as appendEnvelope does, without
// making a request.
func appendGet(dst []byte, f Format, id uint64, key []byte) ([]byte, error) {
	if f == JSON {
		return getRequest(key).appendJSON(dst, id)
	}
	dst = appendPackHead(dst, pipeGet.command, id, 2)
	dst = msgp.AppendBytes(msgp.AppendString(dst, "key"), key)
	return msgp.AppendString(msgp.AppendString(dst, "type"), "bytes"), nil
}

func appendSet(dst []byte, f Format, id uint64, key, value []byte) ([]byte, error) {
	if f == JSON {
		return setRequest(key, value).appendJSON(dst, id)
	}
	dst = appendPackHead(dst, pipeSet.command, id, 2)
	dst = msgp.AppendBytes(msgp.AppendString(dst, "key"), key)
	return msgp.AppendBytes(msgp.AppendString(dst, "value"), value), nil
}

func getRequest(key []byte) *request {
	return &request{command: "kv.get", bytes: true,
		fields: []field{{"key", key}, {"type", "bytes"}}}
}

func setRequest(key, value []byte) *request {
	return &request{command: "kv.set", fields: []field{{"key", key}, {"value", value}}}
}

func (p *httpPipe) get(key []byte) (err error) {
	p.body, err = appendGet(p.body[:0], p.format, 1, key)
	return p.add(pipeKind{pipeGet, true}, err)
}

func (p *httpPipe) set(key, value []byte) (err error) {
	p.body, err = appendSet(p.body[:0], p.format, 1, key, value)
	return p.add(pipeKind{pipeSet, false}, err)
}

func (p *httpPipe) put(r *request) (err error) {
	p.body, err = r.appendEnvelope(p.body[:0], p.format, 1)
	return p.add(pipeKind{r, false}, err)
}

// add takes the request in p.body.
func (p *httpPipe) add(kind pipeKind, err error) error {
	if err != nil {
		return &Error{Kind: ErrInvalid, Command: kind.request.command, Message: err.Error()}
	}
	p.httpConn.put()
	p.kinds = append(p.kinds, kind)
	return nil
}

func (p *httpPipe) exchange(ctx context.Context, n int, f func(i int, r *Reply)) error {
	stop := p.bound(ctx)
	defer stop()
	kinds := p.kinds
	p.kinds = kinds[:0]
	defer p.pipeline(p.taken())()
	r := &p.reply
	for i := range n {
		kind := &kinds[i]
		status, body, err := p.receive()
		if err != nil {
			return broken(kind.request.command, ended(ctx, err), false)
		}
		*r = Reply{}
		var e envelope
		if status != 200 {
			r.Err = statusError(kind.request.command, status, body)
		} else if err := e.read(body, p.format); err != nil {
			r.Err = unreadable(kind.request.command, body, err)
		} else {
			e.fill(r, p.format, kind)
		}
		f(i, r)
	}
	p.shrink()
	return nil
}

// fill makes the reply of an answer. The value of a key is not copied.
func (e *envelope) fill(r *Reply, f Format, kind *pipeKind) {
	if kind.get && e.ok && f == MessagePack && msgp.NextType(e.payload) == msgp.BinType {
		r.Value, _, r.Err = msgp.ReadBytesZC(e.payload)
		r.Found = true
		return
	}
	r.Payload, r.Err = e.result(f, kind.request)
	if kind.get && r.Err == nil {
		r.Value, r.Found = toBytes(r.Payload), r.Payload != nil
	}
}
