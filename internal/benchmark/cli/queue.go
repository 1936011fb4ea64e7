package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
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
		Example: "  synap-benchmark queue --messages 50000 --priority-distribution uniform " +
			"--workers 5 --ack-deadline 30",
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

func (a *app) runQueue(ctx context.Context, p workload.QueueParams) error {
	return a.measure(ctx, func(ctx context.Context, s *session, n int) (result.Run, error) {
		return s.queueOnce(ctx, p, n)
	})
}

// queueOnce is one run, on a queue of its own.
func (s *session) queueOnce(
	ctx context.Context, p workload.QueueParams, n int,
) (run result.Run, err error) {
	names := []string{fmt.Sprintf("bench-%d-%d", s.report.Started.UnixNano(), n)}
	run = result.Run{Workload: "queue", Number: n + 1, Server: s.about,
		Params: map[string]string{"messages": strconv.FormatInt(p.Messages, 10),
			"value-size": strconv.Itoa(p.Size), "priority-distribution": p.Priority.String(),
			"ack-deadline": p.AckDeadline.String()}}
	if !target.Ranked(s.server) {
		p.Priority = workload.Alike
	}
	run.Notes = target.Remarks(s.server)
	if err := s.server.Prepare(ctx, target.Queues, names, p.AckDeadline); err != nil {
		return run, err
	}
	defer s.remove(ctx, target.Queues, names)
	faults := new(workload.Faults)
	plan := s.flags.plan(p.Messages, n)
	q := workload.NewQueueRun(s.server, p, names[0], faults, plan.Seed)
	for _, phase := range []struct {
		title string
		kinds []string
		open  func(context.Context, int) (load.Work, error)
	}{{"publish", workload.PublishKinds, q.Publisher},
		{"consume", workload.ConsumeKinds, q.Consumer}} {
		o := s.options("queue "+phase.title, phase.kinds)
		o.Open = phase.open
		if len(run.Tests) > 0 { // all that was published, those of the warm-up too
			plan.Operations, plan.Duration, plan.Warmup = q.Left(), 0, 0
		}
		if plan.Operations == 0 && plan.Duration == 0 {
			continue // the time was too short for a single one
		}
		tests, failed := load.Run(ctx, plan, o)
		run.Tests = append(run.Tests, tests...)
		if failed != nil {
			// What is still in the queue is not lost.
			run.Faults = faults.Found()
			return run, failed
		}
	}
	q.Finish()
	run.Faults = faults.Found()
	return run, nil
}

// remove deletes what a run made. What stays is said, not an error: it was measured all the same.
func (s *session) remove(ctx context.Context, space target.Space, names []string) {
	if s.flags.keep || s.spawned != nil {
		return
	}
	ctx, cancel := s.cleanup(ctx)
	defer cancel()
	if s.gone(ctx) {
		return // with all it had, or nobody can know
	}
	if err := s.server.Remove(ctx, space, names); err != nil {
		s.live.Warn(fmt.Sprintf("%s stays on the server: %v", strings.Join(names, ", "), err))
	}
}
