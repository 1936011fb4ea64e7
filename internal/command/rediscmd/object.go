package rediscmd

import (
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
)

func objectRows() []*command.Row {
	sub := func(name, summary string, show func(*command.Ctx, kv.Entry) error) *command.Row {
		return &command.Row{
			Name: name, Arity: 3, Keys: command.KeySpec{First: 2, Last: 2, Step: 1},
			Flags: reads, Group: "generic", Words: "key",
			Summary: summary, Run: objectOf(show),
		}
	}
	object := &command.Row{
		Name: "OBJECT", Arity: -2, Flags: reads, Group: "generic", Words: "subcommand [key]",
		Summary: "A container for commands that look into the storage of a value.",
	}
	object.Subcommands = []*command.Row{
		sub("ENCODING", "Returns how Redis would store the value.", encoding),
		sub("FREQ", "Returns the logarithmic access counter of a key.", frequency),
		sub("IDLETIME", "Returns the seconds since the last access.", idleTime),
		sub("REFCOUNT", "Returns how many references Redis would count.", refCount),
		{
			Name: "HELP", Arity: 2, Flags: command.Lockless, Group: "generic",
			Summary: "Lists the subcommands.", Run: objectHelp(object),
		},
	}
	return []*command.Row{object}
}

// objectOf makes a subcommand that shows something of a key; null without one.
func objectOf(show func(*command.Ctx, kv.Entry) error) runFunc {
	return func(c *command.Ctx, argv [][]byte) error {
		e, found := c.Tx.Peek(c.DB, argv[2])
		if !found {
			c.Reply.Null()
			return nil
		}
		return show(c, e)
	}
}

// maxEmbedded is the length in bytes up to which Redis keeps a string beside its header.
const maxEmbedded = 44

func encoding(c *command.Ctx, e kv.Entry) error {
	switch _, number := plan.Int(e.Value()); {
	case number:
		c.Reply.Str("int")
	case e.Len() <= maxEmbedded:
		c.Reply.Str("embstr")
	default:
		c.Reply.Str("raw")
	}
	return nil
}

// Redis shares the numbers from 0 to 9999 and says so by the largest count.
const (
	sharedNumbers = 10000
	sharedCount   = 1<<31 - 1
)

func refCount(c *command.Ctx, e kv.Entry) error {
	if n, ok := plan.Int(e.Value()); ok && 0 <= n && n < sharedNumbers {
		c.Reply.Int(sharedCount)
	} else {
		c.Reply.Int(1)
	}
	return nil
}

var (
	errNotLFU = errs.New(errs.Redis, "ERR An LFU maxmemory policy is not selected, "+
		"access frequency not tracked. Please note that when switching between policies at "+
		"runtime LRU and LFU data will take some time to adjust.")
	errLFU = errs.New(errs.Redis, "ERR An LFU maxmemory policy is selected, "+
		"idle time not tracked. Please note that when switching between policies at "+
		"runtime LRU and LFU data will take some time to adjust.")
)

func lfu(c *command.Ctx) bool {
	_, policy := c.Store.MemoryLimit()
	return policy == kv.AllKeysLFU || policy == kv.VolatileLFU
}

func frequency(c *command.Ctx, e kv.Entry) error {
	if !lfu(c) {
		return errNotLFU
	}
	c.Reply.Int(int64(e.Frequency()))
	return nil
}

func idleTime(c *command.Ctx, e kv.Entry) error {
	if lfu(c) {
		return errLFU
	}
	c.Reply.Int(e.Idle(c.Now) / 1000)
	return nil
}

// objectHelp lists the subcommands of row: a line with the arguments, and one with the summary.
func objectHelp(row *command.Row) runFunc {
	return func(c *command.Ctx, _ [][]byte) error {
		c.Reply.Array(1 + 2*len(row.Subcommands))
		c.Reply.Status("OBJECT <subcommand> [<arg> ...]. Subcommands are:")
		for _, sub := range row.Subcommands {
			c.Reply.Status(strings.TrimSpace(sub.Name + " " + sub.Words))
			c.Reply.Status("    " + sub.Summary)
		}
		return nil
	}
}
