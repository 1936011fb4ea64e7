package synap

import (
	"context"
	"fmt"
	"time"
)

// Client speaks to one server. It may be used by any number of goroutines.
type Client struct {
	KV     *KV
	PubSub *PubSub

	options *options
	wire    transport
}

// New makes a client without connecting: whether a server answers shows with the first call.
func New(list ...Option) (*Client, error) {
	o, err := newOptions(list)
	if err != nil {
		return nil, fmt.Errorf("synap: %w", err)
	}
	c := &Client{options: o}
	switch o.url.Scheme {
	case "resp", "redis":
		c.wire = newRESPTransport(o)
	case "ws", "wss":
		c.wire = newWSTransport(o)
	default:
		if c.wire, err = newPlainOrNetHTTP(o); err != nil {
			return nil, fmt.Errorf("synap: %w", err)
		}
	}
	c.KV, c.PubSub = &KV{c}, &PubSub{c}
	return c, nil
}

// Close closes the connections. Calls under way may fail, later ones do.
func (c *Client) Close() error { return c.wire.Close() }

// Do runs any command by its dotted name. Fields may be strings, numbers, bools, []byte, lists and
// maps of them, or json.RawMessage. The payload of the answer is nil, a bool, int64, uint64,
// float64, string, []byte, []any or map[string]any. Over resp:// it is refused. It is never sent
// twice.
func (c *Client) Do(ctx context.Context, command string, fields map[string]any) (any, error) {
	r := &request{command: command}
	for name, value := range fields {
		r.fields = append(r.fields, field{name, value})
	}
	return c.call(ctx, r)
}

// call runs one request.
func (c *Client) call(ctx context.Context, r *request) (any, error) {
	payloads, errs, err := c.all(ctx, []*request{r})
	switch {
	case err != nil:
		return nil, err
	case errs != nil:
		return nil, errs[0]
	}
	return payloads[0], nil
}

// waiting runs a request that may wait on the server, beside the timeout of calls.
func (c *Client) waiting(ctx context.Context, wait time.Duration, r *request) (any, error) {
	if c.options.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.options.timeout+wait)
		defer cancel()
	}
	payloads, errs, err := c.wire.do(ctx, []*request{r})
	switch {
	case err != nil:
		return nil, err
	case errs != nil:
		return nil, errs[0]
	}
	return payloads[0], nil
}

// timed is ctx with the deadline of a call.
func (c *Client) timed(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.options.timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.options.timeout)
}

// all runs requests together, and again as Retry says.
func (c *Client) all(ctx context.Context, reqs []*request) ([]any, []error, error) {
	ctx, cancel := c.timed(ctx)
	defer cancel()
	read := true
	for _, r := range reqs {
		read = read && r.read
	}
	for n := 2; ; n++ {
		payloads, errs, err := c.wire.do(ctx, reqs)
		if err == nil || !c.options.retry.again(ctx, n, err, read) {
			return payloads, errs, err
		}
	}
}

// lines says whether the wire is RESP.
func (c *Client) lines() bool {
	_, ok := c.wire.(*respTransport)
	return ok
}
