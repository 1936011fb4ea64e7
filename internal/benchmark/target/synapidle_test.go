package target_test

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/synapdb/synap/internal/benchmark/target"
)

// A server that pings its silent peers gives up those that don't answer.
func TestIdleConnectionsAnswerPingsAndAreCounted(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const n, ended = 5, 2 // of which so many are closed by the server
	var answered, accepted atomic.Int64
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				if _, err := ws.Upgrade(c); err != nil {
					return
				}
				text := fmt.Sprintf("ping %d", accepted.Add(1))
				_ = wsutil.WriteServerMessage(c, ws.OpPing, []byte(text))
				if f, err := ws.ReadFrame(c); err == nil && f.Header.OpCode == ws.OpPong &&
					f.Header.Masked && string(ws.UnmaskFrame(f).Payload) == text {
					if answered.Add(1) <= ended {
						_ = c.Close()
					}
				}
			}()
		}
	}()
	defer l.Close()
	s, err := target.NewSynap("http://"+l.Addr().String(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	idle, err := s.Idle(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for open := n; answered.Load() < n || open != n-ended; open = idle.Care() {
		select {
		case <-tick.C:
		case <-t.Context().Done():
		case <-time.After(patient):
			t.Fatalf("%d of %d pings were answered, %d are open", answered.Load(), n, open)
		}
	}
	if err := idle.Close(); err != nil {
		t.Error(err)
	}
	_ = l.Close() // nobody answers any more
	if _, err := s.Idle(t.Context(), 3); err == nil {
		t.Error("connections to nobody are open")
	}
}
