package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/workload"
)

func (a *app) pubsubCommand() *cobra.Command {
	p := workload.PubSubParams{}
	cmd := &cobra.Command{
		Use:   "pubsub",
		Short: "Publishes to topics and patterns (scenario 4 of the specification)",
		Long: "Publishes to topics, evenly, and checks that every subscriber gets what a plain\n" +
			"matcher says it must. To bring the average fan-out about, some subscribers stand\n" +
			"on topics to which nobody publishes.",
		Example: "  synap-benchmark pubsub --topics 1000 --messages 100000 --subscribers 5000 " +
			"--wildcard-ratio 0.2\n" +
			"  synap-benchmark pubsub --duration 30 --rate 20000 --slo 'delivery p95<1ms'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.Check(); err != nil {
				return usage(err)
			}
			if err := enoughFiles(p.Subscribers + a.flags.connections); err != nil {
				return err
			}
			return a.runPubSub(cmd.Context(), p)
		},
	}
	a.addCommon(cmd, 10)
	f := cmd.Flags()
	f.IntVar(&p.Topics, "topics", 1000, "topics")
	f.Int64VarP(&p.Messages, "messages", "n", 100_000, "messages")
	f.IntVar(&p.Subscribers, "subscribers", 5000, "subscribers, with one subscription each")
	f.Float64Var(&p.WildcardRatio, "wildcard-ratio", 0.2, "part of them that have a pattern")
	f.Float64Var(&p.Fanout, "fan-out", 3, "subscribers that a message reaches on average")
	f.IntVarP(&p.Size, "value-size", "d", 100, "bytes of a payload")
	f.Int64Var(&p.Window, "window", 1000, windowHelp)
	alias(f, map[string]string{"clients": "connections", "operations": "messages",
		"requests": "messages", "size": "value-size"})
	return cmd
}

func (a *app) runPubSub(ctx context.Context, p workload.PubSubParams) error {
	return a.measure(ctx, func(ctx context.Context, s *session, n int) (result.Run, error) {
		return s.pubsubOnce(ctx, p, n)
	})
}

// pubsubOnce is one run, on topics of its own.
func (s *session) pubsubOnce(
	ctx context.Context, p workload.PubSubParams, n int,
) (run result.Run, err error) {
	b := p.Broadcast(fmt.Sprintf("bench-%d-%d", s.report.Started.UnixNano(), n))
	run = result.Run{Workload: "pubsub", Number: n + 1, Server: s.about,
		Params: map[string]string{"topics": strconv.Itoa(p.Topics),
			"messages":       strconv.FormatInt(p.Messages, 10),
			"subscribers":    strconv.Itoa(p.Subscribers),
			"wildcard-ratio": strconv.FormatFloat(p.WildcardRatio, 'g', -1, 64),
			"fan-out":        strconv.FormatFloat(p.Fanout, 'g', -1, 64),
			"value-size":     strconv.Itoa(p.Size),
			"window":         strconv.FormatInt(p.Window, 10)}}
	err = s.broadcast(ctx, b, p.Messages, n, &run)
	return run, err
}
