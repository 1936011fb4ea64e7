package rediscmd

import (
	"math"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
)

func setRows() []*command.Row {
	return []*command.Row{{
		Name: "SET", Arity: -3, Keys: oneKey, Flags: grows,
		Group: "string",
		Words: "key value [NX|XX] [GET] [EX seconds|PX milliseconds|EXAT unix-time-seconds|" +
			"PXAT unix-time-milliseconds|KEEPTTL]",
		Summary: "Stores a value, on conditions and with a deadline if wanted.",
		Run:     set,
	}, {
		Name: "SETNX", Arity: 3, Keys: oneKey, Flags: growsFast,
		Group: "string", Words: "key value",
		Summary: "Stores a value if the key does not exist.",
		Run:     setNX,
	}, {
		Name: "SETEX", Arity: 4, Keys: oneKey, Flags: grows,
		Group: "string", Words: "key seconds value",
		Summary: "Stores a value that expires after seconds.",
		Run:     setFor("setex", optEX),
	}, {
		Name: "PSETEX", Arity: 4, Keys: oneKey, Flags: grows,
		Group: "string", Words: "key milliseconds value",
		Summary: "Stores a value that expires after milliseconds.",
		Run:     setFor("psetex", optPX),
	}}
}

// The options of SET and GETEX.
const (
	optNX flags = 1 << iota
	optXX
	optGet
	optKeepTTL
	optPersist
	optEX
	optPX
	optEXAT
	optPXAT

	optDeadline = optEX | optPX | optEXAT | optPXAT
	optTTL      = optKeepTTL | optPersist | optDeadline
)

// A deadline may be given twice by the same word: Redis takes the last.
var deadlineOptions = []option{
	{word: "EX", sets: optEX, bars: optTTL &^ optEX, arg: textArg},
	{word: "PX", sets: optPX, bars: optTTL &^ optPX, arg: textArg},
	{word: "EXAT", sets: optEXAT, bars: optTTL &^ optEXAT, arg: textArg},
	{word: "PXAT", sets: optPXAT, bars: optTTL &^ optPXAT, arg: textArg},
}

var setOptions = append([]option{
	{word: "NX", sets: optNX, bars: optXX},
	{word: "XX", sets: optXX, bars: optNX},
	{word: "GET", sets: optGet},
	{word: "KEEPTTL", sets: optKeepTTL, bars: optPersist | optDeadline},
}, deadlineOptions...)

func set(c *command.Ctx, argv [][]byte) error {
	if len(argv) == 3 {
		plan.Set(c.Tx, c.DB, argv[1], argv[2], plan.SetOptions{})
		c.Reply.Status("OK")
		return nil
	}
	o, err := parseOptions(argv[3:], setOptions)
	if err != nil {
		return err
	}
	deadline, err := o.deadline(c.Now, "set")
	if err != nil {
		return err
	}
	if o.has(optGet) {
		valueOrNull(c, argv[1]) // copied or retained, so the write below cannot change it
	}
	_, stored := plan.Set(c.Tx, c.DB, argv[1], argv[2], plan.SetOptions{
		NX: o.has(optNX), XX: o.has(optXX), KeepTTL: o.has(optKeepTTL), Deadline: deadline,
	})
	switch {
	case o.has(optGet): // answered
	case stored:
		c.Reply.Status("OK")
	default:
		c.Reply.Null()
	}
	return nil
}

func setNX(c *command.Ctx, argv [][]byte) error {
	_, stored := plan.Set(c.Tx, c.DB, argv[1], argv[2], plan.SetOptions{NX: true})
	c.Reply.Bool(stored)
	return nil
}

// setFor makes SETEX and PSETEX.
func setFor(name string, unit flags) runFunc {
	return func(c *command.Ctx, argv [][]byte) error {
		o := options{flags: unit, text: argv[2]}
		deadline, err := o.deadline(c.Now, name)
		if err != nil {
			return err
		}
		plan.Set(c.Tx, c.DB, argv[1], argv[3], plan.SetOptions{Deadline: deadline})
		c.Reply.Status("OK")
		return nil
	}
}

// deadline is the moment that EX, PX, EXAT or PXAT names, in ms since the Unix epoch, or 0
// without any of them.
func (o *options) deadline(now int64, command string) (int64, error) {
	if !o.has(optDeadline) {
		return 0, nil
	}
	n, err := integer(o.text)
	if err != nil {
		return 0, err
	}
	if o.has(optEX | optEXAT) {
		if n > math.MaxInt64/1000 {
			return 0, errExpireTime(command)
		}
		n *= 1000
	}
	if n <= 0 || o.has(optEX|optPX) && n > math.MaxInt64-now {
		return 0, errExpireTime(command)
	}
	if o.has(optEX | optPX) {
		n += now
	}
	return n, nil
}
