package crash

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// The Nth sync and all after it fail: nothing is acknowledged from then on, reads go on, and what
// was acknowledged before is there after a restart. N is counted from the start of the process,
// so with a small one the start itself may fail, which it must say.
func TestFailedSyncEndsAcknowledgements(t *testing.T) {
	tracer, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not here: ", err)
	}
	for _, n := range []int{1, 5, 9, 14, 20, 31} {
		t.Run(fmt.Sprint(n), func(t *testing.T) { failSync(t, tracer, n) })
	}
}

func failSync(t *testing.T, tracer string, n int) {
	dir := t.TempDir()
	by := []string{tracer, "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync",
		"-e", fmt.Sprintf("inject=fdatasync,fsync:error=EIO:when=%d+", n)}
	c := launchAs(t, dir, by, "--durability", "disk")
	if !c.serves() {
		if c.code() == 0 || !strings.Contains(c.log.String(), "input/output error") {
			t.Skipf("it did not start under strace: %s", c.log.String())
		}
		return
	}
	p, reader := c.dial(), c.dial()
	kept := 0
	for ; kept < 1000; kept++ {
		reply, err := p.do("SET", fmt.Sprintf("key:%d", kept), "v")
		if err != nil || reply != "OK" {
			break
		}
	}
	if kept == 1000 {
		t.Fatal("all syncs fail, and all is acknowledged")
	}
	for range 3 {
		if reply, err := c.dial().do("SET", "late", "v"); err == nil && reply[0] != '-' {
			t.Errorf("acknowledged after a failed sync: %q", reply)
		}
	}
	if kept > 0 {
		if reply, err := reader.do("GET", "key:0"); err != nil || reply != "v" {
			t.Errorf("reads do not go on: %q, %v; log: %s", reply, err, c.log.String())
		}
	}
	c.kill()
	p = launch(t, dir).await().dial()
	for i := range kept {
		if reply, err := p.do("GET", fmt.Sprintf("key:%d", i)); err != nil || reply != "v" {
			t.Fatalf("key %d of %d: %q, %v", i, kept, reply, err)
		}
	}
	if reply, _ := p.do("EXISTS", "late"); reply != "0" {
		t.Error("a refused write is there")
	}
}
