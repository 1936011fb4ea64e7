package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/workload"
)

func (a *app) allCommand() *cobra.Command {
	quick := false
	cmd := &cobra.Command{
		Use:   "all",
		Short: "Runs the scenarios of keys, queues, rooms and topics one after the other",
		Long: "Runs the specification's scenarios 1 to 4 one after the other, each with the\n" +
			"parameters of its own command. The time is divided evenly: each scenario runs\n" +
			"again and again while another run fits into its part, and at least once; time\n" +
			"that one leaves goes to those behind it.\n\n" +
			"With --check-spec it then measures what else the specification has tables for,\n" +
			"which takes about a minute more: latency, throughput, CPU, and memory of keys,\n" +
			"messages, rooms and connections in servers of its own.",
		Args: cobra.NoArgs,
		Example: "  synap-benchmark all --duration 60 --report benchmark-report.json\n" +
			"  synap-benchmark all --check-spec --report spec.html",
		RunE: func(cmd *cobra.Command, _ []string) error {
			f := cmd.Flags()
			for _, name := range []string{"connections", "operations", "rate"} {
				if flag := f.Lookup(name); flag != nil && flag.Changed {
					return usage(fmt.Errorf("--%s: the scenarios have their own; see `kv`, "+
						"`queue`, `stream`, `pubsub`", name))
				}
			}
			return a.runAll(cmd.Context(), quick)
		},
	}
	a.addCommon(cmd, 10)
	f := cmd.Flags()
	f.BoolVar(&quick, "quick", false, "a tenth of everything: to try it out")
	other(f, "duration", nil, "seconds for all scenarios together (default 60)")
	return cmd
}

// defaultAll is how long all scenarios take together.
const defaultAll = seconds(time.Minute)

// suite is one run of all scenarios.
type suite struct {
	*session
	part  int64 // of all amounts: 1, or 10 when it shall be quick
	check bool  // the specification's tables, too
	total time.Duration
}

func (a *app) runAll(ctx context.Context, quick bool) error {
	c := &a.flags
	s := &suite{part: 1, check: c.checkSpec, total: time.Duration(c.duration)}
	if s.total == 0 {
		s.total = time.Duration(defaultAll)
	}
	if quick {
		s.part, s.total = 10, s.total/10
	}
	// The time is that of all; the tables are checked in the end, over all runs together.
	c.duration, c.checkSpec = 0, false
	var err error
	if s.session, err = a.open(ctx); err != nil {
		return err
	}
	return s.end(s.scenarios(ctx))
}

// end prints and writes what was found.
func (s *suite) end(failed error) (err error) {
	defer func() { err = errors.Join(err, s.close()) }()
	return s.finish(failed)
}

// scenarios runs all of them, and what the tables need beside.
func (s *suite) scenarios(ctx context.Context) error {
	var jobs []func(number int) error
	for _, sc := range s.standard() {
		jobs = append(jobs, func(number int) error {
			return s.one(ctx, sc.load, number, func() (result.Run, error) {
				return sc.once(ctx, number)
			})
		})
	}
	if err := inTurn(s.total, time.Now, jobs); err != nil || !s.check {
		return err
	}
	return s.tables(ctx)
}

// loadOf is what a run changes in the common flags.
type loadOf struct {
	workload              string // the run's name; "" = its own
	connections, pipeline int
	rate                  float64
	duration              time.Duration
}

// one does a run under a load, and adds it to the report.
func (s *suite) one(
	ctx context.Context, l loadOf, number int, once func() (result.Run, error),
) error {
	c := &s.flags
	kept := *c
	c.connections, c.rate, c.duration = l.connections, l.rate, seconds(l.duration)
	if l.pipeline > 0 {
		c.pipeline = l.pipeline
	}
	run, err := once()
	s.live.End()
	if l.workload != "" {
		run.Workload = l.workload
	}
	if len(run.Tests) > 0 || err == nil {
		s.add(run, number)
	}
	*c = kept
	if err != nil {
		return s.explain(ctx, err)
	}
	return nil
}

// scenario is one of the specification's.
type scenario struct {
	load loadOf
	once once
}

// standard are the scenarios with the parameters of their own commands.
func (s *suite) standard() []scenario {
	kv := workload.KVParams{ReadRatio: 0.8, KeySize: 20, ValueSize: 100,
		Keyspace: 100_000 / s.part}
	queue := workload.QueueParams{Messages: 50_000 / s.part, Workers: 5, Size: 100,
		AckDeadline: 30 * time.Second}
	queue.Priority, _ = workload.ParsePriorityDist("uniform") // it is one
	stream := workload.StreamParams{Rooms: int(100 / s.part), Events: 100_000 / s.part,
		Subscribers: 50, Size: 100, Window: 1000, Replay: true}
	pubsub := workload.PubSubParams{Topics: int(1000 / s.part), Messages: 100_000 / s.part,
		Subscribers: int(5000 / s.part), WildcardRatio: 0.2, Fanout: 3, Size: 100, Window: 1000}
	return []scenario{
		{loadOf{connections: 10}, func(ctx context.Context, n int) (result.Run, error) {
			return s.kvOnce(ctx, kv, 100_000/s.part, n)
		}},
		{loadOf{connections: 5}, func(ctx context.Context, n int) (result.Run, error) {
			return s.queueOnce(ctx, queue, n)
		}},
		{loadOf{connections: 10}, func(ctx context.Context, n int) (result.Run, error) {
			return s.streamOnce(ctx, stream, n)
		}},
		{loadOf{connections: 10}, func(ctx context.Context, n int) (result.Run, error) {
			return s.pubsubOnce(ctx, pubsub, n)
		}},
	}
}

// inTurn does jobs one after the other in a time. Each gets an even part of what is left, does as
// many rounds as fit into it by the longest so far, and at least one.
func inTurn(total time.Duration, now func() time.Time, jobs []func(round int) error) error {
	left := total
	for i, job := range jobs {
		part := left / time.Duration(len(jobs)-i)
		begun, longest := now(), time.Duration(0)
		for round := 0; ; round++ {
			start := now()
			if err := job(round); err != nil {
				return err
			}
			longest = max(longest, now().Sub(start))
			if now().Sub(begun)+longest > part {
				break
			}
		}
		left = max(0, left-now().Sub(begun))
	}
	return nil
}
