package target

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	synap "github.com/synapdb/synap/client"
	"github.com/synapdb/synap/internal/benchmark/result"
)

// Synap is a Synap server, over the wire that its URL names.
type Synap struct {
	client *synap.Client
	url    *url.URL
	pid    int
	token  string // that connections without the client say; empty: none
	// dialled counts the connections of subscribers.
	dialled atomic.Int64
	about   result.Server
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
	token := os.Getenv("SYNAP_TOKEN")
	if password, ok := u.User.Password(); ok {
		token = password
	}
	u.User = nil
	return &Synap{client: c, url: u, pid: pid, token: token, about: result.Server{Name: "synap",
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
		switch op := &ops[i]; op.Kind {
		case Set:
			k.Set(op.Key, op.Value)
		case Incr:
			k.Add(synap.Incr(string(op.Key), 1))
		case Scan:
			k.Add(synap.ScanPage(string(op.Key), op.Limit))
		default:
			k.Get(op.Key)
		}
	}
	return k.Pipe.Exec(ctx, func(i int, r *synap.Reply) {
		op := &ops[i]
		op.Done, op.Err, op.Found = time.Now(), r.Err, r.Found
		switch op.Kind {
		case Incr:
			op.Number = synap.Sum(r.Payload)
		case Scan:
			op.Number = int64(len(synap.PageKeys(r.Payload)))
		default:
			op.Answer = append(op.Answer[:0], r.Value...)
		}
	})
}

// Queue opens a connection for a queue.
func (s *Synap) Queue(_ context.Context, queue, worker string) (Queue, error) {
	return &synapQueue{s.client, s.client.Queue(queue).As(worker)}, nil
}

type synapQueue struct {
	client *synap.Client
	queue  *synap.Queue
}

func (q *synapQueue) Publish(ctx context.Context, msgs []Message) error {
	commands := make([]synap.Command, len(msgs))
	for i, m := range msgs {
		commands[i] = synap.Publish(q.queue.Name(), m.Payload, synap.Priority(m.Priority))
	}
	results, err := q.client.Batch(ctx, commands...)
	if err != nil {
		return err
	}
	for i := range results {
		if results[i].Err != nil {
			return results[i].Err
		}
	}
	return nil
}

func (q *synapQueue) Consume(
	ctx context.Context, most int, wait time.Duration,
) ([]Delivery, error) {
	messages, err := q.queue.PopBatch(ctx, most, wait)
	ds := make([]Delivery, len(messages))
	for i, m := range messages {
		ds[i] = Delivery{Payload: m.Payload, Retries: m.Retries, Handle: m}
	}
	return ds, err
}

func (q *synapQueue) Ack(ctx context.Context, ds []Delivery) error {
	messages := make([]*synap.Message, len(ds))
	for i, d := range ds {
		messages[i], _ = d.Handle.(*synap.Message)
	}
	return synap.AckAll(ctx, messages)
}

func (q *synapQueue) Close() error { return nil } // connections are the client's

// Prepare makes queues or rooms.
func (s *Synap) Prepare(
	ctx context.Context, space Space, names []string, deadline time.Duration,
) error {
	for _, name := range names {
		var err error
		switch space {
		case Queues:
			err = s.client.Queue(name).Create(ctx, synap.QueueOptions{AckDeadline: deadline})
		case Rooms:
			err = s.client.Stream(name).Create(ctx, synap.StreamOptions{})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Remove deletes what a run made.
func (s *Synap) Remove(ctx context.Context, space Space, names []string) error {
	if space == Keys {
		_, err := s.client.KV.Delete(ctx, names...)
		return err
	}
	for _, name := range names {
		var err error
		switch space {
		case Queues:
			_, err = s.client.Queue(name).Delete(ctx)
		case Rooms:
			err = s.client.Stream(name).Delete(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
