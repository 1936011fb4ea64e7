package crash

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// small mounts a file system of so many MiB.
func small(t *testing.T, mib int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mib)); err != nil {
		t.Skipf("a size-limited tmpfs can't be mounted here (it takes root): %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// A full disk refuses writes with words, keeps reads up, loses nothing, and is over by itself when
// there is space again.
func TestFullDisk(t *testing.T) {
	t.Setenv("SYNAP_PERSISTENCE_SNAPSHOT_JOURNAL_MB", "0")
	disk := small(t, 2)
	dir := filepath.Join(disk, "data")
	c := launch(t, dir).await()
	p := c.dial()
	text := strings.Repeat("v", 4000)
	kept := 0
	set := func() string {
		reply, err := p.do("SET", fmt.Sprintf("key:%d", kept), text)
		if err != nil {
			t.Fatalf("%v; log: %s", err, c.log.String())
		}
		if reply == "OK" {
			kept++
		}
		return reply
	}
	for set() == "OK" {
		if kept > 2<<20/len(text) {
			t.Fatal("more went onto the disk than fits")
		}
	}
	if reply := set(); !strings.HasPrefix(reply, "-MISCONF ") || !strings.Contains(reply, "full") {
		t.Errorf("refused with %q", reply)
	}
	if reply, err := p.do("GET", "key:0"); err != nil || reply != text {
		t.Errorf("reading on a full disk: %.20q, %v", reply, err)
	}
	if status := put(t, c, "web", text); status != 507 {
		t.Errorf("over HTTP: %d, want 507", status)
	}
	if kept < 100 {
		t.Errorf("only %d writes fit", kept)
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", unix.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); set() != "OK"; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("space is back, writes are not: %s; log: %s", set(), c.log.String())
		}
	}
	if status := put(t, c, "web", text); status != 200 {
		t.Errorf("over HTTP: %d, want 200", status)
	}
	c.kill()
	p = launch(t, dir).await().dial()
	for i := range kept {
		if reply, err := p.do("GET", fmt.Sprintf("key:%d", i)); err != nil || reply != text {
			t.Fatalf("key %d of %d after a restart: %.20q, %v", i, kept, reply, err)
		}
	}
	if reply, err := p.do("DBSIZE"); reply != fmt.Sprint(kept+1) {
		t.Errorf("%s keys, %v; want %d", reply, err, kept+1)
	}
}

func put(t *testing.T, c *child, key, value string) int {
	t.Helper()
	req, err := http.NewRequest("PUT", fmt.Sprintf("http://127.0.0.1:%d/kv/%s", c.HTTP, key),
		strings.NewReader(value))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = reply.Body.Close()
	return reply.StatusCode
}
