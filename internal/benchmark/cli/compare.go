package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/show"
	"github.com/synapdb/synap/internal/benchmark/spawn"
	"github.com/synapdb/synap/internal/benchmark/target"
)

// peerSchemes are the URLs of what spawn starts.
var peerSchemes = map[string]string{"redis": "redis", "nats": "nats", "beanstalkd": "beanstalk",
	"rabbitmq": "amqp"}

func (a *app) compareCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Runs Synap and its peers in turns under the same load",
		Long: "Starts a Synap server and other ones, each with a temporary data directory and\n" +
			"the settings that its manual recommends for that durability, and runs the same\n" +
			"load against them in turns. What is not installed is named, and left out.",
		Example: "  synap-benchmark compare kv --peers redis -c 50 -P 16 --protocol resp\n" +
			"  synap-benchmark compare queue --peers beanstalkd,nats,rabbitmq -P 32\n" +
			"  synap-benchmark compare pubsub --peers nats,redis --subscribers 100",
	}
	for _, c := range []struct {
		command *cobra.Command
		peers   []string
	}{{a.kvCommand(), []string{"redis"}},
		{a.queueCommand(), []string{"beanstalkd", "nats", "rabbitmq"}},
		{a.pubsubCommand(), []string{"nats", "redis"}}} {
		cmd.AddCommand(a.comparing(c.command, c.peers))
	}
	return cmd
}

// comparing makes the command of a workload compare.
func (a *app) comparing(cmd *cobra.Command, peers []string) *cobra.Command {
	workload, before := cmd.Name(), cmd.PreRun
	cmd.Short = "Compares: " + strings.ToLower(cmd.Short[:1]) + cmd.Short[1:]
	cmd.Example = "  synap-benchmark compare " + workload + " --peers " + strings.Join(peers, ",")
	f := cmd.Flags()
	f.StringSliceVar(&peers, "peers", peers, "servers to compare with: "+
		strings.Join(spawn.Peers(), ", "))
	runs := f.Lookup("runs")
	runs.DefValue = "3"
	_ = runs.Value.Set(runs.DefValue) // it is a number
	for _, name := range []string{"target", "check-spec", "slo", "keep"} {
		f.Lookup(name).Hidden = true
	}
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		before(cmd, args)
		a.peers = peers
		return a.checkPeers(workload)
	}
	cmd.PreRun = nil
	return cmd
}

func (a *app) checkPeers(workload string) error {
	if len(a.peers) == 0 {
		return usage(errors.New("--peers names nobody"))
	}
	for _, name := range a.peers {
		scheme, ok := peerSchemes[name]
		if !ok {
			return usage(fmt.Errorf("no peer is called %q: there are %s", name,
				strings.Join(spawn.Peers(), ", ")))
		}
		if target.Can(scheme+"://localhost", workload) != nil {
			return usage(fmt.Errorf("%s can't do %s", name, workload))
		}
	}
	switch f := &a.flags; {
	case f.target != "":
		return usage(errors.New("compare starts its peers itself: leave out --target"))
	case f.checkSpec || len(f.slo) > 0:
		return usage(errors.New("goals are for one server: leave out --slo and --check-spec"))
	case f.url == "":
		f.spawn = true // on equal terms: temporary data, and the durability that is asked
	}
	return nil
}

// onceOn is a run against the server of a session.
type onceOn func(ctx context.Context, s *session, number int) (result.Run, error)

// measure runs a workload against one server, or against several in turns.
func (a *app) measure(ctx context.Context, f onceOn) error {
	if a.peers != nil {
		return a.compare(ctx, f)
	}
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	return s.runs(ctx, func(ctx context.Context, n int) (result.Run, error) {
		return f(ctx, s, n)
	})
}

// compare runs all that can be started, in turns.
func (a *app) compare(ctx context.Context, f onceOn) (err error) {
	lead, err := a.prepare()
	if err != nil {
		return err
	}
	var all []*session
	defer func() {
		for _, s := range all {
			err = errors.Join(err, s.close())
		}
	}()
	for _, name := range append([]string{"synap"}, a.peers...) {
		s := &session{app: a, live: lead.live, report: lead.report}
		failed := s.start(ctx, name)
		all = append(all, s)
		if ctx.Err() != nil {
			return failure{errors.New("interrupted before anything ran"), ExitInterrupted}
		}
		if failed != nil {
			lead.warn("%s is left out: %v", name, failed)
			s.leaveOut()
		}
		lead.report.Environment.CoLocated = lead.report.Environment.CoLocated ||
			s.report.Environment.CoLocated
	}
	failed := lead.turns(ctx, all, f)
	return lead.finishComparison(failed)
}

// warn says what is missing, also to those who want no progress.
func (s *session) warn(format string, args ...any) {
	if s.flags.quiet {
		s.say(format, args...)
	} else {
		s.live.Warn(fmt.Sprintf(format, args...))
	}
}

// leaveOut closes a server that is of no use.
func (s *session) leaveOut() {
	if s.server != nil {
		_ = s.server.Close() // it failed before
	}
	s.server = nil
}

// start starts a server and asks what it is.
func (s *session) start(ctx context.Context, name string) (err error) {
	if name == "synap" {
		return s.connect(ctx)
	}
	s.spawned, err = spawn.Peer(ctx, name, spawn.Options{Durability: s.flags.durability})
	if err != nil {
		return err
	}
	s.at = s.spawned.URL
	s.server, err = target.OpenPeer(target.Peer{URL: s.at, PID: s.spawned.PID(),
		Durability: s.flags.durability, Stated: s.spawned.Durability, Depth: s.flags.pipeline})
	if err != nil {
		return err
	}
	return s.ask(ctx)
}

// turns runs all servers once, then again, each time in another order: what comes first finds
// another machine than what comes last. A server that fails is left out from then on.
func (s *session) turns(ctx context.Context, all []*session, f onceOn) (failed error) {
	left := slices.DeleteFunc(slices.Clone(all), func(o *session) bool { return o.server == nil })
	if len(left) == 0 {
		return failure{errors.New("no server could be started"), ExitUnreachable}
	}
	for n := range s.flags.runs {
		for i := range left {
			o := left[(i+n)%len(left)]
			if o.server == nil {
				continue
			}
			s.live.Number(n+1, s.flags.runs)
			run, err := f(ctx, o, n)
			s.live.End()
			o.add(run, n)
			s.report.Runs = append(s.report.Runs, o.report.Runs[len(o.report.Runs)-1])
			if err == nil {
				continue
			}
			err = o.explain(ctx, err)
			s.report.Aborted = o.report.Aborted
			failed = errors.Join(failed, fmt.Errorf("%s: %w", o.about.Name, err))
			if ctx.Err() != nil {
				return err
			}
			s.warn("%s is left out from now on: %v", o.about.Name, err)
			o.leaveOut()
		}
	}
	return failed
}

// finishComparison prints the comparison, writes the reports and says how it ends.
func (s *session) finishComparison(failed error) error {
	err := s.deliver(func() {
		text := show.Comparison(&s.report, show.Style{Color: s.colored && !s.flags.noColor})
		_, _ = io.WriteString(s.out, text) // a closed pipe ends the program anyway
	})
	if failed != nil || err != nil {
		return errors.Join(failed, err)
	}
	return s.verdict()
}
