package redisdiff

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// patience bounds every wait for the oracle.
const patience = 20 * time.Second

// startOracle runs a redis-server of its own for the test, with more options, and returns its
// address.
func startOracle(t *testing.T, options ...string) string {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redis-server is the oracle of this test and was not found: " +
			"`make test` installs it (or: apt-get install redis-server)")
	}
	port := freePort(t)
	ctx, cancel := context.WithCancel(context.Background())
	options = append(options, "--port", port, "--bind", "127.0.0.1", "--save", "",
		"--appendonly", "no", "--dir", t.TempDir(), "--daemonize", "no")
	oracle := exec.CommandContext(ctx, binary, options...)
	log, err := oracle.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := oracle.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan error, 1)
	go func() { ready <- awaitReady(bufio.NewScanner(log)) }()
	t.Cleanup(func() {
		cancel()
		_ = oracle.Wait() // killed: the error says just that
	})
	select {
	case err := <-ready:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("redis-server did not get ready")
	}
	return "127.0.0.1:" + port
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// awaitReady reads the log until the server accepts connections.
func awaitReady(log *bufio.Scanner) error {
	var said []string
	for log.Scan() {
		if said = append(said, log.Text()); strings.Contains(log.Text(), "eady to accept") {
			return nil
		}
	}
	return fmt.Errorf("redis-server ended: %s", strings.Join(said, "\n"))
}

// oracleConn is a connection to the oracle.
type oracleConn struct {
	net.Conn
	in *bufio.Reader
}

func dialOracle(t *testing.T, addr string) *oracleConn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &oracleConn{conn, bufio.NewReader(conn)}
}

// do sends one command line and reads its reply.
func (o *oracleConn) do(argv []string) (reply, error) {
	if err := o.SetDeadline(time.Now().Add(patience)); err != nil {
		return reply{}, err
	}
	if _, err := o.Write(encode(argv)); err != nil {
		return reply{}, err
	}
	return readReply(o.in)
}

// encode spells a command line as an array of bulk strings.
func encode(argv []string) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(argv))
	for _, word := range argv {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(word), word)
	}
	return b
}
