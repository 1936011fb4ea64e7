package workload

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/target"
)

// soakWindow is how many messages may be on the way: who publishes waits beyond that. It bounds
// what a server that can't follow must keep, and what is remembered here. A power of 2.
const soakWindow = 1 << 20

// leastSoak is the smallest payload of the soak: that of queues, and when it was sent.
const leastSoak = LeastPayload + 16

// The kinds of operations behind a publish.
const (
	soakDeliveryOp load.Kind = 0 // from before it was published until it was there
	soakAckOp      load.Kind = 1
)

var soakKinds = []string{"delivery", "ack"}

// soakQueue is a queue that is published to and consumed from at the same time, without end.
type soakQueue struct {
	params QueueParams
	server target.Server
	queue  string
	faults *Faults
	seed   uint64

	sent atomic.Int64
	over atomic.Bool // no more are published
	gone atomic.Bool // what is missing does not come any more
	mu   struct {
		sync.Mutex
		ledger
	}
}

// ledger remembers which numbers came: all below base did, and of the window those with a bit.
type ledger struct {
	base int64
	bits [soakWindow / 64]uint64
}

// tick notes a number; twice: it was noted before.
func (l *ledger) tick(number int64) (twice bool) {
	if number < l.base {
		return true
	}
	word, bit := &l.bits[number%soakWindow/64], uint64(1)<<(number%64)
	twice = *word&bit != 0
	*word |= bit
	for {
		word, bit := &l.bits[l.base%soakWindow/64], uint64(1)<<(l.base%64)
		if *word&bit == 0 {
			return twice
		}
		*word &^= bit
		l.base++
	}
}

// has says whether a number came.
func (l *ledger) has(number int64) bool {
	return number < l.base || l.bits[number%soakWindow/64]&(1<<(number%64)) != 0
}

func (q *soakQueue) base() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.mu.base
}

// publisher makes the Work of a connection that publishes.
func (q *soakQueue) publisher(ctx context.Context, i int) (load.Work, error) {
	conn, err := q.server.Queue(ctx, q.queue, fmt.Sprintf("producer-%d", i))
	if err != nil {
		return nil, err
	}
	return &soakProducer{queue: q, conn: conn, index: i,
		random: rand.New(rand.NewPCG(q.seed, uint64(i)))}, nil //nolint:gosec // no secrets
}

type soakProducer struct {
	queue  *soakQueue
	conn   target.Queue
	index  int
	random *rand.Rand
	msgs   []target.Message
}

// fillTime writes a time in ns as 16 hexadecimal digits.
func fillTime(b []byte, ns int64) {
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], uint64(ns))
	hex.Encode(b, raw[:])
}

// readTime reads it back; what is none is long ago.
func readTime(b []byte) time.Time {
	var raw [8]byte
	if _, err := hex.Decode(raw[:], b[:2*len(raw)]); err != nil {
		return time.Time{}
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(raw[:])))
}

func (p *soakProducer) Close() error { return p.conn.Close() }

// Do is part of load.Work.
func (p *soakProducer) Do(ctx context.Context, n int, r *load.Recorder) error {
	q := p.queue
	if err := q.await(ctx); err != nil {
		return err
	}
	for len(p.msgs) < n {
		p.msgs = append(p.msgs, target.Message{Payload: newPayload(q.params.Size)})
	}
	msgs := p.msgs[:n]
	now := time.Now().UnixNano()
	for i := range msgs {
		msgs[i].Priority = q.params.Priority.choose(p.random)
		fillPayload(msgs[i].Payload, p.index, q.sent.Add(1)-1, msgs[i].Priority)
		fillTime(msgs[i].Payload[LeastPayload:], now)
	}
	if err := p.conn.Publish(ctx, msgs); err != nil {
		return err
	}
	done := time.Now()
	for i := range msgs {
		r.Record(i, publishOp, done, len(msgs[i].Payload), nil)
	}
	return nil
}

// await waits until the window has room. Others may begin meanwhile: half of it is theirs.
func (q *soakQueue) await(ctx context.Context) error {
	since, base := time.Now(), q.base()
	for q.sent.Load()-base > soakWindow/2 {
		if time.Since(since) > patience {
			return fmt.Errorf("message %d did not come for %s, while %d were published behind it",
				base, patience, soakWindow/2)
		}
		if err := pause(ctx, time.Millisecond); err != nil {
			return err
		}
		if now := q.base(); now != base {
			since, base = time.Now(), now
		}
	}
	return nil
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// errDrained ends the consumers: all that was published was acknowledged, or does not come.
var errDrained = errors.New("the queue is empty")

// consumer makes the Work of a connection that consumes and acknowledges.
func (q *soakQueue) consumer(ctx context.Context, i int) (load.Work, error) {
	conn, err := q.server.Queue(ctx, q.queue, fmt.Sprintf("worker-%d", i))
	if err != nil {
		return nil, err
	}
	return &soakConsumer{queue: q, conn: conn, last: map[[2]int]int64{}}, nil
}

type soakConsumer struct {
	queue *soakQueue
	conn  target.Queue
	last  map[[2]int]int64 // number of the last message, by producer and priority
	idle  time.Time        // since when nothing came after all was published; zero: something did
}

func (c *soakConsumer) Close() error { return c.conn.Close() }

// Do is part of load.Work: it takes up to n messages, once.
func (c *soakConsumer) Do(ctx context.Context, n int, r *load.Recorder) error {
	ds, err := c.conn.Consume(ctx, n, 100*time.Millisecond)
	if err != nil {
		return err
	}
	got := time.Now()
	if len(ds) == 0 {
		return c.rest(got)
	}
	c.idle = time.Time{}
	for i := range ds {
		if sent, ok := c.check(&ds[i]); ok {
			r.RecordLatency(soakDeliveryOp, got.Sub(sent), len(ds[i].Payload), nil)
		}
	}
	if err := c.conn.Ack(ctx, ds); err != nil {
		return err
	}
	acked := time.Now()
	for range ds {
		r.RecordLatency(soakAckOp, acked.Sub(got), 0, nil)
	}
	return nil
}

// rest decides whether more may come.
func (c *soakConsumer) rest(now time.Time) error {
	q := c.queue
	switch {
	case !q.over.Load():
	case q.base() >= q.sent.Load():
		return errDrained
	case c.idle.IsZero():
		c.idle = now
	case now.Sub(c.idle) > patience:
		q.gone.Store(true)
		return errDrained
	}
	return nil
}

// check looks whether a message may come now, and says when it was sent.
func (c *soakConsumer) check(d *target.Delivery) (sent time.Time, ok bool) {
	q := c.queue
	who, number, priority, ok := readPayload(d.Payload, q.params.Size)
	if !ok || number < 0 || number >= q.sent.Load() {
		q.faults.Unexpected(fmt.Sprintf("a message nobody sent: %.40q", d.Payload))
		return sent, false
	}
	sent = readTime(d.Payload[LeastPayload:])
	q.mu.Lock()
	twice := q.mu.tick(number)
	q.mu.Unlock()
	if d.Retries > 0 {
		return sent, true // it went to the back of the queue
	}
	from := [2]int{who, priority}
	last, before := c.last[from]
	switch {
	case twice:
		q.faults.Duplicate(fmt.Sprintf("message %d came twice, though not given back", number))
	case before && number < last:
		q.faults.Reordered(fmt.Sprintf("message %d came behind %d of the same producer and "+
			"priority %d", number, last, priority))
	}
	c.last[from] = number
	return sent, true
}

// finish counts what never came. left is how many still wait: they are not lost, only late.
func (q *soakQueue) finish() (left int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	missing, example := int64(0), int64(0)
	for number := q.mu.base; number < q.sent.Load(); number++ {
		if !q.mu.has(number) {
			if missing++; missing == 1 {
				example = number
			}
		}
	}
	if missing > 0 && q.gone.Load() {
		q.faults.Lost(missing, fmt.Sprintf("message %d never came", example))
		return 0
	}
	return missing
}
