package crash

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// On a full disk queues refuse what changes them, with words, and leases don't end; both is over
// by itself when there is space again, and nothing is lost.
func TestFullDiskOfQueues(t *testing.T) {
	const lease = 1000 // ms
	text := strings.Repeat("v", 4000)
	t.Setenv("SYNAP_PERSISTENCE_SNAPSHOT_JOURNAL_MB", "0")
	disk := small(t, 2)
	dir := filepath.Join(disk, "data")
	c := launch(t, dir).await()
	p := c.dial()
	do := func(words ...string) string {
		t.Helper()
		reply, err := p.do(words...)
		if err != nil {
			t.Fatalf("%v; log: %s", err, c.log.String())
		}
		return reply
	}
	for _, name := range []string{"jobs", "held"} {
		config := object{"name": name, "config": object{"ack_deadline_ms": lease}}
		if err := c.caller().call("queue.create", config, &struct{}{}); err != nil {
			t.Fatal(err)
		}
	}
	kept := 0
	publish := func(payload string) bool {
		if do("QPUBLISH", "jobs", payload)[0] == '-' {
			return false
		}
		if kept++; kept > 2<<20/len(text) {
			t.Fatal("more went onto the disk than fits")
		}
		return true
	}
	do("QPUBLISH", "held", "work")
	for publish(text) {
	}
	do("QCONSUME", "held", "worker")
	for publish("small") { // what is left, well before the lease ends
	}
	held := func() map[string]sighting {
		t.Helper()
		found := map[string]sighting{}
		for _, state := range []string{"ready", "leased"} {
			if err := c.caller().look("held", state, found); err != nil {
				t.Fatal(err)
			}
		}
		return found
	}
	first := held()["work"]
	if first.state != "leased" {
		t.Fatalf("%+v", first)
	}
	for _, words := range [][]string{{"QPUBLISH", "jobs", "x"}, {"QCONSUME", "jobs", "worker"},
		{"QPURGE", "jobs"}} {
		if reply := do(words...); !strings.HasPrefix(reply, "-MISCONF ") {
			t.Errorf("%.30q on a full disk: %.50q", words, reply)
		}
	}
	time.Sleep((lease + 100) * time.Millisecond) // no condition to wait for: nothing may happen
	if now := held()["work"]; now != first {
		t.Errorf("the message was %+v and became %+v on a full disk", first, now)
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", unix.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if s := held()["work"]; s.state == "ready" && s.retries == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("space is back, the lease goes on: %+v; log: %s", held(), c.log.String())
		}
	}
	if !publish(text) {
		t.Error("space is back, messages are refused")
	}
	c.kill()
	c = launch(t, dir).await()
	var stats struct{ Depth int }
	err := c.caller().call("queue.stats", object{"queue": "jobs"}, &stats)
	if err != nil || stats.Depth != kept {
		t.Errorf("%d of %d messages are there after a restart, %v", stats.Depth, kept, err)
	}
	if s := held()["work"]; s.state != "ready" || s.retries != 1 {
		t.Errorf("after a restart: %+v", s)
	}
}
