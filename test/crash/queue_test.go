package crash

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

const (
	respWorkers = 3
	webWorkers  = 3
	pushWorkers = 2
)

// Workers publish, consume, acknowledge, give back and forget messages; the server is killed at a
// random moment, also while it takes a snapshot and while it starts. What was acknowledged is gone
// for ever, what was published and not acknowledged is there with its failed deliveries counted,
// nothing else is, and batches over keys and queues are whole.
func TestQueuesSurviveKills(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	dir := t.TempDir()
	l := newLedger()
	var workers []*worker
	for i := range respWorkers + webWorkers + pushWorkers {
		workers = append(workers, &worker{ledger: l, name: fmt.Sprintf("w%d", i),
			Rand: rand.New(rand.NewPCG(seed, uint64(i+10)))})
	}
	makeQueues(t, dir)
	var total, saves int64
	for range kills(t) {
		c := launch(t, dir, "--durability", []string{"os", "os", "disk"}[random.IntN(3)])
		for random.IntN(4) == 0 { // kill it while it starts, too
			time.Sleep(time.Duration(random.IntN(20_000)) * time.Microsecond)
			c.kill()
			c = launch(t, dir)
		}
		c.await()
		l.check(t, c)
		s := &storm{t: t}
		for i, w := range workers {
			w.storm = s
			switch {
			case i < respWorkers:
				w.resp(c)
			case i < respWorkers+webWorkers:
				w.web(c)
			default:
				w.push(c)
			}
		}
		saves += s.disturb(c, random)
		c.kill()
		s.ended.Wait()
		total += s.acks.Load()
		if t.Failed() {
			t.FailNow()
		}
	}
	l.check(t, launch(t, dir).await())
	t.Logf("%d answers, %d messages, %d batches, %d snapshots asked for", total, len(l.notes),
		len(l.kept), saves)
}

func makeQueues(t *testing.T, dir string) {
	t.Helper()
	c := launch(t, dir).await()
	for _, name := range queues {
		config := object{"ack_deadline_ms": leaseMillis, "default_max_retries": 60_000}
		if name == brittle {
			config["default_max_retries"] = brittleRetries
		}
		err := c.caller().call("queue.create", object{"name": name, "config": config}, &struct{}{})
		if err != nil {
			t.Fatal(err)
		}
	}
	c.kill()
}

// check compares what a server holds with the ledger.
func (l *ledger) check(t *testing.T, c *child) {
	t.Helper()
	p := c.dial()
	text, err := p.do("KEYS", "deal:*")
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Close()
	keys := map[string]bool{}
	for _, key := range strings.Fields(text) {
		keys[key] = true
	}
	for i, problem := range l.settle(c.messages(), keys) {
		if t.Errorf("%v", problem); i > 20 {
			break
		}
	}
	if t.Failed() {
		t.Fatalf("log: %s", c.log.String())
	}
}

// messages are all messages in all states. Leases end while they are listed, so they are listed
// until twice the same comes out.
func (c *child) messages() map[string]sighting {
	c.t.Helper()
	call := c.caller()
	defer call.CloseIdleConnections()
	var before map[string]sighting
	for deadline := time.Now().Add(patient); ; {
		found, err := call.list()
		if err == nil && before != nil && maps.Equal(found, before) {
			return found
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("the messages are never twice the same: %v; log: %s", err, c.log.String())
		}
		before = found
	}
}

func (c *caller) list() (map[string]sighting, error) {
	found := map[string]sighting{}
	for _, queue := range queues {
		for _, state := range []string{"ready", "delayed", "leased", "dead"} {
			if err := c.look(queue, state, found); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}
