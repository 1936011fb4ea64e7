package target_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/benchmark/target"
)

// awkward is a payload with every byte.
func awkward() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func TestWhatIsSetIsGot(t *testing.T) {
	onAll(t, "kv", 1, func(t *testing.T, s target.Server) {
		ctx := within(t)
		conn, err := s.KV(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		long := bytes.Repeat(awkward(), 1000)
		ops := []target.Op{
			{Kind: target.Get, Key: []byte("nobody")},
			{Kind: target.Set, Key: []byte("key"), Value: awkward()},
			{Kind: target.Get, Key: []byte("key")},
			{Kind: target.Set, Key: []byte("key"), Value: long},
			{Kind: target.Get, Key: []byte("key")},
			{Kind: target.Set, Key: []byte("empty"), Value: []byte{}},
			{Kind: target.Get, Key: []byte("empty")},
			{Kind: target.Incr, Key: []byte("count")},
			{Kind: target.Incr, Key: []byte("count")},
			{Kind: target.Incr, Key: []byte("empty")},
			{Kind: target.Get, Key: []byte("key")},
		}
		before := time.Now()
		if err := conn.Exec(ctx, ops); err != nil {
			t.Fatal(err)
		}
		for i := range ops {
			if ops[i].Done.Before(before) {
				t.Errorf("operation %d is done before it began", i)
			}
			if refused := i == 9; (ops[i].Err != nil) != refused {
				t.Errorf("operation %d: %v", i, ops[i].Err)
			}
		}
		if ops[0].Found || !ops[2].Found || !ops[6].Found || len(ops[6].Answer) != 0 {
			t.Error("a key that was never set is found, or one that was is not")
		}
		if !bytes.Equal(ops[2].Answer, awkward()) || !bytes.Equal(ops[4].Answer, long) ||
			!bytes.Equal(ops[10].Answer, long) {
			t.Error("a key does not have the value that was set")
		}
		if ops[7].Number != 1 || ops[8].Number != 2 {
			t.Errorf("counted to %d and %d", ops[7].Number, ops[8].Number)
		}
	})
}

func TestQueueHandsOutWhatWasPublished(t *testing.T) {
	const n, depth = 50, 8
	onAll(t, "queue", depth, func(t *testing.T, s target.Server) {
		ctx := within(t)
		prepare(t, s, "jobs")
		q := open(t, s, "jobs", "producer")
		var msgs []target.Message
		for i := range n {
			msgs = append(msgs, target.Message{Priority: i % 10,
				Payload: append([]byte{byte(i)}, awkward()...)})
		}
		if err := q.Publish(ctx, msgs[:1]); err != nil {
			t.Fatal(err)
		}
		if err := q.Publish(ctx, msgs[1:]); err != nil {
			t.Fatal(err)
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		want := make([]int, n) // numbers in the order in which they must come
		for i := range n {
			want[i] = i
		}
		if target.Ranked(s) {
			slices.SortStableFunc(want, func(a, b int) int { return b%10 - a%10 })
		}
		worker := open(t, s, "jobs", "worker")
		var got []int
		for _, d := range take(ctx, t, worker, n, depth) {
			got = append(got, int(d.Payload[0]))
			if !bytes.Equal(d.Payload[1:], awkward()) || d.Retries != 0 {
				t.Errorf("message %d came as %q, after %d retries", d.Payload[0], d.Payload,
					d.Retries)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("came in the order\n%v, want\n%v", got, want)
		}
		if ds, err := worker.Consume(ctx, depth, 10*time.Millisecond); err != nil || len(ds) > 0 {
			t.Errorf("an empty queue handed out %d messages, %v", len(ds), err)
		}
	})
}

// What a worker took and did not acknowledge goes to another one, and is not gone.
func TestQueueGivesAgainWhatWasNotAcknowledged(t *testing.T) {
	onAll(t, "queue", 4, func(t *testing.T, s target.Server) {
		ctx := within(t)
		prepare(t, s, "jobs")
		first := open(t, s, "jobs", "first")
		var msgs []target.Message
		for i := range 4 {
			msgs = append(msgs, target.Message{Payload: []byte{byte(i)}, Priority: 5})
		}
		if err := first.Publish(ctx, msgs); err != nil {
			t.Fatal(err)
		}
		ds, err := first.Consume(ctx, 1, patient/2)
		if err != nil || len(ds) != 1 {
			t.Fatalf("%d messages, %v", len(ds), err)
		}
		if err := first.Ack(ctx, ds); err != nil {
			t.Fatal(err)
		}
		done := ds[0].Payload[0]
		if ds, err = first.Consume(ctx, 1, patient/2); err != nil || len(ds) != 1 {
			t.Fatalf("%d messages, %v", len(ds), err)
		}
		given := ds[0].Payload[0]
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		seen := map[byte]int{}
		for _, d := range take(ctx, t, open(t, s, "jobs", "second"), 3, 4) {
			seen[d.Payload[0]]++
			// beanstalkd does not tell that a job was handed out before.
			if about, _ := s.About(ctx); d.Payload[0] == given && d.Retries == 0 &&
				about.Name != "beanstalkd" {
				t.Error("a message that comes again says it is new")
			}
		}
		if len(seen) != 3 || seen[done] != 0 {
			t.Errorf("%v came again; %d was acknowledged", seen, done)
		}
	})
}

func prepare(t *testing.T, s target.Server, queue string) {
	t.Helper()
	if err := s.Prepare(within(t), target.Queues, []string{queue}, time.Second); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		if err := s.Remove(ctx, target.Queues, []string{queue}); err != nil {
			t.Errorf("removing: %v", err)
		}
	})
}

func open(t *testing.T, s target.Server, queue, worker string) target.Queue {
	t.Helper()
	q, err := s.Queue(within(t), queue, worker)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// take consumes and acknowledges n messages, and closes the connection.
func take(
	ctx context.Context, t *testing.T, q target.Queue, n, depth int,
) (all []target.Delivery) {
	t.Helper()
	for len(all) < n {
		ds, err := q.Consume(ctx, min(depth, n-len(all)), 100*time.Millisecond)
		if err != nil {
			t.Fatalf("after %d of %d messages: %v", len(all), n, err)
		}
		if len(ds) > depth {
			t.Fatalf("%d messages at once, not %d", len(ds), depth)
		}
		for _, d := range ds {
			d.Payload = bytes.Clone(d.Payload)
			all = append(all, d)
		}
		if err := q.Ack(ctx, ds); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestTopicsReachWhomTheyMatch(t *testing.T) {
	onAll(t, "pubsub", 1, func(t *testing.T, s target.Server) {
		if strings.HasSuffix(t.Name(), "synap_resp") {
			return // there patterns are Redis', which is another test
		}
		ctx := within(t)
		names := []string{"a", "a.b", "a.b.c", "a.x", "b.x", "a.last"}
		for pattern, want := range map[string][]string{
			"a.b": {"a.b"}, "a.*": {"a.b", "a.x", "a.last"}, "*.x": {"a.x", "b.x"},
			"a.#": {"a", "a.b", "a.b.c", "a.x", "a.last"}, "#": names, "a.*.c": {"a.b.c"},
		} {
			sub, err := s.Subscriber(ctx, target.Topics, target.Subscription{
				Names: []string{pattern, "end"}})
			if pattern == "#" {
				_ = sub.Close()
				sub, err = s.Subscriber(ctx, target.Topics, target.Subscription{
					Names: []string{pattern}})
			}
			if err != nil {
				t.Fatalf("%s: %v", pattern, err)
			}
			defer context.AfterFunc(ctx, func() { _ = sub.Close() })() // it ends a Next
			publish(ctx, t, s, names)
			var got, expected []string
			for _, name := range want {
				for i := range 3 {
					expected = append(expected, fmt.Sprintf("%s <%s %d>", name, name, i))
				}
			}
			for {
				ev, err := sub.Next(ctx)
				if err != nil {
					t.Fatalf("%s: %v", pattern, err)
				}
				if ev.Name == "end" {
					break
				}
				if ev.Offset != -1 {
					t.Errorf("%s has the offset %d", ev.Name, ev.Offset)
				}
				got = append(got, ev.Name+" "+string(ev.Payload))
			}
			// Order is that of a connection, which publish uses; NATS keeps it over topics.
			if !slices.Equal(got, expected) {
				t.Errorf("%s got %v\nwant %v", pattern, got, expected)
			}
			if err := sub.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// publish sends three payloads to each topic, and the end.
func publish(ctx context.Context, t *testing.T, s target.Server, names []string) {
	t.Helper()
	pub, err := s.Publisher(ctx, target.Topics)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(slices.Clone(names), "end") {
		var posts []target.Post
		for i := range 3 {
			posts = append(posts, target.Post{Name: name,
				Payload: fmt.Appendf(nil, "<%s %d>", name, i)})
		}
		if err := pub.Publish(ctx, posts); err != nil {
			t.Fatalf("publishing to %s: %v", name, err)
		}
		for i := range posts {
			p := &posts[i]
			if p.Err != nil || p.Done.IsZero() || p.Matched < -1 || p.Offset != -1 ||
				name == "end" && p.Matched == 0 {
				t.Errorf("publishing to %s: %+v", name, p)
			}
		}
	}
	if err := pub.Close(); err != nil {
		t.Error(err)
	}
}

func TestServersSayWhatTheyAre(t *testing.T) {
	for _, workload := range []string{"kv", "queue"} {
		onAll(t, workload, 1, func(t *testing.T, s target.Server) {
			about, err := s.About(within(t))
			if err != nil {
				t.Fatal(err)
			}
			if about.Name == "synap" {
				return
			}
			if about.Version == "" || about.Durability == "" || about.Protocol == "" {
				t.Errorf("%+v", about)
			}
		})
	}
}

func TestTargetsThatCannotAreRefusedByName(t *testing.T) {
	for _, c := range []struct{ url, workload, want string }{
		{"redis://h", "queue", "nats://, beanstalk://, amqp://"},
		{"nats://h", "kv", "can't do kv; these can: redis://"},
		{"beanstalk://h", "pubsub", "redis://, nats://"},
		{"amqp://h", "stream", "only Synap"},
	} {
		if err := target.Can(c.url, c.workload); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v", c.url, c.workload, err)
		}
	}
	if err := target.Can("redis://h", "kv"); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"redis://", "gopher://h", "h:6379", "://"} {
		if _, err := target.OpenPeer(target.Peer{URL: bad}); err == nil {
			t.Errorf("%q is taken for a target", bad)
		}
	}
	_, err := target.OpenPeer(target.Peer{URL: "gopher://u:secret@h"})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a password is shown: %v", err)
	}
}

func TestNobodyThereIsUnreachable(t *testing.T) {
	for _, at := range []string{"redis://127.0.0.1:1", "nats://127.0.0.1:1",
		"beanstalk://127.0.0.1:1", "amqp://127.0.0.1:1"} {
		s, err := target.OpenPeer(target.Peer{URL: at})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.About(within(t)); !errors.Is(err, target.ErrUnreachable) {
			t.Errorf("%s: %v", at, err)
		}
	}
}
