package hostile

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/synapdb/synap/test/harness"
)

func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "synap.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// closedByServer waits until the server ends the connection.
func closedByServer(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, c); err != nil && !isReset(err) {
		t.Errorf("the server kept the connection: %v", err)
	}
}

func TestAReaderWhoNeverReadsIsCutAtTheCap(t *testing.T) {
	s := harness.Start(t, "--config", configFile(t, "server: {output_buffer_mb: 2}"))
	healthy(t, s)
	before := s.RSS(t)
	c := dial(t, s.RESP)
	bad := strings.Repeat("NOSUCHCOMMAND with some words\r\n", 2000)
	var err error
	for i := 0; i < 2000 && err == nil; i++ { // 120 MB of requests whose replies nobody reads
		_, err = io.WriteString(c, bad)
	}
	if err == nil {
		t.Error("the connection outlived its output cap")
	}
	healthy(t, s)
	grown(t, s, before, 32*mib)
}

func TestHalfRequestsTimeOut(t *testing.T) {
	s := harness.Start(t, "--config", configFile(t, "server: {connection_timeout_secs: 1}"))
	for addr, half := range map[string]string{
		s.RESP: "*2\r\n$3\r\nGET\r\n$10\r\nabc",
		s.HTTP: "POST /api/v1/command HTTP/1.1\r\nHost: x\r\nContent-Le",
	} {
		c := dial(t, addr)
		if _, err := io.WriteString(c, half); err != nil {
			t.Fatal(err)
		}
		closedByServer(t, c)
	}
	for _, addr := range []string{s.RESP, s.HTTP} { // nothing was ever said
		closedByServer(t, dial(t, addr))
	}
	healthy(t, s)
}

func TestConnectionFloodsLeaveNothingBehind(t *testing.T) {
	s := harness.Start(t)
	healthy(t, s)
	files := s.Files(t)
	for i := range 4000 {
		addr := s.RESP
		if i%2 == 1 {
			addr = s.HTTP
		}
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.(*net.TCPConn).SetLinger(0) // an RST instead of an orderly end
		if i%3 == 0 {
			_, _ = io.WriteString(c, "GET / HT")
		}
		_ = c.Close()
	}
	healthy(t, s)
	for deadline := time.Now().Add(patience); s.Files(t) > files+10; {
		if time.Now().After(deadline) {
			t.Fatalf("%d files are open, %d were before", s.Files(t), files)
		}
		time.Sleep(10 * time.Millisecond) // a poll until the last resets are seen
	}
}

func TestConnectionsOverTheLimitAreToldSo(t *testing.T) {
	s := harness.Start(t, "--config", configFile(t, "server: {max_connections: 10}"))
	var open []net.Conn
	for range 10 {
		c := dial(t, s.RESP)
		_, _ = io.WriteString(c, "PING\r\n")
		if _, err := io.ReadFull(c, make([]byte, 7)); err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	if got := talk(t, s.RESP, "PING\r\n"); !strings.HasPrefix(got, "-ERR max number of clients") {
		t.Errorf("the eleventh client got %q", got)
	}
	for _, c := range open {
		_ = c.Close()
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if talk(t, s.RESP, "PING\r\n") == "+PONG\r\n" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("room does not come back")
		}
	}
}
