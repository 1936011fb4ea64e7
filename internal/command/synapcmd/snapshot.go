package synapcmd

import (
	"context"
	"errors"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
)

var (
	errNoPersistence = errs.Request("persistence is off: there is no data directory")
	errSaving        = errs.New(errs.Aborted,
		"Aborted: another snapshot is being made; ask again when it is done")
)

func snapshotRows() []*command.Row {
	return []*command.Row{{
		Name: "snapshot", Group: "admin", Resource: "admin:*",
		Flags:   command.Admin | command.SelfLocking | command.NoMulti | command.Blocking,
		Summary: "Makes a snapshot and answers when it is safe.",
		Call:    snapshot,
		Routes:  []command.Route{{Method: "POST", Path: "/snapshot"}},
	}}
}

func snapshot(c *command.Ctx, _ *command.Args) error {
	if c.Engine.Persistence == nil {
		return errNoPersistence
	}
	err := c.Engine.Persistence.Save(context.Background())
	switch {
	case errors.Is(err, command.ErrSaving):
		return errSaving
	case err != nil:
		return errs.New(errs.IO, "Snapshot failed: "+err.Error())
	}
	c.Reply.Map(2)
	c.Reply.Str("success")
	c.Reply.Bool(true)
	pairStr(c.Reply, "message", "Snapshot saved")
	return nil
}

// persistenceFacts have the names of INFO persistence.
func persistenceFacts(r *reading) []fact {
	e := r.c.Engine
	loading := int64(0)
	if e.Loading.Load() {
		loading = 1
	}
	p := e.Persistence
	if p == nil {
		return []fact{
			{"loading", loading},
			{"aof_enabled", int64(0)},
			{"synap_persistence", "off"},
			{"synap_durability", command.MemoryLevel.String()},
		}
	}
	s := p.Status()
	saving := int64(0)
	if s.Saving {
		saving = 1
	}
	return []fact{
		{"loading", loading},
		{"loading_loaded_perc", s.LoadPercent},
		{"rdb_changes_since_last_save", s.Changes},
		{"rdb_bgsave_in_progress", saving},
		{"rdb_last_save_time", s.LastSave / 1000},
		{"aof_enabled", int64(1)},
		{"synap_persistence", "on"},
		{"synap_durability", p.Level().String()},
		{"synap_data_dir", s.Dir},
		{"synap_journal_status", s.Journal},
		{"synap_journal_bytes", s.JournalBytes},
		{"synap_journal_last_lsn", int64(p.Last())},
		{"synap_journal_synced_lsn", int64(p.Synced())},
		{"synap_snapshot_lsn", int64(s.SnapshotLSN)},
	}
}
