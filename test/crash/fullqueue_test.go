package crash

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// tight is a server on a small disk, with the queues "jobs" and "held".
type tight struct {
	*child
	*peer
	text string // of which few fit
	kept int    // messages that it took for "jobs"
}

const tightLease = 1000 // ms

func (h *tight) say(words ...string) string {
	h.t.Helper()
	reply, err := h.do(words...)
	if err != nil {
		h.t.Fatalf("%v; log: %s", err, h.log.String())
	}
	return reply
}

// publish says whether the message was taken.
func (h *tight) publish(payload string) bool {
	h.t.Helper()
	if h.say("QPUBLISH", "jobs", payload)[0] == '-' {
		return false
	}
	if h.kept++; h.kept > 2<<20/len(h.text) {
		h.t.Fatal("more went onto the disk than fits")
	}
	return true
}

// held is what became of the one message of the queue "held".
func (c *child) held() sighting {
	c.t.Helper()
	found := map[string]sighting{}
	for _, state := range []string{"ready", "leased"} {
		if err := c.caller().look("held", state, found); err != nil {
			c.t.Fatal(err)
		}
	}
	return found["work"]
}

// fill leases a message and fills the disk before the lease ends.
func (h *tight) fill() {
	h.t.Helper()
	for _, name := range []string{"jobs", "held"} {
		queue := object{"name": name, "config": object{"ack_deadline_ms": tightLease}}
		if err := h.caller().call("queue.create", queue, &struct{}{}); err != nil {
			h.t.Fatal(err)
		}
	}
	h.say("QPUBLISH", "held", "work")
	for h.publish(h.text) {
	}
	h.say("QCONSUME", "held", "worker")
	for h.publish("small") { // what is left is for few of these
	}
	if now := h.held(); now.state != "leased" {
		h.t.Fatalf("the disk is full too late: %+v", now)
	}
}

// On a full disk queues refuse what changes them, with words, and leases don't end; both is over
// by itself when there is space again, and nothing is lost.
func TestFullDiskOfQueues(t *testing.T) {
	t.Setenv("SYNAP_PERSISTENCE_SNAPSHOT_JOURNAL_MB", "0")
	disk := small(t, 2)
	dir := filepath.Join(disk, "data")
	c := launch(t, dir).await()
	h := &tight{child: c, peer: c.dial(), text: strings.Repeat("v", 4000)}
	h.fill()
	for _, words := range [][]string{{"QPUBLISH", "jobs", "x"}, {"QCONSUME", "jobs", "worker"},
		{"QPURGE", "jobs"}} {
		if reply := h.say(words...); !strings.HasPrefix(reply, "-MISCONF ") {
			t.Errorf("%q on a full disk: %.50q", words, reply)
		}
	}
	time.Sleep((tightLease + 100) * time.Millisecond) // no condition: nothing may happen
	if now := c.held(); now.state != "leased" || now.retries != 0 {
		t.Errorf("on a full disk the lease became %+v", now)
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", unix.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	back := sighting{"held", "ready", 1}
	for deadline := time.Now().Add(5 * time.Second); c.held() != back; {
		if time.Now().After(deadline) {
			t.Fatalf("space is back, the lease goes on: %+v; log: %s", c.held(), c.log.String())
		}
		time.Sleep(time.Millisecond)
	}
	if !h.publish(h.text) {
		t.Error("space is back, messages are refused")
	}
	c.kill()
	c = launch(t, dir).await()
	var stats struct{ Depth int }
	err := c.caller().call("queue.stats", object{"queue": "jobs"}, &stats)
	if err != nil || stats.Depth != h.kept || c.held() != back {
		t.Errorf("after a restart %d of %d messages are there and %+v, %v", stats.Depth, h.kept,
			c.held(), err)
	}
}
