package synap

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
)

// netTransport speaks HTTP through net/http: https://, and whatever goes through a proxy.
type netTransport struct {
	options *options
	client  *http.Client
	own     *http.Transport
	at      string
	id      atomic.Uint64
	closed  atomic.Bool
}

// newPlainOrNetHTTP chooses the codec of our own where it is enough.
func newPlainOrNetHTTP(o *options) (transport, error) {
	proxy, err := o.proxy()
	if err != nil {
		return nil, err
	}
	if proxy == nil && !o.encrypted() {
		return newHTTPTransport(o), nil
	}
	t := &http.Transport{
		Proxy:               func(*http.Request) (*url.URL, error) { return proxy, nil },
		MaxConnsPerHost:     o.poolSize,
		MaxIdleConnsPerHost: o.poolSize,
		IdleConnTimeout:     patience,
		ForceAttemptHTTP2:   true,
		TLSClientConfig:     o.tls.Clone(),
		DialContext:         o.dial,
	}
	at := url.URL{Scheme: o.url.Scheme, Host: o.address(), Path: "/api/v1/command"}
	return &netTransport{options: o, own: t, at: at.String(),
		client: &http.Client{Transport: t,
			// A redirect would carry the token to whomever it names.
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse
			}}}, nil
}

func (t *netTransport) Close() error {
	t.closed.Store(true)
	t.own.CloseIdleConnections()
	return nil
}

// do sends one request as it is, and several as a batch, whose answers come at once.
func (t *netTransport) do(ctx context.Context, reqs []*request) ([]any, []error, error) {
	if t.closed.Load() {
		return nil, nil, broken(reqs[0].command, ErrClosed, true)
	}
	if len(reqs) == 1 {
		v, refused, failed := t.one(ctx, reqs[0])
		switch {
		case failed != nil:
			return nil, nil, failed
		case refused == nil:
			return []any{v}, nil, nil
		}
		return []any{nil}, []error{refused}, nil
	}
	var payloads []any
	var errs []error
	for from := 0; from < len(reqs); from += batchItems {
		part := reqs[from:min(from+batchItems, len(reqs))]
		v, err, failed := t.one(ctx, batchOf(part, false))
		if failed == nil {
			failed = err
		}
		if failed != nil {
			return nil, nil, failed
		}
		ps, es := batchResults(v, part)
		payloads = append(payloads, ps...)
		if errs == nil && es != nil {
			errs = make([]error, len(reqs))
		}
		copy(errs[min(from, len(errs)):], es)
	}
	return payloads, errs, nil
}

// one sends one request. refused is the server's word, failed is anything else.
func (t *netTransport) one(ctx context.Context, r *request) (v any, refused, failed error) {
	body, err := r.appendEnvelope(nil, t.options.format, t.id.Add(1))
	if err != nil {
		return nil, nil, &Error{Kind: ErrInvalid, Command: r.command, Message: err.Error()}
	}
	var sent atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaderField: func(string, []string) { sent.Store(true) }})
	q, err := http.NewRequestWithContext(traced, http.MethodPost, t.at, bytes.NewReader(body))
	if err != nil {
		return nil, nil, broken(r.command, err, true)
	}
	media := t.options.format.mediaType()
	q.Header.Set("Content-Type", media)
	q.Header.Set("Accept", media)
	if t.options.token != "" {
		q.Header.Set("Authorization", "Bearer "+t.options.token)
	}
	answer, err := t.client.Do(q)
	if err != nil {
		return nil, nil, broken(r.command, ended(ctx, err), !sent.Load())
	}
	defer answer.Body.Close() //nolint:errcheck // it was read, or is of no use
	got, err := io.ReadAll(io.LimitReader(answer.Body, maxReply))
	if err != nil {
		return nil, nil, broken(r.command, ended(ctx, err), false)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, statusError(r.command, answer.StatusCode, got), nil
	}
	v, err = readEnvelope(got, t.options.format, r)
	return v, err, nil
}

// netPipe collects requests and sends them as a batch.
type netPipe struct {
	t    *netTransport
	reqs []*request
	gets []bool
}

func (t *netTransport) pipe(context.Context) (pipeConn, error) { return &netPipe{t: t}, nil }

func (p *netPipe) get(key []byte) error {
	p.reqs, p.gets = append(p.reqs, getRequest(bytes.Clone(key))), append(p.gets, true)
	return nil
}

func (p *netPipe) set(key, value []byte) error {
	return p.put(setRequest(bytes.Clone(key), bytes.Clone(value)))
}

func (p *netPipe) put(r *request) error {
	p.reqs, p.gets = append(p.reqs, r), append(p.gets, false)
	return nil
}

func (p *netPipe) exchange(ctx context.Context, _ int, f func(i int, r *Reply)) error {
	reqs, gets := p.reqs, p.gets
	p.reqs, p.gets = nil, nil
	if len(reqs) == 0 {
		return nil
	}
	payloads, errs, err := p.t.do(ctx, reqs)
	if err != nil {
		return err
	}
	for i, v := range payloads {
		r := Reply{Payload: v}
		if errs != nil {
			r.Err = errs[i]
		}
		if gets[i] {
			r.Value, r.Found = toBytes(v), v != nil
		}
		f(i, &r)
	}
	return nil
}

func (p *netPipe) Close() error { return nil }
