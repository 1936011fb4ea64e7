package queues

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/assembly"
	"github.com/synapdb/synap/internal/config"
	"github.com/synapdb/synap/test/harness"
)

// inProcess is a server within the test, so that the race detector sees both sides.
func inProcess(t *testing.T) *harness.Server {
	t.Helper()
	loaded, err := config.Load(config.Sources{Environ: []string{}, Flags: map[string]string{
		"server.host": "127.0.0.1", "server.port": "0", "server.resp_port": "0",
		"server.loops": "2", "persistence.dir": t.TempDir(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	in, err := assembly.Open(&loaded.Config, assembly.Build{},
		slog.New(slog.DiscardHandler), new(slog.LevelVar))
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := in.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return &harness.Server{HTTP: "127.0.0.1:" + strconv.Itoa(in.HTTPPort()),
		RESP: "127.0.0.1:" + strconv.Itoa(in.RESPPort())}
}

const (
	producers, consumers = 50, 50
	perProducer          = 30
	crowd                = producers * perProducer
)

// oracle is what was published, delivered and acknowledged.
type oracle struct {
	mu        sync.Mutex
	published map[string]string         // payload by id
	delivered map[string]map[int]string // by id and retry count: who got it
	acked     map[string]int            // by id
	newest    map[string]int            // highest retry count delivered, by id
	settler   map[string]int            // retry count of the delivery acknowledged, by id
	wrong     []string
	left      atomic.Int64 // messages not yet acknowledged
}

func (o *oracle) fail(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wrong = append(o.wrong, fmt.Sprintf(format, args...))
}

// deliver notes that consumer got m. Each delivery of a message but its first has a cause, and
// each cause raises the retry count: no two deliveries have the same.
func (o *oracle) deliver(m message, consumer string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.delivered[m.id] == nil {
		o.delivered[m.id] = map[int]string{}
	}
	if before, twice := o.delivered[m.id][m.retries]; twice {
		o.wrong = append(o.wrong, fmt.Sprintf("%s got message %s with %d retries, as %s had before",
			consumer, m.id, m.retries, before))
	}
	o.newest[m.id] = max(o.newest[m.id], m.retries)
	o.delivered[m.id][m.retries] = consumer
}

func (o *oracle) ack(m message) {
	o.mu.Lock()
	o.acked[m.id]++
	o.settler[m.id] = m.retries
	o.mu.Unlock()
	o.left.Add(-1)
}

func TestFiftyProducersAndFiftyConsumers(t *testing.T) {
	s := inProcess(t)
	o := &oracle{published: map[string]string{}, delivered: map[string]map[int]string{},
		acked: map[string]int{}, newest: map[string]int{}, settler: map[string]int{}}
	o.left.Store(crowd)
	control := &user{T: t, door: newEnvelope(s.HTTP, false), queue: "crowd"}
	t.Cleanup(control.door.Close)
	control.create(fields{"default_max_retries": 60_000, "ack_deadline_ms": 500})
	var group sync.WaitGroup
	for i := range producers {
		group.Go(func() { o.produce(doors[i%len(doors)].open(s), i) })
	}
	for i := range consumers {
		group.Go(func() {
			name := fmt.Sprintf("consumer-%d", i)
			if doors[i%len(doors)].name == "WebSocket" {
				o.consumePushed(s.HTTP, name)
			} else {
				o.consume(doors[i%len(doors)].open(s), name)
			}
		})
	}
	group.Wait()
	o.judge(t, control)
}

func (o *oracle) produce(d door, producer int) {
	defer d.Close()
	for i := range perProducer {
		payload := fmt.Sprintf("%d/%d", producer, i)
		answer, err := d.Call("queue.publish", fields{"queue": "crowd",
			"payload": []byte(payload), "priority": rand.IntN(10)})
		if err != nil {
			o.fail("publish: %v", err)
			o.left.Add(-1)
			continue
		}
		o.mu.Lock()
		o.published[answer.(fields)["message_id"].(string)] = payload
		o.mu.Unlock()
	}
}

// fate is what a consumer does with a delivery. One that failed often is acknowledged, so that
// the test comes to an end.
type fate int

const (
	acknowledged fate = iota
	refused
	forgotten // by a consumer that dies, or never answers
)

func fateOf(m message) fate {
	switch n := rand.IntN(100); {
	case n < 70 || m.retries > 3:
		return acknowledged
	case n < 90:
		return refused
	}
	return forgotten
}

// settled takes the answer to an ack or nack: that a lease was over is no fault.
func (o *oracle) settled(m message, f fate, err error) {
	var failed *failure
	switch {
	case err == nil && f == acknowledged:
		o.ack(m)
	case err != nil && !errors.As(err, &failed):
		o.fail("settling %s: %v", m.id, err)
	}
}

func (o *oracle) consume(d door, name string) {
	defer d.Close()
	for o.left.Load() > 0 {
		answer, err := d.Call("queue.consume", fields{"queue": "crowd", "consumer_id": name,
			"wait_ms": int64(100)})
		if err != nil {
			o.fail("consume: %v", err)
			return
		}
		got, _ := answer.(fields)["message"].(fields)
		if got == nil {
			continue
		}
		m := delivery(got)
		o.deliver(m, name)
		how := fateOf(m)
		f := fields{"queue": "crowd", "message_id": m.id, "token": m.token}
		switch how {
		case acknowledged:
			_, err = d.Call("queue.ack", f)
		case refused:
			_, err = d.Call("queue.nack", f)
		case forgotten:
			continue
		}
		o.settled(m, how, err)
	}
}

// consumePushed has a socket, and a new one each time it has cut the old.
func (o *oracle) consumePushed(addr, name string) {
	for o.left.Load() > 0 {
		p, _, err := openPush(addr, "crowd", name, "")
		if err != nil {
			o.fail("socket: %v", err)
			return
		}
		o.consumeFrom(p, name)
		p.drop()
	}
}

func (o *oracle) consumeFrom(p *push, name string) {
	for o.left.Load() > 0 {
		got := p.next(100 * time.Millisecond)
		if got == nil {
			continue
		}
		m := delivery(got)
		o.deliver(m, name)
		how := fateOf(m)
		f := fields{"command": "ack", "message_id": m.id, "token": m.token}
		if how == refused {
			f["command"] = "nack"
		}
		if how == forgotten {
			return
		}
		_, err := p.ask(f)
		o.settled(m, how, err)
	}
}

// delivery reads the parts of a message that the oracle looks at.
func delivery(f fields) message {
	m := message{}
	if m.id, _ = f["id"].(string); m.id == "" {
		m.id, _ = f["message_id"].(string)
	}
	m.token, _ = f["token"].(string)
	m.payload, _ = f["payload"].([]byte)
	retries, _ := f["retry_count"].(int64)
	m.retries = int(retries)
	return m
}

func (o *oracle) judge(t *testing.T, control *user) {
	t.Helper()
	for i, w := range o.wrong {
		if i == 20 {
			t.Fatalf("… and %d more", len(o.wrong)-i)
		}
		t.Error(w)
	}
	for id, payload := range o.published {
		if o.acked[id] != 1 {
			t.Errorf("message %s (%s) was acknowledged %d times", id, payload, o.acked[id])
		} else if o.newest[id] > o.settler[id] {
			t.Errorf("message %s was delivered with %d retries, and acknowledged with %d",
				id, o.newest[id], o.settler[id])
		}
	}
	if len(o.published) != crowd || len(o.acked) != crowd {
		t.Errorf("%d published, %d acknowledged, of %d", len(o.published), len(o.acked), crowd)
	}
	for name, want := range map[string]int64{"depth": 0, "consumers": 0, "published": crowd,
		"acked": crowd, "dead_lettered": 0} {
		if got := control.stat(name); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
	redelivered := 0
	for _, all := range o.delivered {
		redelivered += len(all) - 1
	}
	t.Logf("%d messages, %d delivered again", crowd, redelivered)
}
