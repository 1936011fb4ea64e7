package server_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// ping fails unless the server answers a fresh connection.
func (p *process) ping() {
	p.t.Helper()
	c := p.dial(p.RESP)
	_, _ = io.WriteString(c, "PING\r\nQUIT\r\n")
	if got, err := io.ReadAll(c); err != nil || string(got) != "+PONG\r\n+OK\r\n" {
		p.t.Fatalf("got %q, %v; log: %s", got, err, p.log.String())
	}
}

// SIGHUP takes over the log level, names what needs a restart, and never ends the server.
func TestHangupReadsTheConfigurationAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "synap.yml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("logging:\n  level: info\n")
	p := serve(t, "--config", file)
	hangup := func(says string) {
		t.Helper()
		p.signal(syscall.SIGHUP)
		p.until(says, func() bool { return strings.Contains(p.log.String(), says) })
		p.ping()
	}
	write("logging:\n  level: debug\nkv_store:\n  shards: 2\n")
	hangup(`"settings":"kv_store.shards"`)
	hangup(`"log_level":"debug"`)
	if got := p.setting("loglevel"); got != "debug" {
		t.Errorf("loglevel is %q", got)
	}
	write("logging:\n  level: loud\n")
	hangup("logging.level is \\\"loud\\\"")
	if got := p.setting("loglevel"); got != "debug" {
		t.Errorf("after a mistake loglevel is %q", got)
	}
}

// setting asks CONFIG GET.
func (p *process) setting(name string) string {
	p.t.Helper()
	c := p.dial(p.RESP)
	_, _ = io.WriteString(c, "CONFIG GET "+name+"\r\nQUIT\r\n")
	got, _ := io.ReadAll(c)
	lines := strings.Split(string(got), "\r\n") // *2 $n name $n value
	if len(lines) < 5 {
		p.t.Fatalf("got %q", got)
	}
	return lines[4]
}

func TestHangupDoesNotDisturbADrain(t *testing.T) {
	p := serve(t, "--shutdown-grace", "600")
	c := p.half()
	p.signal(syscall.SIGTERM)
	p.until("it is shutting down", func() bool {
		return strings.Contains(p.log.String(), "shutting down")
	})
	p.signal(syscall.SIGHUP)
	p.signal(syscall.SIGHUP)
	_, _ = io.WriteString(c, "\r\n")
	if got, _ := io.ReadAll(c); !strings.HasPrefix(string(got), "HTTP/1.1 503") {
		t.Errorf("got %q", got)
	}
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// The data must not die with whatever collects the log.
func TestReaderOfTheLogMayGoAway(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	p := serveTo(t, write)
	_ = write.Close()
	if _, err := read.Read(make([]byte, 4096)); err != nil { // it says that it serves
		t.Fatal(err)
	}
	_ = read.Close()
	p.signal(syscall.SIGTERM) // two more lines
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
