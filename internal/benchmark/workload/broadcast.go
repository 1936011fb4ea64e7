package workload

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/target"
)

// BroadcastParams say who publishes where, and who listens.
type BroadcastParams struct {
	Space target.Space // Rooms or Topics
	// Names are the rooms or topics that are published to, in turn.
	Names []string
	// Subscriptions are those of the subscribers, one each; Matches says of each which of Names it
	// has to get, by index.
	Subscriptions []target.Subscription
	Matches       [][]int
	// Size of a payload in bytes, at least LeastEvent.
	Size int
	// Window is how many messages may be on the way to some of their subscribers when another one
	// is published; 0 = any number. An open loop has none.
	Window int64
	// Replay has every subscriber read its room once more from the beginning, in the end.
	Replay bool
	// Patience is how long nothing may come while something is missing.
	Patience time.Duration
}

// mostNames bounds the rooms or topics of a run, and its subscribers.
const mostNames = 2_000_000

// The kinds of operations of rooms and topics, and their names.
const (
	broadcastOp load.Kind = iota
	deliveryOp
	fanoutOp
)

// BroadcastKinds are the names of the tests of the main phase: what is published, what a subscriber
// gets, and the same of the last subscriber of each message.
var BroadcastKinds = []string{"publish", "delivery", "fanout"}

// Broadcast is one run in which what is published goes to many.
//
// Every message carries who sent it, where and as which, and when it was due. A subscriber checks
// all of what it gets against that: events of a room come with the offsets from 0 on, each with
// the one content that it has for everybody; messages of a topic come in the order of each
// publisher.
type Broadcast struct {
	params  BroadcastParams
	server  target.Server
	faults  *Faults
	options func(title string, kinds []string) load.Options
	plan    load.Plan
	run     uint64
	start   time.Time // of all due times

	fanout  []int64        // by name: subscribers that must get what is published there
	sent    []sentTo       // by name
	numbers atomic.Int64   // messages that were begun
	left    cells          // by number: deliveries that are still to come
	owed    atomic.Int64   // deliveries of what was confirmed
	open    atomic.Int64   // messages that are still on the way to somebody
	window  atomic.Int64   // of params; 0 when there is none any more
	freed   chan struct{}  // somebody may publish again
	marks   atomic.Int64   // how often the end was marked
	closing atomic.Bool    // subscribers end because we want it
	reading sync.WaitGroup // subscribers
	all     []*listener
	// Moments of the main phase.
	began, published, delivered time.Time
	notes                       []string
}

// sentTo is what was published to a room or topic.
type sentTo struct {
	accepted atomic.Int64 // confirmed messages
	top      atomic.Int64 // of a room: the highest confirmed offset and 1
	contents cells        // of a room: the number of the message and 1, by offset
	// seqs counts messages by publisher; each publisher has its own.
	seqs []atomic.Int64
	mu   struct {
		sync.Mutex
		refused map[[2]int64]bool // publisher and seq
	}
}

// NewBroadcast prepares a run. options gives what load.Run needs for a phase of that title, except
// how to open connections. Rooms must exist.
func NewBroadcast(
	s target.Server, p BroadcastParams, plan load.Plan, faults *Faults,
	options func(title string, kinds []string) load.Options,
) *Broadcast {
	b := &Broadcast{params: p, server: s, faults: faults, options: options, plan: plan,
		start: time.Now(), freed: make(chan struct{}, 1)}
	b.run = uint64(b.start.UnixNano()) ^ plan.Seed
	b.fanout = make([]int64, len(p.Names))
	for _, names := range p.Matches {
		for _, n := range names {
			b.fanout[n]++
		}
	}
	b.sent = make([]sentTo, len(p.Names))
	for i := range b.sent {
		b.sent[i].seqs = make([]atomic.Int64, b.publishers())
		b.sent[i].mu.refused = map[[2]int64]bool{}
	}
	if plan.Rate == 0 {
		b.window.Store(p.Window)
	}
	b.all = make([]*listener, len(p.Subscriptions))
	return b
}

// publishers is how many there are: those of the plan, and the one that marks the end.
func (b *Broadcast) publishers() int { return b.plan.Connections + 1 }

// note keeps a remark for the report.
func (b *Broadcast) note(format string, args ...any) {
	b.notes = append(b.notes, fmt.Sprintf(format, args...))
}

// Run subscribes, publishes, waits for what is on its way, checks it, and reads histories. What was
// measured is returned also with an error.
func (b *Broadcast) Run(ctx context.Context) (tests []result.Test, notes []string, err error) {
	defer b.hangUp()
	tests, err = b.subscribe(ctx)
	if err != nil {
		return tests, b.notes, err
	}
	more, err := b.publish(ctx)
	tests = append(tests, more...)
	b.hangUp()
	if err != nil {
		return tests, b.notes, err
	}
	b.judge()
	if b.params.Replay {
		more, err = b.replay(ctx)
		tests = append(tests, more...)
	}
	return tests, b.notes, err
}

// memory is that of the server, in bytes; -1 if it is not known.
func memory(probe func() load.Reading) int64 {
	if probe == nil {
		return -1
	}
	return probe().ServerRSS
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// opening is how many subscribers connect at once.
const opening = 16

// subscribe opens all subscribers, and lets them read.
func (b *Broadcast) subscribe(ctx context.Context) ([]result.Test, error) {
	n := len(b.params.Subscriptions)
	if n == 0 {
		return nil, nil
	}
	var next atomic.Int64
	o := b.options("subscribe", []string{"subscribe"})
	o.Open = func(context.Context, int) (load.Work, error) {
		return workFunc(func(ctx context.Context, _ int, r *load.Recorder) error {
			i := int(next.Add(1)) - 1
			l, err := b.listen(ctx, i)
			if err != nil {
				return fmt.Errorf("subscriber %d of %d: %w", i+1, n, err)
			}
			r.Record(0, 0, time.Now(), 0, nil)
			b.all[i] = l
			b.reading.Go(func() { l.read(context.WithoutCancel(ctx)) })
			return nil
		}), nil
	}
	before := memory(o.Probe)
	tests, err := load.Run(ctx, load.Plan{Connections: min(n, opening), Pipeline: 1,
		Operations: int64(n)}, o)
	if with := memory(o.Probe); before >= 0 && with >= 0 && err == nil {
		b.note("server memory: %s, with %d subscribers %s (%.1f KiB each)", mebibytes(before), n,
			mebibytes(with), float64(with-before)/float64(n)/1024)
	}
	return tests, err
}

// workFunc is a Work without a connection of its own.
type workFunc func(ctx context.Context, n int, r *load.Recorder) error

// Do is part of load.Work.
func (f workFunc) Do(ctx context.Context, n int, r *load.Recorder) error { return f(ctx, n, r) }

// Close is part of load.Work.
func (f workFunc) Close() error { return nil }

// hangUp ends all subscribers and waits for them.
func (b *Broadcast) hangUp() {
	b.closing.Store(true)
	for _, l := range b.all {
		if l != nil {
			_ = l.conn.Close() // twice is an error of no interest
		}
	}
	b.reading.Wait()
}

// publish is the main phase.
func (b *Broadcast) publish(ctx context.Context) ([]result.Test, error) {
	o := b.options("publish", BroadcastKinds)
	o.Open = func(ctx context.Context, i int) (load.Work, error) { return b.publisher(ctx, i) }
	o.Begin = func(recorder func(int) *load.Recorder) {
		b.began = time.Now()
		for i, l := range b.all {
			l.recorder.Store(recorder(i))
		}
	}
	o.Drain = func(ctx context.Context) error {
		b.published = time.Now()
		return b.drain(ctx)
	}
	tests, err := load.Run(ctx, b.plan, o)
	if after := memory(o.Probe); after >= 0 {
		b.note("server memory after all was delivered: %s", mebibytes(after))
	}
	for _, l := range b.all {
		l.recorder.Store(nil)
	}
	return b.share(tests), err
}

// share puts right what load.Run can't know: publishing was over before deliveries were, and the
// server's work is that of all messages, or of all deliveries, not of the sum of both.
func (b *Broadcast) share(tests []result.Test) []result.Test {
	var all int64
	for i := range tests {
		all += tests[i].Operations
	}
	for i := range tests {
		t := &tests[i]
		t.ServerMicros *= float64(all) / float64(t.Operations)
		t.ClientMicros *= float64(all) / float64(t.Operations)
		end := b.delivered
		if t.Name == BroadcastKinds[broadcastOp] {
			end = b.published
		} else {
			t.Corrected = b.plan.Rate > 0
		}
		if span := end.Sub(b.began).Seconds(); span > 0 {
			t.Seconds = min(t.Seconds, span)
		}
	}
	return tests
}

// got is how many deliveries came so far, and were no duplicates.
func (b *Broadcast) got() int64 {
	var n int64
	for _, l := range b.all {
		if l != nil {
			n += l.got.Load()
		}
	}
	return n
}

// drain waits until all came that is owed, or nothing came for a while. Then it marks the end of
// what was published, and waits for that.
func (b *Broadcast) drain(ctx context.Context) error {
	soon := b.params.Patience / hasteFactor
	if err := b.settle(ctx, func() time.Duration { return soon }); err != nil {
		return err
	}
	whole, delivered := b.got() >= b.owed.Load(), b.delivered
	if err := b.mark(ctx); err != nil {
		return err
	}
	err := b.settle(ctx, func() time.Duration {
		if b.marked() {
			return soon
		}
		return b.params.Patience
	})
	if whole {
		b.delivered = delivered
	}
	return err
}

// hasteFactor divides the patience when hardly anything can be on its way any more.
const hasteFactor = 10

// settle waits until all came that is owed, or nothing came for as long as patience says.
func (b *Broadcast) settle(ctx context.Context, patience func() time.Duration) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	last, since := int64(-1), time.Now()
	for {
		got, now := b.got(), time.Now()
		if got != last {
			last, since = got, now
		}
		b.delivered = since
		if got >= b.owed.Load() || now.Sub(since) > patience() {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// mark sends a last message to each name: whoever gets it has got everything before it, twice or
// not, where the protocol confirms what is published.
func (b *Broadcast) mark(ctx context.Context) error {
	w, err := b.publisher(ctx, b.marker())
	if err != nil {
		return err
	}
	defer w.Close() //nolint:errcheck // it has said all
	const most = 64
	for at := 0; at < len(b.params.Names); at += most {
		if err := w.send(ctx, at, min(most, len(b.params.Names)-at)); err != nil {
			return err
		}
	}
	b.marks.Add(1)
	return nil
}

// marker is the index of the publisher that marks the end.
func (b *Broadcast) marker() int { return b.plan.Connections }

// marked says whether all who still listen have got all marks.
func (b *Broadcast) marked() bool {
	for _, l := range b.all {
		if l.ended.Load() == nil && l.marks.Load() < b.marks.Load()*int64(len(l.lanes)) {
			return false
		}
	}
	return true
}
