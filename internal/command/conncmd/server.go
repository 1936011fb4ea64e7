package conncmd

import (
	"strconv"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/errs"
)

var errFlushMode = errs.New(errs.Redis, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option")

func serverRows() []*command.Row {
	return []*command.Row{
		{Name: "TIME", Arity: 1, Flags: quick, Run: serverTime, Group: "server", Since: "0.1.0",
			Summary: "Returns the time of the server."},
		{Name: "INFO", Arity: -1, Words: "[section [section ...]]", Flags: command.Lockless,
			Run: info, Group: "server", Since: "0.1.0",
			Summary: "Returns figures about the server."},
		container("FUNCTION", "scripting", "Commands about functions.",
			&command.Row{Name: "FLUSH", Arity: -2, Words: "[ASYNC|SYNC]",
				Flags: quick | command.Write, Run: functionFlush,
				Summary: "Delete all functions: there are none."}),
		container("MEMORY", "server", "Commands about memory.",
			&command.Row{Name: "USAGE", Arity: -3, Words: "key [SAMPLES count]",
				Flags: command.Read, Keys: command.KeySpec{First: 2, Last: 2, Step: 1},
				Run: memoryUsage, Summary: "Return the bytes that a key costs, indexes included."}),
	}
}

func serverTime(c *command.Ctx, _ [][]byte) error {
	now := c.Engine.Clock.Micros()
	c.Reply.Array(2)
	c.Reply.Str(strconv.FormatInt(now/1e6, 10))
	c.Reply.Str(strconv.FormatInt(now%1e6, 10))
	return nil
}

func functionFlush(c *command.Ctx, argv [][]byte) error {
	if len(argv) > 3 ||
		len(argv) == 3 && !lines.Is(argv[2], "ASYNC") && !lines.Is(argv[2], "SYNC") {
		return errFlushMode
	}
	return ok(c)
}

// memoryUsage checks SAMPLES, then needs none: the cost of a key is known exactly.
func memoryUsage(c *command.Ctx, argv [][]byte) error {
	for i := 3; i < len(argv); i += 2 {
		if !lines.Is(argv[i], "SAMPLES") || i+1 == len(argv) {
			return errSyntax
		}
		n, isInt := integer(argv[i+1])
		if !isInt {
			return errNotInteger
		}
		if n < 0 {
			return errSyntax
		}
	}
	if e, found := c.Tx.Peek(c.DB, argv[2]); found {
		c.Reply.Int(int64(e.Footprint()))
	} else {
		c.Reply.Null()
	}
	return nil
}
