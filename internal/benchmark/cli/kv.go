package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/workload"
)

func (a *app) kvCommand() *cobra.Command {
	p := workload.KVParams{}
	var operations int64
	var dist string
	cmd := &cobra.Command{
		Use: "kv", Short: "Reads and writes keys (scenario 1 of the specification)",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if p.Dist, err = workload.ParseDist(dist); err == nil {
				err = p.Check()
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
	f.StringVar(&dist, "key-dist", "uniform", "how keys are chosen: uniform, zipf or seq")
	alias(f, map[string]string{"clients": "connections", "requests": "operations",
		"size": "value-size"})
	return cmd
}

func (a *app) runKV(ctx context.Context, p workload.KVParams, operations int64) (err error) {
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for n := range a.flags.runs {
		plan := a.flags.plan(operations, n)
		faults := new(workload.Faults)
		tests, failed := load.Run(ctx, plan, load.Options{
			Kinds: workload.KVKinds, Probe: s.probe,
			Open: func(ctx context.Context, i int) (load.Work, error) {
				return workload.OpenKV(ctx, s.server, p, faults, plan.Seed, i, plan.Connections)
			},
		})
		s.report.Runs = append(s.report.Runs, result.Run{Workload: "kv", Number: n + 1,
			Server: s.about, Tests: tests, Faults: faults.Found(), Params: map[string]string{
				"connections": fmt.Sprint(plan.Connections)}})
		if failed != nil {
			return s.finish(failure{failed, ExitUnreachable})
		}
	}
	return s.finish(nil)
}
