package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/journaltest"
	"github.com/synapdb/synap/internal/store/queue"
)

// queues is a server with one queue, q, and the least of commands over it: PUT adds a message, TAKE
// waits for one and acknowledges it.
type queues struct {
	*durable
	store *queue.Store
	runs  atomic.Int64 // of TAKE
}

func startQueues(t *testing.T, o Options) *queues {
	t.Helper()
	store, err := queue.New(queue.Options{Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	q := &queues{store: store}
	q.durable = newDurable(t, q.put(), q.take(), q.takeByName())
	q.engine.Queues = store
	q.tx(func(tx *queue.Tx) {
		if _, err := tx.Create([]byte("q"), queue.Settings{}); err != nil {
			t.Error(err)
		}
	})
	q.serve(o)
	return q
}

func (q *queues) put() *command.Row {
	return &command.Row{Name: "PUT", Arity: 2, Flags: command.Write | command.SelfLocking,
		Run: func(c *command.Ctx, argv [][]byte) (err error) {
			q.tx(func(tx *queue.Tx) {
				_, err = tx.Publish([]byte("q"), &queue.Message{Payload: argv[1]})
			})
			c.Reply.Int(1)
			return err
		}}
}

func (q *queues) take() *command.Row {
	return &command.Row{Name: "TAKE", Arity: 4, Queue: 1, Flags: command.Write,
		Run: func(c *command.Ctx, argv [][]byte) error {
			wait, _ := strconv.ParseInt(string(argv[3]), 10, 64)
			return q.taken(c, argv[1], argv[2], wait)
		}}
}

func (q *queues) takeByName() *command.Row {
	return &command.Row{Name: "q.take", Flags: command.Write,
		Fields: []command.Field{{Name: "queue", Type: command.QueueField, Required: true},
			{Name: "consumer", Type: command.StringField, Required: true},
			{Name: "wait_ms", Type: command.UintField}},
		Call: func(c *command.Ctx, a *command.Args) error {
			return q.taken(c, a.Vals[0].B, a.Vals[1].B, a.Vals[2].Int)
		},
		Routes: []command.Route{{Method: "POST", Path: "/take/{queue}/{consumer}"}}}
}

func (q *queues) taken(c *command.Ctx, name, consumer []byte, wait int64) error {
	q.runs.Add(1)
	got := c.Queues.Deliver(name, &queue.Deliver{Consumer: consumer, Count: 1}, nil)
	if len(got) == 0 {
		if !c.Park(name, consumer, wait) {
			c.Reply.Null()
		}
		return nil
	}
	payload := bytes.Clone(got[0].Payload)
	if err := c.Queues.Ack(name, &queue.Lease{ID: got[0].ID}); err != nil {
		return err
	}
	c.Reply.Text(payload)
	return nil
}

func (q *queues) tx(do func(*queue.Tx)) {
	var tx queue.Tx
	q.store.Begin(&tx, q.engine.Clock.Now())
	tx.Declare([]byte("q"))
	tx.Lock()
	do(&tx)
	tx.Unlock()
}

// waiting waits until so many consumers are in line.
func (q *queues) waiting(n int64) {
	q.t.Helper()
	q.until(fmt.Sprintf("%d consumers wait", n), func() (ok bool) {
		q.tx(func(tx *queue.Tx) {
			stats, _ := tx.Stats([]byte("q"))
			ok = stats.Waiters == n
		})
		return ok
	})
}

// expect reads text.
func (c *client) expect(text string) {
	c.t.Helper()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != text {
		c.t.Fatalf("got %q, %v; want %q", got[:n], err, text)
	}
}

// answered reads an HTTP answer and returns its body.
func (c *client) answered() string {
	c.t.Helper()
	reply, err := http.ReadResponse(c.Reader, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != 200 {
		c.t.Errorf("%s, %v: %q", reply.Status, err, body)
	}
	return string(body)
}

const takeEnvelope = `{"command":"q.take","request_id":"1","payload":` +
	`{"queue":"q","consumer":"e","wait_ms":60000}}`

// consumers are the ways to wait: door, request, and what the answer must hold with a message m and
// without one.
var consumers = []struct {
	name, in, got, null string
	door                int
}{
	{"RESP", "TAKE q c 60000\r\n", "$1\r\nm\r\n", "$-1\r\n", 1},
	{"route", post("/take/q/r", `{"wait_ms":60000}`, false), `"m"`, "null", 0},
	{"envelope", post("/api/v1/command", takeEnvelope, false), `"payload":"m"`,
		`"payload":null`, 0},
	{"general server", post("/take/q/g", `{"wait_ms":60000}`, true), `"m"`, "null", 0},
}

// hears reads one answer and checks that it holds text.
func (c *client) hears(door int, text string) {
	c.t.Helper()
	if door == 1 {
		c.expect(text)
	} else if body := c.answered(); !strings.Contains(body, text) {
		c.t.Errorf("got %s, want %s in it", body, text)
	}
}

func TestWaitingCommandsAnswerWhenAMessageComes(t *testing.T) {
	for loops := 1; loops <= 2; loops++ { // the producer's loop is the consumer's, or another
		for _, way := range consumers {
			t.Run(fmt.Sprintf("%d/%s", loops, way.name), func(t *testing.T) {
				q := startQueues(t, Options{Loops: loops})
				c, producer := q.dial(way.door), q.dial(1)
				for range 3 {
					if way.name == "general server" {
						c = q.dial(way.door) // a chunked request is the last of its connection
					}
					c.send(way.in)
					q.waiting(1)
					producer.send("PUT m\r\n")
					c.hears(way.door, way.got)
					producer.expect(":1\r\n")
				}
				q.waiting(0)
				if n := q.runs.Load(); n != 6 {
					t.Errorf("3 waiting commands ran %d times", n)
				}
			})
		}
	}
}

func TestWaitingCommandsGiveUpInTime(t *testing.T) {
	for _, way := range consumers {
		t.Run(way.name, func(t *testing.T) {
			q := startQueues(t, Options{ConnectionTimeout: 10 * time.Second,
				IdleTimeout: 5 * time.Second})
			c := q.dial(way.door)
			c.send(way.in)
			q.waiting(1)
			q.clock.Advance(59_000) // neither idle nor a half request meanwhile
			q.store.Maintain(q.clock.Now(), 1000)
			q.sweep()
			q.loopsDo(func(*loop) {})
			q.waiting(1)
			q.clock.Advance(2_000)
			q.store.Maintain(q.clock.Now(), 1000)
			c.hears(way.door, way.null)
			q.waiting(0)
			if way.name == "general server" {
				return // a chunked request is the last of its connection
			}
			q.sweep()
			q.clock.Advance(4_000)
			q.sweep()
			q.loopsDo(func(*loop) {})
			c.send(way.in)
			q.waiting(1)
		})
	}
}

func TestPipelineBehindAWaitingCommandWaitsInOrder(t *testing.T) {
	q := startQueues(t, Options{})
	c, other := q.dial(1), q.dial(1)
	c.send("SET a 1\r\nTAKE q c 60000\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n" +
		"TAKE q c 60000\r\nSET a 2\r\nGE")
	c.expect("+OK\r\n")
	q.waiting(1)
	c.send("T a\r\n")
	other.send("GET a\r\nPUT one\r\n")
	other.expect("$1\r\n1\r\n:1\r\n")
	c.expect("$3\r\none\r\n$1\r\n1\r\n")
	q.waiting(1)
	other.send("GET a\r\nPUT two\r\n")
	other.expect("$1\r\n1\r\n:1\r\n")
	c.expect("$3\r\ntwo\r\n+OK\r\n$1\r\n2\r\n")

	web := q.dial(0)
	web.send(strings.Repeat(consumers[2].in, 2) + "GET /livez HTTP/1.1\r\nHo")
	q.waiting(1)
	web.send("st: x\r\n\r\n")
	other.send("PUT three\r\nPUT four\r\n")
	for _, want := range []string{`"three"`, `"four"`, "ok"} {
		if got := web.answered(); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestPlaceOfAConnectionThatIsGoneIsFree(t *testing.T) {
	for _, way := range consumers {
		t.Run(way.name, func(t *testing.T) {
			q := startQueues(t, Options{Loops: 2})
			first, second, other := q.dial(way.door), q.dial(1), q.dial(1)
			first.send(way.in)
			q.waiting(1)
			second.send("TAKE q second 60000\r\n")
			q.waiting(2)
			_ = first.Close()
			q.waiting(1)
			other.send("PUT m\r\n")
			second.expect("$1\r\nm\r\n")
		})
	}
}

func TestWaitingConnectionCanBeKilled(t *testing.T) {
	q := startQueues(t, Options{})
	c, other := q.dial(1), q.dial(1)
	c.send("TAKE q c 60000\r\n")
	q.waiting(1)
	other.send("CLIENT KILL ADDR " + c.LocalAddr().String() + "\r\n")
	other.expect(":1\r\n")
	if got := c.ended(); got != "" {
		t.Errorf("a killed connection was answered %q", got)
	}
	q.waiting(0)
}

// Clients may send on while they wait, but not without end.
func TestInputBehindAWaitingCommandIsBounded(t *testing.T) {
	q := startQueues(t, Options{InputBytes: 1000})
	c := q.dial(1)
	c.send("TAKE q c 60000\r\n")
	q.waiting(1)
	c.send(strings.Repeat("GET a\r\n", 200))
	c.ended()
	q.waiting(0)
}

func TestDrainHasWaitingCommandsAnswered(t *testing.T) {
	q := startQueues(t, Options{Loops: 2, HTTP2: HTTP2{Enabled: true}})
	var clients []*client
	for i, way := range consumers {
		c := q.dial(way.door)
		c.send(way.in)
		q.waiting(int64(i + 1))
		clients = append(clients, c)
	}
	behind := q.dial(1)
	behind.send("TAKE q x 60000\r\nTAKE q x 60000\r\nSET a 1\r\n")
	q.waiting(int64(len(consumers) + 1))
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- q.Drain(ctx) }()
	for i, way := range consumers {
		clients[i].hears(way.door, way.null)
		clients[i].ended()
		_ = clients[i].Close()
	}
	if got := behind.ended(); got != "$-1\r\n$-1\r\n+OK\r\n" {
		t.Errorf("the pipeline of a waiting connection ended with %q", got)
	}
	_ = behind.Close()
	if err := <-drained; err != nil {
		t.Error(err)
	}
	q.waiting(0)
}

// The replies before a waiting command may be more than the peer takes at once. The wake that comes
// meanwhile is not lost.
func TestWakeReachesAConnectionInTheSlowLane(t *testing.T) {
	q := startQueues(t, Options{})
	c, other := q.slowReader(), q.dial(1)
	c.send(slowPipeline)
	q.until("it reads too slowly", func() bool { return q.lane.Len() == 1 })
	q.waiting(1)
	other.send("PUT m\r\n")
	other.expect(":1\r\n")
	q.loopsDo(func(*loop) {})
	if q.lane.Len() != 1 {
		t.Fatal("the slow lane lost it")
	}
	c.expect(slowReplies)
	c.expect("$1\r\nm\r\n")
}

// The wake may even come in the round of those replies.
func TestWakeInTheRoundThatEndsInTheSlowLane(t *testing.T) {
	q := startQueues(t, Options{})
	c, producer, first := q.slowReader(), q.dial(1), q.dial(1)
	producer.send("PING\r\n")
	producer.expect("+PONG\r\n")
	begun, release := q.hold()
	first.send("SET a 1\r\n")
	q.next(begun) // the loop stands still, and the next round has both
	c.send(slowPipeline)
	producer.send("PUT m\r\n")
	release()
	producer.expect(":1\r\n")
	c.expect(slowReplies)
	c.expect("$1\r\nm\r\n")
}

// slowPipeline asks a slowReader's connection for more than the kernel takes, and then waits.
var (
	slowPipeline = strings.Repeat("GET big\r\n", 15) + "TAKE q c 60000\r\n"
	slowReplies  = strings.Repeat("$60000\r\n"+strings.Repeat("x", 60_000)+"\r\n", 15)
)

// slowReader is a connection with small buffers in the kernel.
func (q *queues) slowReader() *client {
	q.t.Helper()
	c := q.dial(1)
	_ = c.SetReadBuffer(64 << 10)
	c.send("SET big " + strings.Repeat("x", 60_000) + "\r\n")
	c.expect("+OK\r\n")
	q.loopsDo(func(l *loop) {
		for _, conn := range l.conns {
			_ = unix.SetsockoptInt(conn.sock.Fd(), unix.SOL_SOCKET, unix.SO_SNDBUF, 64<<10)
		}
	})
	return c
}

func TestThousandWaitingConnectionsCostNoGoroutines(t *testing.T) {
	const count = 1000
	q := startQueues(t, Options{Loops: 2})
	producer := q.dial(1)
	producer.send("PUT m\r\nTAKE q p 0\r\n")
	producer.expect(":1\r\n$1\r\nm\r\n")
	before, runs := runtime.NumGoroutine(), q.runs.Load()
	clients := make([]*client, count)
	for i := range clients {
		clients[i] = q.dial(1)
		clients[i].send(fmt.Sprintf("TAKE q c%d 60000\r\n", i))
		q.waiting(int64(i + 1))
	}
	if now := runtime.NumGoroutine(); now > before+10 {
		t.Errorf("%d goroutines became %d", before, now)
	}
	for i, c := range clients {
		producer.send(fmt.Sprintf("PUT %03d\r\n", i))
		c.expect(fmt.Sprintf("$3\r\n%03d\r\n", i)) // whoever waited longest
	}
	q.waiting(0)
	if n := q.runs.Load() - runs; n != 2*count {
		t.Errorf("%d commands that waited ran %d times", count, n)
	}
}

func TestTransactionsDoNotWait(t *testing.T) {
	q := startQueues(t, Options{})
	c := q.dial(1)
	c.send("MULTI\r\nTAKE q c 60000\r\nEXEC\r\n")
	c.expect("+OK\r\n+QUEUED\r\n*1\r\n$-1\r\n")
	web := q.dial(0)
	item := `{"command":"q.take","payload":{"queue":"q","consumer":"b","wait_ms":60000}}`
	for _, atomic := range []string{"true", "false"} {
		web.send(post("/api/v1/batch", `{"atomic":`+atomic+`,"commands":[`+item+`]}`, false))
		if got := web.answered(); !strings.Contains(got, `"payload":null`) {
			t.Errorf("a batch that is atomic (%s) answered %s", atomic, got)
		}
		web.send(consumers[1].in) // after a batch waiting is as possible as before
		q.waiting(1)
		c.send("PUT m\r\n")
		c.expect(":1\r\n")
		web.hears(0, `"m"`)
	}
}

// A command that is woken and then fails does not keep its place, nor the message that woke it.
func TestFailureAfterTheWakeGivesThePlaceUp(t *testing.T) {
	q := startQueues(t, Options{})
	c, web, other := q.dial(1), q.dial(0), q.dial(1)
	c.send("TAKE q c 60000\r\n")
	q.waiting(1)
	web.send(consumers[2].in)
	q.waiting(2)
	other.send("TAKE q o 60000\r\n")
	q.waiting(3)
	q.journal.Do(func(s *journaltest.State) { s.Full = errors.New("no room") })
	q.tx(func(tx *queue.Tx) {
		if _, err := tx.Publish([]byte("q"), &queue.Message{Payload: []byte("m")}); err != nil {
			t.Error(err)
		}
	})
	for _, c := range []*client{c, other} {
		if got := c.line(); !strings.Contains(got, "no room") {
			t.Errorf("got %q", got)
		}
	}
	if got := web.answered(); !strings.Contains(got, "no room") {
		t.Errorf("got %q", got)
	}
	q.waiting(0)
}

// A request over HTTP/2 that waits holds up no other of its connection, and leaves its place when
// its stream ends.
func TestWaitingOverHTTP2(t *testing.T) {
	q := startQueues(t, Options{HTTP2: HTTP2{Enabled: true}})
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	defer tr.CloseIdleConnections()
	take := func(ctx context.Context) (string, error) {
		r, _ := http.NewRequestWithContext(ctx, "POST", "http://"+q.address(0)+"/take/q/h",
			strings.NewReader(`{"wait_ms":60000}`))
		r.Header.Set("Content-Type", "application/json")
		reply, err := tr.RoundTrip(r)
		if err != nil {
			return "", err
		}
		defer reply.Body.Close()
		body, err := io.ReadAll(reply.Body)
		return string(body), err
	}
	ctx, cancel := context.WithCancel(context.Background())
	left := make(chan error, 1)
	go func() {
		_, err := take(ctx)
		left <- err
	}()
	q.waiting(1)
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the request that was given up ended with %v", err)
	}
	q.waiting(0)
	answers := make(chan string, 2)
	for range 2 {
		go func() {
			body, err := take(context.Background())
			answers <- fmt.Sprint(body, err)
		}()
	}
	q.waiting(2)
	producer := q.dial(1)
	producer.send("PUT m\r\nPUT m\r\n")
	for range 2 {
		if got := <-answers; got != `"m"<nil>` {
			t.Errorf("got %s", got)
		}
	}
}

// A loop may be about to send a late answer when it looks for what can be closed.
func TestDrainSendsWhatWasAnsweredAMomentAgo(t *testing.T) {
	q := startQueues(t, Options{Loops: 1})
	c := q.dial(1)
	c.send("TAKE q c 60000\r\n")
	q.waiting(1)
	q.loopsDo(func(l *loop) {
		q.tx(func(tx *queue.Tx) {
			if _, err := tx.Publish([]byte("q"), &queue.Message{Payload: []byte("m")}); err != nil {
				t.Error(err)
			}
		})
		l.feedWoken()
		q.draining.Store(true)
		l.sweep()
	})
	defer q.draining.Store(false) // the end in earnest is still to come
	if got := c.ended(); got != "$1\r\nm\r\n" {
		t.Errorf("got %q before the end", got)
	}
}
