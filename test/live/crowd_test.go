package live

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/synapdb/synap/test/harness"
)

// crowd is how many rooms there are, who follow each, and the events of each.
type crowd struct{ rooms, followers, events int }

// crowdSize is what SYNAP_CROWD says, as in 100x50x1000, or small.
func crowdSize(t *testing.T) (c crowd) {
	t.Helper()
	text := os.Getenv("SYNAP_CROWD")
	if text == "" {
		return crowd{10, 12, 500}
	}
	if _, err := fmt.Sscanf(text, "%dx%dx%d", &c.rooms, &c.followers, &c.events); err != nil {
		t.Fatalf("SYNAP_CROWD=%s: %v", text, err)
	}
	return c
}

const (
	eventPad = 100 // bytes in the data of an event
	// Bounds of memory, in bytes: what the server may take for an event kept, and a follower.
	perEvent, perFollower, perServer = 1024, 32 << 10, 64 << 20
)

// tally is what the crowd has seen.
type tally struct {
	received, cuts atomic.Int64
}

// TestCrowd has followers at all doors of many rooms. Each gets exactly the offsets of its room in
// order, those too that are cut at random and resume behind what they got last; one of each room
// never reads until all others have all, and then gets everything.
func TestCrowd(t *testing.T) {
	size := crowdSize(t)
	// Who never reads answers no ping either, and would be given up.
	t.Setenv("SYNAP_SERVER_WEBSOCKET_PING_SECS", "0")
	s := harness.Start(t)
	before := s.RSS(t)
	var lazy []*tap
	var readers sync.WaitGroup
	seen, seed := &tally{}, uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	begun := time.Now()
	for i := range size.rooms {
		room := fmt.Sprintf("room-%d", i)
		if err := makeRoom(s, room); err != nil {
			t.Fatal(err)
		}
		lazy = append(lazy, tapAt(t, s, i, room))
		for j := range size.followers {
			c := tapAt(t, s, j, room)
			random := rand.New(rand.NewPCG(seed, uint64(i*size.followers+j)))
			readers.Go(func() {
				if err := seen.follow(s, c, j, room, int64(size.events), random); err != nil {
					t.Errorf("%s, follower %d (%s): %v", room, j, doorOf(j), err)
				}
			})
		}
	}
	opened := time.Since(begun)
	var writers sync.WaitGroup
	for i := range size.rooms {
		writers.Go(func() {
			if err := write(s, fmt.Sprintf("room-%d", i), size.events); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	readers.Wait()
	took := time.Since(begun) - opened
	grown := s.RSS(t) - before
	bound := int64(size.rooms) * (int64(size.events)*perEvent + int64(size.followers)*perFollower)
	if grown > bound+perServer {
		t.Errorf("memory grew by %d MiB", grown>>20)
	}
	for i, c := range lazy {
		for n := range size.events {
			if err := c.event(int64(n)); err != nil {
				t.Fatalf("who read nothing of room %d until now (%s): %v", i, doorOf(i), err)
			}
		}
	}
	t.Logf("%d followers in %v; %d events received in %v, %.0f/s; %d cuts; memory grew by %d MiB",
		size.rooms*size.followers, opened.Round(time.Millisecond), seen.received.Load(),
		took.Round(time.Millisecond), float64(seen.received.Load())/took.Seconds(),
		seen.cuts.Load(), grown>>20)
	if want := int64(size.rooms * size.followers * size.events); seen.received.Load() != want {
		t.Errorf("%d events were received, not %d", seen.received.Load(), want)
	}
}

// doorOf is the name of the door that follower i has.
func doorOf(i int) string {
	names := [...]string{"WebSocket", "SSE", "RESP3", "mux"}
	return names[i%len(names)]
}

func tapAt(t *testing.T, s *harness.Server, i int, room string) *tap {
	t.Helper()
	c, err := followers[doorOf(i)](s, wish{room: room})
	if err != nil {
		t.Fatalf("%s: %v", doorOf(i), err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func makeRoom(s *harness.Server, room string, settings ...string) error {
	l, err := pushes(s, wish{}, 2, append([]string{"SCREATE", room}, settings...)...)
	if err == nil {
		err = l.Close()
	}
	return err
}

// write publishes events one after the other.
func write(s *harness.Server, room string, events int) error {
	l, err := harness.DialLine(s.RESP, 2, long)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	data := strings.Repeat("x", eventPad)
	for i := range events {
		if err := l.Send("SPUBLISH", room, "e", data); err != nil {
			return err
		}
		if v, err := l.Value(); err != nil || v != int64(i) {
			return fmt.Errorf("event %d is answered by %v, %w", i, v, err)
		}
	}
	return nil
}

// follow reads all events, and cuts the connection now and then.
func (seen *tally) follow(
	s *harness.Server, c *tap, door int, room string, events int64, random *rand.Rand,
) (err error) {
	defer func() { _ = c.Close() }()
	for next := int64(0); next < events; next++ {
		if random.IntN(1000) < 3 {
			_ = c.Close()
			c, err = followers[doorOf(door)](s, wish{room: room, from: next})
			if err != nil {
				return fmt.Errorf("resuming at %d: %w", next, err)
			}
			seen.cuts.Add(1)
		}
		if err := c.event(next); err != nil {
			return err
		}
		seen.received.Add(1)
	}
	return nil
}
