package workload

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/target"
)

// QueueParams shape the load on a queue.
type QueueParams struct {
	Messages    int64
	Workers     int // connections that publish, then connections that consume
	Size        int // bytes of a payload, at least LeastPayload
	Priority    PriorityDist
	AckDeadline time.Duration
	// Patience is how long nothing may come while something is missing; 0 = 10 s, and longer than
	// AckDeadline.
	Patience time.Duration
}

// PriorityDist chooses priorities: uniform, high (mostly 9), low (mostly 0), or fixed:N.
type PriorityDist struct {
	name  string
	fixed int
}

// Alike gives all messages the same priority.
var Alike = PriorityDist{name: "fixed:5", fixed: 5}

// ParsePriorityDist reads one.
func ParsePriorityDist(text string) (PriorityDist, error) {
	d := PriorityDist{name: text}
	switch text {
	case "uniform", "high", "low":
		return d, nil
	}
	if n, err := fmt.Sscanf(text, "fixed:%d", &d.fixed); err != nil || n != 1 ||
		d.fixed < 0 || d.fixed > 9 {
		return d, fmt.Errorf(
			"--priority-distribution must be uniform, high, low or fixed:0 to fixed:9, not %q",
			text)
	}
	return d, nil
}

// String is what ParsePriorityDist reads.
func (d PriorityDist) String() string { return d.name }

// choose returns a priority from 0 to 9.
func (d PriorityDist) choose(r *rand.Rand) int {
	n := r.IntN(10)
	switch d.name {
	case "uniform":
		return n
	case "high": // nine of ten are 9
		if n > 0 {
			return 9
		}
		return r.IntN(10)
	case "low":
		if n > 0 {
			return 0
		}
		return r.IntN(10)
	}
	return d.fixed
}

// The kinds of operations on queues.
const (
	publishOp load.Kind = 0
	consumeOp load.Kind = 0
	ackOp     load.Kind = 1
)

// PublishKinds and ConsumeKinds are the names of the tests of both phases.
var (
	PublishKinds = []string{"publish"}
	ConsumeKinds = []string{"consume", "ack"}
)

// LeastPayload is the smallest payload: producer, number and priority, and a sum over them.
const LeastPayload = 40

// QueueRun is what publishers and consumers of one run share.
type QueueRun struct {
	params QueueParams
	server target.Server
	queue  string
	faults *Faults
	seed   uint64

	sent, got atomic.Int64 // got counts none twice
	over      atomic.Bool  // nothing came for so long that nothing will
	mu        struct {
		sync.Mutex
		seen []bool // by number; shorter than sent while those behind it have not come
	}
}

// Left is how many messages were sent and have not come.
func (q *QueueRun) Left() int64 { return q.sent.Load() - q.got.Load() }

// NewQueueRun prepares a run on a queue of that name, which must exist.
func NewQueueRun(
	s target.Server, p QueueParams, queue string, faults *Faults, seed uint64,
) *QueueRun {
	return &QueueRun{params: p, server: s, queue: queue, faults: faults, seed: seed}
}

// Publisher makes the Work of a connection that publishes.
func (q *QueueRun) Publisher(ctx context.Context, i int) (load.Work, error) {
	conn, err := q.server.Queue(ctx, q.queue, fmt.Sprintf("producer-%d", i))
	if err != nil {
		return nil, err
	}
	return &producer{run: q, conn: conn, index: i,
		random: rand.New(rand.NewPCG(q.seed, uint64(i)))}, nil //nolint:gosec // no secrets
}

type producer struct {
	run    *QueueRun
	conn   target.Queue
	index  int
	random *rand.Rand
	msgs   []target.Message
}

func (p *producer) Close() error { return p.conn.Close() }

// Do is part of load.Work.
func (p *producer) Do(ctx context.Context, n int, r *load.Recorder) error {
	for len(p.msgs) < n {
		p.msgs = append(p.msgs, target.Message{Payload: newPayload(p.run.params.Size)})
	}
	msgs := p.msgs[:n]
	for i := range msgs {
		number := p.run.sent.Add(1) - 1
		msgs[i].Priority = p.run.params.Priority.choose(p.random)
		fillPayload(msgs[i].Payload, p.index, number, msgs[i].Priority)
	}
	if err := p.conn.Publish(ctx, msgs); err != nil {
		return err
	}
	now := time.Now()
	for i := range msgs {
		r.Record(i, publishOp, now, len(msgs[i].Payload), nil)
	}
	return nil
}

// newPayload makes a payload of letters: JSON must be able to carry it.
func newPayload(size int) []byte { return bytes.Repeat([]byte{'.'}, size) }

// fillPayload writes who sent what, and a sum that says so, in hexadecimal digits.
func fillPayload(b []byte, producer int, number int64, priority int) {
	var raw [LeastPayload / 2]byte
	binary.BigEndian.PutUint64(raw[:], uint64(number))
	binary.BigEndian.PutUint64(raw[8:], uint64(producer)<<8|uint64(priority))
	binary.BigEndian.PutUint32(raw[16:], crc32.ChecksumIEEE(raw[:16]))
	hex.Encode(b, raw[:])
}

// readPayload reads it back; false: these bytes were never sent.
func readPayload(b []byte, size int) (producer int, number int64, priority int, ok bool) {
	var raw [LeastPayload / 2]byte
	if len(b) != size {
		return 0, 0, 0, false
	}
	if _, err := hex.Decode(raw[:], b[:LeastPayload]); err != nil ||
		binary.BigEndian.Uint32(raw[16:]) != crc32.ChecksumIEEE(raw[:16]) {
		return 0, 0, 0, false
	}
	who := binary.BigEndian.Uint64(raw[8:])
	return int(who >> 8), int64(binary.BigEndian.Uint64(raw[:])), int(who & 0xff), true
}

// Consumer makes the Work of a connection that consumes and acknowledges. All was published before.
func (q *QueueRun) Consumer(ctx context.Context, i int) (load.Work, error) {
	conn, err := q.server.Queue(ctx, q.queue, fmt.Sprintf("worker-%d", i))
	if err != nil {
		return nil, err
	}
	return &consumer{run: q, conn: conn, last: map[[2]int]int64{}, priority: 9}, nil
}

type consumer struct {
	run      *QueueRun
	conn     target.Queue
	last     map[[2]int]int64 // number of the last message, by producer and priority
	priority int              // of the last message
}

func (c *consumer) Close() error { return c.conn.Close() }

// patience is how long nothing may come while something is missing.
const patience = 10 * time.Second

// Finish is part of load.Finisher: servers that push ahead may have given this worker more than it
// began to take.
func (c *consumer) Finish(ctx context.Context, r *load.Recorder) error {
	for c.run.Left() > 0 && !c.run.over.Load() {
		if err := c.Do(ctx, 1, r); err != nil {
			return err
		}
	}
	return nil
}

// wait is the patience of a run: what is missing may be another consumer's for a whole lease.
func (p *QueueParams) wait() time.Duration {
	if p.Patience > 0 {
		return p.Patience
	}
	return max(patience, p.AckDeadline+patience/2)
}

// Do is part of load.Work: it takes n messages, fewer only if no more are left.
func (c *consumer) Do(ctx context.Context, n int, r *load.Recorder) error {
	idle, before := time.Now(), c.run.got.Load()
	for done := 0; done < n && c.run.Left() > 0 && !c.run.over.Load(); {
		begun := time.Now()
		ds, err := c.conn.Consume(ctx, n-done, 100*time.Millisecond)
		if err != nil {
			return err
		}
		got := time.Now()
		if len(ds) == 0 {
			if all := c.run.got.Load(); all != before {
				idle, before = got, all // others have something to do
			} else if got.Sub(idle) > c.run.params.wait() {
				c.run.over.Store(true) // Finish counts what is missing
			}
			continue
		}
		idle = got
		for i := range ds {
			c.check(&ds[i])
			r.RecordLatency(consumeOp, got.Sub(begun), len(ds[i].Payload), nil)
		}
		if err := c.conn.Ack(ctx, ds); err != nil {
			return err
		}
		acked := time.Now()
		for range ds {
			r.RecordLatency(ackOp, acked.Sub(got), 0, nil)
		}
		done += len(ds)
	}
	return nil
}

// check looks whether a message may come now.
func (c *consumer) check(d *target.Delivery) {
	q := c.run
	who, number, priority, ok := readPayload(d.Payload, q.params.Size)
	if !ok || number < 0 || number >= q.sent.Load() {
		q.faults.Unexpected(fmt.Sprintf("a message nobody sent: %.40q", d.Payload))
		return
	}
	twice := q.see(number)
	if twice && d.Retries == 0 {
		q.faults.Duplicate(fmt.Sprintf("message %d came twice, though not given back", number))
	}
	if d.Retries > 0 {
		return // it went to the back of the queue
	}
	from := [2]int{who, priority}
	last, before := c.last[from]
	switch {
	case priority > c.priority:
		q.faults.Reordered(fmt.Sprintf("message %d of priority %d came behind one of %d", number,
			priority, c.priority))
	case before && number < last:
		q.faults.Reordered(fmt.Sprintf("message %d came behind %d of the same producer and "+
			"priority %d", number, last, priority))
	}
	c.last[from], c.priority = number, priority
}

// see notes that a message came, and says whether it had come before.
func (q *QueueRun) see(number int64) (twice bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if more := number + 1 - int64(len(q.mu.seen)); more > 0 {
		q.mu.seen = append(q.mu.seen, make([]bool, more)...)
	}
	if q.mu.seen[number] {
		return true
	}
	q.mu.seen[number] = true
	q.got.Add(1)
	return false
}

// Finish counts what never came.
func (q *QueueRun) Finish() {
	q.mu.Lock()
	defer q.mu.Unlock()
	lost, example := int64(0), int64(-1)
	for number := range q.sent.Load() {
		if number >= int64(len(q.mu.seen)) || !q.mu.seen[number] {
			if lost++; example < 0 {
				example = number
			}
		}
	}
	if lost > 0 {
		q.faults.Lost(lost, fmt.Sprintf("message %d never came", example))
	}
}

// mostMessages bounds what is kept of a run: a byte each.
const mostMessages = 1_000_000_000

// Check says what is wrong with the parameters.
func (p *QueueParams) Check() error {
	switch {
	case p.Messages < 1 || p.Messages > mostMessages:
		return fmt.Errorf("--messages must be 1 to %d, not %d", int64(mostMessages), p.Messages)
	case p.Size < LeastPayload || p.Size > MostValue:
		return fmt.Errorf("--value-size must be %d to %d, not %d", LeastPayload, MostValue, p.Size)
	}
	return nil
}
