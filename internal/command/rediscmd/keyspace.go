package rediscmd

import (
	"errors"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
)

func keyspaceRows() []*command.Row {
	return []*command.Row{{
		Name: "DEL", Arity: -2, Keys: allWords, Flags: writes,
		Group: "generic", Words: "key [key ...]",
		Summary: "Deletes keys and returns how many there were.",
		Run:     del,
	}, {
		Name: "UNLINK", Arity: -2, Keys: allWords, Flags: writes | command.Fast,
		Group: "generic", Words: "key [key ...]",
		Summary: "Deletes keys and returns how many there were; the same as DEL.",
		Run:     del,
	}, {
		Name: "EXISTS", Arity: -2, Keys: allWords, Flags: readsFast,
		Group: "generic", Words: "key [key ...]",
		Summary: "Returns how many of the keys exist, doubles counted again.",
		Run:     exists,
	}, {
		Name: "TOUCH", Arity: -2, Keys: allWords, Flags: readsFast,
		Group: "generic", Words: "key [key ...]",
		Summary: "Marks keys as just used and returns how many exist.",
		Run:     touch,
	}, {
		Name: "TYPE", Arity: 2, Keys: oneKey, Flags: readsFast,
		Group: "generic", Words: "key",
		Summary: "Returns the type of the value of a key.",
		Run:     typeOf,
	}, {
		Name: "RENAME", Arity: 3, Keys: twoKeys, Flags: writes,
		Group: "generic", Words: "key newkey",
		Summary: "Renames a key, replacing another one if need be.",
		Run:     checkKeys(twoKeys, rename),
	}, {
		Name: "RENAMENX", Arity: 3, Keys: twoKeys, Flags: writes | command.Fast,
		Group: "generic", Words: "key newkey",
		Summary: "Renames a key unless the new name is taken.",
		Run:     checkKeys(twoKeys, renameNX),
	}}
}

func del(c *command.Ctx, argv [][]byte) error {
	n := 0
	for _, key := range argv[1:] {
		if plan.Delete(c.Tx, c.DB, key) {
			n++
		}
	}
	c.Reply.Int(int64(n))
	return nil
}

func exists(c *command.Ctx, argv [][]byte) error {
	n := 0
	for _, key := range argv[1:] {
		if _, found := c.Tx.Peek(c.DB, key); found {
			n++
		}
	}
	c.Reply.Int(int64(n))
	return nil
}

func touch(c *command.Ctx, argv [][]byte) error {
	n := 0
	for _, key := range argv[1:] {
		if _, found := c.Tx.Get(c.DB, key); found {
			n++
		}
	}
	c.Reply.Int(int64(n))
	return nil
}

// typeString is the only type so far.
const typeString = "string"

func typeOf(c *command.Ctx, argv [][]byte) error {
	if _, found := c.Tx.Peek(c.DB, argv[1]); found {
		c.Reply.Status(typeString)
	} else {
		c.Reply.Status("none")
	}
	return nil
}

func rename(c *command.Ctx, argv [][]byte) error {
	from, to := plan.Place{DB: c.DB, Key: argv[1]}, plan.Place{DB: c.DB, Key: argv[2]}
	if err := plan.Rename(c.Tx, from, to, true); err != nil {
		return worded(err)
	}
	c.Reply.Status("OK")
	return nil
}

func renameNX(c *command.Ctx, argv [][]byte) error {
	from, to := plan.Place{DB: c.DB, Key: argv[1]}, plan.Place{DB: c.DB, Key: argv[2]}
	err := plan.Rename(c.Tx, from, to, false)
	if err != nil && !errors.Is(err, plan.ErrExists) {
		return worded(err)
	}
	c.Reply.Bool(err == nil)
	return nil
}
