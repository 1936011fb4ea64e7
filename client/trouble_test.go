package synap_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	synap "github.com/synapdb/synap/client"
)

// Calls are given up at any moment while others go on: no answer reaches somebody else.
func TestCancelledCallsShiftNothing(t *testing.T) {
	const callers, rounds = 16, 150
	onEveryWire(t, func(t *testing.T, s *server, _ *synap.Client, w wire) {
		c := client(t, s.url(w), synap.WithFormat(w.format), synap.WithPoolSize(4))
		value := func(who, n int) string {
			return fmt.Sprint(who, "/", n, strings.Repeat("x", n*97%20_000))
		}
		var answered, given atomic.Int64
		var all sync.WaitGroup
		for who := range callers {
			all.Go(func() {
				key := fmt.Sprint("k", who)
				for n := range rounds {
					_, err := c.KV.Set(t.Context(), key, []byte(value(who, n)))
					if err != nil {
						t.Error(err)
						return
					}
					ctx, cancel := context.WithTimeout(t.Context(),
						time.Duration(rand.IntN(2000))*time.Microsecond)
					v, ok, err := c.KV.Get(ctx, key)
					values, err2 := c.KV.MGet(ctx, key, "none", key)
					cancel()
					for _, err := range []error{err, err2} {
						if err == nil {
							answered.Add(1)
						} else if given.Add(1); !errors.Is(err, synap.ErrTimeout) {
							t.Error(err)
						}
					}
					want := value(who, n)
					if err == nil && (!ok || string(v) != want) {
						t.Errorf("%s is %.40q, want %.40q", key, v, want)
					}
					if err2 == nil && (string(values[0]) != want || values[1] != nil ||
						string(values[2]) != want) {
						t.Errorf("%s are %.40q, want %.40q", key, values, want)
					}
				}
			})
		}
		all.Wait()
		if answered.Load() == 0 || given.Load() == 0 {
			t.Errorf("%d answered and %d given up: this tests nothing", answered.Load(),
				given.Load())
		}
	})
}

// Connections are cut at any byte: reads are tried again, writes are done once or not at all.
func TestCutConnections(t *testing.T) {
	const calls = 400
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			s := serve(t, nil)
			cut := proxy(t, s.url(w), func() int { return 100 + rand.IntN(3000) })
			c := client(t, cut.url, synap.WithFormat(w.format), synap.WithRetry(eager))
			direct := client(t, s.url(w), synap.WithFormat(w.format))
			_, err := direct.KV.Set(t.Context(), "r", []byte("value"))
			must(t, "set", err)
			done, failed := int64(0), int64(0)
			// Where the cuts fall is chance: it goes on until a write was cut, which is soon.
			for i := 0; i < calls || failed == 0 && i < 50*calls; i++ {
				v, ok, err := c.KV.Get(t.Context(), "r")
				if err != nil || !ok || string(v) != "value" {
					t.Fatalf("read: %q %v %v", v, ok, err)
				}
				switch _, err := c.KV.Incr(t.Context(), "n", 1); {
				case err == nil:
					done++
				case errors.Is(err, synap.ErrUnavailable):
					failed++
				default:
					t.Fatal(err)
				}
			}
			n, err := direct.KV.Incr(t.Context(), "n", 0)
			must(t, "incr", err)
			if n < done || n > done+failed || failed == 0 {
				t.Errorf("%d done, %d failed, and %d happened", done, failed, n)
			}
		})
	}
}

// A server is started anew: calls that read find it, and so do subscriptions.
func TestRestarts(t *testing.T) {
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			dir := map[string]string{"persistence.level": "os", "persistence.dir": t.TempDir()}
			s := serve(t, dir)
			front := proxy(t, s.url(w), func() int { return math.MaxInt32 })
			c := client(t, front.url, synap.WithFormat(w.format), synap.WithRetry(eager),
				synap.WithPoolSize(8))
			var all sync.WaitGroup
			for range 8 { // so that there are several idle connections
				all.Go(func() {
					_, err := c.KV.Set(t.Context(), "a", []byte("1"))
					must(t, "set", err)
				})
			}
			all.Wait()
			room := c.Stream("r")
			must(t, "create", room.Create(t.Context(), synap.StreamOptions{}))
			for n := range int64(2) {
				s.stop()
				s = serve(t, dir)
				host := s.http
				if w.scheme == "resp" {
					host = s.resp
				}
				front.to.Store(&host)
				v, ok, err := c.KV.Get(t.Context(), "a")
				same(t, "get", fmt.Sprintf("%s %v %v", v, ok, err), "1 true <nil>")
				offset, err := room.Publish(t.Context(), "e", []byte(`1`))
				same(t, "publish", fmt.Sprint(offset, err), fmt.Sprint(n, " <nil>"))
			}
			s.stop()
			_, _, err := client(t, front.url, synap.WithRetry(synap.Retry{Attempts: 2})).KV.
				Get(t.Context(), "a")
			same(t, "no server", errors.Is(err, synap.ErrUnavailable), true)
		})
	}
}

func TestTimeouts(t *testing.T) {
	onEveryWire(t, func(t *testing.T, s *server, _ *synap.Client, w wire) {
		q := client(t, s.url(w), synap.WithFormat(w.format)).Queue("jobs")
		must(t, "create", q.Create(t.Context(), synap.QueueOptions{}))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		_, _, err := q.Pop(ctx, time.Hour)
		same(t, "cancelled", errors.Is(err, context.Canceled), true)
		ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, _, err = q.Pop(ctx, time.Hour)
		same(t, "deadline", fmt.Sprint(errors.Is(err, synap.ErrTimeout),
			errors.Is(err, context.DeadlineExceeded)), "true true")
		c := client(t, s.url(w), synap.WithTimeout(time.Nanosecond))
		_, _, err = c.KV.Get(t.Context(), "a")
		same(t, "own timeout", errors.Is(err, synap.ErrTimeout), true)
		must(t, "close", c.Close())
		_, _, err = c.KV.Get(t.Context(), "a")
		same(t, "closed", errors.Is(err, synap.ErrClosed) || errors.Is(err, synap.ErrTimeout), true)
	})
}
