package rediscmd

import (
	"bytes"
	"errors"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
)

// acrossDatabases is carried by commands with keys of two databases. The engine declares keys of
// the session's database only, so these lock their keys themselves, and in EXEC lock everything.
const acrossDatabases = command.SelfLocking | command.AllKeys

func databaseRows() []*command.Row {
	return []*command.Row{{
		Name: "COPY", Arity: -3, Keys: twoKeys, Flags: grows | acrossDatabases,
		Group: "generic", Words: "source destination [DB index] [REPLACE]",
		Summary: "Copies the value of a key to another key, also of another database.",
		Run:     copyKey,
	}, {
		Name: "MOVE", Arity: 3, Keys: oneKey, Flags: writes | command.Fast | acrossDatabases,
		Group: "generic", Words: "key db",
		Summary: "Moves a key to another database unless it exists there.",
		Run:     move,
	}, {
		Name: "SWAPDB", Arity: 3, Flags: writes | command.Fast | command.AllKeys,
		Group: "server", Words: "index1 index2",
		Summary: "Exchanges the contents of two databases.",
		Run:     swapDB,
	}, {
		Name: "DBSIZE", Arity: 1, Flags: readsFast,
		Group:   "server",
		Summary: "Returns the number of keys of the database.",
		Run:     dbSize,
	}, {
		Name: "FLUSHDB", Arity: -1, Flags: writes | command.AllKeys,
		Group: "server", Words: "[ASYNC|SYNC]",
		Summary: "Deletes every key of the database.",
		Run:     flush(effect.Flush),
	}, {
		Name: "FLUSHALL", Arity: -1, Flags: writes | command.AllKeys,
		Group: "server", Words: "[ASYNC|SYNC]",
		Summary: "Deletes every key of every database.",
		Run:     flush(effect.FlushAll),
	}}
}

// withPlaces runs f with both places locked.
func withPlaces(c *command.Ctx, from, to plan.Place, f func() error) error {
	if !c.InExec {
		c.Tx.Declare(from.DB, from.Key)
		c.Tx.Declare(to.DB, to.Key)
		c.Tx.Lock()
		defer c.Tx.Unlock()
	}
	return f()
}

const optReplace, optDB flags = 1, 2

var copyOptions = []option{
	{word: "REPLACE", sets: optReplace},
	{word: "DB", sets: optDB, arg: dbArg},
}

func copyKey(c *command.Ctx, argv [][]byte) error {
	o, err := parseOptions(argv[3:], copyOptions)
	if err != nil {
		return err
	}
	from, to := plan.Place{DB: c.DB, Key: argv[1]}, plan.Place{DB: c.DB, Key: argv[2]}
	if o.has(optDB) {
		to.DB = uint8(o.num)
	}
	if from.DB == to.DB && bytes.Equal(from.Key, to.Key) {
		return errSameObject
	}
	return withPlaces(c, from, to, func() error {
		return replyMoved(c, plan.Copy(c.Tx, from, to, o.has(optReplace)))
	})
}

// replyMoved answers whether a key came to its place; only a journal that is full is an error.
func replyMoved(c *command.Ctx, err error) error {
	if errs.Of(err) == errs.Storage {
		return err
	}
	c.Reply.Bool(err == nil)
	return nil
}

func move(c *command.Ctx, argv [][]byte) error {
	db, err := database(argv[2])
	if err != nil {
		return err
	}
	if db == c.DB {
		return errSameObject
	}
	from, to := plan.Place{DB: c.DB, Key: argv[1]}, plan.Place{DB: db, Key: argv[1]}
	return withPlaces(c, from, to, func() error {
		return replyMoved(c, plan.Rename(c.Tx, from, to, false))
	})
}

var (
	errFirstDB  = errs.New(errs.Redis, "ERR invalid first DB index")
	errSecondDB = errs.New(errs.Redis, "ERR invalid second DB index")
)

func swapDB(c *command.Ctx, argv [][]byte) error {
	first, err1 := database(argv[1])
	if err1 != nil && !errors.Is(err1, errDatabase) {
		return errFirstDB
	}
	second, err2 := database(argv[2])
	if err2 != nil && !errors.Is(err2, errDatabase) {
		return errSecondDB
	}
	if err1 != nil || err2 != nil {
		return errDatabase
	}
	if first != second {
		c.Tx.Apply(effect.Effect{Kind: effect.Swap, DB: first, Other: second})
	}
	c.Reply.Status("OK")
	return nil
}

func dbSize(c *command.Ctx, _ [][]byte) error {
	c.Reply.Int(c.Store.Count(c.DB))
	return nil
}

// flush makes FLUSHDB and FLUSHALL. ASYNC and SYNC are the same.
func flush(kind effect.Kind) runFunc {
	return func(c *command.Ctx, argv [][]byte) error {
		if len(argv) > 2 {
			return errSyntax
		}
		if len(argv) == 2 && !lines.Is(argv[1], "ASYNC") && !lines.Is(argv[1], "SYNC") {
			return errSyntax
		}
		c.Tx.Apply(effect.Effect{Kind: kind, DB: c.DB})
		c.Reply.Status("OK")
		return nil
	}
}
