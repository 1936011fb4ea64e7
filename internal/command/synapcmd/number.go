package synapcmd

import (
	"errors"
	"math"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
)

func numberRows() []*command.Row {
	fields := []command.Field{keyField, {
		Name: "amount", Aliases: []string{"delta"}, Type: command.IntField,
		Doc: "The step; 1 when absent.",
	}}
	return []*command.Row{{
		Name: "kv.incr", Aliases: []string{"kv.incrby"}, Flags: grows,
		Summary: "Adds to a number; an absent key counts as 0. The time to live stays.",
		Fields:  fields, Call: step("INCR", false),
	}, {
		Name: "kv.decr", Aliases: []string{"kv.decrby"}, Flags: grows,
		Summary: "Subtracts from a number; an absent key counts as 0. The time to live stays.",
		Fields:  fields, Call: step("DECR", true),
	}}
}

func step(name string, down bool) func(*command.Ctx, *command.Args) error {
	overflow := errs.Value("Integer overflow on " + name)
	return func(c *command.Ctx, a *command.Args) error {
		amount, cause := a.Int(1, 1), effect.ByIncrBy
		if down {
			if amount == math.MinInt64 { // it has no positive twin
				return overflow
			}
			amount, cause = -amount, effect.ByDecrBy
		}
		sum, err := plan.Incr(c.Tx, c.DB, a.Bytes(0), amount, cause)
		if errors.Is(err, plan.ErrOverflow) {
			return overflow
		}
		if err != nil {
			return worded(err, a.Bytes(0))
		}
		return replyInt(c.Reply, "value", sum)
	}
}
