package synap_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	synap "github.com/synapdb/synap/client"
)

func TestRoomsAreFollowed(t *testing.T) {
	onEveryWire(t, func(t *testing.T, _ *server, c *synap.Client, _ wire) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := c.Stream("a room/ä?%")
		for _, err := range s.Subscribe(ctx) {
			same(t, "no such room", errors.Is(err, synap.ErrNotFound), true)
		}
		must(t, "create", s.Create(ctx, synap.StreamOptions{}))
		for i := range 5 {
			_, err := s.Publish(ctx, "e", fmt.Appendf(nil, `{"i": %d, "t":"\u00e9\n"}`, i))
			must(t, "publish", err)
		}
		for name, from := range map[string]synap.From{"3": synap.FromOffset(3),
			"4": synap.FromLast(1), "0": synap.Since(time.Now().Add(-time.Hour))} {
			for e, err := range s.Subscribe(ctx, from) {
				must(t, "subscribe", err)
				same(t, name, fmt.Sprintf("%d %s %s", e.Offset, e.Name, e.Room),
					fmt.Sprintf("%s e a room/ä?%%", name))
				var data struct {
					I int
					T string
				}
				must(t, "data", json.Unmarshal(e.Data, &data))
				same(t, "data", fmt.Sprintf("%d %q", data.I, data.T), name+` "é\n"`)
				break
			}
		}
		r, err := s.Follow(ctx, synap.FromNew())
		must(t, "follow", err)
		defer r.Close()
		_, err = s.Publish(ctx, "new", []byte(`7`))
		must(t, "publish", err)
		e, err := r.Next()
		same(t, "new", fmt.Sprintf("%d %s %s %v", e.Offset, e.Name, e.Data, err),
			"5 new 7 <nil>")
		got := ""
		for e, err := range s.Subscribe(ctx) {
			if err != nil {
				same(t, "the end", errors.Is(err, context.Canceled), true)
				continue
			}
			if got += fmt.Sprint(e.Offset); e.Offset == 5 {
				cancel()
			}
		}
		same(t, "all", got, "012345")
	})
}

func TestGapsAreTold(t *testing.T) {
	onEveryWire(t, func(t *testing.T, srv *server, c *synap.Client, _ wire) {
		ctx := t.Context()
		s := c.Stream("r")
		must(t, "create", s.Create(ctx, synap.StreamOptions{}))
		for range 5 {
			_, err := s.Publish(ctx, "e", []byte(`1`))
			must(t, "publish", err)
		}
		_, err := client(t, "http://"+srv.http).Do(ctx, "stream.trim",
			map[string]any{"room": "r", "keep": 2})
		must(t, "trim", err)
		for e, err := range s.Subscribe(ctx, synap.FromOffset(1)) {
			must(t, "subscribe", err)
			same(t, "gap", fmt.Sprint(e.Offset, e.Gap), "3 2")
			break
		}
	})
}

func TestTopicsAreHeard(t *testing.T) {
	onEveryWire(t, func(t *testing.T, _ *server, c *synap.Client, _ wire) {
		ctx := t.Context()
		r, err := c.PubSub.Listen(ctx, "a.*", "b.#", "c,d", "x*z", "a.b")
		must(t, "listen", err)
		defer r.Close()
		want := ""
		for i, topic := range []string{"a.b", "a.b.c", "b", "b.c.d", "c,d", "c", "xyz", "xy", "xz",
			"end"} {
			_, err := c.PubSub.Publish(ctx, topic, fmt.Appendf(nil, `{"n":[%d]}`, i))
			must(t, "publish", err)
			switch topic {
			case "a.b", "b", "b.c.d", "c,d", "xyz", "xz":
				want += fmt.Sprintf("%s {\"n\":[%d]}|", topic, i)
			}
		}
		_, err = c.PubSub.Publish(ctx, "b.end", []byte(`"text"`))
		must(t, "publish", err)
		got := ""
		for {
			m, err := r.Next()
			must(t, "next", err)
			if m.Topic == "b.end" {
				same(t, "text", string(m.Payload), `"text"`)
				break
			}
			got += fmt.Sprintf("%s %s|", m.Topic, m.Payload)
		}
		same(t, "messages", got, want)
		for _, err := range c.PubSub.Subscribe(ctx) {
			same(t, "no topic", errors.Is(err, synap.ErrInvalid), true)
		}
	})
}

func TestKeysAreWatched(t *testing.T) {
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			s := serve(t, map[string]string{"persistence.level": "os",
				"persistence.dir": t.TempDir()})
			c := client(t, s.url(w), synap.WithFormat(w.format))
			ctx := t.Context()
			r, err := c.KV.WatchReader(ctx, []string{"user:*"})
			must(t, "watch", err)
			defer r.Close()
			_, err = c.KV.Set(ctx, "user:1", []byte("é\n"))
			must(t, "set", err)
			_, err = c.KV.Set(ctx, "other", []byte("x"))
			must(t, "set", err)
			_, err = c.KV.Delete(ctx, "user:1")
			must(t, "delete", err)
			e, err := r.Next()
			same(t, "set", fmt.Sprintf("%s %s %d %q %v", e.Event, e.Key, e.Version, e.Value, err),
				`set user:1 1 "é\n" <nil>`)
			if e.LSN == 0 {
				t.Error("no LSN")
			}
			for d, err := range c.KV.Watch(ctx, []string{"user:*"}, synap.FromLSN(e.LSN),
				synap.WithoutValues()) {
				must(t, "watch", err)
				same(t, "from", fmt.Sprint(d.Event, d.Key, d.Lost), "deluser:1false")
				break
			}
		})
	}
}

// Connections are cut at any byte: every event comes, once, in order.
func TestRoomsAreResumed(t *testing.T) {
	const count = 3000
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			s := serve(t, nil)
			direct := client(t, s.url(w), synap.WithFormat(w.format))
			ctx := t.Context()
			room := direct.Stream("r")
			must(t, "create", room.Create(ctx, synap.StreamOptions{}))
			cut := proxy(t, s.url(w), func() int { return 300 + rand.IntN(20_000) })
			c := client(t, cut.url, synap.WithFormat(w.format), synap.WithRetry(eager))
			var publishing sync.WaitGroup
			publishing.Go(func() {
				for from := 0; from < count; from += 100 {
					var events []synap.NewEvent
					for i := range 100 {
						events = append(events, synap.NewEvent{Name: "e",
							Data: fmt.Append(nil, from+i)})
					}
					if _, err := room.PublishBatch(ctx, events); err != nil {
						t.Error(err)
					}
				}
			})
			next := int64(0)
			for e, err := range c.Stream("r").Subscribe(ctx) {
				must(t, "subscribe", err)
				if e.Offset != next || string(e.Data) != fmt.Sprint(next) || e.Gap != 0 {
					t.Fatalf("event %d is %+v", next, e)
				}
				if next++; next == count {
					break
				}
			}
			publishing.Wait()
			if cut.cuts.Load() < 5 {
				t.Errorf("cut %d times only", cut.cuts.Load())
			}
		})
	}
}

// As above, with the changes of keys, several of which are one record.
func TestWatchesAreResumed(t *testing.T) {
	const count = 400
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			s := serve(t, map[string]string{"persistence.level": "os",
				"persistence.dir": t.TempDir()})
			direct := client(t, s.url(w), synap.WithFormat(w.format))
			ctx := t.Context()
			cut := proxy(t, s.url(w), func() int { return 600 + rand.IntN(6000) })
			c := client(t, cut.url, synap.WithFormat(w.format), synap.WithRetry(eager))
			_, err := direct.KV.Set(ctx, "other", nil) // the journal begins
			must(t, "set", err)
			var writing sync.WaitGroup
			writing.Go(func() {
				for i := 0; i < count; i += 4 {
					var pairs []synap.Pair
					for j := range 4 {
						pairs = append(pairs, synap.Pair{Key: "k", Value: fmt.Append(nil, i+j)},
							synap.Pair{Key: "other", Value: []byte("x")})
					}
					if err := direct.KV.MSet(ctx, pairs...); err != nil {
						t.Error(err)
					}
				}
			})
			next := 0
			for e, err := range c.KV.Watch(ctx, []string{"k"}, synap.FromLSN(0)) {
				must(t, "watch", err)
				if string(e.Value) != fmt.Sprint(next) || e.Lost {
					t.Fatalf("change %d is %+v", next, e)
				}
				if next++; next == count {
					break
				}
			}
			writing.Wait()
			if cut.cuts.Load() < 5 {
				t.Errorf("cut %d times only", cut.cuts.Load())
			}
		})
	}
}
