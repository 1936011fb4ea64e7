package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

// childFiles is set in the environment of a process in which child runs instead of tests.
const childFiles = "SYNAP_TEST_FEW_FILES"

var child func() error

func TestMain(m *testing.M) {
	if os.Getenv(childFiles) != "" {
		if err := child(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// gnet's pool of goroutines lives as long as the process.
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent(),
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*goWorker).run.func1"))
}

const patient = 10 * time.Second // an upper bound that only a broken server reaches

// lines is a codec of one word per line, enough to ask for everything a codec may do:
//
//	echo X    answers X
//	big N     answers N bytes
//	need N    takes N bytes more, and answers how often it was fed
//	bye       ends the connection
//	POST …    is for the general HTTP server, as is PRI …
type lines struct {
	s     *command.Session
	name  string
	feeds int
	gone  *atomic.Int64
}

func (c *lines) Feed(in []byte, out *wire.Output) (consumed, need int, v wire.Verdict) {
	c.feeds++
	for !out.Full() {
		rest := in[consumed:]
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			return consumed, 0, wire.Open
		}
		word, arg, _ := strings.Cut(strings.TrimSpace(string(rest[:end])), " ")
		n, _ := strconv.Atoi(arg)
		c.s.Executed++
		switch word {
		case "echo":
			out.Buf = append(append(out.Buf, arg...), '\n')
		case "who":
			out.Buf = append(append(out.Buf, c.name...), '\n')
		case "big":
			out.Buf = append(append(out.Buf, bytes.Repeat([]byte{'x'}, n)...), '\n')
		case "need":
			if len(rest) < end+1+n {
				return consumed, end + 1 + n, wire.Open
			}
			consumed += n
			out.Buf = fmt.Appendf(out.Buf, "fed %d\n", c.feeds)
		case "bye":
			out.Buf = append(out.Buf, "bye\n"...)
			return consumed + end + 1, 0, wire.Close
		case "POST", "GET", "PRI":
			return consumed, 0, wire.HandOver
		}
		consumed += end + 1
	}
	return consumed, 0, wire.Open
}

func (c *lines) Closed() { c.gone.Add(1) }

type fixture struct {
	*Server
	t     *testing.T
	clock *clock.Manual
	gone  atomic.Int64 // codecs told that their connection is gone
	mu    sync.Mutex
	last  *command.Session
}

// start serves with a line codec behind both doors until the test ends.
func start(t *testing.T, o Options, general http.Handler) *fixture {
	t.Helper()
	f := &fixture{t: t, clock: clock.NewManual(1_000_000)}
	o.Clock = f.clock
	o.Doors = []Door{{Name: "HTTP", Host: "127.0.0.1", Dialect: HTTPDoor},
		{Name: "RESP", Host: "127.0.0.1", Dialect: RESPDoor}}
	if o.Loops == 0 {
		o.Loops = 2
	}
	s, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	f.Server = s
	table := command.NewTable()
	codec := func(name string) func(*command.Session) wire.Conn {
		return func(s *command.Session) wire.Conn {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.last = s
			return &lines{s: s, name: name, gone: &f.gone}
		}
	}
	if general == nil {
		general = http.NotFoundHandler()
	}
	err = s.Start(Protocols{RESP: codec("RESP"), HTTP: codec("HTTP"), General: general,
		Sessions: command.NewRegistry(),
		Counters: func() *command.Counters { return command.NewCounters(table) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.stop)
	return f
}

func (f *fixture) stop() {
	if f.draining.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	if err := f.Drain(ctx); err != nil {
		f.t.Error(err)
	}
}

type client struct {
	*net.TCPConn
	*bufio.Reader
	t *testing.T
}

func (c *client) Read(p []byte) (int, error) { return c.Reader.Read(p) }

func (c *client) WriteTo(w io.Writer) (int64, error) { return c.Reader.WriteTo(w) }

func (f *fixture) dial(door int) *client {
	f.t.Helper()
	nc, err := net.Dial("tcp", f.address(door))
	if err != nil {
		f.t.Fatal(err)
	}
	_ = nc.SetDeadline(time.Now().Add(patient))
	f.t.Cleanup(func() { _ = nc.Close() })
	return &client{nc.(*net.TCPConn), bufio.NewReader(nc), f.t}
}

func (f *fixture) address(door int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(f.Doors()[door].Port))
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) line() string {
	c.t.Helper()
	s, err := c.ReadString('\n')
	if err != nil {
		c.t.Fatalf("read %.100q: %v", s, err)
	}
	return strings.TrimSpace(s)
}

func (c *client) ask(text string) string {
	c.t.Helper()
	c.send(text + "\n")
	return c.line()
}

// ended waits for the end of the connection and returns what came before.
func (c *client) ended() string {
	c.t.Helper()
	rest, err := io.ReadAll(c)
	if errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
		c.t.Fatal("the connection was not closed")
	}
	return string(rest)
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// until waits for a condition that some goroutine will bring about.
func (f *fixture) until(what string, ok func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(patient); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatalf("never: %s", what)
		}
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	f := start(t, Options{}, nil)
	c := f.dial(1)
	var in, want strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&in, "echo %d\n", i)
		fmt.Fprintf(&want, "%d\n", i)
	}
	go func() { _, _ = c.Write([]byte(in.String() + "bye\n")) }()
	if got := c.ended(); got != want.String()+"bye\n" {
		t.Errorf("got %d bytes, want %d", len(got), want.Len()+4)
	}
}

func TestFirstByteChoosesTheCodec(t *testing.T) {
	f := start(t, Options{}, nil)
	for _, tc := range []struct {
		door       int
		send, want string
	}{
		{0, "who\n", "HTTP"}, {0, "*\nwho\n", "RESP"},
		{1, "who\n", "RESP"}, {1, "*\nwho\n", "RESP"},
	} {
		c := f.dial(tc.door)
		c.send(tc.send)
		if got := c.line(); got != tc.want {
			t.Errorf("door %d, %q: codec %s, want %s", tc.door, tc.send, got, tc.want)
		}
	}
}

func TestBigRequestIsNotScannedAgainAndAgain(t *testing.T) {
	f := start(t, Options{}, nil)
	c := f.dial(1)
	const size = 8 << 20
	c.send(fmt.Sprintf("need %d\n", size))
	body := bytes.Repeat([]byte{'b'}, size)
	for len(body) > 0 {
		n := min(len(body), 10_000)
		c.send(string(body[:n]))
		body = body[n:]
	}
	if got := c.line(); got != "fed 2" && got != "fed 3" {
		t.Errorf("the codec says: %s; want 2 or 3", got)
	}
	if got := c.ask("echo after"); got != "after" {
		t.Errorf("got %q", got)
	}
}

func TestOversizedRequestIsCutOff(t *testing.T) {
	f := start(t, Options{InputBytes: 1 << 20}, nil)
	c := f.dial(1)
	go func() { // until the server has enough
		for {
			if _, err := c.Write(bytes.Repeat([]byte{'x'}, 1<<16)); err != nil {
				return
			}
		}
	}()
	if got := c.ended(); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestSessionsAreListedAndKilled(t *testing.T) {
	f := start(t, Options{}, nil)
	c := f.dial(1)
	c.ask("echo here")
	if n := f.protocols.Sessions.Count(); n != 1 {
		t.Fatalf("%d sessions are listed, want 1", n)
	}
	f.protocols.Sessions.Each(func(s *command.Session) bool {
		if s.Info.Addr != c.TCPConn.LocalAddr().String() || s.Info.LastActive.Load() != 1_000_000 {
			t.Errorf("session of %s, active at %d", s.Info.Addr, s.Info.LastActive.Load())
		}
		s.Info.Kill()
		return true
	})
	c.ended()
	f.until("the session is taken off the list", func() bool {
		return f.protocols.Sessions.Count() == 0 && f.open.Load() == 0 && f.gone.Load() == 1
	})
}

func TestAcceptSurvivesErrorsAndResets(t *testing.T) {
	f := start(t, Options{}, nil)
	for range 300 {
		nc, err := net.Dial("tcp", f.address(1))
		if err != nil {
			t.Fatal(err)
		}
		_ = nc.(*net.TCPConn).SetLinger(0)
		_ = nc.Close()
	}
	ln := &failing{Listener: f.listeners[1]}
	ln.left.Store(3)
	done := make(chan error, 1)
	go func() { done <- f.accept(ln, &f.opts.Doors[1]) }()
	f.until("the failures are over", func() bool { return ln.left.Load() < 0 })
	if got := f.dial(1).ask("echo alive"); got != "alive" {
		t.Errorf("got %q", got)
	}
	f.stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := f.open.Load(); n != 0 {
		t.Errorf("%d connections are still counted", n)
	}
}

// failing is a listener without file descriptors for a while.
type failing struct {
	net.Listener
	left atomic.Int64
}

func (l *failing) Accept() (net.Conn, error) {
	if l.left.Add(-1) >= 0 {
		return nil, errors.New("accept: too many open files")
	}
	return l.Listener.Accept()
}
