// Package harness starts the built server for tests that look at it from outside.
//
// Receives: flags.
// Hands on: a running server on free loopback ports, ended with its test.
// Never does: reach into the server's packages.
package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	// Only so that go test knows that these tests depend on the server they build, and does not
	// take their results from its cache when it has changed.
	_ "github.com/synapdb/synap/internal/cli"
)

// startTimeout bounds a start on a busy machine; an ordinary one takes milliseconds.
const startTimeout = 30 * time.Second

// Server is a running synap-server.
type Server struct {
	HTTP string // host:port of the HTTP door
	RESP string // host:port of the RESP door
	cmd  *exec.Cmd
	log  Log
	done chan struct{}
}

var build struct {
	sync.Once
	path string
	err  error
}

// Binary builds the server once per test process, with the race detector if SYNAP_RACE is set,
// and returns its path.
func Binary(t testing.TB) string {
	t.Helper()
	build.Do(func() {
		dir, err := os.MkdirTemp("", "synap-server-")
		if err != nil {
			build.err = err
			return
		}
		build.path = filepath.Join(dir, "synap-server")
		args := []string{"build", "-o", build.path}
		if os.Getenv("SYNAP_RACE") != "" {
			args = append(args, "-race")
		}
		out, err := exec.Command("go", append(args,
			"github.com/synapdb/synap/cmd/synap-server")...).CombinedOutput()
		if err != nil {
			build.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if build.err != nil {
		t.Fatal(build.err)
	}
	return build.path
}

// Start runs a server with flags added to those that choose free ports, and stops it when the
// test ends.
func Start(t testing.TB, flags ...string) *Server {
	t.Helper()
	dir := t.TempDir()
	ports := filepath.Join(dir, "ports.json")
	s := &Server{done: make(chan struct{})}
	s.cmd = exec.Command(Binary(t), append([]string{"--host", "127.0.0.1", "--port", "0",
		"--resp-port", "0", "--ports-file", ports}, flags...)...)
	s.cmd.Dir = dir
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.cmd.Wait(); close(s.done) }()
	t.Cleanup(func() { s.Stop(t) })
	s.awaitPorts(t, ports)
	return s
}

func (s *Server) awaitPorts(t testing.TB, path string) {
	t.Helper()
	for deadline := time.Now().Add(startTimeout); ; {
		if text, err := os.ReadFile(path); err == nil {
			var ports struct{ HTTP, RESP int }
			if err := json.Unmarshal(text, &ports); err != nil {
				t.Fatalf("ports file %s: %v", text, err)
			}
			s.HTTP = "127.0.0.1:" + strconv.Itoa(ports.HTTP)
			s.RESP = "127.0.0.1:" + strconv.Itoa(ports.RESP)
			return
		}
		select {
		case <-s.done:
			t.Fatalf("the server ended at once: %s", s.log.String())
		case <-time.After(5 * time.Millisecond): // a poll of the file system, not a guess of speed
		}
		if time.Now().After(deadline) {
			t.Fatal("the server did not open its doors")
		}
	}
}

// Stop ends the server and waits until it is gone. It may be called more than once.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(startTimeout):
		_ = s.cmd.Process.Kill()
		<-s.done
		t.Errorf("the server ignored SIGTERM: %s", s.log.String())
	}
	if log := s.log.String(); strings.Contains(log, "panic") || strings.Contains(log, "DATA RACE") {
		t.Errorf("the server's log: %s", log)
	}
}

// Alive says whether the process still runs.
func (s *Server) Alive() bool {
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// RSS is the resident memory of the process in bytes.
func (s *Server) RSS(t testing.TB) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// Files is the number of open file descriptors of the process.
func (s *Server) Files(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// Log holds what a program writes while a test reads it.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is the log so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
