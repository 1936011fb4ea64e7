package target

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// natsServer is nats-server, spoken to with nats.go: core NATS for topics, JetStream for queues.
type natsServer struct {
	none
	peer Peer
	url  *url.URL
}

func newNATS(p Peer, u *url.URL) Server { return &natsServer{peer: p, url: u} }

func (s *natsServer) PID() int     { return s.peer.PID }
func (s *natsServer) Close() error { return nil } // each connection is its own

// dialing bounds how long a connection may take to stand.
const dialing = 10 * time.Second

func (s *natsServer) dial(more ...nats.Option) (*nats.Conn, error) {
	c, err := nats.Connect(s.url.String(), append(more, nats.NoReconnect(),
		nats.Timeout(dialing), nats.Name("synap-benchmark"))...)
	if err != nil {
		return nil, unreachable(s.url, err)
	}
	return c, nil
}

func (s *natsServer) About(context.Context) (result.Server, error) {
	about := result.Server{Name: "nats", URL: public(s.url), Protocol: "nats",
		Durability: s.peer.Stated}
	c, err := s.dial()
	if err != nil {
		return about, err
	}
	defer c.Close()
	about.Version = c.ConnectedServerVersion()
	if about.Durability == "" {
		about.Durability = "queues: JetStream, file storage; how often it is synced can't be asked"
		if s.memory() {
			about.Durability = "queues: JetStream, memory storage"
		}
	}
	return about, nil
}

func (s *natsServer) memory() bool { return s.peer.Durability == "memory" }

// Prepare makes a stream with work-queue retention and one consumer that all workers share.
func (s *natsServer) Prepare(
	ctx context.Context, space Space, names []string, deadline time.Duration,
) error {
	if space != Queues {
		return nil // topics need not be made
	}
	return s.manage(func(js jetstream.JetStream) error {
		for _, name := range names {
			o := jetstream.StreamConfig{Name: name, Subjects: []string{name},
				Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage}
			if s.memory() {
				o.Storage = jetstream.MemoryStorage
			}
			if _, err := js.CreateStream(ctx, o); err != nil {
				return withJetStream(err)
			}
			_, err := js.CreateConsumer(ctx, name, jetstream.ConsumerConfig{Durable: natsWorkers,
				AckPolicy: jetstream.AckExplicitPolicy, AckWait: deadline, MaxAckPending: -1,
				MemoryStorage: s.memory()})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// natsWorkers is the consumer of a queue.
const natsWorkers = "workers"

func (s *natsServer) Remove(ctx context.Context, space Space, names []string) error {
	if space != Queues {
		return nil
	}
	return s.manage(func(js jetstream.JetStream) error {
		for _, name := range names {
			err := js.DeleteStream(ctx, name)
			if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
				return err
			}
		}
		return nil
	})
}

// manage opens a connection for a moment.
func (s *natsServer) manage(f func(jetstream.JetStream) error) error {
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	js, err := jetstream.New(c)
	if err != nil {
		return err
	}
	return f(js)
}

// withJetStream says what to do about a server that has none.
func withJetStream(err error) error {
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) ||
		errors.Is(err, nats.ErrNoResponders) {
		return fmt.Errorf("%w: queues need JetStream: start nats-server with -js", ErrUnsupported)
	}
	return err
}

// Publisher opens a connection that publishes to topics.
func (s *natsServer) Publisher(_ context.Context, space Space) (Publisher, error) {
	if space != Topics {
		return nil, ErrUnsupported
	}
	c, err := s.dial()
	if err != nil {
		return nil, err
	}
	return natsPublisher{c}, nil
}

type natsPublisher struct{ conn *nats.Conn }

// Publish hands over to the client's buffer, which another goroutine of it sends: the protocol
// confirms nothing.
func (p natsPublisher) Publish(_ context.Context, posts []Post) error {
	for i := range posts {
		if err := p.conn.Publish(posts[i].Name, posts[i].Payload); err != nil {
			return err
		}
	}
	done := time.Now()
	for i := range posts {
		posts[i].Done, posts[i].Err, posts[i].Matched, posts[i].Offset = done, nil, -1, -1
	}
	return nil
}

// Close sends what is left.
func (p natsPublisher) Close() error {
	err := p.conn.FlushTimeout(dialing)
	p.conn.Close()
	if errors.Is(err, nats.ErrConnectionClosed) {
		err = nil
	}
	return err
}

// Subscriber opens a connection that listens. A topic that several of its names match comes once
// for each, as NATS does it.
func (s *natsServer) Subscriber(
	_ context.Context, space Space, o Subscription,
) (Subscriber, error) {
	if space != Topics || o.Replay {
		return nil, ErrUnsupported
	}
	failed := make(chan error, 1)
	note := func(err error) {
		select {
		case failed <- err:
		default: // the first one tells
		}
	}
	c, err := s.dial(nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		note(err)
	}), nats.ClosedHandler(func(c *nats.Conn) {
		note(errors.Join(errEnded, c.LastError()))
	}))
	if err != nil {
		return nil, err
	}
	l := &natsSubscriber{conn: c, events: make(chan *nats.Msg, natsPending), failed: failed}
	for _, name := range o.Names {
		subjects, err := natsSubjects(name)
		for _, subject := range subjects {
			if err == nil {
				_, err = c.ChanSubscribe(subject, l.events)
			}
		}
		if err != nil {
			c.Close()
			return nil, fmt.Errorf("subscribing to %s: %w", name, err)
		}
	}
	// The answer to a ping comes behind the subscriptions.
	if err := c.FlushTimeout(dialing); err != nil {
		c.Close()
		return nil, fmt.Errorf("subscribing: %w", err)
	}
	return l, nil
}

// natsPending is how many messages may wait in a subscriber. The client drops what is more, which
// ends the subscriber.
const natsPending = 1 << 14

type natsSubscriber struct {
	conn   *nats.Conn
	events chan *nats.Msg
	failed chan error
}

// Next waits for the next event.
func (l *natsSubscriber) Next(ctx context.Context) (Event, error) {
	select {
	case m := <-l.events:
		return natsEvent(m), nil
	default:
	}
	select {
	case m := <-l.events:
		return natsEvent(m), nil
	case <-ctx.Done():
		return Event{}, ctx.Err()
	case err := <-l.failed:
		return Event{}, err
	}
}

func natsEvent(m *nats.Msg) Event {
	return Event{Name: m.Subject, Offset: -1, Payload: m.Data}
}

func (l *natsSubscriber) Close() error {
	l.conn.Close()
	return nil
}

// natsSubjects are the subjects of a name or pattern: * is the same in both; # is > there, which
// wants at least one segment.
func natsSubjects(pattern string) ([]string, error) {
	if pattern == "#" {
		return []string{">"}, nil
	}
	head, tail := strings.CutSuffix(pattern, ".#")
	for s := range strings.SplitSeq(head, ".") {
		if s == "" || s != "*" && strings.ContainsAny(s, "*#> \t") {
			return nil, fmt.Errorf("%w: NATS has no pattern like %q", ErrUnsupported, pattern)
		}
	}
	if tail {
		return []string{head, head + ".>"}, nil
	}
	return []string{head}, nil
}
