package command

import (
	"strings"
	"sync/atomic"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/store/room"
)

// Engine runs commands against the stores. It is safe for concurrent use; each Session is not.
type Engine struct {
	Table    *Table
	Store    *kv.Store
	Queues   *queue.Store // nil when the table has no commands over queues
	Rooms    *room.Store  // nil when the table has no commands over rooms
	Topics   *Topics      // nil when the table has no commands over topics
	Watches  *Watches     // nil when the table has no commands that watch keys
	Waits    Waits        // commands that wait for events
	Clock    clock.Clock
	Sessions *Registry
	Settings *Settings
	Server   ServerInfo
	Limits   Limits
	// AutoCreate lets the first event make its room.
	AutoCreate bool
	// Persistence is nil when everything is in memory only.
	Persistence Persistence
	// Loading refuses commands, those marked Early excepted, while data is being recovered.
	Loading atomic.Bool
}

// Limits bound what one caller may ask for.
type Limits struct {
	BatchItems int // commands in one batch or transaction
	BatchBytes int // bytes of one queued transaction
	ValueBytes int // bytes of one value
}

// Failures worded as Redis words them.
var (
	errRedisMemory = errs.New(errs.Redis,
		"OOM command not allowed when used memory > 'maxmemory'.")
	errInMulti   = errs.New(errs.Redis, "ERR Command not allowed inside a transaction")
	errExecAbort = errs.New(errs.Redis,
		"EXECABORT Transaction discarded because of previous errors.")
	errExecMemory = errs.New(errs.Redis,
		"EXECABORT Transaction discarded because of: "+errRedisMemory.Text)
	errMultiFull = errs.New(errs.Redis,
		"ERR transaction is over the limit of queued commands or bytes; send it in parts")
)

var errMemory = errs.New(errs.MemoryLimit, "Memory limit exceeded")

// perCommandBytes is added to a write's arguments when room is made for it: header and indexes.
const perCommandBytes = 64

// recordWordBytes is added to each of a write's words, of which there may be a million: what the
// journal adds to a short key and value.
const recordWordBytes = 8

// Exec runs one Redis command line and writes exactly one reply. In MULTI the command is queued
// and the reply says so; a command that may block is left alone without a reply unless the session
// allows it: see Session.MayBlock; one that parks writes none either, and is counted only when it
// has answered: see Session.Parked. argv is only borrowed.
func (e *Engine) Exec(s *Session, argv [][]byte, r Reply) {
	row, err := e.Resolve(argv)
	if err != nil {
		r.Error(e.refuse(s, argv, err))
		return
	}
	if e.Loading.Load() && !row.Has(Early) {
		r.Error(e.refuse(s, argv, errLoading))
		return
	}
	s.Info.LastCommand.Store(row)
	if s.Listening != nil || s.Sources != nil {
		if err := s.checkMode(row); err != nil {
			r.Error(e.refuse(s, argv, err))
			return
		}
	}
	if s.Multi != nil && !row.Has(NoQueue) {
		e.enqueue(s, row, argv, r)
		return
	}
	if row.Has(Blocking) && !s.MayBlock {
		s.Blocked = true
		return
	}
	err = e.lockAndRun(s, row, argv, r)
	if s.Parked() {
		return
	}
	e.count(s, row, err)
	if e.Persistence != nil {
		e.require(s, row, err)
	}
}

// refuse spoils an open transaction. A malformed EXEC ends it, and says so even without one, as
// in Redis.
func (e *Engine) refuse(s *Session, argv [][]byte, why error) error {
	if s.Multi != nil {
		s.Multi.Dirty = true
	}
	if !strings.EqualFold(string(argv[0]), "EXEC") {
		return why
	}
	e.EndMulti(s)
	return errs.Newf(errs.Redis, "EXECABORT Transaction discarded because of: %s",
		strings.TrimPrefix(why.Error(), "ERR "))
}

// Resolve finds the row (of a subcommand, where there are some) and checks the arity.
func (e *Engine) Resolve(argv [][]byte) (*Row, error) {
	row := e.Table.Redis(argv[0])
	if row == nil {
		return nil, unknownCommand(argv)
	}
	if row.Subcommands != nil && len(argv) > 1 {
		sub := row.subcommand(argv[1])
		if sub == nil {
			return nil, errs.Newf(errs.Redis, "ERR unknown subcommand '%s'. Try %s HELP.",
				clip(argv[1], 128), strings.ToUpper(row.Name))
		}
		if !sub.CheckArity(len(argv)) {
			return nil, errs.Newf(errs.Redis, "ERR wrong number of arguments for '%s|%s' command",
				strings.ToLower(row.Name), strings.ToLower(sub.Name))
		}
		return sub, nil
	}
	if !row.CheckArity(len(argv)) {
		return nil, errs.Newf(errs.Redis, "ERR wrong number of arguments for '%s' command",
			strings.ToLower(row.Name))
	}
	return row, nil
}

func (r *Row) subcommand(name []byte) *Row {
	for _, sub := range r.Subcommands {
		if len(sub.Name) == len(name) && strings.EqualFold(sub.Name, string(name)) {
			return sub
		}
	}
	return nil
}

func (e *Engine) lockAndRun(s *Session, row *Row, argv [][]byte, r Reply) error {
	c := e.context(s, r)
	if e.Persistence != nil && row.Has(Write) {
		if err := e.Admit(lineBytes(argv)); err != nil {
			return report(r, err)
		}
	}
	if row.Has(Grows) && e.makeRoom(argv, c.Now) != nil {
		r.Error(errRedisMemory)
		return errRedisMemory
	}
	if row.Flags&(SelfLocking|Lockless) != 0 {
		return report(r, row.Run(c, argv))
	}
	row.declare(&s.tx, s.DB, argv)
	s.tx.Lock()
	err := row.Run(c, argv)
	s.tx.Unlock()
	return report(r, err)
}

// context prepares the session's Ctx for one command.
func (e *Engine) context(s *Session, r Reply) *Ctx {
	c := &s.ctx
	if c.Engine != e { // once: what stays the same is not written for every command
		c.Tx, c.Queues, c.Rooms = &s.tx.Keys, &s.tx.Queues, &s.tx.Rooms
		c.Store, c.Session, c.Engine = e.Store, s, e
	}
	c.Reply, c.DB = r, s.DB
	c.InExec, c.Atomic, c.Now = false, false, e.now(s)
	s.tx.Begin(e.stores(), c.Now)
	return c
}

// stores are what transactions are over.
func (e *Engine) stores() store.Stores {
	return store.Stores{Keys: e.Store, Queues: e.Queues, Rooms: e.Rooms}
}

// now is the time of the session's round, in ms since the Unix epoch.
func (e *Engine) now(s *Session) int64 {
	if s.Now != 0 {
		return s.Now
	}
	return e.Clock.Now()
}

// report answers a failure; that there is no memory in Redis' words, whoever found it out.
func report(r Reply, err error) error {
	if err == nil {
		return nil
	}
	if errs.Of(err) == errs.MemoryLimit {
		err = errRedisMemory
	}
	r.Error(err)
	return err
}

func (e *Engine) count(s *Session, row *Row, err error) {
	s.Executed++
	s.Crowded = s.Crowded || s.tx.Keys.Crowded()
	if s.Counters == nil {
		return
	}
	s.Counters.Calls[row.id].Add(1)
	if err != nil {
		s.Counters.Failures[row.id].Add(1)
	}
}

func (e *Engine) makeRoom(argv [][]byte, now int64) error {
	return e.Store.MakeRoom(lineBytes(argv), now)
}

// declare tells tx which keys, queues and rooms the command line touches.
func (r *Row) declare(tx *store.Tx, db uint8, argv [][]byte) {
	if r.Has(AllKeys) {
		tx.Keys.DeclareAll()
		return
	}
	for i, end := r.Keys.First, r.Keys.End(len(argv)); i < end; i += r.Keys.Step {
		tx.Keys.Declare(db, argv[i])
	}
	if r.Queue > 0 && r.Queue < len(argv) {
		tx.DeclareQueue(argv[r.Queue])
	}
	if at := r.RoomAt(argv); at > 0 && at < len(argv) {
		tx.DeclareRoom(argv[at])
	}
	if r.Guard != nil {
		if key := r.Guard(argv); key != nil {
			tx.Keys.Declare(db, key)
		}
	}
}

// Call runs one Synap command whose arguments are decoded and valid. On success exactly one value
// was written to r; on failure none.
func (e *Engine) Call(s *Session, a *Args, r Reply) error {
	return e.CallAs(s, a, a.Row.Call, a.Row.Flags, r)
}

// CallAs is Call for a REST route, whose function and flags may differ from the row's.
func (e *Engine) CallAs(s *Session, a *Args, call func(*Ctx, *Args) error, f Flag, r Reply) error {
	if e.Loading.Load() && f&Early == 0 {
		return errLoading
	}
	s.Info.LastCommand.Store(a.Row)
	c := e.context(s, r)
	err := e.lockAndCall(c, a, call, f)
	if s.Parked() {
		return nil
	}
	e.count(s, a.Row, err)
	if e.Persistence != nil {
		e.require(s, a.Row, err)
	}
	return err
}

func (e *Engine) lockAndCall(c *Ctx, a *Args, call func(*Ctx, *Args) error, f Flag) error {
	if f&SelfLocking != 0 {
		if f&Write != 0 {
			if err := e.Admit(perCommandBytes); err != nil {
				return err
			}
		}
		return call(c, a)
	}
	tx := &c.Session.tx
	bytes := a.declare(tx, c.DB)
	if e.Persistence != nil && f&Write != 0 {
		if err := e.Admit(bytes + perCommandBytes); err != nil {
			return err
		}
	}
	if f&AllKeys != 0 {
		c.Tx.DeclareAll()
	}
	if f&Grows != 0 && e.Store.MakeRoom(bytes+perCommandBytes, c.Now) != nil {
		return errMemory
	}
	tx.Lock()
	err := call(c, a)
	tx.Unlock()
	return err
}

// unknownCommand words the refusal as Redis does, arguments clipped.
func unknownCommand(argv [][]byte) error {
	var b strings.Builder
	for _, word := range argv[1:] {
		if b.Len() >= 128 {
			break
		}
		b.WriteString("'" + clip(word, 128-b.Len()) + "' ")
	}
	return errs.Newf(errs.Redis, "ERR unknown command '%s', with args beginning with: %s",
		clip(argv[0], 128), b.String())
}

// clip shortens a word for an error text.
func clip(b []byte, most int) string { return string(b[:min(len(b), most)]) }

// errMode is worded as Redis words it.
func errMode(row *Row) error {
	return errs.Newf(errs.Redis, "ERR Can't execute '%s': only (P|S)SUBSCRIBE / "+
		"(P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context", row.full)
}

// ErrAborted is the failure of every other item of an atomic batch that did not hold.
var ErrAborted = errs.New(errs.Aborted, "Aborted: another command of this atomic batch failed")

// errUndoable refuses commands in an atomic batch that could not be undone.
var errUndoable = errs.Request("this command cannot be part of an atomic batch")
