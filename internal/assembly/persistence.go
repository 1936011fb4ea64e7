package assembly

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/config"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/journal"
	"github.com/synapdb/synap/internal/persist"
	"github.com/synapdb/synap/internal/run"
	"github.com/synapdb/synap/internal/vfs"
)

// openData locks the data directory; nil when everything is in memory only.
func (in *Instance) openData() (*persist.Manager, error) {
	p := &in.config.Persistence
	level, err := journal.ParseLevel(p.Level)
	if err != nil || level == journal.Memory {
		return nil, err
	}
	return persist.Open(persist.Options{
		FS: vfs.OS(), Dir: absolute(p.Dir), Level: level,
		SyncEvery:     time.Duration(p.FsyncIntervalMS) * time.Millisecond,
		SegmentBytes:  int64(p.SegmentMB) * mebibyte,
		RetainBytes:   int64(p.RetainMB) * mebibyte,
		RetainAge:     time.Duration(p.RetainSecs) * time.Second,
		SnapshotEvery: time.Duration(p.SnapshotIntervalSecs) * time.Second,
		SnapshotBytes: int64(p.SnapshotJournalMB) * mebibyte,
		Keep:          p.SnapshotsKeep, Clock: clock.Real{}, Log: in.log,
	})
}

// Data says in a few words where data is kept and how firmly.
func Data(p *config.Persistence) string {
	switch p.Level {
	case "memory":
		return "in-memory, lost on exit"
	case "disk":
		return absolute(p.Dir) + ", level disk: synced before the reply"
	default:
		return fmt.Sprintf("%s, level os: written before the reply, synced every %d ms",
			absolute(p.Dir), p.FsyncIntervalMS)
	}
}

// absolute is path from the root, so that messages mean the same wherever they are read.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// reportEvery is the pause between two lines about the progress of recovery.
const reportEvery = 2 * time.Second

// recoverData fills the stores and opens them to commands. It ends early, with ctx's error, when
// ctx does.
func (in *Instance) recoverData(ctx context.Context) error {
	if in.data == nil {
		return nil
	}
	reports := run.New()
	reports.Loop("progress", in.reportProgress)
	found, err := in.data.Recover(ctx, in.stores)
	err = errors.Join(err, reports.Close(context.Background()))
	if err != nil {
		return err
	}
	in.log.Info("recovered", "dir", in.data.Dir(), "keys", found.Keys,
		"queues", found.Queues, "messages", found.Messages,
		"rooms", found.Rooms, "events", found.Events,
		"snapshot", found.Snapshot, "records", found.Records, "last", found.Last,
		"millis", found.Millis)
	in.upkeep.Loop("snapshots", in.data.Run)
	return nil
}

func (in *Instance) reportProgress(ctx context.Context) error {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			in.log.Info("recovering", "dir", in.data.Dir(), "percent",
				int(in.data.Percent()))
		}
	}
}

// snapshotGrace bounds the last snapshot of an orderly end. Nothing depends on it: the journal
// has everything, the next start only takes longer.
const snapshotGrace = 20 * time.Second

func (in *Instance) closeData() error {
	if in.data == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), snapshotGrace)
	defer cancel()
	return in.data.Close(ctx)
}

// durability is the data directory as commands and doors see it.
type durability struct{ *persist.Manager }

var fromLevel = [...]command.Level{journal.Memory: command.MemoryLevel,
	journal.OS: command.OSLevel, journal.Disk: command.DiskLevel}

var toLevel = [...]journal.Level{command.MemoryLevel: journal.Memory,
	command.OSLevel: journal.OS, command.DiskLevel: journal.Disk}

// Level is part of command.Persistence, as are the methods below.
func (d durability) Level() command.Level { return fromLevel[d.Manager.Level()] }

// Admit is asked only when recovery is done.
func (d durability) Admit(bytes int) error { return d.Journal().Admit(bytes) }

// Last is 0 during recovery.
func (d durability) Last() uint64 {
	if l := d.Journal(); l != nil {
		return uint64(l.Last())
	}
	return 0
}

// Synced is 0 during recovery.
func (d durability) Synced() uint64 {
	if l := d.Journal(); l != nil {
		return uint64(l.Synced())
	}
	return 0
}

// Commit waits for nothing during recovery: there is nothing yet.
func (d durability) Commit(upTo uint64, level command.Level) error {
	if l := d.Journal(); l != nil {
		return l.Commit(journal.LSN(upTo), toLevel[level])
	}
	return nil
}

// History reads the journal from a record on.
func (d durability) History(from uint64) command.History {
	return history{d.Journal().Reader(journal.LSN(from))}
}

// history is a part of the journal that is read without waiting for what is not written yet.
type history struct{ *journal.Reader }

// Next is part of command.History.
func (h history) Next() (r command.Record, ok bool, err error) {
	if !h.Ready() {
		return command.Record{}, false, nil
	}
	lsn, at, payload, err := h.Reader.Next(context.Background())
	if err != nil {
		return command.Record{}, false, noHistory(err)
	}
	return command.Record{LSN: uint64(lsn), Time: at, Effects: payload}, true, nil
}

// Advance is part of command.History.
func (h history) Advance(most int) (there bool, err error) {
	if !h.Ready() {
		return true, nil
	}
	there, err = h.Reader.Advance(int64(most))
	return there, noHistory(err)
}

func noHistory(err error) error {
	if errors.Is(err, journal.ErrTrimmed) {
		return command.ErrNoHistory
	}
	return inWords(err)
}

// Save makes a snapshot.
func (d durability) Save(ctx context.Context) error { return inWords(d.Manager.Save(ctx)) }

// Background begins a snapshot.
func (d durability) Background() error { return inWords(d.Manager.Background()) }

func inWords(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, persist.ErrSaving):
		return command.ErrSaving
	case errors.Is(err, persist.ErrLoading):
		return errs.New(errs.Loading, "LOADING "+err.Error())
	default:
		return errs.New(errs.IO, err.Error())
	}
}

// Status describes journal and snapshots.
func (d durability) Status() command.PersistenceStatus {
	s := d.Manager.Status()
	out := command.PersistenceStatus{
		Dir: d.Dir(), Changes: s.Changes, Saving: s.Saving, SavingSince: s.SavingSince,
		LastSave: s.LastSave, LastSaveOK: s.LastError == nil, LastMillis: s.LastMillis,
		SnapshotLSN: s.Covered, Journal: "ok", JournalOK: true,
		Segments: s.Journal.Segments, JournalBytes: s.Journal.Bytes,
		Written: uint64(s.Journal.Written), Writes: int64(s.Journal.Writes),
		Syncs: int64(s.Journal.Syncs), SyncMicros: s.Journal.LastSyncMicros,
		LoadPercent: s.Percent,
	}
	switch {
	case s.Journal.Failed:
		out.Journal, out.JournalOK = "failed", false
		if s.Journal.Cause != nil {
			out.Journal = "failed: " + s.Journal.Cause.Error()
		}
	case s.Journal.Full:
		out.Journal, out.JournalOK = "full", false
	}
	return out
}
