package target

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/beanstalkd/go-beanstalk"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// beanstalkServer is beanstalkd, spoken to with go-beanstalk.
type beanstalkServer struct {
	none
	peer Peer
	url  *url.URL

	mu       sync.Mutex
	deadline time.Duration // of leases, as Prepare was told
}

func newBeanstalk(p Peer, u *url.URL) Server {
	return &beanstalkServer{peer: p, url: u, deadline: 30 * time.Second}
}

func (s *beanstalkServer) PID() int     { return s.peer.PID }
func (s *beanstalkServer) Close() error { return nil } // each connection is its own

func (s *beanstalkServer) dial(ctx context.Context) (*beanstalk.Conn, *sending, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", s.url.Host)
	if err != nil {
		return nil, nil, unreachable(s.url, err)
	}
	w := &sending{Conn: c}
	return beanstalk.NewConn(w), w, nil
}

// sending tells when a request is out: the client writes each in one go.
type sending struct {
	net.Conn
	sent chan struct{} // nil: nobody waits for it
}

func (s *sending) Write(b []byte) (int, error) {
	n, err := s.Conn.Write(b)
	if s.sent != nil {
		s.sent <- struct{}{}
	}
	return n, err
}

func (s *beanstalkServer) About(ctx context.Context) (result.Server, error) {
	about := result.Server{Name: "beanstalkd", URL: public(s.url), Protocol: "beanstalk",
		Durability: s.peer.Stated}
	c, _, err := s.dial(ctx)
	if err != nil {
		return about, err
	}
	defer c.Close() //nolint:errcheck // it only asked
	stats, err := c.Stats()
	if err != nil {
		return about, fmt.Errorf("asking beanstalkd what it is: %w", err)
	}
	about.Version = strings.Trim(stats["version"], `"`)
	if about.Durability == "" {
		about.Durability = "in memory only (no -b)"
		if stats["binlog-current-index"] != "0" {
			about.Durability = "binlog (-b); how often it is synced can't be asked"
		}
	}
	return about, nil
}

// Prepare keeps the deadline: tubes make themselves.
func (s *beanstalkServer) Prepare(
	_ context.Context, space Space, _ []string, deadline time.Duration,
) error {
	if space != Queues {
		return ErrUnsupported
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = max(deadline.Round(time.Second), time.Second) // it counts in seconds
	return nil
}

// Remove empties tubes. They are gone once nobody uses them.
func (s *beanstalkServer) Remove(ctx context.Context, _ Space, names []string) error {
	c, _, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // the last answer said that it was done
	for _, name := range names {
		tube := beanstalk.NewTube(c, name)
		for ctx.Err() == nil {
			id, _, err := tube.PeekReady()
			if errors.Is(err, beanstalk.ErrNotFound) {
				break
			}
			if err == nil {
				err = c.Delete(id)
			}
			if err != nil && !errors.Is(err, beanstalk.ErrNotFound) {
				return err
			}
		}
	}
	return ctx.Err()
}

func (s *beanstalkServer) Queue(ctx context.Context, queue, _ string) (Queue, error) {
	c, raw, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &beanstalkQueue{conn: c, raw: raw, tube: beanstalk.NewTube(c, queue),
		watch: beanstalk.NewTubeSet(c, queue), deadline: s.deadline}, nil
}

// beanstalkQueue is one connection. Its client sends and waits; it lets several goroutines share
// a connection, which then pipelines.
type beanstalkQueue struct {
	conn     *beanstalk.Conn
	raw      *sending
	tube     *beanstalk.Tube
	watch    *beanstalk.TubeSet
	deadline time.Duration
}

func (q *beanstalkQueue) Close() error { return q.conn.Close() }

// bounded ends what is on the way when ctx does.
func (q *beanstalkQueue) bounded(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = q.raw.SetDeadline(time.Unix(1, 0)) })
}

// each runs f for n numbers, each once the request of the one before is out, and returns the first
// error. The client answers in order; what is asked in order is thus answered in order.
func (q *beanstalkQueue) each(n int, f func(i int) error) error {
	if n == 1 {
		return f(0)
	}
	q.raw.sent = make(chan struct{}, n)
	defer func() { q.raw.sent = nil }()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		done := make(chan struct{})
		all.Go(func() {
			defer close(done)
			errs[i] = f(i)
		})
		select {
		case <-q.raw.sent:
		case <-done: // it failed before it sent anything
		}
	}
	all.Wait()
	return errors.Join(errs...)
}

// urgent is beanstalkd's most urgent priority for ours of 9; it counts the other way.
func urgent(priority int) uint32 { return uint32(9 - min(max(priority, 0), 9)) }

// Publish puts.
func (q *beanstalkQueue) Publish(ctx context.Context, msgs []Message) error {
	defer q.bounded(ctx)()
	return q.each(len(msgs), func(i int) error {
		_, err := q.tube.Put(msgs[i].Payload, urgent(msgs[i].Priority), 0, q.deadline)
		if err != nil {
			return fmt.Errorf("put: %w", err)
		}
		return nil
	})
}

// Consume reserves. beanstalkd counts in seconds, so what shall wait less does not wait, and is
// asked again.
func (q *beanstalkQueue) Consume(
	ctx context.Context, most int, wait time.Duration,
) ([]Delivery, error) {
	defer q.bounded(ctx)()
	found := make([]Delivery, most)
	err := q.each(most, func(i int) error {
		wait := wait
		if i > 0 {
			wait = 0
		}
		id, body, err := q.watch.Reserve(wait)
		found[i] = Delivery{Payload: body, Handle: id}
		if errors.Is(err, beanstalk.ErrTimeout) || errors.Is(err, beanstalk.ErrDeadline) {
			found[i].Handle, err = nil, nil
		}
		return err
	})
	ds := found[:0]
	for _, d := range found {
		if d.Handle != nil {
			ds = append(ds, d)
		}
	}
	return ds, err
}

// Ack deletes.
func (q *beanstalkQueue) Ack(ctx context.Context, ds []Delivery) error {
	defer q.bounded(ctx)()
	return q.each(len(ds), func(i int) error {
		id, _ := ds[i].Handle.(uint64)
		if err := q.conn.Delete(id); err != nil {
			return fmt.Errorf("delete %d: %w", id, err)
		}
		return nil
	})
}
