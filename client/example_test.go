package synap_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	synap "github.com/synapdb/synap/client"
)

// TestExamples runs the examples below against a server of this test. They connect as anybody does,
// by SYNAP_URL.
func TestExamples(t *testing.T) {
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			for _, example := range []func(context.Context, *synap.Client) error{
				exampleKeys, exampleConditions, exampleConsume, exampleStream, exampleTopics,
				exampleBatch, exampleWatch,
			} {
				s := serve(t, map[string]string{"persistence.level": "os",
					"persistence.dir": t.TempDir()})
				t.Setenv("SYNAP_URL", s.url(w))
				c, err := synap.New(synap.WithPoolSize(20), synap.WithFormat(w.format),
					synap.WithRetry(synap.DefaultRetry))
				must(t, "new", err)
				ctx, cancel := context.WithTimeout(t.Context(), patient)
				must(t, "example", example(ctx, c))
				cancel()
				must(t, "close", c.Close())
			}
		})
	}
}

func exampleKeys(ctx context.Context, c *synap.Client) error {
	if _, err := c.KV.Set(ctx, "k", []byte("v"), synap.TTL(time.Minute)); err != nil {
		return err
	}
	v, ok, err := c.KV.Get(ctx, "k")
	if string(v) != "v" || !ok {
		return fmt.Errorf("k is %q, %v: %w", v, ok, err)
	}
	return err
}

func exampleConditions(ctx context.Context, c *synap.Client) error {
	if _, err := c.KV.Set(ctx, "lock", []byte("me"), synap.IfAbsent()); err != nil {
		return err
	}
	_, err := c.KV.Set(ctx, "lock", []byte("you"), synap.IfAbsent())
	if !errors.Is(err, synap.ErrConflict) {
		return fmt.Errorf("the second one gets %w", err)
	}
	return nil
}

func exampleConsume(ctx context.Context, c *synap.Client) error {
	q := c.Queue("jobs")
	if err := q.Create(ctx, synap.QueueOptions{}); err != nil {
		return err
	}
	if _, err := q.Publish(ctx, []byte("work"), synap.Priority(9)); err != nil {
		return err
	}
	ctx, done := context.WithCancel(ctx)
	var got string
	err := q.Consume(ctx, func(_ context.Context, m *synap.Message) error {
		got = string(m.Payload)
		done()
		return nil // nil = ack
	}, synap.Prefetch(10))
	if got != "work" || !errors.Is(err, context.Canceled) {
		return fmt.Errorf("worked on %q: %w", got, err)
	}
	return nil
}

func exampleStream(ctx context.Context, c *synap.Client) error {
	orders := c.Stream("orders")
	if err := orders.Create(ctx, synap.StreamOptions{}); err != nil {
		return err
	}
	for range 44 {
		if _, err := orders.Publish(ctx, "paid", []byte(`{"total":12}`)); err != nil {
			return err
		}
	}
	for ev, err := range c.Stream("orders").Subscribe(ctx, synap.FromOffset(42)) {
		if err != nil {
			return err
		}
		if ev.Offset == 43 {
			break
		}
	}
	return nil
}

func exampleTopics(ctx context.Context, c *synap.Client) error {
	sub, err := c.PubSub.Listen(ctx, "a.*") // stands when it returns, unlike Subscribe
	if err != nil {
		return err
	}
	defer sub.Close()
	if n, err := c.PubSub.Publish(ctx, "a.b", []byte(`"hello"`)); n != 1 {
		return fmt.Errorf("%d subscribers: %w", n, err)
	}
	m, err := sub.Next()
	if m.Topic != "a.b" || string(m.Payload) != `"hello"` {
		return fmt.Errorf("%+v: %w", m, err)
	}
	return nil
}

func exampleBatch(ctx context.Context, c *synap.Client) error {
	res, err := c.Batch(ctx, synap.Get("a"), synap.Set("b", []byte("1")), synap.Incr("b", 1))
	if err != nil || len(res) != 3 || res[0].Value != nil {
		return fmt.Errorf("%v: %w", res, err)
	}
	return res[2].Err
}

func exampleWatch(ctx context.Context, c *synap.Client) error {
	if _, err := c.KV.Set(ctx, "user:1", []byte("Ada")); err != nil {
		return err
	}
	for e, err := range c.KV.Watch(ctx, []string{"user:*"}, synap.FromLSN(0)) {
		if err != nil || e.Event != "set" || string(e.Value) != "Ada" {
			return fmt.Errorf("%+v: %w", e, err)
		}
		break
	}
	return nil
}

func ExampleNew() {
	c, err := synap.New(synap.WithURL("http://localhost:15500"), synap.WithPoolSize(20))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()
	_, err = synap.New(synap.WithPoolSize(0))
	fmt.Println(err)
	// Output: synap: the pool must have 1 connection or more, not 0
}

func ExampleQueue_Consume() {
	at, ok := os.LookupEnv("SYNAP_URL")
	if !ok {
		return // no server
	}
	c, err := synap.New(synap.WithURL(at))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()
	err = c.Queue("jobs").Consume(context.Background(),
		func(_ context.Context, m *synap.Message) error {
			fmt.Printf("%s\n", m.Payload)
			return nil // done; an error would have it delivered again
		}, synap.Prefetch(10), synap.Concurrency(4))
	fmt.Println(err)
}

func ExampleStream_Subscribe() {
	c, err := synap.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()
	for ev, err := range c.Stream("orders").Subscribe(context.Background(), synap.FromOffset(42)) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(ev.Offset, ev.Name, string(ev.Data))
	}
}
