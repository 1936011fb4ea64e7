package conncmd

import (
	"context"
	"math"
	"strconv"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/errs"
)

var (
	errNoPersistence = errs.New(errs.Redis, "ERR persistence is off: there is no data directory")
	errNoLocal       = errs.New(errs.Redis, "ERR WAITAOF cannot be used when numlocal is set "+
		"but persistence is off")
	errLocalRange = errs.New(errs.Redis,
		"ERR value is out of range, value must between 0 and 1")
	errPositive    = errs.New(errs.Redis, "ERR value is out of range, must be positive")
	errTimeout     = errs.New(errs.Redis, "ERR timeout is not an integer or out of range")
	errNegativeMax = errs.New(errs.Redis, "ERR timeout is negative")
)

func persistenceRows() []*command.Row {
	rows := []*command.Row{
		{Name: "SAVE", Arity: 1, Run: save,
			Flags:   command.Admin | command.SelfLocking | command.NoMulti | command.Blocking,
			Summary: "Makes a snapshot and answers when it is safe. Only the caller waits."},
		{Name: "BGSAVE", Arity: -1, Words: "[SCHEDULE]", Run: backgroundSave,
			Flags:   command.Admin | command.Lockless,
			Summary: "Begins a snapshot."},
		{Name: "LASTSAVE", Arity: 1, Flags: quick | command.Early, Run: lastSave,
			Summary: "Returns the Unix time of the last successful snapshot."},
		{Name: "SYNAP.DURABILITY", Arity: -1, Words: "[memory|os|disk|default]",
			Flags: quick | command.Early, Run: durability,
			Summary: "Sets, or returns, what the answers of this connection wait for."},
		{Name: "WAITAOF", Arity: 4, Words: "numlocal numreplicas timeout",
			Flags: command.Lockless, Run: waitAOF,
			Summary: "Waits until what was written is on the disk."},
	}
	for _, row := range rows {
		row.Group, row.Since = "server", "0.2.0"
	}
	return rows
}

// save runs off the event loop: see command.Blocking.
func save(c *command.Ctx, _ [][]byte) error {
	if c.Engine.Persistence == nil {
		return errNoPersistence
	}
	if err := c.Engine.Persistence.Save(context.Background()); err != nil {
		return inRedis(err)
	}
	return ok(c)
}

// inRedis gives a failure from below the prefix that Redis' failures have.
func inRedis(err error) error {
	if kind := errs.Of(err); kind == errs.Redis || kind == errs.Loading {
		return err
	}
	return errs.New(errs.Redis, "ERR "+err.Error())
}

// backgroundSave takes SCHEDULE and needs it not: nothing but another snapshot is in its way.
func backgroundSave(c *command.Ctx, argv [][]byte) error {
	if len(argv) > 2 || len(argv) == 2 && !lines.Is(argv[1], "SCHEDULE") {
		return errSyntax
	}
	if c.Engine.Persistence == nil {
		return errNoPersistence
	}
	if err := c.Engine.Persistence.Background(); err != nil {
		return inRedis(err)
	}
	if c.InExec { // it can't begin before EXEC ends
		c.Reply.Status("Background saving scheduled")
	} else {
		c.Reply.Status("Background saving started")
	}
	return nil
}

// lastSave counts a server without persistence as saved when it started, as Redis does one that
// has not saved yet.
func lastSave(c *command.Ctx, _ [][]byte) error {
	at := c.Engine.Server.Started
	if p := c.Engine.Persistence; p != nil {
		at = max(p.Status().LastSave, at)
	}
	c.Reply.Int(at / 1000)
	return nil
}

func durability(c *command.Ctx, argv [][]byte) error {
	switch {
	case len(argv) > 2:
		return wrongArity("synap.durability")
	case len(argv) == 1:
		c.Reply.Str(c.Engine.LevelOf(c.Session).String())
		return nil
	case lines.Is(argv[1], "DEFAULT"):
		c.Session.Level = command.DefaultLevel
		return ok(c)
	}
	var lower [8]byte
	name := append(lower[:0], argv[1][:min(len(argv[1]), len(lower))]...)
	for i, b := range name {
		if 'A' <= b && b <= 'Z' {
			name[i] = b + 'a' - 'A'
		}
	}
	level, err := c.Engine.ReadLevel(name)
	if err != nil {
		return err
	}
	c.Session.Level = level
	return ok(c)
}

// waitAOF does not wait itself: the round's replies leave after everything executed so far is on
// the disk, if numlocal asks for it, and so the answer is true when it is read. There are no
// replicas, and none can come within the timeout, so the answer is 0 of them at once.
func waitAOF(c *command.Ctx, argv [][]byte) error {
	local, isInt := integer(argv[1])
	if !isInt || local < 0 || local > 1 {
		return errLocalRange
	}
	if n, isInt := integer(argv[2]); !isInt || n < 0 || n > math.MaxInt32 {
		return errPositive
	}
	timeout, isInt := integer(argv[3])
	if !isInt {
		return errTimeout
	}
	if timeout < 0 {
		return errNegativeMax
	}
	p := c.Engine.Persistence
	if p == nil && local > 0 {
		return errNoLocal
	}
	if local > 0 {
		c.Session.Require(command.DiskLevel, true)
	}
	c.Reply.Array(2)
	if local > 0 || p != nil && p.Synced() >= p.Last() {
		c.Reply.Int(1)
	} else {
		c.Reply.Int(0)
	}
	c.Reply.Int(0)
	return nil
}

// infoPersistence has the fields that monitoring tools look for, whose "aof" is the journal and
// whose "rdb" are the snapshots, and what is Synap's own.
func infoPersistence(r *report) {
	p := r.e.Persistence
	if p == nil {
		infoNoPersistence(r)
		return
	}
	s := p.Status()
	r.line("loading", bit(r.e.Loading.Load()))
	r.line("async_loading", 0)
	if r.e.Loading.Load() {
		r.line("loading_loaded_perc", strconv.FormatFloat(s.LoadPercent, 'f', 2, 64))
	}
	lastSave, running := max(s.LastSave, r.e.Server.Started), int64(-1)
	if s.Saving {
		running = max(r.now-s.SavingSince, 0) / 1000
	}
	lastTime := s.LastMillis
	if lastTime >= 0 {
		lastTime /= 1000
	}
	r.line("rdb_changes_since_last_save", s.Changes)
	r.line("rdb_bgsave_in_progress", bit(s.Saving))
	r.line("rdb_last_save_time", lastSave/1000)
	r.line("rdb_last_bgsave_status", outcome(s.LastSaveOK))
	r.line("rdb_last_bgsave_time_sec", lastTime)
	r.line("rdb_current_bgsave_time_sec", running)
	r.line("aof_enabled", 1)
	r.line("aof_rewrite_in_progress", 0)
	r.line("aof_rewrite_scheduled", 0)
	r.line("aof_last_bgrewrite_status", "ok")
	r.line("aof_last_write_status", outcome(s.JournalOK))
	r.line("aof_current_size", s.JournalBytes)
	r.line("synap_persistence", "on")
	r.line("synap_durability", p.Level())
	r.line("synap_data_dir", s.Dir)
	r.line("synap_journal_status", s.Journal)
	r.line("synap_journal_segments", s.Segments)
	r.line("synap_journal_bytes", s.JournalBytes)
	r.line("synap_journal_last_lsn", p.Last())
	r.line("synap_journal_written_lsn", s.Written)
	r.line("synap_journal_synced_lsn", p.Synced())
	r.line("synap_journal_writes", s.Writes)
	r.line("synap_journal_syncs", s.Syncs)
	r.line("synap_journal_last_sync_usec", s.SyncMicros)
	r.line("synap_snapshot_lsn", s.SnapshotLSN)
}

// infoNoPersistence is what Redis reports with all persistence switched off.
func infoNoPersistence(r *report) {
	r.line("loading", bit(r.e.Loading.Load()))
	r.line("async_loading", 0)
	r.line("rdb_changes_since_last_save", 0)
	r.line("rdb_bgsave_in_progress", 0)
	r.line("rdb_last_save_time", r.e.Server.Started/1000)
	r.line("rdb_last_bgsave_status", "ok")
	r.line("aof_enabled", 0)
	r.line("aof_rewrite_in_progress", 0)
	r.line("aof_rewrite_scheduled", 0)
	r.line("aof_last_bgrewrite_status", "ok")
	r.line("aof_last_write_status", "ok")
	r.line("synap_persistence", "off")
	r.line("synap_durability", command.MemoryLevel)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func outcome(ok bool) string {
	if ok {
		return "ok"
	}
	return "err"
}
