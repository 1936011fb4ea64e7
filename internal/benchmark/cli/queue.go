package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/target"
	"github.com/synapdb/synap/internal/benchmark/workload"
)

func (a *app) queueCommand() *cobra.Command {
	p := workload.QueueParams{}
	var priorities string
	deadline := seconds(30 * time.Second)
	cmd := &cobra.Command{
		Use:   "queue",
		Short: "Publishes, consumes and acknowledges messages (scenario 2 of the specification)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p.AckDeadline = time.Duration(deadline)
			p.Workers = a.flags.connections
			var err error
			if p.Priority, err = workload.ParsePriorityDist(priorities); err == nil {
				err = p.Check()
			}
			if err != nil {
				return usage(err)
			}
			return a.runQueue(cmd.Context(), p)
		},
	}
	a.addCommon(cmd, 5)
	f := cmd.Flags()
	f.Int64VarP(&p.Messages, "messages", "n", 50_000, "messages")
	f.IntVarP(&p.Size, "value-size", "d", 100, "bytes of a payload")
	f.StringVar(&priorities, "priority-distribution", "uniform",
		"uniform, high, low or fixed:N")
	f.Var(&deadline, "ack-deadline", "seconds until a message goes to others")
	alias(f, map[string]string{"clients": "connections", "workers": "connections",
		"operations": "messages", "requests": "messages", "size": "value-size"})
	return cmd
}

func (a *app) runQueue(ctx context.Context, p workload.QueueParams) (err error) {
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for n := range a.flags.runs {
		run, failed := s.queueOnce(ctx, p, n)
		s.report.Runs = append(s.report.Runs, run)
		if failed != nil {
			return s.finish(failure{failed, ExitUnreachable})
		}
	}
	return s.finish(nil)
}

func (s *session) queueOnce(
	ctx context.Context, p workload.QueueParams, n int,
) (run result.Run, err error) {
	name := fmt.Sprintf("bench-%d-%d", s.report.Started.UnixNano(), n)
	run = result.Run{Workload: "queue", Number: n + 1, Server: s.about}
	if err := s.server.Prepare(ctx, target.Queues, []string{name}, p.AckDeadline); err != nil {
		return run, err
	}
	defer func() {
		err = errors.Join(err, s.server.Remove(ctx, target.Queues, []string{name}))
	}()
	faults := new(workload.Faults)
	plan := s.flags.plan(p.Messages, n)
	q := workload.NewQueueRun(s.server, p, name, faults, plan.Seed)
	for _, phase := range []struct {
		kinds []string
		open  func(context.Context, int) (load.Work, error)
	}{{workload.PublishKinds, q.Publisher}, {workload.ConsumeKinds, q.Consumer}} {
		tests, failed := load.Run(ctx, plan, load.Options{Kinds: phase.kinds, Probe: s.probe,
			Open: phase.open})
		run.Tests = append(run.Tests, tests...)
		if failed != nil {
			err = failed
			break
		}
	}
	q.Finish()
	run.Faults = faults.Found()
	return run, err
}
