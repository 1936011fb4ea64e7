package target

import (
	"context"
	"fmt"
	"net/url"
	"time"

	synap "github.com/synapdb/synap/client"
	"github.com/synapdb/synap/internal/benchmark/result"
)

// Synap is a Synap server, over the wire that its URL names.
type Synap struct {
	client *synap.Client
	url    *url.URL
	pid    int
	about  result.Server
}

// NewSynap makes the target of a server at a URL: http://, ws:// or resp://. pid is its process if
// it runs here, else 0.
func NewSynap(at string, pid int, options ...synap.Option) (*Synap, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	c, err := synap.New(append([]synap.Option{synap.WithURL(at)}, options...)...)
	if err != nil {
		return nil, err
	}
	u.User = nil
	return &Synap{client: c, url: u, pid: pid, about: result.Server{Name: "synap",
		URL: u.String(), Protocol: u.Scheme}}, nil
}

// PID is part of Server, as are all methods below.
func (s *Synap) PID() int { return s.pid }

// Close closes the connections.
func (s *Synap) Close() error { return s.client.Close() }

// KV opens a connection for keys.
func (s *Synap) KV(ctx context.Context) (KV, error) {
	p, err := s.client.Pipe(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w", ErrUnreachable, s.url.Host, err)
	}
	return &synapKV{Pipe: p}, nil
}

type synapKV struct{ *synap.Pipe }

func (k *synapKV) Exec(ctx context.Context, ops []Op) error {
	for i := range ops {
		if ops[i].Set {
			k.Set(ops[i].Key, ops[i].Value)
		} else {
			k.Get(ops[i].Key)
		}
	}
	return k.Pipe.Exec(ctx, func(i int, r *synap.Reply) {
		op := &ops[i]
		op.Done, op.Err, op.Found = time.Now(), r.Err, r.Found
		op.Answer = append(op.Answer[:0], r.Value...)
	})
}

// About asks the server what it is.
func (s *Synap) About(context.Context) (result.Server, error) { return s.about, nil }

// Queue opens a connection for a queue.
func (s *Synap) Queue(context.Context, string) (Queue, error) { return nil, ErrUnsupported }

// Publisher opens a connection that publishes.
func (s *Synap) Publisher(context.Context, Space) (Publisher, error) { return nil, ErrUnsupported }

// Subscriber opens a connection that listens.
func (s *Synap) Subscriber(context.Context, Space, Subscription) (Subscriber, error) {
	return nil, ErrUnsupported
}

// Prepare makes queues or rooms.
func (s *Synap) Prepare(context.Context, Space, []string) error { return ErrUnsupported }

// Remove deletes what a run made.
func (s *Synap) Remove(context.Context, Space, []string) error { return ErrUnsupported }
