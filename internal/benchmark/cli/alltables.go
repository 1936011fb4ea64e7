package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/spawn"
	"github.com/synapdb/synap/internal/benchmark/target"
	"github.com/synapdb/synap/internal/benchmark/workload"
)

// tables measures what the specification's tables need beside the scenarios, and checks them all.
func (s *suite) tables(ctx context.Context) error {
	for _, t := range s.extra() {
		err := s.one(ctx, t.load, 0, func() (result.Run, error) { return t.once(ctx, 0) })
		if err != nil {
			return err
		}
	}
	var fresh workload.Fresh
	amounts := workload.FullAmounts
	if s.part > 1 {
		amounts = workload.QuickAmounts
	}
	if s.spawned != nil {
		fresh = s.fresh
	}
	checks, err := workload.Resources(ctx, fresh, amounts, s.live.Begin)
	s.live.End()
	s.report.Runs = append(s.report.Runs, result.Run{Workload: "specification", Number: 1,
		Server: s.about, Params: s.flags.params(nil),
		Checks: append(workload.SpecTables(s.report.Runs), checks...)})
	if err != nil {
		return s.explain(ctx, err)
	}
	return nil
}

// fresh starts a further server, for what takes memory.
func (s *suite) fresh(ctx context.Context) (target.Server, func() error, error) {
	p, err := spawn.Synap(ctx, spawn.Options{Binary: s.flags.serverBin,
		Durability: s.flags.durability})
	if err != nil {
		return nil, nil, err
	}
	server, err := target.NewSynap("http://"+p.Addr("http"), p.PID(), s.clientOptions()...)
	if err != nil {
		return nil, nil, errors.Join(err, p.Stop())
	}
	return server, func() error { return errors.Join(server.Close(), p.Stop()) }, nil
}

// extra are the loads of the tables.
func (s *suite) extra() []scenario {
	kv := workload.KVParams{ReadRatio: 0.8, KeySize: 20, ValueSize: 100,
		Keyspace: 100_000 / s.part}
	queue := workload.QueueParams{Messages: 200_000 / s.part, Workers: 5, Size: 100,
		AckDeadline: 30 * time.Second}
	queue.Priority, _ = workload.ParsePriorityDist("uniform") // it is one
	room := workload.StreamParams{Rooms: 1, Events: 30_000 / s.part, Subscribers: 50, Size: 100,
		Window: 1000}
	steady := 10 * time.Second
	if s.part > 1 {
		steady = 3 * time.Second
	}
	kvOnce := func(ctx context.Context, _ int) (result.Run, error) {
		return s.kvOnce(ctx, kv, 1_000_000/s.part, 0)
	}
	return []scenario{
		{loadOf{connections: 10}, s.countOnce},
		{loadOf{connections: 10}, s.scanOnce},
		{loadOf{connections: 1}, s.subscribeOnce},
		{loadOf{workload: workload.PipelinedKV, connections: 10, pipeline: 16}, kvOnce},
		{loadOf{workload: workload.PipelinedQueue, connections: 5, pipeline: 100},
			func(ctx context.Context, _ int) (result.Run, error) {
				return s.queueOnce(ctx, queue, 1000) // a queue of its own name
			}},
		{loadOf{workload: workload.OneRoom, connections: 10, pipeline: 16},
			func(ctx context.Context, _ int) (result.Run, error) {
				return s.streamOnce(ctx, room, 1000) // likewise
			}},
		{loadOf{workload: workload.SteadyKV, connections: 10, pipeline: 64,
			rate: workload.SteadyRate, duration: steady}, kvOnce},
	}
}

// closed runs Works of one kind in a closed loop.
func (s *suite) closed(
	ctx context.Context, name string, kinds []string, operations int64, faults *workload.Faults,
	open func(ctx context.Context, i int) (load.Work, error),
) (result.Run, error) {
	o := s.options(name, kinds)
	o.Open = open
	tests, err := load.Run(ctx, s.flags.plan(operations/s.part, 0), o)
	return result.Run{Workload: name, Tests: tests, Faults: faults.Found()}, err
}

func (s *suite) countOnce(ctx context.Context, _ int) (result.Run, error) {
	faults := new(workload.Faults)
	return s.closed(ctx, workload.CountWorkload, workload.CountKinds, 100_000, faults,
		func(ctx context.Context, i int) (load.Work, error) {
			return workload.OpenCount(ctx, s.server, faults, i)
		})
}

func (s *suite) scanOnce(ctx context.Context, _ int) (result.Run, error) {
	faults, n := new(workload.Faults), s.flags.connections
	run, err := s.closed(ctx, workload.ScanWorkload, workload.ScanKinds, 20_000, faults,
		func(ctx context.Context, i int) (load.Work, error) {
			return workload.OpenScan(ctx, s.server, faults, s.flags.seed, i, n)
		})
	if err == nil || ctx.Err() != nil {
		s.removeKeys(ctx, workload.TableKeys(n))
	}
	return run, err
}

// subscribeOnce measures how long a subscriber waits for its first event.
func (s *suite) subscribeOnce(ctx context.Context, _ int) (run result.Run, err error) {
	names := []string{fmt.Sprintf("bench-%d-first", s.report.Started.UnixNano())}
	run = result.Run{Workload: workload.SubscribeWorkload}
	if err := s.server.Prepare(ctx, target.Rooms, names, 0); err != nil {
		return run, err
	}
	defer func() {
		if err == nil || ctx.Err() != nil {
			s.remove(ctx, target.Rooms, names)
		}
	}()
	p, err := s.server.Publisher(ctx, target.Rooms)
	if err != nil {
		return run, err
	}
	post := []target.Post{{Name: names[0], Payload: []byte("first")}}
	if err := errors.Join(p.Publish(ctx, post), post[0].Err, p.Close()); err != nil {
		return run, err
	}
	return s.closed(ctx, workload.SubscribeWorkload, workload.SubscribeKinds, 5000,
		new(workload.Faults), func(_ context.Context, i int) (load.Work, error) {
			return workload.OpenSubscribe(s.server, names[0], i), nil
		})
}
