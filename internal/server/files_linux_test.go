//go:build linux

package server

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

func init() { child = serveWithFewFiles }

// fewFiles is the hard limit of open files in it.
const fewFiles = 200

// serveWithFewFiles is a server in a process of its own, which can't raise its limit of open
// files. It tells what it is on standard output and is told on standard input to use up the
// descriptors that are left ("hog"), to give them back ("free") and to end.
func serveWithFewFiles() error {
	limit := unix.Rlimit{Cur: fewFiles / 2, Max: fewFiles}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if os.Getuid() == 0 { // who might raise it again
		if err := unix.Setuid(65534); err != nil {
			return err
		}
	}
	log := new(safeBuffer)
	s, err := Listen(Options{Doors: []Door{{Name: "RESP", Host: "127.0.0.1", Dialect: RESPDoor}},
		Loops: 1, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		return err
	}
	table := command.NewTable()
	codec := func(s *command.Session) wire.Conn { return &lines{s: s, gone: new(atomic.Int64)} }
	err = s.Start(Protocols{RESP: codec, HTTP: codec, General: http.NotFoundHandler(),
		Sessions: command.NewRegistry(),
		Counters: func() *command.Counters { return command.NewCounters(table) }})
	if err != nil {
		return err
	}
	fmt.Println(s.Doors()[0].Port, s.MaxConnections())
	var hogs []*os.File
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "hog":
			for {
				f, err := os.Open(os.DevNull)
				if err != nil {
					break
				}
				hogs = append(hogs, f)
			}
		case "free":
			for _, f := range hogs {
				_ = f.Close()
			}
		}
		fmt.Printf("%d %q\n", len(hogs), log.String())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	return s.Drain(ctx)
}

// safeBuffer is written and read by several goroutines.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// A server whose descriptors run out serves who is there, and admits who waits as soon as some
// are back.
func TestFilesRunOut(t *testing.T) {
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), childFiles+"=1")
	other.Stderr = os.Stderr
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = other.Process.Kill(); _ = other.Wait() })
	out := bufio.NewReader(pipe)
	tell := func(what string) (hogs int, log string) {
		t.Helper()
		fmt.Fprintln(in, what)
		if _, err := fmt.Fscanf(out, "%d %q\n", &hogs, &log); err != nil {
			t.Fatal(err)
		}
		return hogs, log
	}
	var port, room int
	if _, err := fmt.Fscanf(out, "%d %d\n", &port, &room); err != nil {
		t.Fatal(err)
	}
	if room != fewFiles-spareFiles {
		t.Errorf("there is room for %d connections with %d files", room, fewFiles)
	}
	_, log := tell("log")
	if !strings.Contains(log, "limit of open files is below server.max_connections") ||
		!strings.Contains(log, fmt.Sprint("possible=", room)) {
		t.Errorf("the log does not say what is missing: %s", log)
	}
	dial := func() *client {
		t.Helper()
		nc, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port))
		if err != nil {
			t.Fatal(err)
		}
		_ = nc.SetDeadline(time.Now().Add(patient))
		t.Cleanup(func() { _ = nc.Close() })
		return &client{nc.(*net.TCPConn), bufio.NewReader(nc), t}
	}
	there := dial()
	there.ask("echo before")
	if hogs, _ := tell("hog"); hogs == 0 {
		t.Fatal("no descriptors were left to use up")
	}
	late := dial()
	late.send("echo late\n")
	for !strings.Contains(log, "accepting a connection failed") {
		if got := there.ask("echo meanwhile"); got != "meanwhile" {
			t.Fatalf("who was there got %q", got)
		}
		_, log = tell("log")
	}
	tell("free")
	if got := late.line(); got != "late" {
		t.Errorf("who had to wait got %q", got)
	}
	_ = in.Close()
	if err := other.Wait(); err != nil {
		t.Error(err)
	}
}
