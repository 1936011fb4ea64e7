package crash

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/synapdb/synap/test/harness"
)

const patient = 60 * time.Second

// child is a server over a data directory that outlives it.
type child struct {
	*exec.Cmd
	t     *testing.T
	ports string
	HTTP  int
	RESP  int
	log   harness.Log
	done  chan struct{}
}

// launch starts a server over dir, without waiting until it serves.
func launch(t *testing.T, dir string, flags ...string) *child {
	t.Helper()
	return launchAs(t, dir, nil, flags...)
}

// launchAs is launch with the program run by another, such as strace.
func launchAs(t *testing.T, dir string, by []string, flags ...string) *child {
	t.Helper()
	c := &child{t: t, done: make(chan struct{}), ports: filepath.Join(t.TempDir(), "ports.json")}
	args := append(slices.Clone(by), harness.Binary(t), "--host", "127.0.0.1", "--port", "0",
		"--resp-port", "0", "--ports-file", c.ports, "--data-dir", dir)
	args = append(args, flags...)
	c.Cmd = exec.Command(args[0], args[1:]...)
	// Small files, so that segments change and snapshots are made all the time. A test's own
	// environment wins.
	c.Env = append([]string{"SYNAP_PERSISTENCE_SEGMENT_MB=1",
		"SYNAP_PERSISTENCE_SNAPSHOT_JOURNAL_MB=2", "SYNAP_PERSISTENCE_FSYNC_INTERVAL_MS=20",
	}, os.Environ()...)
	c.Stderr = &c.log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = c.Wait(); close(c.done) }()
	t.Cleanup(c.kill)
	return c
}

// await waits until the server serves.
func (c *child) await() *child {
	c.t.Helper()
	if !c.serves() {
		c.t.Fatalf("the server does not serve: %s", c.log.String())
	}
	return c
}

// serves waits until the server serves, or says that it never will.
func (c *child) serves() bool {
	c.t.Helper()
	for deadline := time.Now().Add(patient); ; time.Sleep(time.Millisecond) {
		text, err := os.ReadFile(c.ports)
		if err == nil && json.Unmarshal(text, c) == nil && c.RESP > 0 {
			return true
		}
		if c.ended() {
			return false
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("the server neither serves nor ends: %s", c.log.String())
		}
	}
}

func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// kill ends the process as a power button would.
func (c *child) kill() {
	_ = c.Process.Kill()
	<-c.done
	if log := c.log.String(); strings.Contains(log, "panic") || strings.Contains(log, "DATA RACE") {
		c.t.Errorf("the server's log: %s", log)
	}
}

// stop ends the process as an operator would.
func (c *child) stop() {
	c.t.Helper()
	_ = c.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(patient):
		c.t.Fatalf("the server ignores SIGTERM: %s", c.log.String())
	}
}

// code is the exit code of an ended server.
func (c *child) code() int {
	c.t.Helper()
	select {
	case <-c.done:
		return c.ProcessState.ExitCode()
	case <-time.After(patient):
		c.t.Fatalf("the server goes on: %s", c.log.String())
		return 0
	}
}

func (c *child) dial() *peer {
	c.t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.RESP)))
	if err != nil {
		c.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patient))
	c.t.Cleanup(func() { _ = conn.Close() })
	return newPeer(conn)
}
