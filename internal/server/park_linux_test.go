//go:build linux && !gnet

package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/command"
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

// Who sends faster than its turns come is made to wait, not cut off: nothing of it is unfinished.
func TestInputBehindAConnectionThatYieldsIsNotLost(t *testing.T) {
	d := newDurable(t, &command.Row{Name: "CROWD", Arity: 2, Flags: command.SelfLocking,
		Run: func(c *command.Ctx, _ [][]byte) error {
			c.Session.Crowded = true // one command a turn
			c.Reply.Int(1)
			return nil
		}})
	d.serve(Options{InputBytes: 1 << 20})
	c := d.dial(1)
	const count = 4000
	word := strings.Repeat("x", 1000)
	line := fmt.Sprintf("*2\r\n$5\r\nCROWD\r\n$%d\r\n%s\r\n", len(word), word)
	sent := make(chan error, 1)
	go func() {
		_, err := c.Write([]byte(strings.Repeat(line, count)))
		sent <- err
	}()
	for range count {
		c.expect(":1\r\n")
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}
