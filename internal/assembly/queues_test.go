package assembly

import (
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/config"
	"github.com/synapdb/synap/internal/store"
	"github.com/synapdb/synap/internal/store/queue"
	httpwire "github.com/synapdb/synap/internal/wire/http"
)

// with runs f over one queue, as a command would.
func (in *Instance) with(t *testing.T, name string, f func(*queue.Tx) error) {
	t.Helper()
	var tx store.Tx
	tx.Begin(in.stores, time.Now().UnixMilli())
	tx.DeclareQueue([]byte(name))
	tx.Lock()
	err := f(&tx.Queues)
	tx.Unlock()
	if err != nil {
		t.Fatal(err)
	}
}

func (in *Instance) make(t *testing.T, name string, s queue.Settings) {
	t.Helper()
	in.with(t, name, func(tx *queue.Tx) error {
		_, err := tx.Create([]byte(name), s)
		return err
	})
}

func (in *Instance) publish(t *testing.T, name string, payload []byte) {
	t.Helper()
	in.with(t, name, func(tx *queue.Tx) error {
		_, err := tx.Publish([]byte(name),
			&queue.Message{Payload: payload, Priority: -1, MaxRetries: -1})
		return err
	})
}

// take leases what is ready in a queue.
func (in *Instance) take(t *testing.T, name string) (got []queue.View) {
	t.Helper()
	in.with(t, name, func(tx *queue.Tx) error {
		got = tx.Deliver([]byte(name), &queue.Deliver{Consumer: []byte("w"), Count: 10}, nil)
		return nil
	})
	return got
}

func (in *Instance) scrape(t *testing.T) string {
	t.Helper()
	_, text := in.web(t, "/metrics")
	return text
}

func contains(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %.3000s", want, text)
		}
	}
}

// Nobody asks for anything, and yet a lease ends in time.
func TestLeasesEndByThemselves(t *testing.T) {
	in := open(t, nil)
	in.make(t, "jobs", queue.Settings{AckDeadline: 20})
	in.publish(t, "jobs", []byte("work"))
	if got := in.take(t, "jobs"); len(got) != 1 || got[0].Retries != 0 {
		t.Fatalf("%+v", got)
	}
	for deadline := time.Now().Add(patient); ; time.Sleep(time.Millisecond) {
		if _, sum := in.stores.Queues.Totals(); sum.LeasesExpired == 1 && sum.Depth == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the lease does not end")
		}
	}
	if got := in.take(t, "jobs"); len(got) != 1 || got[0].Retries != 1 {
		t.Errorf("%+v", got)
	}
}

func TestPauses(t *testing.T) {
	for _, c := range []struct {
		next int64
		want time.Duration
	}{
		{999, busyPause}, {1000, busyPause}, {1001, time.Millisecond}, {6000, 5 * time.Second},
		{1 << 60, lastSleep},
	} {
		if got := pauseUntil(c.next, 1000); got != c.want {
			t.Errorf("until %d: %v, not %v", c.next, got, c.want)
		}
	}
}

func TestQueuesInMetricsAndInfo(t *testing.T) {
	in := open(t, nil)
	for _, name := range []string{"jobs", `say "hi"`, "\xff"} {
		in.make(t, name, queue.Settings{})
	}
	for range 3 {
		in.publish(t, "jobs", []byte("work"))
	}
	in.with(t, "jobs", func(tx *queue.Tx) error {
		v := tx.Deliver([]byte("jobs"), &queue.Deliver{Consumer: []byte("w"), Count: 1}, nil)
		_, err := tx.Publish([]byte("jobs"),
			&queue.Message{DeliverAt: time.Now().UnixMilli() + 1e6})
		if err != nil {
			return err
		}
		v = tx.Deliver([]byte("jobs"), &queue.Deliver{Consumer: []byte("w"), Count: 1}, v)
		return tx.Ack([]byte("jobs"), &queue.Lease{ID: v[0].ID})
	})
	contains(t, in.scrape(t),
		`synap_queue_depth{queue="jobs"} 1`, `synap_queue_consumers{queue="jobs"} 1`,
		`synap_queue_in_flight{queue="jobs"} 1`, `synap_queue_delayed{queue="jobs"} 1`,
		`synap_queue_dead_letters{queue="jobs"} 0`,
		`synap_queue_depth{queue="say \"hi\""} 0`, "synap_queues 3\n",
		"synap_queue_series_left_out 1\n", `synap_queue_messages{state="in_flight"} 1`,
		`synap_queue_messages{state="delayed"} 1`, `synap_queue_messages{state="ready"} 1`,
		"synap_queue_published_total 4\n", "synap_queue_consumed_total 2\n",
		"synap_queue_acked_total 1\n", "synap_queue_memory_bytes ")
	in.with(t, "jobs", func(tx *queue.Tx) error { tx.Delete([]byte("jobs")); return nil })
	contains(t, in.scrape(t), "synap_queues 2\n", "synap_queue_published_total 4\n")
	in.make(t, "more", queue.Settings{})
	contains(t, in.ask(t, "INFO"), "# Queues\r\nqueues:3\r\n", "queue_messages_ready:0\r\n")
	contains(t, in.ask(t, "INFO queues"), "queue_acked_total:1\r\n")
	_, text := in.web(t, "/info?section=queues")
	contains(t, text, `{"queues":{"queues":3,`, `"queue_published_total":4`)
}

// A transaction that holds the lock of a queue does not wait for it in INFO.
func TestInfoInsideATransactionOverQueues(t *testing.T) {
	in := open(t, nil)
	in.make(t, "jobs", queue.Settings{})
	got := in.ask(t, "MULTI", "QPUBLISH jobs work", "INFO queues", "EXEC", "QSTATS jobs")
	contains(t, got, "# Queues\r\n", "depth\r\n:1\r\n")
}

func TestWhoWaitsIsABlockedClient(t *testing.T) {
	in := open(t, nil)
	in.make(t, "jobs", queue.Settings{})
	answer := make(chan string, 1)
	go func() { answer <- in.ask(t, "QCONSUME jobs w WAIT 60000") }()
	for deadline := time.Now().Add(patient); ; time.Sleep(time.Millisecond) {
		if strings.Contains(in.ask(t, "INFO clients"), "blocked_clients:1\r\n") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody is blocked")
		}
	}
	in.publish(t, "jobs", []byte("work"))
	contains(t, <-answer, "work\r\n")
	contains(t, in.ask(t, "INFO clients"), "blocked_clients:0\r\n")
}

// Of many queues, the first thousand have series of their own.
func TestMetricsOfManyQueues(t *testing.T) {
	in := open(t, nil)
	for i := range labelledQueues + 5 {
		in.make(t, string(rune('a'+i%26))+strings.Repeat("x", i/26), queue.Settings{})
	}
	text := in.scrape(t)
	contains(t, text, "synap_queue_series_left_out 5\n", "synap_queues 1005\n")
	if n := strings.Count(text, "\nsynap_queue_depth{"); n != labelledQueues {
		t.Errorf("%d series", n)
	}
}

// One limit holds over keys and queues.
func TestQueuesCountTowardsTheMemoryLimit(t *testing.T) {
	in := open(t, map[string]string{"kv_store.max_memory_mb": "16"})
	in.make(t, "jobs", queue.Settings{})
	if got := in.ask(t, "SET k v"); got != "+OK\r\n" {
		t.Fatal(got)
	}
	for range 18 {
		in.publish(t, "jobs", make([]byte, 1<<20))
	}
	if got := in.ask(t, "SET k v"); !strings.HasPrefix(got, "-OOM") {
		t.Errorf("SET beside 18 MiB of messages: %q", got)
	}
	if m := in.engine.Memory(); m.Used < 18<<20 || m.Peak < m.Used || m.Resident < 18<<20 {
		t.Errorf("%+v", m)
	}
	in.with(t, "jobs", func(tx *queue.Tx) error {
		_, err := tx.Purge([]byte("jobs"), true)
		return err
	})
	if got := in.ask(t, "SET k v"); got != "+OK\r\n" {
		t.Errorf("SET after a purge: %q", got)
	}
}

func TestQueueSettingsOfTheConfiguration(t *testing.T) {
	in := open(t, map[string]string{
		"queue.max_depth": "0", "queue.overflow": "drop_oldest", "queue.ack_deadline_secs": "7",
		"queue.default_max_retries": "0", "queue.default_priority": "0",
		"queue.prefetch_limit": "9", "queue.backoff_base_ms": "10", "queue.backoff_factor": "3",
		"queue.backoff_cap_ms": "500", "queue.backoff_jitter_percent": "25",
		"queue.ttl_secs": "60", "queue.dedup_window_secs": "11",
	})
	in.make(t, "jobs", queue.Settings{})
	in.with(t, "jobs", func(tx *queue.Tx) error {
		info, err := tx.Info([]byte("jobs"))
		info.Incarnation, info.Created = 0, 0
		if want := (queue.Settings{DropOldest: true, AckDeadline: 7000, Prefetch: 9,
			BackoffBase: 10, BackoffMilli: 3000, BackoffCap: 500, JitterMilli: 250, TTL: 60_000,
			DedupWindow: 11_000}); info.Settings != want {
			t.Errorf("%+v, not %+v", info.Settings, want)
		}
		return err
	})
	for _, bad := range []string{"queue.max_depth", "queue.ack_deadline_secs",
		"queue.default_max_retries", "queue.prefetch_limit", "queue.backoff_base_ms",
		"queue.backoff_factor", "queue.backoff_cap_ms", "queue.ttl_secs",
		"queue.dedup_window_secs"} {
		most := config.Find(bad).Max
		queues, err := queue.New(queue.Options{Defaults: queueDefaults(extreme(t, bad, most))})
		if err != nil {
			t.Errorf("%s may be %d, but: %v", bad, most, err)
			continue
		}
		if err := queues.Close(); err != nil {
			t.Error(err)
		}
	}
}

// extreme is the configuration with one setting at its highest.
func extreme(t *testing.T, key string, most int64) *config.Queue {
	t.Helper()
	l, err := config.Load(config.Sources{Environ: []string{},
		Flags: map[string]string{key: strconv.FormatInt(most, 10)}})
	if err != nil {
		t.Fatal(err)
	}
	return &l.Queue
}

func TestQueuesOfAnInstanceSurviveItsEnd(t *testing.T) {
	dir := t.TempDir()
	in := housed(t, dir)
	if err := in.serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	in.make(t, "jobs", queue.Settings{})
	in.publish(t, "jobs", []byte("work"))
	in.end(t)
	in = housed(t, dir)
	defer in.end(t)
	if err := in.serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := in.take(t, "jobs"); len(got) != 1 || string(got[0].Payload) != "work" {
		t.Errorf("%+v", got)
	}
}

func TestSilentSocketsArePingedAsSet(t *testing.T) {
	in := open(t, map[string]string{"server.websocket_ping_secs": "1"})
	in.ask(t, "QCREATE q")
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(in.HTTPPort())))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patient))
	_, _ = io.WriteString(c, "GET /queue/q/ws/me HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	got, err := io.ReadAll(c) // until the server gives up a peer that never answers
	if all := string(got); err != nil || !strings.Contains(all, `"type":"connected"`) ||
		!strings.Contains(all, "\x89\x00\x88\x0b\x03\xe9no answer") {
		t.Errorf("got %q, %v", got, err)
	}
	if pingEvery(0) != httpwire.NeverPing {
		t.Error("0 is not never")
	}
}
