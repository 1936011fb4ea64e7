package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/probe"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/target"
	"github.com/synapdb/synap/internal/benchmark/workload"
)

func (a *app) streamCommand() *cobra.Command {
	p := workload.StreamParams{}
	perRoom := int64(0)
	cmd := &cobra.Command{
		Use:   "stream",
		Short: "Publishes events to rooms full of subscribers (scenario 3 of the specification)",
		Long: "Publishes events to rooms full of subscribers, each of which checks that it gets\n" +
			"every event of its room, in order and once. Then all read the history again.",
		Example: "  synap-benchmark stream --rooms 100 --events-per-room 1000 " +
			"--subscribers-per-room 50 --replay-history true\n" +
			"  synap-benchmark stream --rooms 50 --events 10000 --rate 2000 " +
			"--slo 'delivery p95<5ms'",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f := cmd.Flags(); f.Changed("events-per-room") || !f.Changed("events") {
				if f.Changed("events") {
					return usage(errors.New("--events and --events-per-room exclude each other"))
				}
				p.Events = perRoom * int64(p.Rooms)
			}
			if err := p.Check(); err != nil {
				return usage(err)
			}
			if err := enoughFiles(p.Rooms*p.Subscribers + a.flags.connections); err != nil {
				return err
			}
			return a.runStream(cmd.Context(), p)
		},
	}
	a.addCommon(cmd, 10)
	f := cmd.Flags()
	f.IntVar(&p.Rooms, "rooms", 100, "rooms")
	f.Int64Var(&perRoom, "events-per-room", 1000, "events published to each room")
	f.Int64VarP(&p.Events, "events", "n", 0, "events in all rooms together, instead")
	f.IntVar(&p.Subscribers, "subscribers-per-room", 50, "subscribers of each room")
	f.BoolVar(&p.Replay, "replay-history", true, "all read their room again in the end")
	f.IntVarP(&p.Size, "value-size", "d", 100, "bytes of an event's data")
	f.Int64Var(&p.Window, "window", 1000, windowHelp)
	alias(f, map[string]string{"clients": "connections", "operations": "events",
		"requests": "events", "size": "value-size"})
	return cmd
}

const windowHelp = "messages that some subscribers have not got yet when another one is " +
	"published, at most; 0: any number (not with --rate)"

// noArgs allows the values of switches to stand apart: --replay-history true.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 1 && cmd.Flags().Changed("replay-history") &&
		(args[0] == "true" || args[0] == "false") {
		return cmd.Flags().Set("replay-history", args[0])
	}
	return cobra.NoArgs(cmd, args)
}

func (a *app) runStream(ctx context.Context, p workload.StreamParams) error {
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	return s.runs(ctx, func(ctx context.Context, n int) (result.Run, error) {
		return s.streamOnce(ctx, p, n)
	})
}

// streamOnce is one run, in rooms of its own.
func (s *session) streamOnce(
	ctx context.Context, p workload.StreamParams, n int,
) (run result.Run, err error) {
	b := p.Broadcast(fmt.Sprintf("bench-%d-%d", s.report.Started.UnixNano(), n))
	run = result.Run{Workload: "stream", Number: n + 1, Server: s.about,
		Params: map[string]string{"rooms": strconv.Itoa(p.Rooms),
			"events":               strconv.FormatInt(p.Events, 10),
			"subscribers-per-room": strconv.Itoa(p.Subscribers),
			"replay-history":       strconv.FormatBool(p.Replay),
			"value-size":           strconv.Itoa(p.Size),
			"window":               strconv.FormatInt(p.Window, 10)}}
	if err := s.server.Prepare(ctx, target.Rooms, b.Names, 0); err != nil {
		return run, err
	}
	defer s.remove(ctx, target.Rooms, b.Names)
	err = s.broadcast(ctx, b, p.Events, n, &run)
	return run, err
}

// enoughFiles lets us open so many connections.
func enoughFiles(connections int) error {
	if err := probe.Files(connections); err != nil {
		return usage(fmt.Errorf("%w, or have fewer subscribers", err))
	}
	return nil
}

// broadcast is what stream and pubsub have in common.
func (s *session) broadcast(
	ctx context.Context, p workload.BroadcastParams, messages int64, n int, run *result.Run,
) (err error) {
	plan := s.flags.plan(messages, n)
	if err := enoughFiles(len(p.Subscriptions) + plan.Connections); err != nil {
		return err
	}
	faults := new(workload.Faults)
	b := workload.NewBroadcast(s.server, p, plan, faults,
		func(title string, kinds []string) load.Options {
			return s.options(run.Workload+" "+title, kinds)
		})
	reach, quiet := p.Reach()
	note := fmt.Sprintf("%d subscribers; a message reaches %.2f on average",
		len(p.Subscriptions), reach)
	if quiet > 0 {
		note += fmt.Sprintf(" (%d listen to topics to which nobody publishes)", quiet)
	}
	run.Notes = append(run.Notes, note)
	tests, notes, err := b.Run(ctx)
	run.Tests, run.Faults = tests, faults.Found()
	run.Notes = append(run.Notes, notes...)
	return err
}
