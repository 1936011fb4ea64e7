package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/target"
	"github.com/synapdb/synap/internal/benchmark/workload"
)

// stressFlags are those of stress beside the common ones.
type stressFlags struct {
	workload.SoakParams
	idle      crowdFlag
	active    int
	staircase bool
	step      seconds
	from      float64
	precision float64
}

// crowdFlag is a number of idle connections, or "auto": as many as fit, up to the default.
type crowdFlag struct {
	n    int
	auto bool
}

// defaultCrowd is what the specification stresses a server with.
const defaultCrowd = 50_000

// String is part of pflag.Value, as are the methods below.
func (c *crowdFlag) String() string {
	if c.auto {
		return "auto"
	}
	return strconv.Itoa(c.n)
}

// Type names the argument in help texts.
func (c *crowdFlag) Type() string { return "number" }

// Set reads the argument.
func (c *crowdFlag) Set(text string) error {
	if text == "auto" {
		*c = crowdFlag{n: defaultCrowd, auto: true}
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return errors.New("must be a number of connections, or auto: as many as fit")
	}
	*c = crowdFlag{n: n}
	return nil
}

func (a *app) stressCommand() *cobra.Command {
	p := &stressFlags{idle: crowdFlag{defaultCrowd, true}, step: seconds(5 * time.Second)}
	p.KV = workload.KVParams{KeySize: 20, ValueSize: 100}
	p.Queue.AckDeadline = 30 * time.Second
	cmd := &cobra.Command{
		Use: "stress",
		Short: "Loads keys and a queue at once for a long time beside idle connections, " +
			"or finds the highest rate",
		Long: "Loads keys and a queue at their rates at once, for a long time, while many idle\n" +
			"connections are there. Every connection reads what it wrote; messages must come\n" +
			"once and in order; the server's memory must not grow.\n\n" +
			"With --staircase it raises the rate of operations on keys from step to step until\n" +
			"it is not kept, or an --slo is missed, and closes in on the highest one.",
		Args: cobra.NoArgs,
		Example: "  synap-benchmark stress --duration 3600 --kv-rate 100000 --queue-rate 50000 " +
			"--connections 50000\n" +
			"  synap-benchmark stress --staircase --step 10 --slo 'p99<5ms'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runStress(cmd.Context(), p, cmd.Flags().Changed("duration"))
		},
	}
	a.addCommon(cmd, 50)
	f := cmd.Flags()
	f.Float64Var(&p.KVRate, "kv-rate", 100_000, "operations on keys a second")
	f.Float64Var(&p.QueueRate, "queue-rate", 50_000, "messages a second")
	f.Float64Var(&p.KV.ReadRatio, "read-ratio", 0.8, "part of the operations that read")
	f.Int64VarP(&p.KV.Keyspace, "keyspace", "r", 100_000, "different keys")
	f.IntVar(&p.KV.KeySize, "key-size", 20, "bytes of a key")
	f.IntVarP(&p.KV.ValueSize, "value-size", "d", 100, "bytes of a value")
	f.IntVar(&p.Queue.Size, "message-size", 100, "bytes of a message")
	f.IntVar(&p.Queue.Workers, "workers", 5, "connections that publish, and as many that consume")
	f.IntVar(&p.active, "active", 50, "connections that read and write keys")
	f.BoolVar(&p.staircase, "staircase", false, "find the highest rate that is kept, and that "+
		"holds every --slo")
	f.Var(&p.step, "step", "seconds of a step of the staircase")
	f.Float64Var(&p.from, "from", 1000, "rate of the first step of the staircase")
	f.Float64Var(&p.precision, "precision", 0.05, "part of a rate to which the highest is found")
	other(f, "connections", &p.idle, "idle connections, beside those that do the work; auto: up "+
		"to 50000, as many as fit")
	other(f, "duration", nil, "seconds to run (default 3600)")
	other(f, "pipeline", nil, "operations of a connection on the way at once, when it is behind "+
		"(default 32)")
	alias(f, map[string]string{"clients": "connections", "size": "value-size"})
	return cmd
}

// other changes what a common flag means here. A nil value leaves it as it is.
func other(f *pflag.FlagSet, name string, value pflag.Value, usage string) {
	flag := f.Lookup(name)
	flag.Usage = usage
	if value != nil {
		flag.Value, flag.DefValue = value, value.String()
	} else {
		flag.DefValue = ""
	}
}

func (a *app) runStress(ctx context.Context, p *stressFlags, timed bool) error {
	c := &a.flags
	c.connections = p.active
	if c.pipeline == 1 {
		c.pipeline = 32
	}
	switch {
	case p.staircase:
		c.duration = 0 // each step has its own
	case !timed:
		c.duration = seconds(time.Hour)
	}
	p.Plan = c.plan(0, 0)
	p.Queue.Priority, _ = workload.ParsePriorityDist("uniform") // it is one
	if err := p.check(); err != nil {
		return usage(err)
	}
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	if p.staircase {
		return s.runs(ctx, func(ctx context.Context, n int) (result.Run, error) {
			return s.stairs(ctx, p, n)
		})
	}
	if p.Idle, err = s.crowd(&p.idle, p.active+2*p.Queue.Workers); err != nil {
		return errors.Join(usage(err), s.close())
	}
	return s.runs(ctx, func(ctx context.Context, n int) (result.Run, error) {
		return s.soakOnce(ctx, p.SoakParams, n)
	})
}

func (p *stressFlags) check() error {
	switch {
	case p.active < 1:
		return fmt.Errorf("--active must be at least 1, not %d", p.active)
	case p.Queue.Workers < 1:
		return fmt.Errorf("--workers must be at least 1, not %d", p.Queue.Workers)
	case p.staircase && p.from < 1:
		return fmt.Errorf("--from must be at least 1, not %g", p.from)
	case p.staircase && (p.precision < 0.005 || p.precision > 0.5):
		return fmt.Errorf("--precision must be between 0.005 and 0.5, not %g", p.precision)
	case p.staircase && time.Duration(p.step) < 100*time.Millisecond:
		return fmt.Errorf("--step must be 100ms or more, not %s", time.Duration(p.step))
	}
	return p.Check()
}

// crowd is how many idle connections there will be.
func (s *session) crowd(want *crowdFlag, working int) (int, error) {
	seats, err := workload.FreeSeats(s.server.PID(), working)
	switch {
	case err != nil || want.n <= seats.Free:
		return want.n, nil //nolint:nilerr // not known: whoever opens them will be told
	case want.auto:
		s.say("%d idle connections instead of %d: %s", seats.Free, want.n, seats.Hint)
		return seats.Free, nil
	}
	return 0, fmt.Errorf("--connections %d: only %d fit. %s; or say --connections auto", want.n,
		seats.Free, seats.Hint)
}

func (s *session) soakOnce(
	ctx context.Context, p workload.SoakParams, n int,
) (run result.Run, err error) {
	names := []string{fmt.Sprintf("bench-stress-%d-%d", s.report.Started.UnixNano(), n)}
	if p.QueueRate > 0 {
		err = s.server.Prepare(ctx, target.Queues, names, p.Queue.AckDeadline)
		if err != nil {
			return result.Run{Workload: "stress"}, err
		}
		defer func() {
			if err == nil || ctx.Err() != nil {
				s.remove(ctx, target.Queues, names)
			}
		}()
	}
	p.Plan.Seed += uint64(n)
	run, err = workload.Soak(ctx, workload.Soaking{Server: s.server, Queue: names[0],
		Options: s.options}, p)
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	run.Params = map[string]string{"kv-rate": number(p.KVRate),
		"queue-rate": number(p.QueueRate), "idle-connections": strconv.Itoa(p.Idle),
		"read-ratio": number(p.KV.ReadRatio), "workers": strconv.Itoa(p.Queue.Workers),
		"keyspace":   strconv.FormatInt(p.KV.Keyspace, 10),
		"value-size": strconv.Itoa(p.KV.ValueSize), "message-size": strconv.Itoa(p.Queue.Size)}
	if err == nil || ctx.Err() != nil {
		s.removeKeys(ctx, workload.SoakKeys(p.KV))
	}
	return run, err
}

// stairs is one search for the highest rate. The tests are those of the highest step that holds.
func (s *session) stairs(ctx context.Context, p *stressFlags, n int) (result.Run, error) {
	run := result.Run{Workload: "stress", Params: map[string]string{"staircase": "kv",
		"step": p.step.String(), "read-ratio": strconv.FormatFloat(p.KV.ReadRatio, 'g', -1, 64),
		"keyspace":   strconv.FormatInt(p.KV.Keyspace, 10),
		"value-size": strconv.Itoa(p.KV.ValueSize)}}
	faults := new(workload.Faults)
	plan := s.flags.plan(0, n)
	plan.Duration, plan.Operations = time.Duration(p.step), 0
	if plan.Warmup == 0 {
		plan.Warmup = plan.Duration / 5 // a step shall not pay for its new connections
	}
	shared := workload.NewKVRun(s.server, p.KV, faults, plan.Seed)
	search := workload.Stairs{From: p.from, Exact: p.precision}
	knee, best, err := search.Climb(ctx, func(
		ctx context.Context, rate float64,
	) (result.Step, error) {
		plan.Rate = rate
		o := s.options(fmt.Sprintf("%.0f/s", rate), workload.KVKinds)
		o.Open = func(ctx context.Context, i int) (load.Work, error) {
			return shared.Open(ctx, i, plan.Connections)
		}
		tests, err := load.Run(ctx, plan, o)
		if err != nil {
			return result.Step{}, err
		}
		step, err := workload.StepOf(rate, tests)
		if err != nil {
			return step, err
		}
		for _, c := range checkSLOs(s.flags.slos, &result.Run{Tests: tests}) {
			step.Holds = step.Holds && c.OK
		}
		if step.Holds {
			run.Tests = tests
		}
		return step, nil
	})
	run.Knee = knee
	run.Notes = append(run.Notes, fmt.Sprintf("highest rate that holds: %.0f/s", best))
	run.Faults = faults.Found()
	if err == nil || ctx.Err() != nil {
		s.removeKeys(ctx, workload.KVKeys(p.KV))
	}
	return run, err
}
