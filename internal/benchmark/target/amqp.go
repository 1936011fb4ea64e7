package target

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// amqpServer is RabbitMQ, spoken to with its own client: classic queues with priorities, publisher
// confirms, acknowledgements by hand.
type amqpServer struct {
	none
	peer Peer
	url  *url.URL
}

func newAMQP(p Peer, u *url.URL) Server { return &amqpServer{peer: p, url: u} }

func (s *amqpServer) PID() int     { return s.peer.PID }
func (s *amqpServer) Close() error { return nil } // each connection is its own

// durable: everything but memory is asked to survive.
func (s *amqpServer) durable() bool { return s.peer.Durability != "memory" }

func (s *amqpServer) dial(ctx context.Context) (*amqp.Connection, *amqp.Channel, error) {
	c, err := amqp.DialConfig(s.url.String(), amqp.Config{Dial: func(network, addr string) (
		net.Conn, error,
	) {
		d := net.Dialer{Timeout: dialing}
		conn, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return conn, conn.SetDeadline(time.Now().Add(dialing)) // the client lifts it
	}})
	if err != nil {
		return nil, nil, unreachable(s.url, err)
	}
	ch, err := c.Channel()
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return c, ch, nil
}

func (s *amqpServer) About(ctx context.Context) (result.Server, error) {
	about := result.Server{Name: "rabbitmq", URL: public(s.url), Protocol: "amqp",
		Durability: s.peer.Stated}
	c, _, err := s.dial(ctx)
	if err != nil {
		return about, err
	}
	defer c.Close() //nolint:errcheck // it only asked
	if product, ok := c.Properties["product"].(string); ok && product != "RabbitMQ" {
		about.Name = product
	}
	about.Version, _ = c.Properties["version"].(string)
	if about.Durability == "" {
		about.Durability = "transient queue and messages: in memory"
		if s.durable() {
			about.Durability = "durable queue, persistent messages: confirmed when on the disk"
		}
	}
	return about, nil
}

// amqpPriorities is the highest priority of a queue.
const amqpPriorities = 9

func (s *amqpServer) Prepare(
	ctx context.Context, space Space, names []string, _ time.Duration,
) error {
	if space != Queues {
		return ErrUnsupported
	}
	c, ch, err := s.dial(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		_, failed := ch.QueueDeclare(name, s.durable(), false, false, false,
			amqp.Table{"x-max-priority": int32(amqpPriorities)})
		err = errors.Join(err, failed)
	}
	return errors.Join(err, c.Close())
}

func (s *amqpServer) Remove(ctx context.Context, _ Space, names []string) error {
	c, ch, err := s.dial(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		_, failed := ch.QueueDelete(name, false, false, false)
		err = errors.Join(err, failed)
	}
	return errors.Join(err, c.Close())
}

func (s *amqpServer) Queue(ctx context.Context, queue, _ string) (Queue, error) {
	c, ch, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	q := &amqpQueue{conn: c, channel: ch, name: queue, depth: s.peer.Depth,
		mode: amqp.Transient}
	if s.durable() {
		q.mode = amqp.Persistent
	}
	if err := ch.Confirm(false); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return q, nil
}

type amqpQueue struct {
	conn    *amqp.Connection
	channel *amqp.Channel
	name    string
	depth   int
	mode    uint8
	ready   <-chan amqp.Delivery // nil: nothing was consumed yet
	open    []*amqp.DeferredConfirmation
}

// Close gives back what was not acknowledged.
func (q *amqpQueue) Close() error { return q.conn.Close() }

// Publish waits for the confirmation of every message.
func (q *amqpQueue) Publish(ctx context.Context, msgs []Message) error {
	// A server that is short of memory stops reading: then only this ends a write.
	defer context.AfterFunc(ctx, func() { _ = q.conn.CloseDeadline(time.Now()) })()
	q.open = q.open[:0]
	for _, m := range msgs {
		c, err := q.channel.PublishWithDeferredConfirm("", q.name, false, false, amqp.Publishing{
			DeliveryMode: q.mode, Priority: uint8(min(max(m.Priority, 0), amqpPriorities)),
			Body: m.Payload})
		if err != nil {
			return err
		}
		q.open = append(q.open, c)
	}
	for _, c := range q.open {
		switch ok, err := c.WaitContext(ctx); {
		case err != nil:
			return err
		case !ok:
			return fmt.Errorf("publish: %w", errRefused)
		}
	}
	return nil
}

var errRefused = errors.New("the server did not take the message, or is gone")

// begin has the server push ahead: as many as the worker may have in hand.
func (q *amqpQueue) begin() error {
	if q.ready != nil {
		return nil
	}
	if err := q.channel.Qos(q.depth, 0, false); err != nil {
		return err
	}
	var err error
	q.ready, err = q.channel.Consume(q.name, "", false, false, false, false, nil)
	return err
}

func (q *amqpQueue) Consume(
	ctx context.Context, most int, wait time.Duration,
) ([]Delivery, error) {
	if err := q.begin(); err != nil {
		return nil, err
	}
	var ds []Delivery
	for len(ds) < most {
		d, err := next(ctx, q.ready, wait)
		if d == nil || err != nil {
			return ds, err
		}
		retries := 0
		if d.Redelivered {
			retries = 1
		}
		ds = append(ds, Delivery{Payload: d.Body, Retries: retries, Handle: d.DeliveryTag})
		wait = 0
	}
	return ds, nil
}

// Ack does not wait: AMQP does not confirm acknowledgements. Messages are taken and acknowledged in
// the order in which they came, so that the last one stands for all.
func (q *amqpQueue) Ack(_ context.Context, ds []Delivery) error {
	if len(ds) == 0 {
		return nil
	}
	tag, _ := ds[len(ds)-1].Handle.(uint64)
	return q.channel.Ack(tag, true)
}
