package server_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Both timeouts of the file hold: for a peer that says nothing, and for one that says no more.
func TestTimeoutsOfTheFileHold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "synap.yml")
	text := "server:\n  connection_timeout_secs: 1\n  idle_timeout_secs: 1\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serve(t, "--config", file)
	silent, idle, web := p.dial(p.RESP), p.dial(p.RESP), p.dial(p.HTTP)
	_, _ = io.WriteString(idle, "PING\r\n")
	_, _ = io.WriteString(web, "HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n")
	if got, err := io.ReadAll(silent); err != nil || len(got) > 0 {
		t.Errorf("silent: %q, %v", got, err)
	}
	if got, err := io.ReadAll(idle); err != nil || string(got) != "+PONG\r\n" {
		t.Errorf("idle: %q, %v", got, err)
	}
	if _, err := io.ReadAll(web); err != nil {
		t.Errorf("idle at net/http: %v", err)
	}
}
