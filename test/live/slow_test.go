package live

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/synapdb/synap/test/harness"
)

const (
	// A value is so large, and so many are sent, that no socket buffer takes them all.
	slowSize, slowCount = 16 << 10, 2500
	// slowMemory is what the server may grow by, in bytes, while slowMebibytes may wait for one.
	slowMemory, slowMebibytes = 48 << 20, "8"
)

// slow is one who never reads, beside one who reads.
type slow struct {
	*user
	s            *harness.Server
	before       int64
	lazy, reader *tap
}

func beginSlow(t *testing.T, open opener, w wish, other opener) *slow {
	t.Helper()
	t.Setenv("SYNAP_SERVER_WEBSOCKET_PING_SECS", "0")
	t.Setenv("SYNAP_SERVER_OUTPUT_BUFFER_MB", slowMebibytes)
	s := harness.Start(t)
	opened := newREST(s.HTTP)
	t.Cleanup(opened.Close)
	x := &slow{user: &user{T: t, door: silent{opened}, name: w.room}, s: s}
	if w.room != "" {
		x.do("stream.create", fields{"max_bytes": 4 << 20})
	}
	var err error
	x.before = s.RSS(t)
	if x.reader, err = other(s, w); err == nil {
		x.lazy, err = open(s, w)
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = x.lazy.SetDeadline(time.Now().Add(2 * patience))
	t.Cleanup(func() {
		_ = x.lazy.Close()
		_ = x.reader.Close()
	})
	return x
}

// flood has values published one after the other, each of which the reader gets.
func (x *slow) flood(publish func(i int, padding string), expect func(i int, text string)) {
	x.Helper()
	padding := strings.Repeat("x", slowSize)
	for i := range slowCount {
		publish(i, padding)
		text, err := x.reader.next()
		if err != nil {
			x.Fatalf("who reads gets value %d of %d: %v", i, slowCount, err)
		}
		expect(i, string(text))
	}
	if grown := x.s.RSS(x.T) - x.before; grown > slowMemory {
		x.Errorf("memory grew by %d MiB", grown>>20)
	} else {
		x.Logf("memory grew by %d MiB", grown>>20)
	}
}

// dropped fails unless who never read gets only what was sent before it was dropped, and then the
// reason, unless silent: Redis' clients are just cut.
func (x *slow) dropped(silent bool) {
	x.Helper()
	values, why := x.lazy.toEnd()
	if values == 0 || values >= slowCount {
		x.Errorf("%d of %d values come after all", values, slowCount)
	}
	x.Logf("%d of %d values, then: %v", values, slowCount, why)
	if !silent && !strings.Contains(fmt.Sprint(why), "slow consumer") {
		x.Errorf("it ends with %v", why)
	}
}

func TestWhoNeverReadsMessagesIsDropped(t *testing.T) {
	for door, open := range listeners {
		t.Run(door, func(t *testing.T) {
			x := beginSlow(t, open, wish{topic: "flood"}, tapWeb)
			x.flood(func(i int, padding string) {
				x.say("flood", fmt.Sprint(i, " ", padding))
			}, func(i int, text string) {
				if !strings.Contains(text, fmt.Sprintf(`"payload":"%d x`, i)) {
					t.Fatalf("%.200q is message %d", text, i)
				}
			})
			x.eventually("it is dropped, the other stays", func() bool {
				st := x.do("pubsub.stats", nil)
				return st["slow_consumers_dropped"] == int64(1) &&
					st["total_subscribers"] == int64(1)
			})
			x.dropped(slices.Contains(resps, door))
			x.livesOn(door)
		})
	}
}

// livesOn fails unless a multiplexed socket still answers.
func (x *slow) livesOn(door string) {
	x.Helper()
	if b, is := x.lazy.Conn.(*harness.Bare); is && door == "mux" {
		if err := request(b, "kv.exists", fields{"key": "k"}); err != nil {
			x.Errorf("the socket has ended with its subscription: %v", err)
		}
	}
}

func TestWhoNeverReadsChangesIsDropped(t *testing.T) {
	for door, open := range watchers {
		t.Run(door, func(t *testing.T) {
			x := beginSlow(t, open, wish{key: "flood"}, tapWeb)
			x.flood(func(i int, padding string) {
				x.do("kv.set", fields{"key": "flood", "value": fmt.Sprint(i, " ", padding)})
			}, func(i int, text string) {
				if !strings.Contains(text, fmt.Sprintf(`"value":"%d x`, i)) {
					t.Fatalf("%.200q is change %d", text, i)
				}
			})
			x.dropped(false)
			x.livesOn(door)
		})
	}
}

// TestWhoNeverReadsARoomIsToldTheGap goes on at its own offset when it reads: what the room does
// not keep for it is a notice.
func TestWhoNeverReadsARoomIsToldTheGap(t *testing.T) {
	for door, open := range followers {
		t.Run(door, func(t *testing.T) {
			x := beginSlow(t, open, wish{room: "flood"}, tapWeb)
			x.flood(func(i int, padding string) {
				x.publish("e", padding)
			}, func(i int, text string) {
				if at, fine := offsetIn([]byte(text)); !fine || at != int64(i) {
					t.Fatalf("%.200q is event %d", text, i)
				}
			})
			next, gaps := int64(0), 0
			for next < slowCount {
				text, err := x.lazy.next()
				if err != nil {
					t.Fatalf("at %d: %v", next, err)
				}
				if from, to, is := gapIn(text); is {
					if from != next || to <= from {
						t.Fatalf("at %d comes %s", next, text)
					}
					next, gaps = to, gaps+1
					continue
				}
				if at, fine := offsetIn(text); !fine || at != next {
					t.Fatalf("%.200q comes, not event %d", text, next)
				}
				next++
			}
			if gaps == 0 {
				t.Error("no gap is told, though the room keeps a part of the events")
			}
		})
	}
}
