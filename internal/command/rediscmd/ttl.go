package rediscmd

import (
	"github.com/synapdb/synap/internal/command"
)

func ttlRows() []*command.Row {
	row := func(name, summary string, read func(deadline, now int64) int64) *command.Row {
		return &command.Row{
			Name: name, Arity: 2, Keys: oneKey, Flags: readsFast,
			Group: "generic", Words: "key", Summary: summary, Run: deadlineAs(read),
		}
	}
	return []*command.Row{
		row("TTL", "Returns the seconds until a key expires.",
			func(deadline, now int64) int64 { return seconds(deadline - now) }),
		row("PTTL", "Returns the milliseconds until a key expires.",
			func(deadline, now int64) int64 { return deadline - now }),
		row("EXPIRETIME", "Returns the moment a key expires, in seconds.",
			func(deadline, _ int64) int64 { return seconds(deadline) }),
		row("PEXPIRETIME", "Returns the moment a key expires, in milliseconds.",
			func(deadline, _ int64) int64 { return deadline }),
	}
}

// seconds rounds half up, the latest deadline there is included.
func seconds(milliseconds int64) int64 { return milliseconds/1000 + (milliseconds%1000+500)/1000 }

// deadlineAs makes the commands that read a deadline: -2 without a key, -1 without a deadline.
func deadlineAs(read func(deadline, now int64) int64) runFunc {
	return func(c *command.Ctx, argv [][]byte) error {
		e, found := c.Tx.Peek(c.DB, argv[1])
		switch {
		case !found:
			c.Reply.Int(-2)
		case e.Deadline() == 0:
			c.Reply.Int(-1)
		default:
			c.Reply.Int(read(e.Deadline(), c.Now))
		}
		return nil
	}
}
