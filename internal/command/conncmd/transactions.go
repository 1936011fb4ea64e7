package conncmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
)

var (
	errNested       = errs.New(errs.Redis, "ERR MULTI calls can not be nested")
	errWatchInside  = errs.New(errs.Redis, "ERR WATCH inside MULTI is not allowed")
	errExecAlone    = errs.New(errs.Redis, "ERR EXEC without MULTI")
	errDiscardAlone = errs.New(errs.Redis, "ERR DISCARD without MULTI")
)

func transactionRows() []*command.Row {
	rows := []*command.Row{
		{Name: "MULTI", Arity: 1, Flags: quick | command.NoQueue, Run: multi,
			Summary: "Starts queueing commands."},
		{Name: "EXEC", Arity: 1, Flags: command.SelfLocking | command.NoQueue, Run: exec,
			Summary: "Runs the queued commands as one, unless a watched key changed."},
		{Name: "DISCARD", Arity: 1, Flags: quick | command.NoQueue, Run: discard,
			Summary: "Forgets the queued commands and the watched keys."},
		{Name: "WATCH", Arity: -2, Words: "key [key ...]", Flags: command.Fast | command.NoQueue,
			Keys: command.KeySpec{First: 1, Last: -1, Step: 1}, Run: watch,
			Summary: "Makes EXEC conditional on keys staying as they are."},
		{Name: "UNWATCH", Arity: 1, Flags: quick, Run: unwatch,
			Summary: "Forgets the watched keys."},
	}
	for _, row := range rows {
		row.Group, row.Since = "transactions", "0.1.0"
	}
	return rows
}

func multi(c *command.Ctx, _ [][]byte) error {
	if c.Session.Multi != nil {
		return errNested
	}
	c.Session.Multi = new(command.Multi)
	c.Session.Info.Multi.Store(0)
	return ok(c)
}

func exec(c *command.Ctx, _ [][]byte) error {
	if c.Session.Multi == nil {
		return errExecAlone
	}
	return c.Engine.ExecMulti(c)
}

func discard(c *command.Ctx, _ [][]byte) error {
	if c.Session.Multi == nil {
		return errDiscardAlone
	}
	c.Engine.EndMulti(c.Session)
	return ok(c)
}

func watch(c *command.Ctx, argv [][]byte) error {
	if c.Session.Multi != nil {
		return errWatchInside
	}
	for _, key := range argv[1:] {
		c.Tx.Watch(&c.Session.Watched, c.DB, key)
	}
	return ok(c)
}

// unwatch leaves the keys alone inside EXEC, whose end forgets them anyway: their locks are held.
func unwatch(c *command.Ctx, _ [][]byte) error {
	if !c.InExec && !c.Session.Watched.Empty() {
		c.Store.Unwatch(&c.Session.Watched)
	}
	return ok(c)
}
