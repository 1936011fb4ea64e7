package rediscmd

import (
	"slices"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/kv"
)

// Which words of a command line are keys.
var (
	oneKey   = command.KeySpec{First: 1, Last: 1, Step: 1}
	twoKeys  = command.KeySpec{First: 1, Last: 2, Step: 1}
	allWords = command.KeySpec{First: 1, Last: -1, Step: 1}
	pairs    = command.KeySpec{First: 1, Last: -1, Step: 2}
)

// Common sets of flags.
const (
	reads     = command.Read
	readsFast = command.Read | command.Fast
	writes    = command.Write
	grows     = command.Write | command.Grows
	growsFast = command.Write | command.Grows | command.Fast
)

// since is the first release with these rows.
const since = "0.1.0"

// Rows makes the rows of the Redis dialect for one engine: SCAN's cursors belong to them.
func Rows() []*command.Row {
	rows := slices.Concat(
		stringRows(), setRows(), counterRows(), rangeRows(), lcsRows(),
		expireRows(), ttlRows(), keyspaceRows(), databaseRows(), objectRows(),
		scanRows(newCursors(maxCursors, maxCursorBytes)),
		bitRows(), bitfieldRows(),
	)
	for _, row := range rows {
		row.Since = since
		for _, sub := range row.Subcommands {
			sub.Since = since
		}
		if row.Has(command.Grows) {
			row.Run = checkKeys(row.Keys, row.Run)
		}
	}
	return rows
}

// checkKeys refuses keys that the store cannot hold before run might create them. Redis would
// hold them: its keys are bounded by the length of a bulk string only.
func checkKeys(keys command.KeySpec, run runFunc) runFunc {
	return func(c *command.Ctx, argv [][]byte) error {
		for i, end := keys.First, keys.End(len(argv)); i < end; i += keys.Step {
			if len(argv[i]) > kv.MaxKeyBytes {
				return command.CheckKey(argv[i])
			}
		}
		return run(c, argv)
	}
}

// checkRoom refuses a value of so many bytes that it alone is over the memory limit: a far offset
// makes a large value out of a short command line, which the engine has made room for.
func checkRoom(c *command.Ctx, bytes int64) error {
	if limit, _ := c.Store.MemoryLimit(); limit > 0 && bytes > limit {
		return errMemory
	}
	return nil
}

type runFunc = func(c *command.Ctx, argv [][]byte) error

// value replies with what e holds; a big value is retained instead of copied.
func value(c *command.Ctx, e kv.Entry) {
	if large, ok := e.Large(); ok {
		c.Reply.Large(large)
		return
	}
	c.Reply.Text(e.Value())
}

// valueOrNull replies with the value of key, or null, and says whether there was one.
func valueOrNull(c *command.Ctx, key []byte) bool {
	e, found := c.Tx.Get(c.DB, key)
	if !found {
		c.Reply.Null()
		return false
	}
	value(c, e)
	return true
}
