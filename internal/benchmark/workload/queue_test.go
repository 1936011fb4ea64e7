package workload_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/target"
	"github.com/synapdb/synap/internal/benchmark/workload"
)

// depot is a server with one queue in memory, which takes no heed of priorities.
type depot struct {
	*town
	// forget says which messages, by when they came, it loses.
	forget func(nth int) bool

	mu      sync.Mutex
	took    int
	waiting []target.Delivery
}

func (d *depot) Queue(context.Context, string, string) (target.Queue, error) { return d, nil }

func (d *depot) Publish(_ context.Context, msgs []target.Message) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range msgs {
		if d.took++; d.forget == nil || !d.forget(d.took) {
			d.waiting = append(d.waiting, target.Delivery{Payload: slices.Clone(msgs[i].Payload)})
		}
	}
	return nil
}

func (d *depot) Consume(_ context.Context, n int, _ time.Duration) ([]target.Delivery, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n = min(n, len(d.waiting))
	out := slices.Clone(d.waiting[:n])
	d.waiting = d.waiting[n:]
	return out, nil
}

func (*depot) Ack(context.Context, []target.Delivery) error { return nil }

// queueRun publishes as planned, then consumes all.
func queueRun(t *testing.T, d *depot, p load.Plan) (*workload.Faults, int64) {
	t.Helper()
	priority, err := workload.ParsePriorityDist("fixed:3")
	if err != nil {
		t.Fatal(err)
	}
	faults := new(workload.Faults)
	q := workload.NewQueueRun(d, workload.QueueParams{Messages: p.Operations, Size: 64,
		Priority: priority, Patience: time.Millisecond}, "q", faults, 1)
	if _, err := load.Run(t.Context(), p,
		load.Options{Kinds: workload.PublishKinds, Open: q.Publisher}); err != nil {
		t.Fatal(err)
	}
	p.Operations, p.Warmup, p.Duration, p.Connections = q.Left(), 0, 0, 1
	tests, err := load.Run(t.Context(), p,
		load.Options{Kinds: workload.ConsumeKinds, Open: q.Consumer})
	if err != nil {
		t.Fatal(err)
	}
	q.Finish()
	return faults, tests[0].Operations
}

func TestAllThatWasPublishedIsExpectedBeTheRunTimedOrWarmedUp(t *testing.T) {
	for name, p := range map[string]load.Plan{
		"counted":   {Connections: 1, Pipeline: 4, Operations: 2000},
		"warmed up": {Connections: 1, Pipeline: 4, Operations: 100, Warmup: 20 * time.Millisecond},
		"timed":     {Connections: 1, Pipeline: 4, Duration: 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			d := &depot{}
			faults, got := queueRun(t, d, p)
			if found := faults.Found(); found.Any() || got != int64(d.took) {
				t.Errorf("%d were published, %d consumed, faults: %+v", d.took, got, found)
			}
		})
	}
}

func TestAQueueThatLosesMuchIsToldAtOnce(t *testing.T) {
	d := &depot{forget: func(nth int) bool { return nth > 10 }}
	faults, got := queueRun(t, d, load.Plan{Connections: 1, Pipeline: 1, Operations: 5000})
	if found := faults.Found(); found.Lost != 4990 || got != 10 {
		t.Errorf("%d came, faults: %+v", got, found)
	}
}
