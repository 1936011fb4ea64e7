//go:build linux && !gnet

package server

import "testing"

// Several connections of one loop: while the loop waits, requests gather, and the next round
// commits them all at once, at the level of the most careful one.
func TestOneCommitForAllConnectionsOfARound(t *testing.T) {
	d := startDurable(t, Options{})
	careful := d.dial(1)
	if got := careful.ask("SYNAP.DURABILITY disk"); got != "+OK" {
		t.Fatal(got)
	}
	others := []*client{d.dial(1), d.dial(1), d.dial(1)}
	for _, c := range others {
		c.ask("PING")
	}
	first := d.dial(1)
	first.ask("PING")
	begun, release := d.hold()
	first.send("SET a 1\r\n")
	d.next(begun)
	careful.send("SET b 1\r\n")
	for _, c := range others {
		c.send("SET c 1\r\n")
	}
	release()
	for _, c := range append(others, first, careful) {
		if got := c.line(); got != "+OK" {
			t.Errorf("got %q", got)
		}
	}
	if asked := d.journal.Asked(); len(asked) != 2 || asked[1] != "commit 5 disk" {
		t.Errorf("asked %q", asked)
	}
}

// A message and its delivery on the same loop become durable together.
func TestWaitingCommandSharesTheCommitThatWokeIt(t *testing.T) {
	q := startQueues(t, Options{Loops: 1})
	c, producer := q.dial(1), q.dial(1)
	c.send("TAKE q c 60000\r\n")
	q.waiting(1)
	q.journal.Asked()
	producer.send("PUT m\r\n")
	c.expect("$1\r\nm\r\n")
	producer.expect(":1\r\n")
	if asked := q.journal.Asked(); len(asked) != 1 {
		t.Errorf("the journal was asked %q", asked)
	}
}
