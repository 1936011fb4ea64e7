package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// Options are what Run needs beside its plan.
type Options struct {
	// Kinds are the names of the kinds of operations.
	Kinds []string
	// Open makes the Work of connection i, counted from 0. It is called for several at once.
	Open func(ctx context.Context, i int) (Work, error)
	// Probe reads server and client; nil: nothing is known of them.
	Probe func() Reading
	// Progress is told once a second how it goes; nil: nobody is.
	Progress func(Progress)
	// Begin is told that the warm-up or the run begins, and may take recorders for what happens
	// beside the operations of a Work, such as deliveries; it gives the i-th of them. nil: nothing
	// does.
	Begin func(recorder func(i int) *Recorder)
	// Drain waits, when all operations of the warm-up or the run were done, for what is still on
	// its way, which is part of it. nil: nothing is.
	Drain func(ctx context.Context) error
	// Patience is how long nothing may end, or be due in an open loop, before the server is given
	// up; 0 = 2 minutes.
	Patience time.Duration
	// Failure is told what operations fail with, from any goroutine; nil: nobody is.
	Failure func(error)
}

// Progress is how a run goes.
type Progress struct {
	Warmup  bool
	Elapsed time.Duration
	// Part is how much is done, from 0 to 1; -1 where the plan has no end.
	Part       float64
	Operations int64   // so far
	Now, Total float64 // operations a second: in the last interval, and since the beginning
	P50, P99   float64 // µs, in the last interval
	Errors     int64   // so far
	ServerCPU  float64 // cores in use; -1 = not known
	ClientCPU  float64
}

// Run does what a plan says and returns what it measured, by kind. It ends early when ctx does, or
// a connection breaks: then there is an error, and what was measured until then.
func Run(ctx context.Context, p Plan, o Options) ([]result.Test, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	d := &driver{plan: p, options: o}
	for i := range d.shards {
		d.shards[i].kinds = make([]tally, len(o.Kinds))
		for k := range d.shards[i].kinds {
			d.shards[i].kinds[k] = newTally()
		}
	}
	works, err := d.connect(ctx)
	defer func() {
		for _, w := range works {
			if w != nil {
				_ = w.Close() // it has done its work, or is broken
			}
		}
	}()
	if err != nil {
		return nil, err
	}
	if p.Warmup > 0 {
		warm := p
		warm.Operations, warm.Duration = 0, p.Warmup
		if err := d.phase(ctx, warm, works, true); err != nil {
			return nil, fmt.Errorf("warm-up: %w", err)
		}
	}
	err = d.phase(ctx, p, works, false)
	return d.meter.tests(), err
}

func (p *Plan) check() error {
	switch {
	case p.Connections < 1:
		return errors.New("connections must be at least 1")
	case p.Pipeline < 1:
		return errors.New("the pipeline must be at least 1")
	case p.Operations < 1 && p.Duration <= 0:
		return errors.New("a run needs a number of operations or a duration")
	case p.Rate < 0:
		return errors.New("the rate must not be negative")
	}
	return nil
}

// driver is one Run.
type driver struct {
	plan    Plan
	options Options
	shards  [shards]shard
	begun   atomic.Int64 // operations
	meter   *meter
}

// opening is how many connections are opened at once.
const opening = 64

// connect opens all connections.
func (d *driver) connect(ctx context.Context) ([]Work, error) {
	works := make([]Work, d.plan.Connections)
	var next atomic.Int64
	err := together(ctx, min(opening, len(works)), func(ctx context.Context, _ int) error {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(works) {
				return nil
			}
			w, err := d.options.Open(ctx, i)
			if err != nil {
				return fmt.Errorf("connection %d: %w", i+1, err)
			}
			works[i] = w
		}
	})
	return works, err
}

// together runs n functions side by side and returns the first error, which ends the context of
// the others.
func together(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	var failed atomic.Pointer[error]
	for i := range n {
		all.Go(func() {
			if err := f(ctx, i); err != nil && failed.CompareAndSwap(nil, &err) {
				cancel(err)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// phase is the warm-up, or the run itself.
func (d *driver) phase(ctx context.Context, p Plan, works []Work, warmup bool) error {
	d.begun.Store(0)
	if p.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, p.Duration+grace, ErrLate)
		defer cancel()
	}
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	start := time.Now()
	d.meter = newMeter(d, start, warmup)
	d.meter.stalled = func() { giveUp(ErrLate) }
	if d.options.Begin != nil {
		d.options.Begin(func(i int) *Recorder { return d.recorder(i, warmup) })
	}
	stop := d.meter.watch()
	err := together(ctx, len(works), func(ctx context.Context, i int) error {
		return d.drive(ctx, p, works[i], i, start, warmup)
	})
	if err == nil && d.options.Drain != nil {
		err = d.options.Drain(ctx)
	}
	stop()
	if err != nil && errors.Is(context.Cause(ctx), ErrLate) {
		return fmt.Errorf("%w: %w", ErrLate, err)
	}
	return err
}

func (d *driver) recorder(i int, warmup bool) *Recorder {
	return &Recorder{shard: &d.shards[i%shards], off: warmup, failure: d.options.Failure}
}

// grace is how long answers may take after the end of a run before it is given up.
const grace = 30 * time.Second

// ErrLate says that a server takes connections, and does not answer.
var ErrLate = errors.New("answers did not come")

// patience is how long nothing may end.
func (d *driver) patience() time.Duration {
	p := d.options.Patience
	if p == 0 {
		p = 2 * time.Minute
	}
	if d.plan.Rate > 0 {
		p += time.Duration(2 / d.plan.Rate * float64(time.Second))
	}
	return p
}

// drive is the loop of one connection.
func (d *driver) drive(
	ctx context.Context, p Plan, w Work, i int, start time.Time, warmup bool,
) error {
	r := d.recorder(i, warmup)
	var end time.Time
	if p.Duration > 0 {
		end = start.Add(p.Duration)
	}
	var plan schedule
	if p.Rate > 0 {
		plan = newSchedule(start, p.Rate, d.plan.Connections, i)
	}
	for ctx.Err() == nil {
		now := time.Now()
		if !end.IsZero() && !now.Before(end) {
			return nil
		}
		n := p.Pipeline
		if p.Rate > 0 {
			if wait := plan.due().Sub(now); wait > 0 {
				if !end.IsZero() && plan.due().After(end) {
					return nil
				}
				if !sleep(ctx, wait) {
					break
				}
				now = time.Now()
			}
			r.first, n = plan.take(now, n)
			r.distance = plan.distance
		} else {
			r.first, r.distance = now, 0
		}
		if n = d.claim(p, n); n == 0 {
			if w, ok := w.(Finisher); ok {
				return w.Finish(ctx, r)
			}
			return nil
		}
		if err := w.Do(ctx, n, r); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// claim takes up to n of the operations that are left.
func (d *driver) claim(p Plan, n int) int {
	begun := d.begun.Add(int64(n))
	if p.Operations == 0 {
		return n
	}
	return max(0, n-int(max(0, begun-p.Operations)))
}

// sleep waits; false: ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
