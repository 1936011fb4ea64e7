package pubsubcmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/pubsub"
)

func lookLines() []*command.Row {
	sub := func(name string, arity int, words, summary string,
		run func(*command.Ctx, [][]byte) error) *command.Row {
		return &command.Row{Name: name, Arity: arity, Flags: line, Words: words,
			Summary: summary, Run: run}
	}
	return []*command.Row{{
		Name: "PUBSUB", Arity: -2, Flags: line, Summary: "Commands about subscriptions.",
		Subcommands: []*command.Row{
			sub("CHANNELS", -2, "[pattern]", "Names the topics that somebody is subscribed to.",
				channels(exchange)),
			sub("NUMSUB", -2, "[channel ...]", "Counts who is subscribed to each topic by name.",
				numSub(exchange)),
			sub("NUMPAT", 2, "", "Counts the globs that somebody is subscribed to.",
				func(c *command.Ctx, _ [][]byte) error {
					c.Reply.Int(int64(c.Engine.Topics.NumPat()))
					return nil
				}),
			sub("SHARDCHANNELS", -2, "[pattern]", "Is CHANNELS of SSUBSCRIBE.", channels(shards)),
			sub("SHARDNUMSUB", -2, "[channel ...]", "Is NUMSUB of SSUBSCRIBE.", numSub(shards)),
			sub("HELP", 2, "", "Lists the subcommands.", pubsubHelp),
		},
	}, {
		Name: "TOPICS", Aliases: []string{"PTOPICS"}, Arity: -1, Flags: line, Words: "[pattern]",
		Summary: "Names the topics that somebody subscribed to by name.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			replyNames(c.Reply, allTopics(c.Engine.Topics.Hub, wordAt(argv, 1), false))
			return nil
		},
	}, {
		Name: "PSTATS", Aliases: []string{"PSSTATS"}, Arity: 1, Flags: line,
		Summary: "Returns the figures of all topics together.",
		Run:     func(c *command.Ctx, _ [][]byte) error { return stats(c) },
	}}
}

// space chooses one of the two spaces of messages.
type space func(*command.Engine) *pubsub.Hub

func exchange(e *command.Engine) *pubsub.Hub { return e.Topics.Hub }
func shards(e *command.Engine) *pubsub.Hub   { return e.Topics.Shards }

// wordAt is a word of a command line, or nil.
func wordAt(argv [][]byte, at int) []byte {
	if at < len(argv) {
		return argv[at]
	}
	return nil
}

func channels(of space) func(*command.Ctx, [][]byte) error {
	return func(c *command.Ctx, argv [][]byte) error {
		if len(argv) > 3 {
			return unknownSubcommand(argv[1])
		}
		replyNames(c.Reply, allTopics(of(c.Engine), wordAt(argv, 2), true))
		return nil
	}
}

func numSub(of space) func(*command.Ctx, [][]byte) error {
	return func(c *command.Ctx, argv [][]byte) error {
		names := argv[2:]
		c.Reply.Array(2 * len(names))
		for _, name := range names {
			c.Reply.Bytes(name)
			c.Reply.Int(int64(of(c.Engine).NumSub(name)))
		}
		return nil
	}
}

func unknownSubcommand(name []byte) error {
	return errs.Newf(errs.Redis, "ERR unknown subcommand or wrong number of arguments for '%s'. "+
		"Try PUBSUB HELP.", name[:min(len(name), 128)])
}

func pubsubHelp(c *command.Ctx, _ [][]byte) error {
	lines := [...]string{
		"PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
		"CHANNELS [<pattern>]",
		"    Names the topics that somebody is subscribed to (default pattern: '*').",
		"NUMPAT",
		"    Counts the globs that somebody is subscribed to.",
		"NUMSUB [<channel> ...]",
		"    Counts who is subscribed to each topic by name.",
		"SHARDCHANNELS [<pattern>]",
		"    Is CHANNELS of SSUBSCRIBE.",
		"SHARDNUMSUB [<shardchannel> ...]",
		"    Is NUMSUB of SSUBSCRIBE.",
		"HELP",
		"    Prints this help.",
	}
	c.Reply.Array(len(lines))
	for _, line := range lines {
		c.Reply.Status(line)
	}
	return nil
}
