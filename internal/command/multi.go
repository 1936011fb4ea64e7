package command

import (
	"bytes"

	"github.com/synapdb/synap/internal/errs"
)

// perWordBytes is what a queued word costs besides its bytes: a command of a million empty words
// is not free.
const perWordBytes = 24

// enqueue puts a command line into the open transaction.
func (e *Engine) enqueue(s *Session, row *Row, argv [][]byte, r Reply) {
	m := s.Multi
	// EXEC holds the locks that a SelfLocking row takes, but AllKeys makes EXEC take them for it.
	if row.Has(NoMulti) || row.Has(SelfLocking) && !row.Has(AllKeys) {
		m.Dirty = true
		r.Error(errInMulti)
		return
	}
	if row.Has(Grows) && e.makeRoom(argv, e.now(s)) != nil {
		m.Dirty = true
		r.Error(errRedisMemory)
		return
	}
	for _, word := range argv {
		m.Bytes += len(word) + perWordBytes
	}
	if len(m.Queue) >= e.Limits.BatchItems || m.Bytes > e.Limits.BatchBytes {
		m.Dirty = true
		m.Queue = nil
		r.Error(errMultiFull)
		return
	}
	line := make([][]byte, len(argv))
	for i, word := range argv {
		line[i] = bytes.Clone(word)
	}
	m.Queue = append(m.Queue, line)
	s.Info.Multi.Store(int32(len(m.Queue)))
	r.Status("QUEUED")
}

// EndMulti leaves the transaction and forgets watched keys. The caller holds no lock.
func (e *Engine) EndMulti(s *Session) {
	s.Multi = nil
	s.Info.Multi.Store(-1)
	if !s.Watched.Empty() {
		e.Store.Unwatch(&s.Watched)
	}
}

// ExecMulti runs the queued commands of c's session with all their keys locked at once and
// writes one array of replies, or a null array when a watched key changed.
func (e *Engine) ExecMulti(c *Ctx) error {
	s := c.Session
	m := s.Multi
	if m.Dirty {
		e.EndMulti(s)
		return errExecAbort
	}
	rows := make([]*Row, len(m.Queue))
	db := s.DB
	var need, record int
	for i, argv := range m.Queue {
		rows[i], _ = e.Resolve(argv) // resolved once already, when queued
		if rows[i].Name == "SELECT" {
			c.Tx.DeclareAll() // later keys belong to another database: lock everything
		}
		rows[i].declare(&s.tx, db, argv)
		if rows[i].Has(Grows) {
			for _, word := range argv {
				need += len(word)
			}
			need += perCommandBytes
		}
		if rows[i].Has(Write) {
			record += lineBytes(argv)
		}
	}
	if record > 0 {
		if err := e.Admit(record); err != nil {
			e.EndMulti(s)
			return errs.New(errs.Redis,
				"EXECABORT Transaction discarded because of: MISCONF "+err.Error())
		}
	}
	if need > 0 && e.Store.MakeRoom(need, c.Now) != nil {
		e.EndMulti(s)
		return errExecMemory
	}
	c.Tx.DeclareWatched(&s.Watched)
	s.tx.Lock()
	s.Multi = nil
	if c.Tx.Changed(&s.Watched) {
		s.tx.Unlock()
		e.EndMulti(s)
		c.Reply.NullArray()
		return nil
	}
	c.Reply.Array(len(rows))
	c.InExec = true
	for i, row := range rows {
		c.DB = s.DB // SELECT may have moved it
		err := report(c.Reply, row.Run(c, m.Queue[i]))
		e.count(s, row, err)
		e.require(s, row, err)
	}
	s.tx.Unlock()
	e.EndMulti(s)
	s.Pushed = false // EXEC has a reply
	return nil
}

// Batch runs the items in order, each on its own, and writes an array of
// {success, payload, error, code}.
func (e *Engine) Batch(c *Ctx, items []Item) {
	r := c.Reply
	s := c.Session
	s.Parking, s.Waker = nil, nil // a batch answers at once
	r.Array(len(items))
	for i := range items {
		item := &items[i]
		mark := r.Mark()
		beginItem(r)
		err := item.Err
		if err == nil && item.Args.Row.Has(Blocking) {
			err = errBatchBlocks
		}
		if err == nil {
			err = e.CallAs(s, &item.Args, item.Args.Row.Call, item.Args.Row.Flags, r)
		}
		endItem(r, mark, err)
	}
}

// bounded is a Reply that keeps to a size.
type bounded interface {
	// Over says that something did not fit and the reply is worth nothing.
	Over() bool
}

func over(r Reply) bool {
	b, ok := r.(bounded)
	return ok && b.Over()
}

// errAnswerOver refuses an atomic batch whose answer cannot be given.
var errAnswerOver = errs.New(errs.TooLarge, "Invalid request: the answer would be too large; "+
	"nothing was changed; ask for less at once")

// BatchAtomic runs the items with all their keys locked: all of them hold, or none does. What
// cannot be answered does not hold either.
func (e *Engine) BatchAtomic(c *Ctx, items []Item) error {
	tx := &c.Session.tx
	c.Session.Parking, c.Session.Waker = nil, nil // what waits would hold the locks of all
	bad, need, record := -1, 0, 0
	for i := range items {
		item := &items[i]
		if item.Err == nil && item.Args.Row.Flags&(NoMulti|SelfLocking) != 0 {
			item.Err = errUndoable
		}
		if item.Err != nil {
			bad = i
			break
		}
		bytes := item.Args.declare(tx, c.DB)
		if item.Args.Row.Has(Grows) {
			need += bytes + perCommandBytes
		}
		if item.Args.Row.Has(AllKeys) {
			c.Tx.DeclareAll()
		}
		if item.Args.Row.Has(Write) {
			record += bytes + perCommandBytes
		}
	}
	r := c.Reply
	mark := r.Mark()
	if bad < 0 {
		if record > 0 {
			if err := e.Admit(record); err != nil {
				return err
			}
			c.Session.Require(DefaultLevel, true)
		}
		if need > 0 && e.Store.MakeRoom(need, c.Now) != nil {
			return errMemory
		}
		r.Array(len(items))
		tx.Lock()
		tx.Atomic()
		c.Atomic = true
		bad = runItems(c, items)
		if bad >= 0 || over(r) {
			tx.Rollback()
		}
		tx.Unlock()
		if over(r) {
			return errAnswerOver
		}
	}
	if bad >= 0 {
		r.Rewind(mark)
		abortItems(r, items, bad)
	}
	return nil
}

// runItems returns the position of the first item that failed, or -1. It stops when the answer
// is over its bound.
func runItems(c *Ctx, items []Item) int {
	for i := range items {
		if over(c.Reply) {
			break
		}
		mark := c.Reply.Mark()
		beginItem(c.Reply)
		if items[i].Err = items[i].Args.Row.Call(c, &items[i].Args); items[i].Err != nil {
			return i
		}
		endItem(c.Reply, mark, nil)
	}
	return -1
}

func abortItems(r Reply, items []Item, bad int) {
	r.Array(len(items))
	for i := range items {
		err := error(ErrAborted)
		if i == bad {
			err = items[i].Err
		}
		endItem(r, r.Mark(), err)
	}
}

func beginItem(r Reply) {
	r.Map(4)
	r.Str("success")
	r.Bool(true)
	r.Str("payload")
}

// endItem closes an item begun by beginItem, or replaces it by a failure.
func endItem(r Reply, begun Mark, err error) {
	if err == nil {
		r.Str("error")
		r.Null()
		r.Str("code")
		r.Null()
		return
	}
	r.Rewind(begun)
	r.Map(4)
	r.Str("success")
	r.Bool(false)
	r.Str("payload")
	r.Null()
	r.Str("error")
	r.Str(err.Error())
	r.Str("code")
	r.Str(errs.Of(err).Code())
}
