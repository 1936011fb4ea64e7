package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/target"
	"github.com/synapdb/synap/internal/benchmark/workload"
)

func (a *app) kvCommand() *cobra.Command {
	p := workload.KVParams{}
	var operations int64
	var dist string
	cmd := &cobra.Command{
		Use: "kv", Short: "Reads and writes keys (scenario 1 of the specification)",
		Args: cobra.NoArgs,
		Example: "  synap-benchmark kv --operations 100000 --read-ratio 0.8 --key-size 20 " +
			"--value-size 100 --connections 10\n" +
			"  synap-benchmark kv --url resp://localhost:6379 -c 50 -P 16 --duration 30 " +
			"--rate 100000 --slo 'GET p99<2ms'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if p.Dist, err = workload.ParseDist(dist); err == nil {
				err = p.Check()
			}
			if err == nil && operations < 1 {
				err = fmt.Errorf("--operations must be at least 1, not %d", operations)
			}
			if err != nil {
				return usage(err)
			}
			return a.runKV(cmd.Context(), p, operations)
		},
	}
	a.addCommon(cmd, 10)
	f := cmd.Flags()
	f.Int64VarP(&operations, "operations", "n", 100_000, "operations, both kinds together")
	f.Float64Var(&p.ReadRatio, "read-ratio", 0.8, "part of the operations that read")
	f.IntVar(&p.KeySize, "key-size", 20, "bytes of a key")
	f.IntVarP(&p.ValueSize, "value-size", "d", 100, "bytes of a value")
	f.Int64VarP(&p.Keyspace, "keyspace", "r", 100_000, "different keys")
	f.BoolVar(&p.Preload, "preload", false, "store every key before, so that every read finds one")
	f.StringVar(&dist, "key-dist", "uniform", "how keys are chosen: uniform, zipf or seq")
	alias(f, map[string]string{"clients": "connections", "requests": "operations",
		"size": "value-size"})
	return cmd
}

func (a *app) runKV(ctx context.Context, p workload.KVParams, operations int64) error {
	return a.measure(ctx, func(ctx context.Context, s *session, n int) (result.Run, error) {
		return s.kvOnce(ctx, p, operations, n)
	})
}

// kvOnce is one run. Its keys are removed, except from a server that ends with us.
func (s *session) kvOnce(
	ctx context.Context, p workload.KVParams, operations int64, n int,
) (result.Run, error) {
	plan := s.flags.plan(operations, n)
	faults := new(workload.Faults)
	shared := workload.NewKVRun(s.server, p, faults, plan.Seed)
	var tests []result.Test
	err := s.preload(ctx, p, shared, plan)
	o := s.options("kv", workload.KVKinds)
	o.Open = func(ctx context.Context, i int) (load.Work, error) {
		return shared.Open(ctx, i, plan.Connections)
	}
	if err == nil {
		tests, err = load.Run(ctx, plan, o)
	}
	run := result.Run{Workload: "kv", Number: n + 1, Server: s.about, Tests: tests,
		Faults: faults.Found(), Params: map[string]string{
			"operations": strconv.FormatInt(plan.Operations, 10),
			"read-ratio": strconv.FormatFloat(p.ReadRatio, 'g', -1, 64),
			"key-size":   strconv.Itoa(p.KeySize), "value-size": strconv.Itoa(p.ValueSize),
			"keyspace": strconv.FormatInt(p.Keyspace, 10), "key-dist": p.Dist.String(),
			"preload": strconv.FormatBool(p.Preload)}}
	if plan.Operations == 0 {
		delete(run.Params, "operations")
	}
	s.removeKeys(ctx, workload.KVKeys(p))
	return run, err
}

// preloadDepth is how many keys a connection stores at once while nothing is measured.
const preloadDepth = 64

// preload stores every key once.
func (s *session) preload(
	ctx context.Context, p workload.KVParams, run *workload.KVRun, plan load.Plan,
) error {
	if !p.Preload {
		return nil
	}
	o := s.options("preload", workload.KVKinds)
	o.Open = run.Fill(new(atomic.Int64))
	_, err := load.Run(ctx, load.Plan{Connections: plan.Connections, Pipeline: preloadDepth,
		Operations: p.Keyspace, Seed: plan.Seed}, o)
	return err
}

// removeKeys deletes the keys that a run may have written. What stays is said, not an error: it
// was measured all the same.
func (s *session) removeKeys(ctx context.Context, keys iter.Seq[[]string]) {
	if s.flags.keep || s.spawned != nil {
		return
	}
	ctx, cancel := s.cleanup(ctx)
	defer cancel()
	if s.gone(ctx) {
		return // with all it had, or nobody can know
	}
	for names := range keys {
		if err := s.server.Remove(ctx, target.Keys, names); err != nil {
			if !errors.Is(err, target.ErrUnsupported) {
				s.live.Warn(fmt.Sprintf("keys of the benchmark stay on the server: %v", err))
			}
			return
		}
	}
}
