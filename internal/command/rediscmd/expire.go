package rediscmd

import (
	"math"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/errs"
)

func expireRows() []*command.Row {
	row := func(name, arg, summary string, unit flags) *command.Row {
		return &command.Row{
			Name: name, Arity: -3, Keys: oneKey, Flags: writes | command.Fast,
			Group: "generic", Words: "key " + arg + " [NX|XX|GT|LT]",
			Summary: summary, Run: expire(strings.ToLower(name), unit),
		}
	}
	return []*command.Row{
		row("EXPIRE", "seconds", "Lets a key expire after seconds.", optEX),
		row("PEXPIRE", "milliseconds", "Lets a key expire after milliseconds.", optPX),
		row("EXPIREAT", "unix-time-seconds",
			"Lets a key expire at a moment in seconds.", optEXAT),
		row("PEXPIREAT", "unix-time-milliseconds",
			"Lets a key expire at a moment in milliseconds.", optPXAT),
		{
			Name: "PERSIST", Arity: 2, Keys: oneKey, Flags: writes | command.Fast,
			Group: "generic", Words: "key",
			Summary: "Removes the deadline of a key.",
			Run:     persist,
		},
	}
}

var expireOptions = []option{
	{word: "NX", sets: flags(plan.IfNone)},
	{word: "XX", sets: flags(plan.IfAny)},
	{word: "GT", sets: flags(plan.IfLater)},
	{word: "LT", sets: flags(plan.IfEarlier)},
}

var (
	errExpireNX = errs.New(errs.Redis,
		"ERR NX and XX, GT or LT options at the same time are not compatible")
	errExpireGTLT = errs.New(errs.Redis,
		"ERR GT and LT options at the same time are not compatible")
)

// expire makes the four commands that move a deadline; name is for an error's text.
func expire(name string, unit flags) runFunc {
	return func(c *command.Ctx, argv [][]byte) error {
		when, err := expireCondition(argv[3:])
		if err != nil {
			return err
		}
		n, err := integer(argv[2])
		if err != nil {
			return err
		}
		deadline, ok := moment(n, unit, c.Now)
		if !ok {
			return errExpireTime(name)
		}
		c.Reply.Bool(plan.Expire(c.Tx, c.DB, argv[1], deadline, when))
		return nil
	}
}

func expireCondition(words [][]byte) (plan.Condition, error) {
	o, err := parseOptions(words, expireOptions)
	if err != nil {
		return 0, errs.Newf(errs.Redis, "ERR Unsupported option %s", o.bad)
	}
	when := plan.Condition(o.flags)
	if when&plan.IfNone != 0 && when != plan.IfNone {
		return 0, errExpireNX
	}
	if when&plan.IfLater != 0 && when&plan.IfEarlier != 0 {
		return 0, errExpireGTLT
	}
	return when, nil
}

// moment is n of unit in ms since the Unix epoch. Unlike SET, EXPIRE takes moments in the past.
func moment(n int64, unit flags, now int64) (int64, bool) {
	if unit.has(optEX | optEXAT) {
		if n > math.MaxInt64/1000 || n < math.MinInt64/1000 {
			return 0, false
		}
		n *= 1000
	}
	if unit.has(optEX | optPX) {
		if n > math.MaxInt64-now {
			return 0, false
		}
		n += now
	}
	return n, true
}

func persist(c *command.Ctx, argv [][]byte) error {
	c.Reply.Bool(plan.Persist(c.Tx, c.DB, argv[1]))
	return nil
}
