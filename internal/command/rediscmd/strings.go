package rediscmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/effect"
)

func stringRows() []*command.Row {
	return []*command.Row{{
		Name: "GET", Arity: 2, Keys: oneKey, Flags: readsFast,
		Group: "string", Words: "key",
		Summary: "Returns the value of a key.",
		Run:     get,
	}, {
		Name: "GETDEL", Arity: 2, Keys: oneKey, Flags: writes | command.Fast,
		Group: "string", Words: "key",
		Summary: "Returns the value of a key and deletes the key.",
		Run:     getDel,
	}, {
		Name: "GETEX", Arity: -2, Keys: oneKey, Flags: writes | command.Fast,
		Group: "string",
		Words: "key [EX seconds|PX milliseconds|EXAT unix-time-seconds|" +
			"PXAT unix-time-milliseconds|PERSIST]",
		Summary: "Returns the value of a key and moves or removes its deadline.",
		Run:     getEx,
	}, {
		Name: "GETSET", Arity: 3, Keys: oneKey, Flags: growsFast,
		Group: "string", Words: "key value",
		Summary: "Stores a value and returns the one before.",
		Run:     getSet,
	}, {
		Name: "MGET", Arity: -2, Keys: allWords, Flags: readsFast,
		Group: "string", Words: "key [key ...]",
		Summary: "Returns the values of several keys.",
		Run:     mGet,
	}, {
		Name: "MSET", Arity: -3, Keys: pairs, Flags: grows,
		Group: "string", Words: "key value [key value ...]",
		Summary: "Stores several values at once.",
		Run:     mSet,
	}, {
		Name: "MSETNX", Arity: -3, Keys: pairs, Flags: grows,
		Group: "string", Words: "key value [key value ...]",
		Summary: "Stores several values at once, if none of the keys exists.",
		Run:     mSetNX,
	}, {
		Name: "STRLEN", Arity: 2, Keys: oneKey, Flags: readsFast,
		Group: "string", Words: "key",
		Summary: "Returns the length of a value in bytes.",
		Run:     strLen,
	}}
}

func get(c *command.Ctx, argv [][]byte) error {
	valueOrNull(c, argv[1])
	return nil
}

func getDel(c *command.Ctx, argv [][]byte) error {
	if valueOrNull(c, argv[1]) {
		c.Tx.Apply(effect.Effect{Kind: effect.Delete, DB: c.DB, Key: argv[1]})
	}
	return nil
}

var getExOptions = append([]option{
	{word: "PERSIST", sets: optPersist, bars: optKeepTTL | optDeadline},
}, deadlineOptions...)

func getEx(c *command.Ctx, argv [][]byte) error {
	o, err := parseOptions(argv[2:], getExOptions)
	if err != nil {
		return err
	}
	e, found := c.Tx.Get(c.DB, argv[1])
	if !found {
		c.Reply.Null()
		return nil
	}
	deadline, err := o.deadline(c.Now, "getex")
	if err != nil {
		return err
	}
	value(c, e)
	if o.has(optDeadline) {
		plan.Expire(c.Tx, c.DB, argv[1], deadline, 0)
	} else if o.has(optPersist) {
		plan.Persist(c.Tx, c.DB, argv[1])
	}
	return nil
}

func getSet(c *command.Ctx, argv [][]byte) error {
	valueOrNull(c, argv[1])
	plan.Set(c.Tx, c.DB, argv[1], argv[2], plan.SetOptions{})
	return nil
}

func mGet(c *command.Ctx, argv [][]byte) error {
	c.Reply.Array(len(argv) - 1)
	for _, key := range argv[1:] {
		valueOrNull(c, key)
	}
	return nil
}

func mSet(c *command.Ctx, argv [][]byte) error {
	if len(argv)%2 == 0 {
		return errArity("mset")
	}
	setPairs(c, argv[1:])
	c.Reply.Status("OK")
	return nil
}

func mSetNX(c *command.Ctx, argv [][]byte) error {
	if len(argv)%2 == 0 {
		return errArity("msetnx")
	}
	exists := plan.AnyExists(c.Tx, c.DB, argv[1:], 2)
	if !exists {
		setPairs(c, argv[1:])
	}
	c.Reply.Bool(!exists)
	return nil
}

func setPairs(c *command.Ctx, words [][]byte) {
	for i := 0; i < len(words); i += 2 {
		plan.Set(c.Tx, c.DB, words[i], words[i+1], plan.SetOptions{})
	}
}

func strLen(c *command.Ctx, argv [][]byte) error {
	n := 0
	if e, found := c.Tx.Get(c.DB, argv[1]); found {
		n = e.Len()
	}
	c.Reply.Int(int64(n))
	return nil
}
