package pubsub_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/store/pubsub"
)

// mixed is the n-th of many patterns of every kind.
func mixed(n int) string {
	switch n % 10 {
	case 0, 1, 2:
		return fmt.Sprintf("service.%d.*.created", n)
	case 3, 4:
		return fmt.Sprintf("service.%d.#", n)
	case 5, 6:
		return fmt.Sprintf("*.%d.order.created", n)
	case 7:
		return fmt.Sprintf("service.*.order.%d", n)
	case 8:
		return fmt.Sprintf("service.%d-*.order.created", n)
	}
	return fmt.Sprintf("tenant%d.*.#", n)
}

// listeners registers n patterns that only count, and one that matches all topics of topicsOf.
func listeners(b *testing.B, n, routes int, pattern func(int) string) *pubsub.Hub {
	h := pubsub.New(pubsub.Options{Routes: routes})
	for i := range n {
		if _, err := h.Register([]byte("me"), 1, []byte(pattern(i))); err != nil {
			b.Fatal(err)
		}
	}
	return h
}

func topicsOf(n int) []*pubsub.Message {
	all := make([]*pubsub.Message, n)
	for i := range all {
		all[i] = &pubsub.Message{Topic: fmt.Appendf(nil, "service.%d.order.created", i)}
	}
	return all
}

// BenchmarkRouting publishes to topics that the cache knows (hit) and to ones that it doesn't.
func BenchmarkRouting(b *testing.B) {
	for _, n := range []int{1, 1000, 10_000} {
		for _, c := range []struct {
			name           string
			topics, routes int
		}{{"hit", 1000, 16384}, {"hit1", 1, 16384}, {"miss", 10_000, 4}} {
			b.Run(fmt.Sprintf("%d/%s", n, c.name), func(b *testing.B) {
				h, topics := listeners(b, n, c.routes, mixed), topicsOf(c.topics)
				matched, at := 0, 0
				for range 2 * min(c.topics, 1000) {
					h.Publish(topics[at%len(topics)])
					at++
				}
				b.ReportAllocs()
				for b.Loop() {
					m, _ := h.Publish(topics[at%len(topics)])
					matched += m
					at++
				}
				b.ReportMetric(float64(matched)/float64(b.N), "matched/op")
			})
		}
	}
}

// BenchmarkRoutingKeys is what watching keys makes of patterns: one segment, a glob in it.
func BenchmarkRoutingKeys(b *testing.B) {
	for _, routes := range []int{16384, 4} {
		b.Run(fmt.Sprintf("routes=%d", routes), func(b *testing.B) {
			h := listeners(b, 10_000, routes, func(n int) string {
				return fmt.Sprintf("__watch@0__:user:%d:*", n)
			})
			topics := make([]*pubsub.Message, 10_000)
			for i := range topics {
				topics[i] = &pubsub.Message{Topic: fmt.Appendf(nil, "__watch@0__:user:%d:x", i)}
			}
			at := 0
			b.ReportAllocs()
			for b.Loop() {
				h.Publish(topics[at%len(topics)])
				at++
			}
		})
	}
}

// BenchmarkChurn publishes to 1000 topics while somebody subscribes to new patterns and
// unsubscribes without a pause.
func BenchmarkChurn(b *testing.B) {
	for _, c := range []struct{ name, pattern string }{
		{"elsewhere", "other.%d.*"}, {"here", "service.x%d.*"}, {"everywhere", "*.x%d"},
		{"exact", "service.%d.order.x"},
	} {
		b.Run(c.name, func(b *testing.B) {
			h, topics := listeners(b, 10_000, 0, mixed), topicsOf(1000)
			sub := new(pubsub.Subscriber)
			open(b, h, sub)
			var done atomic.Bool
			var changes atomic.Int64
			var churn sync.WaitGroup
			churn.Go(func() {
				for i := 0; !done.Load(); i++ {
					name := fmt.Appendf(nil, c.pattern, i)
					if _, err := h.Subscribe(sub, 1, name); err != nil {
						panic(err)
					}
					h.Unsubscribe(sub, name)
					changes.Add(2)
				}
			})
			at := 0
			for b.Loop() {
				h.Publish(topics[at%len(topics)])
				at++
			}
			done.Store(true)
			churn.Wait()
			b.ReportMetric(float64(changes.Load())/b.Elapsed().Seconds(), "changes/s")
		})
	}
}

// BenchmarkStorm is the worst of churn: before any topic is published to again, somebody subscribed
// to a new pattern that it could have matched. Only publishing is timed.
func BenchmarkStorm(b *testing.B) {
	const round = 1000
	h, topics := listeners(b, 10_000, 0, mixed), topicsOf(round)
	sub := new(pubsub.Subscriber)
	open(b, h, sub)
	var publishing time.Duration
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		name := fmt.Appendf(nil, "*.x%d", i)
		if _, err := h.Subscribe(sub, 1, name); err != nil {
			b.Fatal(err)
		}
		h.Unsubscribe(sub, name)
		start := time.Now()
		for _, m := range topics {
			h.Publish(m)
		}
		publishing += time.Since(start)
	}
	b.ReportMetric(float64(publishing.Nanoseconds())/float64(b.N)/round, "ns/publish")
}

// BenchmarkTopics publishes to all of so many topics by turns, in an order caches don't like, and
// to 1000 of them.
func BenchmarkTopics(b *testing.B) {
	for _, n := range []int{1000, 100_000, 1_000_000} {
		h := pubsub.New(pubsub.Options{})
		topics := topicsOf(n)
		for _, m := range topics {
			if _, err := h.Register([]byte("me"), 1, m.Topic); err != nil {
				b.Fatal(err)
			}
		}
		for _, used := range []int{1000, n} {
			b.Run(fmt.Sprintf("%d/used=%d", n, used), func(b *testing.B) {
				at := 0
				for b.Loop() {
					h.Publish(topics[at])
					at = (at + 617) % used
				}
			})
		}
	}
}

// BenchmarkParallel publishes from several goroutines.
func BenchmarkParallel(b *testing.B) {
	h, topics := listeners(b, 10_000, 0, mixed), topicsOf(1000)
	var seed atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for at := int(seed.Add(317)); pb.Next(); at++ {
			h.Publish(topics[at%len(topics)])
		}
	})
}

// fan subscribes n to one topic, in so many groups.
func fan(b *testing.B, n, groups int) (*pubsub.Hub, []*pubsub.Group, []*pubsub.Subscriber) {
	h := pubsub.New(pubsub.Options{})
	subs, all := make([]*pubsub.Subscriber, n), make([]*pubsub.Group, groups)
	for i := range all {
		all[i] = h.NewGroup(new(bell))
	}
	for i := range subs {
		subs[i] = &pubsub.Subscriber{Waker: new(bell)}
		if err := h.Open(subs[i], nil, all[i%groups]); err != nil {
			b.Fatal(err)
		}
		if _, err := h.Subscribe(subs[i], 1, []byte("a")); err != nil {
			b.Fatal(err)
		}
	}
	return h, all, subs
}

// BenchmarkFanOut publishes a burst and drains it: by groups as event loops have them, and with a
// group for each subscriber, which is a lock for each.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{1, 50, 1000} {
		for _, groups := range []int{1, 2, n} {
			for _, burst := range []int{1, 16} {
				if groups > n || n == 1 && groups > 1 {
					continue
				}
				b.Run(fmt.Sprintf("%d/groups=%d/burst=%d", n, groups, burst), func(b *testing.B) {
					h, all, _ := fan(b, n, groups)
					benchFan(b, h, all, n, burst)
				})
			}
		}
	}
}

func benchFan(b *testing.B, h *pubsub.Hub, all []*pubsub.Group, n, burst int) {
	m := &pubsub.Message{Topic: []byte("a"), Payload: make([]byte, 100)}
	var ready []*pubsub.Subscriber
	var buf []pubsub.Delivery
	got, publishing := 0, time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		for range burst {
			h.Publish(m)
		}
		publishing += time.Since(start)
		for _, g := range all {
			ready = g.Ready(ready[:0])
			for _, sub := range ready {
				buf, _ = sub.Drain(buf[:0], 1<<20)
				got += len(buf)
			}
		}
	}
	if got != b.N*n*burst {
		b.Fatalf("%d deliveries, want %d", got, b.N*n*burst)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(got), "ns/delivery")
	b.ReportMetric(float64(publishing.Nanoseconds())/float64(got), "ns/publishing")
}

// BenchmarkFanOutLoops is two publishers and two loops that sleep until they are woken, with up to
// 64 messages under way: with a group for each loop, and with one for each subscriber.
func BenchmarkFanOutLoops(b *testing.B) {
	for _, n := range []int{50, 1000} {
		for _, groups := range []int{2, n} {
			b.Run(fmt.Sprintf("%d/groups=%d", n, groups), func(b *testing.B) {
				benchLoops(b, n, groups)
			})
		}
	}
}

func benchLoops(b *testing.B, n, groups int) {
	h := pubsub.New(pubsub.Options{})
	loops := [2]signal{make(signal, 1), make(signal, 1)}
	var shares [2][]*pubsub.Group
	all := make([]*pubsub.Group, groups)
	for i := range all {
		all[i] = h.NewGroup(loops[i%2])
		shares[i%2] = append(shares[i%2], all[i])
	}
	for i := range n {
		sub := new(pubsub.Subscriber)
		if err := h.Open(sub, nil, all[i%groups]); err != nil {
			b.Fatal(err)
		}
		if _, err := h.Subscribe(sub, 1, []byte("a")); err != nil {
			b.Fatal(err)
		}
	}
	var published, drained atomic.Int64
	want := int64(b.N) * int64(n)
	var work sync.WaitGroup
	b.ResetTimer()
	for i := range 2 {
		work.Go(func() {
			var ready []*pubsub.Subscriber
			var buf []pubsub.Delivery
			for drained.Load() < want {
				<-loops[i]
				got := 0
				for _, g := range shares[i] {
					ready = g.Ready(ready[:0])
					for _, sub := range ready {
						buf, _ = sub.Drain(buf[:0], 1<<20)
						got += len(buf)
					}
				}
				if drained.Add(int64(got)) == want {
					loops[1-i].Wake()
				}
			}
		})
		work.Go(func() {
			m := &pubsub.Message{Topic: []byte("a"), Payload: make([]byte, 100)}
			for at := published.Add(1); at <= int64(b.N); at = published.Add(1) {
				for at*int64(n)-drained.Load() > int64(64*n) {
					runtime.Gosched()
				}
				h.Publish(m)
			}
		})
	}
	work.Wait()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(want), "ns/delivery")
}

func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// BenchmarkMemory is what topics and subscriptions cost, and how long they take, where they are
// many. It is one run whatever b.N.
func BenchmarkMemory(b *testing.B) {
	const many = 100_000
	for _, c := range []struct {
		name   string
		n      int
		of     func(int) string
		shared bool // one subscriber for all
	}{
		{"topics", 1_000_000, func(i int) string { return fmt.Sprintf("order.%d.done", i) }, true},
		{"subscribers/own", many, func(i int) string { return fmt.Sprintf("user.%d", i) }, false},
		{"subscribers/one", many, func(int) string { return "news" }, false},
		{"patterns/own", many, func(i int) string { return fmt.Sprintf("user.%d.*", i) }, false},
		{"patterns/deep", many, func(i int) string { return fmt.Sprintf("a.%d.b.*.c", i) }, false},
		{"patterns/glob", many, func(i int) string { return fmt.Sprintf("user:%d:*", i) }, false},
		{"patterns/one", many, func(int) string { return "user.*" }, false},
	} {
		b.Run(c.name, func(b *testing.B) { benchMemory(b, c.n, c.of, c.shared) })
	}
}

func benchMemory(b *testing.B, n int, of func(int) string, shared bool) {
	before := heap()
	h := pubsub.New(pubsub.Options{})
	g, sub := h.NewGroup(new(bell)), new(pubsub.Subscriber)
	subs := make([]*pubsub.Subscriber, 0, n)
	b.ResetTimer()
	for i := range n {
		if !shared || i == 0 {
			sub = new(pubsub.Subscriber)
			if err := h.Open(sub, nil, g); err != nil {
				b.Fatal(err)
			}
			subs = append(subs, sub)
		}
		if _, err := h.Subscribe(sub, 1, []byte(of(i))); err != nil {
			b.Fatal(err)
		}
	}
	joined := b.Elapsed()
	b.StopTimer()
	subscribed := heap() - before - float64(8*cap(subs))
	m := &pubsub.Message{Topic: []byte("user.77.order.created")}
	const publishes = 1 << 20
	b.StartTimer()
	for range publishes {
		h.Publish(m)
	}
	published := b.Elapsed() - joined
	for _, sub := range subs {
		h.Close(sub)
	}
	left := b.Elapsed() - joined - published
	b.StopTimer()
	idle := heap() - before - float64(8*cap(subs))
	b.ReportMetric(subscribed/float64(n), "B/subscribed")
	b.ReportMetric(idle/float64(n), "B/left")
	b.ReportMetric(float64(joined.Nanoseconds())/float64(n), "ns/subscribe")
	b.ReportMetric(float64(left.Nanoseconds())/float64(n), "ns/unsubscribe")
	b.ReportMetric(float64(published.Nanoseconds())/publishes, "ns/publish")
	b.ReportMetric(0, "ns/op")
	runtime.KeepAlive(h)
	runtime.KeepAlive(subs)
}
