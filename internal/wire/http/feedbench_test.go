package httpwire

import (
	"fmt"
	"strings"
	"testing"

	frames "github.com/gobwas/ws"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/queuecmd"
	"github.com/synapdb/synap/internal/command/synapcmd"
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/wire"
)

// withQueues gives a bench the queues themselves.
func withQueues(t testing.TB) func(*command.Engine) {
	return func(e *command.Engine) {
		queues, err := queue.New(queue.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = queues.Close() })
		e.Queues = queues
		e.Table = command.NewTable(synapcmd.Rows(synapcmd.Options{}), queuecmd.Rows())
	}
}

// BenchmarkFeed is a message's way through a socket, without the socket: published by the envelope
// as text of 100 bytes, pushed, acknowledged by a frame.
func BenchmarkFeed(b *testing.B) {
	for _, idle := range []int{0, 1000} {
		b.Run(fmt.Sprintf("idle=%d", idle), func(b *testing.B) { benchmarkFeed(b, idle) })
	}
}

// benchmarkFeed has other sockets of other queues wait meanwhile.
func benchmarkFeed(b *testing.B, idle int) {
	h := newBench(b, Options{}, withQueues(b))
	h.call(b, "queue.create", `{"name":"q"}`)
	for i := range idle {
		h.call(b, "queue.create", fmt.Sprintf(`{"name":"q%d"}`, i))
		s := &socket{t: b, b: h, conn: h.NewConn(&command.Session{})}
		s.conn.SetWaker(s)
		s.open(fmt.Sprintf("/queue/q%d/ws/me", i))
	}
	s := &socket{t: b, b: h, conn: h.NewConn(&command.Session{})}
	s.conn.SetWaker(s)
	s.open("/queue/q/ws/me")
	publish := []byte(plainRequest("/api/v1/command", `{"command":"queue.publish",`+
		`"request_id":"1","payload":{"queue":"q","payload":"`+strings.Repeat("x", 100)+`"}}`))
	ack := masked(frames.OpText, true,
		`{"command":"ack","message_id":"00000000-0000-0000-0000-000000000000"}`)
	at := strings.Index(ack, "\x81") + 6 // behind the header
	in := make([]byte, len(ack))
	var out wire.Output
	b.ReportAllocs()
	for b.Loop() {
		out.Reset(1 << 16)
		if n, _, _ := h.conn.Feed(publish, &out); n != len(publish) {
			b.Fatal("handed over")
		}
		out.Reset(1 << 16)
		s.conn.Feed(nil, &out)
		_, id, found := strings.Cut(string(out.Buf), `"message_id":"`)
		if !found {
			b.Fatalf("nothing is pushed: %q", out.Buf)
		}
		out.Reset(1 << 16)
		copy(in, ack)
		for i := range 36 {
			p := len(in) - at - 36 - len(`"}`) + i
			in[at+p] = id[i] ^ byte(p%4+1) // the mask of masked
		}
		if s.conn.Feed(in, &out); len(out.Buf) > 0 {
			b.Fatalf("not acknowledged: %q", out.Buf)
		}
	}
}
