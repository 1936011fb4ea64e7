package workload

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/target"
)

// SoakParams are what a server has to bear at once, for a long time.
type SoakParams struct {
	KV KVParams
	// Queue's Workers are connections that publish, and as many that consume.
	Queue QueueParams
	// KVRate and QueueRate are operations and messages a second, in an open loop; 0 = none.
	KVRate, QueueRate float64
	Idle              int // connections that only are there
	// Plan has the duration, the warm-up, the pipeline, the seed, and the connections for keys.
	Plan load.Plan
}

// Check says what is wrong with the parameters.
func (p *SoakParams) Check() error {
	switch {
	case p.KVRate < 0 || p.QueueRate < 0:
		return errors.New("--kv-rate and --queue-rate must not be negative")
	case p.KVRate == 0 && p.QueueRate == 0:
		return errors.New("--kv-rate and --queue-rate are both 0: there is nothing to do")
	case p.KV.ValueSize < leastOwn:
		return fmt.Errorf("--value-size must be at least %d, not %d: values say which write they "+
			"are", leastOwn, p.KV.ValueSize)
	case p.KV.Keyspace < int64(p.Plan.Connections):
		return fmt.Errorf("--keyspace must be at least %d, one key for each connection that "+
			"writes, not %d", p.Plan.Connections, p.KV.Keyspace)
	case p.Queue.Size < leastSoak:
		return fmt.Errorf("--message-size must be at least %d, not %d", leastSoak, p.Queue.Size)
	}
	return p.KV.Check()
}

// Soaking is what Soak needs beside its parameters.
type Soaking struct {
	Server target.Server
	Queue  string // a queue that was prepared
	// Options are those of a load of that title; those that go on beside it have no progress.
	Options func(title string, kinds []string) load.Options
}

// Drain bounds the time after the end for what is still in the queue.
const drain = time.Minute

// Soak loads keys and a queue at their rates while idle connections are there, and looks at the
// server's memory. With an error, what was measured until then.
func Soak(ctx context.Context, s Soaking, p SoakParams) (run result.Run, err error) {
	faults := new(Faults)
	run.Workload = "stress"
	stop, err := crowd(ctx, s.Server, p.Idle)
	if err != nil {
		return run, err
	}
	queue := &soakQueue{params: p.Queue, server: s.Server, queue: s.Queue, faults: faults,
		seed: p.Plan.Seed}
	tests, err := side(ctx, soakLoads(s, p, queue, faults))
	for _, list := range tests {
		for i := range list {
			// The CPU time is that of all loads together.
			list[i].ServerMicros, list[i].ClientMicros = 0, 0
		}
		run.Tests = append(run.Tests, list...)
	}
	run.Checks = append(p.rates(run.Tests), stop()...)
	if p.QueueRate > 0 && err == nil {
		if left := queue.finish(); left > 0 {
			run.Notes = append(run.Notes, fmt.Sprintf("%d messages were still in the queue %s "+
				"after the end: consumers did not follow", left, drain))
		}
	}
	run.Checks = append(run.Checks, memoryCheck(run.Tests))
	run.Faults = faults.Found()
	return run, err
}

// memoryCheck is the verdict on the server's memory, which one of the tests has.
func memoryCheck(tests []result.Test) result.Check {
	for i := range tests {
		if points := tests[i].Series; len(points) > 0 && points[0].ServerRSS >= 0 {
			return memoryOf(points).check(true)
		}
	}
	return Slope{}.check(false)
}

// sideLoad is a load that goes on beside others.
type sideLoad struct {
	plan    load.Plan
	options load.Options
	ended   func()
}

// soakLoads are the loads of a soak: the first tells of its progress and of the server.
func soakLoads(s Soaking, p SoakParams, q *soakQueue, faults *Faults) (all []sideLoad) {
	options := func(title string, kinds []string) load.Options {
		if len(all) == 0 {
			return s.Options(title, kinds)
		}
		return load.Options{Kinds: kinds}
	}
	if p.KVRate > 0 {
		l := sideLoad{plan: p.Plan, options: options("stress", KVKinds)}
		l.plan.Rate, l.plan.Operations = p.KVRate, 0
		l.options.Open = func(ctx context.Context, i int) (load.Work, error) {
			return openOwn(ctx, s.Server, p.KV, faults, p.Plan.Seed, i, p.Plan.Connections)
		}
		all = append(all, l)
	}
	if p.QueueRate > 0 {
		l := sideLoad{plan: p.Plan, options: options("stress", PublishKinds),
			ended: func() { q.over.Store(true) }}
		l.plan.Rate, l.plan.Operations = p.QueueRate, 0
		l.plan.Connections, l.options.Open = p.Queue.Workers, q.publisher
		all = append(all, l)
		l = sideLoad{plan: l.plan, options: options("stress", soakKinds)}
		l.plan.Rate, l.plan.Duration = 0, l.plan.Duration+drain
		l.options.Open = q.consumer
		all = append(all, l)
	}
	return all
}

// side runs loads side by side. One that fails ends the others.
func side(ctx context.Context, loads []sideLoad) ([][]result.Test, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	tests, errs := make([][]result.Test, len(loads)), make([]error, len(loads))
	var all sync.WaitGroup
	for i, l := range loads {
		all.Go(func() {
			tests[i], errs[i] = load.Run(ctx, l.plan, l.options)
			if errors.Is(errs[i], errDrained) {
				errs[i] = nil
			}
			if errs[i] != nil {
				cancel(errs[i])
			}
			if l.ended != nil {
				l.ended()
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return tests, context.Cause(ctx) // the first; the others follow from it
		}
	}
	return tests, nil
}

// rates are the checks whether the rates were kept.
func (p *SoakParams) rates(tests []result.Test) (checks []result.Check) {
	for _, of := range []struct {
		flag  string
		rate  float64
		tests []string
	}{{"--kv-rate", p.KVRate, KVKinds}, {"--queue-rate", p.QueueRate, PublishKinds}} {
		if of.rate == 0 {
			continue
		}
		got := 0.0
		for i := range tests {
			for _, name := range of.tests {
				if tests[i].Name == name {
					got += tests[i].Rate()
				}
			}
		}
		l := atLeast(of.rate*Kept, perSecond)
		checks = append(checks, result.Check{Name: "rate kept", Source: of.flag, Want: l.String(),
			Got: l.unit.text(got), Value: got, OK: l.holds(got)})
	}
	return checks
}

// careEvery is how often idle connections are looked after: well within the time after which
// servers give up who does not answer.
const careEvery = 5 * time.Second

// crowd holds idle connections until stop is called, which says what became of them.
func crowd(ctx context.Context, s target.Server, n int) (stop func() []result.Check, err error) {
	if n == 0 {
		return func() []result.Check { return nil }, nil
	}
	idler, ok := s.(target.Idler)
	if !ok {
		return nil, fmt.Errorf("idle connections: %w", target.ErrUnsupported)
	}
	idle, err := idler.Idle(ctx, n)
	if err != nil {
		return nil, err
	}
	quit := make(chan struct{})
	open := n
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(careEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				open = idle.Care()
			case <-quit:
				open = idle.Care()
				return
			}
		}
	})
	return func() []result.Check {
		close(quit)
		done.Wait()
		_ = idle.Close() // nil
		l := exactly(float64(n), plain)
		return []result.Check{{Name: "idle connections still open", Source: "--connections",
			Want: l.String(), Got: plain.text(float64(open)), Value: float64(open),
			OK: open == n}}
	}, nil
}
