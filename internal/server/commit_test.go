package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/conncmd"
	"github.com/synapdb/synap/internal/command/journaltest"
	"github.com/synapdb/synap/internal/command/rediscmd"
	"github.com/synapdb/synap/internal/command/synapcmd"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/wire"
	httpwire "github.com/synapdb/synap/internal/wire/http"
	"github.com/synapdb/synap/internal/wire/resp"
)

// durable is a server with the real codecs and commands, and a journal that does as it is told.
type durable struct {
	*fixture
	journal *journaltest.Fake
	engine  *command.Engine
}

func startDurable(t *testing.T, o Options) *durable {
	t.Helper()
	d := newDurable(t)
	d.serve(o)
	return d
}

// newDurable makes the engine, with further commands.
func newDurable(t *testing.T, more ...*command.Row) *durable {
	t.Helper()
	store, err := kv.New(kv.Options{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	f := &fixture{t: t, clock: clock.NewManual(1_000_000)}
	d := &durable{fixture: f, journal: new(journaltest.Fake)}
	table := command.NewTable(rediscmd.Rows(), conncmd.Rows(),
		synapcmd.Rows(synapcmd.Options{}), more)
	d.engine = &command.Engine{Table: table, Store: store, Clock: f.clock,
		Sessions: command.NewRegistry(), Settings: &command.Settings{}, Persistence: d.journal,
		Limits: command.Limits{BatchItems: 100, BatchBytes: 1 << 20}}
	return d
}

func (d *durable) serve(o Options) {
	t := d.t
	t.Helper()
	o.Clock, o.Loops = d.clock, max(o.Loops, 1)
	o.Doors = []Door{{Name: "HTTP", Host: "127.0.0.1", Dialect: HTTPDoor},
		{Name: "RESP", Host: "127.0.0.1", Dialect: RESPDoor}}
	var err error
	if d.Server, err = Listen(o); err != nil {
		t.Fatal(err)
	}
	handler := httpwire.NewHandler(d.engine, httpwire.Options{})
	err = d.Start(Protocols{
		RESP: func(s *command.Session) wire.Conn {
			return resp.NewConn(d.engine, s, resp.Limits{})
		},
		HTTP:     func(s *command.Session) wire.Conn { return handler.NewConn(s) },
		General:  handler,
		Commit:   d.engine.Commit,
		Sessions: d.engine.Sessions,
		Counters: func() *command.Counters { return command.NewCounters(d.engine.Table) },
		Rows:     len(command.NewCounters(d.engine.Table).Calls),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
}

// hold makes commits wait until the returned function is called, and say on begun that they do.
func (d *durable) hold() (begun chan string, release func()) {
	begun, hold := make(chan string, 100), make(chan struct{})
	d.journal.Do(func(s *journaltest.State) { s.Begun, s.Hold = begun, hold })
	return begun, func() {
		d.journal.Do(func(s *journaltest.State) { s.Begun, s.Hold = nil, nil })
		close(hold)
	}
}

// next waits for the next word on begun.
func (d *durable) next(begun chan string) string {
	d.t.Helper()
	select {
	case word := <-begun:
		return word
	case <-time.After(patient):
		d.t.Error("the journal is never asked")
		return ""
	}
}

// silent fails the test if a byte arrives. It can only miss a byte that is still on its way, which
// on the loopback, after the server's loop went past its write, there is not.
func (c *client) silent() {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if b, err := c.ReadByte(); err == nil {
		c.t.Errorf("byte %q left before its level was reached", b)
	} else if !isTimeout(err) {
		c.t.Error(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(patient))
}

func post(path, body string, chunked bool) string {
	head := "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	if chunked { // the fast lane leaves such requests to net/http
		return head + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
			len(body), body)
	}
	return head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

const envelope = `{"command":"kv.set","request_id":"1","payload":{"key":"a","value":"1"}`

// promises are requests on a door with the answer's beginning, and the commit they cause.
var promises = []struct {
	name, in, out, commit string
	door                  int
}{
	{"write", "SET a 1\r\n", "+OK\r\n", "commit 1 os", 1},
	{"read", "GET a\r\n", "$-1\r\n", "commit 0 os", 1},
	{"pipeline", "SET a 1\r\nSET b 2\r\nGET a\r\n", "+OK\r\n+OK\r\n$1\r\n1\r\n", "commit 2 os", 1},
	{"transaction", "MULTI\r\nSET a 1\r\nGET a\r\nEXEC\r\n",
		"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n$1\r\n1\r\n", "commit 1 os", 1},
	{"level of the session", "SYNAP.DURABILITY disk\r\nSET a 1\r\n", "+OK\r\n+OK\r\n",
		"commit 1 disk", 1},
	{"wait", "SET a 1\r\nWAITAOF 1 0 0\r\n", "+OK\r\n*2\r\n:1\r\n:0\r\n", "commit 1 disk", 1},
	{"last words", "SET a 1\r\nQUIT\r\n", "+OK\r\n+OK\r\n", "commit 1 os", 1},
	{"envelope", post("/api/v1/command", envelope+"}", false), "HTTP/1.1 200 OK\r\n",
		"commit 1 os", 0},
	{"level of the envelope", post("/api/v1/command", envelope+`,"durability":"disk"}`, false),
		"HTTP/1.1 200 OK\r\n", "commit 1 disk", 0},
	{"batch", post("/api/v1/batch", `{"durability":"disk","commands":[`+
		`{"command":"kv.set","payload":{"key":"a","value":1}},`+
		`{"command":"kv.set","payload":{"key":"b","value":1}}]}`, false),
		"HTTP/1.1 200 OK\r\n", "commit 2 disk", 0},
	{"atomic batch", post("/api/v1/batch", `{"atomic":true,"commands":[`+
		`{"command":"kv.set","payload":{"key":"a","value":1}}]}`, false),
		"HTTP/1.1 200 OK\r\n", "commit 1 os", 0},
	{"general server", post("/api/v1/command", envelope+"}", true), "HTTP/1.1 200 OK\r\n",
		"commit 1 os", 0},
	{"before the hand-over", post("/api/v1/command", envelope+"}", false) +
		post("/nowhere", "", true), "HTTP/1.1 200 OK\r\n", "commit 1 os", 0},
}

func TestNoByteLeavesBeforeItsLevelIsReached(t *testing.T) {
	for _, tc := range promises {
		t.Run(tc.name, func(t *testing.T) {
			d := startDurable(t, Options{})
			begun, release := d.hold()
			c := d.dial(tc.door)
			c.send(tc.in)
			if got := d.next(begun); got != tc.commit {
				t.Errorf("%s, want %s", got, tc.commit)
			}
			c.silent()
			release()
			got := make([]byte, len(tc.out))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != tc.out {
				t.Errorf("got %q, %v; want %q", got, err, tc.out)
			}
			if asked := d.journal.Asked(); len(asked) != 1 {
				t.Errorf("one round was committed like this: %q", asked)
			}
		})
	}
}

func TestNothingIsAcknowledgedThatIsNotDurable(t *testing.T) {
	for _, tc := range promises {
		if tc.name == "read" {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			d := startDurable(t, Options{})
			d.journal.Do(func(s *journaltest.State) { s.Broken = errors.New("sync failed") })
			c := d.dial(tc.door)
			c.send(tc.in)
			if got := c.ended(); got != "" {
				t.Errorf("the journal failed, and yet the answer was %q", got)
			}
		})
	}
}

// The replies of a long pipeline leave in parts. When the first can't, those of the reads behind
// it would be taken for it.
func TestNothingFollowsWhatIsNotDurable(t *testing.T) {
	d := startDurable(t, Options{})
	c := d.dial(1)
	c.ask("SETRANGE big 59999 x")
	d.journal.Do(func(s *journaltest.State) { s.Broken = errors.New("sync failed") })
	c.send("SET a 1\r\n" + strings.Repeat("GET big\r\n", 600))
	if got := c.ended(); got != "" {
		t.Errorf("the journal failed, and yet the answer was %d bytes: %.20q", len(got), got)
	}
}

func TestReadsGoOnWhenTheJournalHasFailed(t *testing.T) {
	d := startDurable(t, Options{})
	reader, writer := d.dial(1), d.dial(1)
	writer.ask("SET a 1")
	failure := errors.New("the disk failed: restart with another one")
	d.journal.Do(func(s *journaltest.State) { s.Broken = failure })
	writer.send("SET a 2\r\n")
	if got := writer.ended(); got != "" {
		t.Errorf("got %q", got)
	}
	d.journal.Do(func(s *journaltest.State) { s.Full = failure })
	if got := reader.ask("EXISTS a"); got != ":1" {
		t.Errorf("reading: %q", got)
	}
	if got := reader.ask("SET a 3"); got != "-MISCONF "+failure.Error() {
		t.Errorf("writing: %q", got)
	}
	web := d.dial(0)
	web.send(post("/kv/set", `{"key":"a","value":"4"}`, false))
	reply, err := http.ReadResponse(web.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, _ := io.ReadAll(reply.Body)
	if reply.StatusCode != 507 || !strings.Contains(string(body), failure.Error()) {
		t.Errorf("writing over HTTP: %d %s", reply.StatusCode, body)
	}
}

func TestLevelMemoryWaitsForNothing(t *testing.T) {
	d := startDurable(t, Options{})
	d.journal.Do(func(s *journaltest.State) { s.Broken = errors.New("sync failed") })
	c := d.dial(1)
	c.send("SYNAP.DURABILITY memory\r\nSET a 1\r\n")
	if one, two := c.line(), c.line(); one != "+OK" || two != "+OK" {
		t.Errorf("got %q, %q", one, two)
	}
	if asked := d.journal.Asked(); len(asked) != 0 {
		t.Errorf("it waited for %q", asked)
	}
}

// A pipeline whose replies are more than a round may hold is committed in parts, each before it
// leaves; what a slow reader has not taken yet was committed too.
func TestLargeRepliesAndSlowReadersKeepThePromise(t *testing.T) {
	d := startDurable(t, Options{})
	c := d.dial(1)
	_ = c.SetReadBuffer(16 << 10)
	const size, times = 600_000, 40
	c.send(fmt.Sprintf("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$%d\r\n%s\r\n", size,
		strings.Repeat("x", size)))
	if got := c.line(); got != "+OK" {
		t.Fatal(got)
	}
	d.journal.Asked()
	c.send(strings.Repeat("APPEND a y\r\nGETRANGE a 0 -1\r\n", times))
	d.until("the reader is too slow", func() bool { return d.lane.Len() == 1 })
	d.journal.Do(func(s *journaltest.State) { s.Broken = errors.New("sync failed") })
	for i := range times {
		n := size + 1 + i
		line, err := c.ReadString('\n')
		if err == nil && strings.TrimSpace(line) != fmt.Sprintf(":%d", n) {
			t.Fatalf("reply %d: %.40q", i, line)
		}
		if err == nil {
			_, err = io.CopyN(io.Discard, c, int64(len(fmt.Sprintf("$%d\r\n", n))+n+2))
		}
		if err != nil {
			d.journal.Do(func(s *journaltest.State) {
				if s.Written < uint64(1+i) {
					t.Errorf("%d writes were acknowledged, %d recorded", 1+i, s.Written)
				}
			})
			if i == 0 {
				t.Error("nothing came at all")
			}
			return // cut off where the journal failed
		}
	}
	t.Error("the journal failed, and yet all was acknowledged")
}

func TestSnapshotsHoldUpNobodyElse(t *testing.T) {
	d := startDurable(t, Options{})
	begun, release := d.hold()
	resp, web := d.dial(1), d.dial(0)
	resp.send("PING\r\nSAVE\r\nECHO after\r\n")
	if got := resp.line(); got != "+PONG" {
		t.Errorf("got %q", got)
	}
	web.send(post("/snapshot", "", false))
	for range 2 {
		if got := d.next(begun); got != "save" {
			t.Errorf("the journal was asked to %s", got)
		}
	}
	if got := d.dial(1).ask("PING"); got != "+PONG" {
		t.Errorf("got %q", got)
	}
	resp.silent()
	release()
	for _, want := range []string{"+OK", "$5", "after"} {
		if got := resp.line(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	reply, err := http.ReadResponse(web.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if body, _ := io.ReadAll(reply.Body); reply.StatusCode != 200 ||
		string(body) != `{"success":true,"message":"Snapshot saved"}` {
		t.Errorf("%d %s", reply.StatusCode, body)
	}
}

func TestDrainLetsASnapshotEnd(t *testing.T) {
	d := startDurable(t, Options{})
	begun, release := d.hold()
	c := d.dial(1)
	c.send("SAVE\r\n")
	d.next(begun)
	drained := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		drained <- d.Drain(ctx)
	}()
	d.until("draining has begun", d.Draining)
	release()
	if got := c.ended(); got != "+OK\r\n" {
		t.Errorf("got %q", got)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}
