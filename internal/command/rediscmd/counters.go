package rediscmd

import (
	"math"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/effect"
)

func counterRows() []*command.Row {
	return []*command.Row{{
		Name: "INCR", Arity: 2, Keys: oneKey, Flags: growsFast,
		Group: "string", Words: "key",
		Summary: "Adds one to the integer of a key; an absent key counts as 0.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			return incr(c, argv[1], 1, effect.ByIncrBy)
		},
	}, {
		Name: "DECR", Arity: 2, Keys: oneKey, Flags: growsFast,
		Group: "string", Words: "key",
		Summary: "Subtracts one from the integer of a key; an absent key counts as 0.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			return incr(c, argv[1], -1, effect.ByDecrBy)
		},
	}, {
		Name: "INCRBY", Arity: 3, Keys: oneKey, Flags: growsFast,
		Group: "string", Words: "key increment",
		Summary: "Adds to the integer of a key; an absent key counts as 0.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			delta, err := integer(argv[2])
			if err != nil {
				return err
			}
			return incr(c, argv[1], delta, effect.ByIncrBy)
		},
	}, {
		Name: "DECRBY", Arity: 3, Keys: oneKey, Flags: growsFast,
		Group: "string", Words: "key decrement",
		Summary: "Subtracts from the integer of a key; an absent key counts as 0.",
		Run:     decrBy,
	}, {
		Name: "INCRBYFLOAT", Arity: 3, Keys: oneKey, Flags: growsFast,
		Group: "string", Words: "key increment",
		Summary: "Adds to the number of a key; an absent key counts as 0.",
		Run:     incrByFloat,
	}}
}

func incr(c *command.Ctx, key []byte, delta int64, cause effect.Cause) error {
	sum, err := plan.Incr(c.Tx, c.DB, key, delta, cause)
	if err != nil {
		return worded(err)
	}
	c.Reply.Int(sum)
	return nil
}

func decrBy(c *command.Ctx, argv [][]byte) error {
	delta, err := integer(argv[2])
	if err != nil {
		return err
	}
	if delta == math.MinInt64 {
		return errDecrement
	}
	return incr(c, argv[1], -delta, effect.ByDecrBy)
}

func incrByFloat(c *command.Ctx, argv [][]byte) error {
	sum, err := plan.IncrFloat(c.Tx, c.DB, argv[1], argv[2])
	if err != nil {
		return worded(err)
	}
	c.Reply.Text(sum)
	return nil
}
