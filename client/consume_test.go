package synap_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	synap "github.com/synapdb/synap/client"
)

// tally counts deliveries of messages by their payloads.
type tally struct {
	mu    sync.Mutex
	times map[string]int
}

func (c *tally) add(m *synap.Message) (times, distinct int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.times == nil {
		c.times = map[string]int{}
	}
	c.times[string(m.Payload)]++
	return c.times[string(m.Payload)], len(c.times)
}

// fill makes a queue with messages that are numbers.
func fill(t *testing.T, c *synap.Client, count int, o synap.QueueOptions) *synap.Queue {
	t.Helper()
	q := c.Queue("jobs")
	must(t, "create", q.Create(t.Context(), o))
	payloads := make([][]byte, count)
	for i := range payloads {
		payloads[i] = fmt.Append(nil, i)
	}
	_, err := q.PublishBatch(t.Context(), payloads)
	must(t, "publish", err)
	return q
}

// expectEmpty fails unless a queue has nothing left, leased messages included.
func expectEmpty(t *testing.T, s *server) {
	t.Helper()
	c := client(t, "http://"+s.http)
	info, err := c.Do(t.Context(), "queue.info", map[string]any{"queue": "jobs"})
	must(t, "info", err)
	stats := info.(map[string]any)["stats"].(map[string]any)
	same(t, "left", fmt.Sprint(stats["depth"], stats["leased"], stats["delayed"], stats["dead"]),
		"0 0 0 0")
}

func TestConsumeWorksOnAllMessages(t *testing.T) {
	const count = 500
	onEveryWire(t, func(t *testing.T, s *server, c *synap.Client, _ wire) {
		q := fill(t, c, count, synap.QueueOptions{MaxRetries: 50})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var seen tally
		var done tally
		err := q.Consume(ctx, func(_ context.Context, m *synap.Message) error {
			if n, _ := seen.add(m); n != m.Retries+1 {
				t.Errorf("delivery %d of %s says %d retries", n, m.Payload, m.Retries)
			}
			if rand.IntN(5) == 0 {
				return errors.New("once more")
			}
			if n, all := done.add(m); n > 1 {
				t.Errorf("%s was done %d times", m.Payload, n)
			} else if all == count {
				cancel()
			}
			return nil
		}, synap.Prefetch(20), synap.Concurrency(4))
		same(t, "the end", err, context.Canceled)
		expectEmpty(t, s)
	})
}

func TestPanicsGiveBackAndPropagate(t *testing.T) {
	onEveryWire(t, func(t *testing.T, _ *server, c *synap.Client, _ wire) {
		q := fill(t, c, 2, synap.QueueOptions{})
		begun, release := make(chan bool), make(chan bool)
		var finished tally
		func() {
			defer func() { same(t, "panic", recover(), "boom") }()
			err := q.Consume(t.Context(), func(_ context.Context, m *synap.Message) error {
				if string(m.Payload) == "0" {
					<-begun // so that another handler is under way
					defer close(release)
					panic("boom")
				}
				begun <- true
				<-release
				finished.add(m)
				return nil
			}, synap.Concurrency(2), synap.Prefetch(2))
			t.Error("no panic: ", err)
		}()
		same(t, "the other handler ended first", len(finished.times), 1)
		m, ok, err := q.Pop(t.Context(), patient)
		must(t, "pop", err)
		same(t, "left", fmt.Sprint(ok, " ", string(m.Payload), " ", m.Retries), "true 0 1")
		must(t, "ack", m.Ack(t.Context()))
	})
}

func TestHeartbeatsKeepLeases(t *testing.T) {
	onEveryWire(t, func(t *testing.T, s *server, c *synap.Client, _ wire) {
		t.Parallel()
		// A machine that stands still for five seconds must not fail it.
		const deadline = 8 * time.Second
		q := fill(t, c, 2, synap.QueueOptions{AckDeadline: deadline})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := q.Consume(ctx, func(ctx context.Context, m *synap.Message) error {
			same(t, "retries", m.Retries, 0)
			if string(m.Payload) == "1" {
				cancel()
				return nil
			}
			// Somebody else waits for both messages, beyond their deadlines, in vain if they
			// are held, by the handler and ahead of it; over resp:// only one is held.
			other := client(t, s.url(wires[0])).Queue("jobs")
			all, err := other.PopBatch(ctx, 1, deadline*3/2)
			must(t, "pop", err)
			for _, m := range all {
				same(t, "not held", string(m.Payload), "1")
				must(t, "nack", m.Nack(ctx, 0))
				cancel()
			}
			return context.Cause(ctx)
		}, synap.Prefetch(2))
		same(t, "the end", err, context.Canceled)
	})
}

func TestConsumeDrains(t *testing.T) {
	onEveryWire(t, func(t *testing.T, _ *server, c *synap.Client, _ wire) {
		q := fill(t, c, 10, synap.QueueOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := q.Consume(ctx, func(own context.Context, m *synap.Message) error {
			if string(m.Payload) == "2" {
				cancel()
			}
			return own.Err() // it may go on
		}, synap.Prefetch(6))
		same(t, "the end", err, context.Canceled)
		for i := 3; i < 10; i++ {
			m, ok, err := q.Pop(t.Context(), 0)
			must(t, "pop", err)
			if !ok {
				t.Fatalf("message %d is still held", i)
			}
			if string(m.Payload) != fmt.Sprint(i) || m.Retries > 1 {
				t.Errorf("message %d is %s, retried %d times", i, m.Payload, m.Retries)
			}
		}
	})
}

func TestDrainsEnd(t *testing.T) {
	onEveryWire(t, func(t *testing.T, _ *server, c *synap.Client, _ wire) {
		q := fill(t, c, 1, synap.QueueOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		err := q.Consume(ctx, func(own context.Context, _ *synap.Message) error {
			cancel()
			<-own.Done()
			return own.Err()
		}, synap.DrainTimeout(time.Millisecond))
		same(t, "the end", err, context.Canceled)
		m, ok, err := q.Pop(t.Context(), patient)
		must(t, "pop", err)
		same(t, "given back", fmt.Sprint(ok, m.Retries), "true 1")
	})
}

func TestConsumeEndsWithItsQueue(t *testing.T) {
	onEveryWire(t, func(t *testing.T, _ *server, c *synap.Client, _ wire) {
		q := c.Queue("jobs")
		err := q.Consume(t.Context(), nil)
		same(t, "no queue", errors.Is(err, synap.ErrNotFound), true)
		fill(t, c, 2, synap.QueueOptions{})
		err = q.Consume(t.Context(), func(ctx context.Context, _ *synap.Message) error {
			_, err := q.Delete(ctx)
			return err
		}, synap.Prefetch(1))
		if !errors.Is(err, synap.ErrNotFound) {
			t.Errorf("deleted: %v", err)
		}
	})
}

// Connections are cut at any byte: each message is worked on, once at least, and none is left.
func TestConsumeAcrossCuts(t *testing.T) {
	const count = 1000
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			s := serve(t, nil)
			fill(t, client(t, s.url(wires[0])), count, synap.QueueOptions{MaxRetries: 1000,
				AckDeadline: time.Second})
			cut := proxy(t, s.url(w), func() int { return 500 + rand.IntN(20_000) })
			c := client(t, cut.url, synap.WithFormat(w.format), synap.WithRetry(eager))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var watching sync.WaitGroup
			watching.Go(func() { // until all are settled
				direct := client(t, s.url(wires[0]))
				for ctx.Err() == nil {
					v, err := direct.Do(ctx, "queue.stats", map[string]any{"queue": "jobs"})
					if m, ok := v.(map[string]any); err == nil && ok &&
						fmt.Sprint(m["acked"]) == fmt.Sprint(count) {
						cancel()
					}
					time.Sleep(time.Millisecond) // a poll
				}
			})
			var seen tally
			err := c.Queue("jobs").Consume(ctx, func(_ context.Context, m *synap.Message) error {
				seen.add(m)
				return nil
			}, synap.Prefetch(20))
			same(t, "worked on", len(seen.times), count)
			same(t, "the end", err, context.Canceled)
			watching.Wait()
			expectEmpty(t, s)
			if cut.cuts.Load() < 3 {
				t.Errorf("cut %d times only", cut.cuts.Load())
			}
		})
	}
}
