//go:build linux && !gnet

package server

import (
	"strings"
	"testing"
)

// A peer that sends more behind a waiting command than the server wants to hold has to wait as
// well: nothing is lost.
func TestPeerWaitsBehindAWaitingCommand(t *testing.T) {
	const count = 1 << 18
	q := startQueues(t, Options{Loops: 1})
	c, producer := q.dial(1), q.dial(1)
	c.send("TAKE q c 60000\r\n")
	q.waiting(1)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		c.send(strings.Repeat("PING\r\n", count) + "TAKE q c 60000\r\n")
	}()
	held := func() (most int) {
		q.loopsDo(func(l *loop) {
			for _, conn := range l.conns {
				most = max(most, len(conn.in))
			}
		})
		return most
	}
	q.until("enough is there", func() bool { return held() >= behindBytes })
	for range 20 { // wakes in vain do not make it read on
		q.loopsDo(func(l *loop) {
			for _, conn := range l.conns {
				if conn.parked {
					conn.Wake()
				}
			}
		})
	}
	if n := held(); n > behindBytes+readBytes {
		t.Errorf("%d bytes are held", n)
	}
	producer.send("PUT m\r\n")
	producer.expect(":1\r\n")
	c.expect("$1\r\nm\r\n")
	c.expect(strings.Repeat("+PONG\r\n", count))
	<-sent
	q.waiting(1)
	_ = c.Close()
	q.waiting(0)
}

// A peer that leaves is noticed though nothing of it is read, if all it has sent came through.
func TestPeerLeavesBehindAWaitingCommand(t *testing.T) {
	q := startQueues(t, Options{Loops: 1})
	c := q.dial(1)
	c.send("TAKE q c 60000\r\n")
	q.waiting(1)
	c.send(strings.Repeat("PING\r\n", (behindBytes+readBytes/2)/6))
	_ = c.Close()
	q.waiting(0)
}
