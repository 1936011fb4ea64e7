package queue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/errs"
)

// Properties verified with producers, consumers, lost connections and maintenance on goroutines of
// their own, over queues that send each other their dead letters: every message published is
// acknowledged exactly once; it is delivered again only after a failed delivery, which was counted;
// parked consumers need nobody to poll for them; and a snapshot taken meanwhile, with the journal
// since, leads to the same state.

const (
	producers   = 50
	consumers   = 50
	perProducer = 30
)

var crowdQueues = []string{"left", "right", "alone"}

// lockedTape is a tape for several goroutines.
type lockedTape struct {
	mu sync.Mutex
	tape
}

func (l *lockedTape) Append(timeMillis int64, payload []byte) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tape.Append(timeMillis, payload)
}

func (l *lockedTape) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.records)
}

// doorbell is a waker that a goroutine can wait for.
type doorbell chan struct{}

func (d doorbell) Wake() {
	select {
	case d <- struct{}{}:
	default:
		panic("woken twice for one Park")
	}
}

type crowd struct {
	t     *testing.T
	s     *Store
	j     *lockedTape
	now   atomic.Int64
	done  chan struct{} // everything is acknowledged
	acked atomic.Int64

	mu         sync.Mutex
	deliveries map[ID]int // retries at the last delivery
	moved      map[ID]ID  // from the first id to the next
	first      map[string]ID
	settled    map[string]int
}

func newCrowd(t *testing.T) *crowd {
	c := &crowd{t: t, j: new(lockedTape), done: make(chan struct{}), deliveries: map[ID]int{},
		moved: map[ID]ID{}, first: map[string]ID{}, settled: map[string]int{}}
	s, err := New(Options{Shards: 2, Random: randomBits(1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c.s = s
	c.now.Store(epoch)
	s.SetJournal(c.j)
	target := map[string]string{"left": "right", "right": "left"}
	for _, name := range crowdQueues {
		lockedAt(s, epoch, func(tx *Tx) {
			_, err := tx.Create([]byte(name), Settings{AckDeadline: 400, MaxRetries: 2,
				BackoffBase: 1, BackoffCap: 20, JitterMilli: 500, DeadLetter: target[name]})
			if err != nil {
				t.Fatal(err)
			}
		}, name)
	}
	return c
}

func (c *crowd) produce(producer int) {
	r := rand.New(rand.NewPCG(3, uint64(producer)))
	for i := range perProducer {
		name := crowdQueues[r.IntN(len(crowdQueues))]
		m := Message{Payload: fmt.Appendf(nil, "%d/%d", producer, i), Priority: r.IntN(10),
			MaxRetries: -1}
		if name == "alone" {
			m.MaxRetries = mostRetries
		}
		if r.IntN(4) == 0 {
			m.DeliverAt = c.now.Load() + r.Int64N(200)
		}
		names := []string{name, crowdQueues[r.IntN(len(crowdQueues))]}
		if r.IntN(4) == 0 {
			names = nil // all
		}
		lockedAt(c.s, c.now.Load(), func(tx *Tx) {
			atomically := r.IntN(3) == 0
			if atomically {
				tx.Atomic()
			}
			if _, err := tx.Publish([]byte(name), &m); err != nil {
				c.t.Error(err)
			}
			if atomically && r.IntN(2) == 0 { // and once more, for good
				tx.Rollback()
				_, _ = tx.Publish([]byte(name), &m)
			}
		}, names...)
	}
}

func (c *crowd) consume(number int) {
	r := rand.New(rand.NewPCG(4, uint64(number)))
	name := []byte(crowdQueues[number%len(crowdQueues)])
	d := Deliver{Consumer: fmt.Appendf(nil, "c%d", number), Count: 1 + number%3}
	bell := make(doorbell, 1)
	w := &Waiter{Waker: bell}
	for round := uint64(1); ; round++ {
		if d.Conn = 0; number%2 == 0 {
			d.Conn = uint64(number+1)<<32 | round
		}
		var got []View
		parked := false
		lockedAt(c.s, c.now.Load(), func(tx *Tx) {
			for _, v := range tx.Deliver(name, &d, nil) {
				v.Payload, v.Headers = bytes.Clone(v.Payload), bytes.Clone(v.Headers)
				c.saw(v) // before the lease can end and somebody else be served
				got = append(got, v)
			}
			if len(got) == 0 {
				parked = tx.Park(name, d.Consumer, w, c.now.Load()+5000)
			}
		}, string(name))
		if parked {
			select {
			case <-bell:
				continue
			case <-c.done:
				c.s.Unpark(w)
				return
			}
		}
		c.s.Unpark(w)
		select { // a wake on its way when the place was given up
		case <-bell:
		default:
		}
		for _, v := range got {
			c.settle(r, name, &d, v)
		}
		if d.Conn != 0 {
			c.s.Detach(name, d.Conn, c.now.Load())
		}
	}
}

// saw checks that a delivery has a cause.
func (c *crowd) saw(v View) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.settled[string(v.Payload)] > 0 {
		c.t.Errorf("%s is delivered after its acknowledgement", v.Payload)
	}
	last, again := c.deliveries[v.ID]
	if again && v.Retries <= last {
		c.t.Errorf("%s is delivered again with %d retries, had %d", v.Payload, v.Retries, last)
	}
	c.deliveries[v.ID] = v.Retries
	if first, ok := c.first[string(v.Payload)]; !ok {
		c.first[string(v.Payload)] = v.ID
	} else if first != v.ID {
		var h map[string]any
		if err := json.Unmarshal(v.Headers, &h); err != nil || h["x-dead-letter-id"] == nil {
			c.t.Errorf("%s has two ids and headers %s", v.Payload, v.Headers)
		}
	}
}

func (c *crowd) settle(r *rand.Rand, name []byte, d *Deliver, v View) {
	l := &Lease{ID: v.ID, Token: v.Token, Consumer: d.Consumer}
	switch r.IntN(8) {
	case 0: // the consumer dies
		return
	case 1, 2:
		lockedAt(c.s, c.now.Load(), func(tx *Tx) {
			c.late(tx.Nack(name, l, Nack{Requeue: true, Delay: r.Int64N(3) - 1}))
		}, string(name))
	case 3:
		lockedAt(c.s, c.now.Load(), func(tx *Tx) {
			_, err := tx.Extend(name, l, 500)
			c.late(err)
		}, string(name))
		fallthrough
	default:
		var err error
		lockedAt(c.s, c.now.Load(), func(tx *Tx) {
			if r.IntN(5) == 0 {
				tx.Atomic()
				c.late(tx.Ack(name, l))
				tx.Rollback()
			}
			if err = tx.Ack(name, l); err == nil {
				c.mu.Lock() // before anybody else can be given the message
				c.settled[string(v.Payload)]++
				c.mu.Unlock()
			}
		}, string(name))
		if c.late(err); err == nil && c.acked.Add(1) == producers*perProducer {
			close(c.done)
		}
	}
}

// late lets pass only the errors of a lease that ended meanwhile.
func (c *crowd) late(err error) {
	if err == nil {
		return
	}
	if k := errs.Of(err); k != errs.StaleLease && k != errs.MessageNotFound {
		c.t.Error(err)
	}
}

// keep lets time pass until everything is acknowledged. One snapshot is taken on the way.
func (c *crowd) keep() (from int, blocks [][]byte) {
	var cursor ExportCursor
	exporting := true
	for {
		select {
		case <-c.done:
			for exporting {
				var block []byte
				block, exporting = c.s.Export(&cursor, nil)
				blocks = append(blocks, block)
			}
			return from, blocks
		default:
		}
		now := c.now.Add(1)
		c.s.Maintain(now, 500)
		if n := c.acked.Load(); exporting && n > producers*perProducer/3 {
			if blocks == nil {
				from = c.j.count()
			}
			var block []byte
			block, exporting = c.s.Export(&cursor, nil)
			blocks = append(blocks, block)
		}
		_, _, _ = c.s.Memory(), c.s.Names("", "", 10), c.s.Full()
		runtime.Gosched()
	}
}

// bounded fails the test, with all stacks, if f takes far too long: locks in a wrong order.
func bounded(t *testing.T, f func()) {
	t.Helper()
	over := make(chan struct{})
	go func() {
		defer close(over)
		f()
	}()
	select {
	case <-over:
	case <-time.After(time.Minute):
		stacks := make([]byte, 1<<20)
		t.Fatalf("does not end:\n%s", stacks[:runtime.Stack(stacks, true)])
	}
}

func TestEverythingIsAcknowledgedOnce(t *testing.T) {
	c := newCrowd(t)
	var from int
	var blocks [][]byte
	bounded(t, func() {
		var people sync.WaitGroup
		for i := range producers {
			people.Go(func() { c.produce(i) })
		}
		for i := range consumers {
			people.Go(func() { c.consume(i) })
		}
		people.Go(func() { from, blocks = c.keep() })
		people.Wait()
	})
	for p := range producers {
		for i := range perProducer {
			if n := c.settled[fmt.Sprintf("%d/%d", p, i)]; n != 1 {
				t.Errorf("%d/%d was acknowledged %d times", p, i, n)
			}
		}
	}
	_, sum := c.s.Totals()
	if sum.Depth+sum.Delayed+sum.Leased+sum.Dead+sum.Waiters != 0 || sum.Nacked == 0 ||
		sum.LeasesExpired == 0 || sum.Returned == 0 || sum.DeadLettered == 0 {
		t.Errorf("at the end: %+v", sum)
	}
	checkInvariants(t, c.s)
	again := modelStore(t, 4, 9)
	for _, b := range blocks {
		if err := again.Import(c.now.Load(), b); err != nil {
			t.Fatal(err)
		}
	}
	again.FinishImport()
	c.j.replay(t, again, from, len(c.j.records))
	whole := modelStore(t, 1, 9)
	c.j.replay(t, whole, 0, len(c.j.records))
	now := c.now.Load()
	if d := c.s.Digest(now); again.Digest(now) != d || whole.Digest(now) != d {
		t.Error("the digests differ")
	}
}

// TestDeadLettersInBothDirections: whoever locks one queue locks also the one that takes its dead
// letters, so many must be able to do it in opposite directions, and settings may change meanwhile.
func TestDeadLettersInBothDirections(t *testing.T) {
	s := modelStore(t, 16, 1)
	names := []string{"a", "b", "c", "d"}
	lockedAt(s, epoch, func(tx *Tx) {
		for _, name := range names {
			_, _ = tx.Create([]byte(name), Settings{})
		}
	})
	var published, left atomic.Int64
	bounded(t, func() {
		var people sync.WaitGroup
		for p := range 8 {
			people.Go(func() {
				r := rand.New(rand.NewPCG(5, uint64(p)))
				for range 1500 {
					published.Add(pingPong(s, r, names))
				}
			})
		}
		people.Wait()
	})
	lockedAt(s, epoch, func(tx *Tx) {
		for _, name := range names {
			for _, state := range states {
				left.Add(int64(len(peek(t, tx, name, state))))
			}
		}
	})
	checkInvariants(t, s)
	if left.Load() != published.Load() || left.Load() == 0 {
		t.Errorf("%d messages of %d are left", left.Load(), published.Load())
	}
}

// pingPong publishes, or fails a delivery for the last time, or turns the arrows around.
func pingPong(s *Store, r *rand.Rand, names []string) (published int64) {
	name := []byte(names[r.IntN(len(names))])
	other := names[r.IntN(len(names))]
	lockedAt(s, epoch, func(tx *Tx) {
		switch r.IntN(4) {
		case 0:
			if _, err := tx.Publish(name, &Message{Payload: name}); err == nil {
				published++
			}
		case 1: // other is not locked yet
			_ = tx.Update(name, func(o *Settings) { o.DeadLetter = other })
			fallthrough
		default:
			for range 3 {
				for _, v := range tx.Deliver(name, &Deliver{Consumer: name, Count: 1}, nil) {
					_ = tx.Nack(name, &Lease{ID: v.ID, Token: v.Token}, Nack{Requeue: true})
				}
			}
		}
	}, string(name))
	return published
}
