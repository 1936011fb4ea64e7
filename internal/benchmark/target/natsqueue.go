package target

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Queue opens a connection for a queue.
func (s *natsServer) Queue(_ context.Context, queue, _ string) (Queue, error) {
	c, err := s.dial()
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(c, jetstream.WithPublishAsyncMaxPending(max(natsOpen, s.peer.Depth)))
	if err != nil {
		c.Close()
		return nil, err
	}
	return &natsQueue{conn: c, js: js, name: queue, depth: s.peer.Depth,
		ready: make(chan jetstream.Msg, s.peer.Depth), closing: make(chan struct{})}, nil
}

// natsOpen is the client's own bound of publications that are not confirmed.
const natsOpen = 4000

type natsQueue struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	name    string
	depth   int
	feed    jetstream.ConsumeContext // nil: nothing was consumed yet
	ready   chan jetstream.Msg
	closing chan struct{}
}

// Publish waits for the acknowledgement of every message.
func (q *natsQueue) Publish(ctx context.Context, msgs []Message) error {
	if len(msgs) == 1 {
		_, err := q.js.Publish(ctx, q.name, msgs[0].Payload)
		return withJetStream(err)
	}
	open := make([]jetstream.PubAckFuture, len(msgs))
	for i := range msgs {
		var err error
		if open[i], err = q.js.PublishAsync(q.name, msgs[i].Payload); err != nil {
			return err
		}
	}
	for _, f := range open {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			return withJetStream(err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// begin has the server send ahead: as many as the worker may have in hand.
func (q *natsQueue) begin(ctx context.Context) error {
	if q.feed != nil {
		return nil
	}
	consumer, err := q.js.Consumer(ctx, q.name, natsWorkers)
	if err != nil {
		return withJetStream(err)
	}
	q.feed, err = consumer.Consume(func(m jetstream.Msg) {
		select {
		case q.ready <- m:
		case <-q.closing: // it goes to another worker when its deadline is over
		}
	}, jetstream.PullMaxMessages(q.depth))
	return err
}

func (q *natsQueue) Consume(
	ctx context.Context, most int, wait time.Duration,
) ([]Delivery, error) {
	if err := q.begin(ctx); err != nil {
		return nil, err
	}
	var ds []Delivery
	for len(ds) < most {
		m, err := next(ctx, q.ready, wait)
		if m == nil || err != nil {
			return ds, err
		}
		about, err := (*m).Metadata()
		if err != nil {
			return ds, fmt.Errorf("a message that is not JetStream's: %w", err)
		}
		ds = append(ds, Delivery{Payload: (*m).Data(), Retries: int(about.NumDelivered) - 1,
			Handle: *m})
		wait = 0
	}
	return ds, nil
}

// next takes from a channel, waiting up to wait; nil: nothing came.
func next[T any](ctx context.Context, from <-chan T, wait time.Duration) (*T, error) {
	select {
	case v, ok := <-from:
		if !ok {
			return nil, errEnded
		}
		return &v, nil
	default:
	}
	if wait <= 0 {
		return nil, ctx.Err()
	}
	patience := time.NewTimer(wait)
	defer patience.Stop()
	select {
	case v, ok := <-from:
		if !ok {
			return nil, errEnded
		}
		return &v, nil
	case <-patience.C:
		return nil, nil //nolint:nilnil // nothing came
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var errEnded = fmt.Errorf("%w any more: it ended the connection", ErrUnreachable)

// Ack does not wait: the usual acknowledgement of JetStream is not confirmed.
func (q *natsQueue) Ack(_ context.Context, ds []Delivery) error {
	for _, d := range ds {
		m, _ := d.Handle.(jetstream.Msg)
		if err := m.Ack(); err != nil {
			return err
		}
	}
	return nil
}

// Close leaves what the worker did not take to the server, which gives it to another one when its
// deadline is over. (Giving it back at once has nats-server 2.9 deliver some of it twice.)
func (q *natsQueue) Close() error {
	close(q.closing)
	if q.feed != nil {
		q.feed.Stop()
	}
	err := q.conn.FlushTimeout(dialing)
	q.conn.Close()
	return err
}
