package resp_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/conncmd"
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/wire"
	"github.com/synapdb/synap/internal/wire/resp"
)

// takeRow waits for a message of the queue q.
func takeRow() *command.Row {
	return &command.Row{Name: "TAKE", Arity: 3, Queue: 1, Flags: command.Write,
		Run: func(c *command.Ctx, argv [][]byte) error {
			got := c.Queues.Deliver(argv[1], &queue.Deliver{Consumer: argv[2], Count: 1}, nil)
			if len(got) == 0 {
				if !c.Park(argv[1], argv[2], 1000) {
					c.Reply.Null()
				}
				return nil
			}
			c.Reply.Text(got[0].Payload)
			return nil
		}}
}

// waiting is a fixture with a queue, q.
type waiting struct {
	*fixture
	clock *clock.Manual
}

func newWaiting(t *testing.T) *waiting {
	t.Helper()
	f := newFixture(t)
	store, err := queue.New(queue.Options{Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	w := &waiting{f, clock.NewManual(1_700_000_000_000)}
	f.e.Clock, f.e.Queues = w.clock, store
	f.e.Table = command.NewTable(dataRows(), conncmd.Rows(), []*command.Row{takeRow()})
	w.tx(func(tx *queue.Tx) {
		if _, err := tx.Create([]byte("q"), queue.Settings{}); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *waiting) tx(do func(*queue.Tx)) {
	var tx queue.Tx
	w.e.Queues.Begin(&tx, w.clock.Now())
	tx.Declare([]byte("q"))
	tx.Lock()
	do(&tx)
	tx.Unlock()
}

func (w *waiting) put(payload string) {
	w.t.Helper()
	w.tx(func(tx *queue.Tx) {
		if _, err := tx.Publish([]byte("q"), &queue.Message{Payload: []byte(payload)}); err != nil {
			w.t.Error(err)
		}
	})
}

func (w *waiting) waiters() (n int64) {
	w.tx(func(tx *queue.Tx) {
		stats, err := tx.Stats([]byte("q"))
		if n = stats.Waiters; err != nil {
			w.t.Error(err)
		}
	})
	return n
}

// wakes counts.
type wakes struct{ n int }

func (w *wakes) Wake() { w.n++ }

// sleeper is a client whose commands may wait.
func (w *waiting) sleeper() (*client, *wakes) {
	c, k := w.connect(resp.Limits{}), new(wakes)
	c.SetWaker(k)
	return c, k
}

func (c *client) wants(t *testing.T, in, out string, v wire.Verdict) {
	t.Helper()
	if got := c.send(in); got != out || c.verdict != v {
		t.Errorf("%q was answered %q, verdict %d; want %q, %d", in, got, c.verdict, out, v)
	}
}

// However a pipeline is cut, what waits stops what is behind it, and runs again as it was.
func TestWaitingCommandKeepsItsPlace(t *testing.T) {
	const pipeline = "SET a 1\r\n\r\n*3\r\n$4\r\nTAKE\r\n$1\r\nq\r\n$1\r\nc\r\nGET a\r\n" +
		"*2\r\n$3\r\nGET\r\n$1\r\na\r\n"
	for cut := range len(pipeline) {
		w := newWaiting(t)
		c, k := w.sleeper()
		got := c.send(pipeline[:cut])
		if c.verdict == wire.Park {
			c.buffer = append(c.buffer, pipeline[cut:]...)
		} else {
			got += c.send(pipeline[cut:])
		}
		if got != "+OK\r\n" || c.verdict != wire.Park || k.n != 0 {
			t.Fatalf("cut at %d: %q, verdict %d, %d wakes", cut, got, c.verdict, k.n)
		}
		w.put("m")
		if k.n != 1 {
			t.Fatalf("cut at %d: a message woke %d times", cut, k.n)
		}
		c.wants(t, "", "$1\r\nm\r\n$1\r\n1\r\n$1\r\n1\r\n", wire.Open)
		if len(c.buffer) != 0 || w.waiters() != 0 {
			t.Errorf("cut at %d: %q is left, %d wait", cut, c.buffer, w.waiters())
		}
	}
}

func TestManyCommandsMayWaitBehindOneAnother(t *testing.T) {
	w := newWaiting(t)
	c, _ := w.sleeper()
	const count = 50 // more than are gathered at once
	c.wants(t, strings.Repeat("TAKE q c\r\n", count), "", wire.Park)
	for i := range count {
		verdict := wire.Park
		if i == count-1 {
			verdict = wire.Open
		}
		w.put("m")
		c.wants(t, "", "$1\r\nm\r\n", verdict)
	}
}

func TestWakeInVain(t *testing.T) {
	w := newWaiting(t)
	first, _ := w.sleeper()
	second, _ := w.sleeper()
	first.wants(t, "TAKE q 1\r\n", "", wire.Park)
	second.wants(t, "TAKE q 2\r\n", "", wire.Park)
	first.wants(t, "", "", wire.Park)
	if n := w.waiters(); n != 2 {
		t.Errorf("%d wait", n)
	}
	w.clock.Advance(999)
	first.wants(t, "", "", wire.Park)
	w.clock.Advance(1) // counted from the first run
	first.wants(t, "", "$-1\r\n", wire.Open)
	first.wants(t, "", "", wire.Open) // a wake may come too late
	first.wants(t, "TAKE q 1\r\n", "", wire.Park)
	w.clock.Advance(999) // and the next command waits its own time
	first.wants(t, "", "", wire.Park)
}

func TestStateOfTheSessionWhileWaiting(t *testing.T) {
	w := newWaiting(t)
	c, _ := w.sleeper()
	c.wants(t, "CLIENT REPLY SKIP\r\nTAKE q c\r\nGET a\r\n", "", wire.Park)
	w.put("m")
	c.wants(t, "", "$-1\r\n", wire.Open)
	c.wants(t, "CLIENT REPLY OFF\r\nTAKE q c\r\nCLIENT REPLY ON\r\n", "", wire.Park)
	w.put("m")
	c.wants(t, "", "+OK\r\n", wire.Open)
	c.wants(t, "HELLO 3 SETNAME me\r\n", c.send("HELLO 3 SETNAME me\r\n"), wire.Open)
	c.wants(t, "TAKE q c\r\nRESET\r\nTAKE q c\r\nQUIT\r\n", "", wire.Park)
	w.put("m")
	c.wants(t, "", "$1\r\nm\r\n+RESET\r\n", wire.Park)
	w.put("m")
	c.wants(t, "", "$1\r\nm\r\n+OK\r\n", wire.Close)
}

func TestTransactionDoesNotWait(t *testing.T) {
	w := newWaiting(t)
	c, _ := w.sleeper()
	c.wants(t, "MULTI\r\nTAKE q c\r\nEXEC\r\n", "+OK\r\n+QUEUED\r\n*1\r\n$-1\r\n", wire.Open)
	c.wants(t, "TAKE missing c\r\n", "$-1\r\n", wire.Open)
	c.wants(t, "TAKE q c\r\n", "", wire.Park)
	bare := w.connect(resp.Limits{}) // nobody would wake it
	bare.wants(t, "TAKE q c\r\n", "$-1\r\n", wire.Open)
}

func TestWaitingCommandIsCountedOnce(t *testing.T) {
	w := newWaiting(t)
	c, _ := w.sleeper()
	id := w.e.Table.Redis([]byte("TAKE")).ID()
	counts := func(calls uint64) {
		t.Helper()
		got := fmt.Sprint(c.session.Counters.Calls[id].Load(), c.session.Executed)
		if want := fmt.Sprint(calls, calls); got != want {
			t.Errorf("calls and commands are %s, want %s", got, want)
		}
	}
	c.wants(t, "TAKE q c\r\n", "", wire.Park)
	c.wants(t, "", "", wire.Park)
	counts(0)
	w.put("m")
	c.wants(t, "", "$1\r\nm\r\n", wire.Open)
	counts(1)
}

func TestNobodyWaitsAfterTheEnd(t *testing.T) {
	w := newWaiting(t)
	closed, _ := w.sleeper()
	closed.wants(t, "TAKE q c\r\n", "", wire.Park)
	next, k := w.sleeper()
	next.wants(t, "TAKE q n\r\n", "", wire.Park)
	w.put("for the first")
	closed.Closed() // woken, and gone before it could ask
	if k.n != 1 {
		t.Error("the wake of a connection that is gone does not go to the next in line")
	}
	next.wants(t, "", "$13\r\nfor the first\r\n", wire.Open)

	c, _ := w.sleeper()
	if c.GiveUp() {
		t.Error("a connection that does not wait asks to be fed")
	}
	c, _ = w.sleeper()
	c.wants(t, "TAKE q c\r\nTAKE q c\r\nGET a\r\n", "", wire.Park)
	if !c.GiveUp() || w.waiters() != 0 {
		t.Error("a command waits on after the end of the server")
	}
	c.wants(t, "", "$-1\r\n$-1\r\n$-1\r\n", wire.Open)
}
