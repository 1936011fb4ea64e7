package queues

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	frames "github.com/gobwas/ws"

	"github.com/synapdb/synap/test/harness"
)

// bare is a socket without a reader of its own: nothing is read unless the test does.
type bare struct {
	*harness.Bare
	*user
}

// bare opens a socket to the queue and reads its first frame.
func (u *user) bare(s *harness.Server, consumer, query string) *bare {
	u.Helper()
	c, err := harness.DialBare(s.HTTP, "/queue/"+u.queue+"/ws/"+consumer+query, 0, patience)
	if err != nil {
		u.Fatal(err)
	}
	u.Cleanup(func() { _ = c.Close() })
	b := &bare{c, u}
	u.equal("first frame", b.frame()["type"], "connected")
	return b
}

// next reads one frame.
func (b *bare) next() frames.Frame {
	b.Helper()
	f, err := b.Next()
	if err != nil {
		b.Fatal(err)
	}
	return f
}

// frame is next, read as an object; a close frame has the type "close".
func (b *bare) frame() fields {
	b.Helper()
	f := b.next()
	if f.Header.OpCode == frames.OpClose {
		code, reason := frames.ParseCloseFrameData(f.Payload)
		return fields{"type": "close", "code": code, "reason": reason}
	}
	var object fields
	if err := json.Unmarshal(f.Payload, &object); err != nil {
		b.Fatalf("%v in %.300q", err, f.Payload)
	}
	return object
}

// TestASlowSocketTakesLittle pushes to a socket that does not read: most messages stay for others,
// as little is buffered, and when it reads on it gets the rest in order.
func TestASlowSocketTakesLittle(t *testing.T) {
	const count, size = 1000, 8 << 10
	const frame, most = 5 * size, 16 << 20 // bytes; the kernel's buffers are among the most
	s, u := pushing(t, nil)
	slow := u.bare(s, "slow", "?prefetch=10000")
	payload := strings.Repeat("x", size)
	var batch []any
	for i := range count {
		batch = append(batch, fields{"payload": fmt.Sprint(i, " ", payload)})
	}
	for len(batch) > 0 {
		u.do("queue.publish_batch", fields{"messages": batch[:200]})
		batch = batch[200:]
	}
	was, still := int64(-1), 0
	u.eventually("the pushing pauses", func() bool {
		time.Sleep(10 * time.Millisecond)
		now := u.stat("depth")
		if still++; now != was {
			was, still = now, 0
		}
		return still == 20
	})
	if taken := count - was; taken*frame > most {
		t.Errorf("%d of %d messages were pushed to a socket that does not read", taken, count)
	}
	u.ack(u.one("other")) // which gets what is next
	_ = slow.SetDeadline(time.Now().Add(patience))
	last := -1
	for range count - 1 {
		_, value, _ := strings.Cut(string(slow.next().Payload), `"value":"`)
		var number int
		if _, err := fmt.Sscan(value, &number); err != nil || number <= last {
			t.Fatalf("%.20q comes after %d: %v", value, last, err)
		}
		last = number
	}
	u.equal("depth when all was read", u.stat("depth"), 0)
	u.equal("last", last, count-1)
}

// TestACrowdOfSockets shares one queue: each gets one message, and gives it back when it leaves.
func TestACrowdOfSockets(t *testing.T) {
	const count = 500
	s, u := pushing(t, nil)
	crowd := make([]*bare, count)
	for i := range crowd {
		crowd[i] = u.bare(s, fmt.Sprintf("c%d", i), "?prefetch=1")
	}
	for range count {
		u.publish("x")
	}
	seen := map[any]bool{}
	for _, b := range crowd {
		seen[b.frame()["message_id"]] = true
	}
	u.equal("different messages", len(seen), count)
	for _, b := range crowd {
		_ = b.Close()
	}
	u.eventually("all are back", func() bool { return u.stat("depth") == count })
}

// TestAServerThatStopsSaysGoodbye also looks at what the sockets held, after the next start.
func TestAServerThatStopsSaysGoodbye(t *testing.T) {
	dir := "--data-dir=" + filepath.Join(t.TempDir(), "data")
	s := harness.Start(t, dir)
	u := &user{T: t, door: newEnvelope(s.HTTP, false), queue: "lasting"}
	u.create(nil)
	b := u.bare(s, "c", "")
	a, z := u.publish("a"), u.publish("z")
	u.equal("first", b.frame()["message_id"], a)
	u.equal("second", b.frame()["message_id"], z)
	s.Stop(t)
	last := b.frame()
	u.equal("goodbye", last, fields{"type": "close", "code": 1001,
		"reason": "the server shuts down"})
	if rest, err := io.ReadAll(b.In); err != nil || len(rest) > 0 {
		t.Errorf("%d bytes behind the close frame, %v", len(rest), err)
	}
	u.door.Close()
	s = harness.Start(t, dir)
	u.door = newEnvelope(s.HTTP, false)
	t.Cleanup(u.door.Close)
	for _, id := range []string{a, z} {
		m := u.one("next")
		u.equal("id", m.id, id)
		u.equal("retries", m.retries, 1)
	}
}
