package persist

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync/atomic"

	"github.com/synapdb/synap/internal/journal"
	"github.com/synapdb/synap/internal/journal/snapshot"
	"github.com/synapdb/synap/internal/run"
	"github.com/synapdb/synap/internal/store"
)

// loaders is how many goroutines read, check and import blocks of a snapshot. More than two wait
// for each other: each key's or queue's shard is locked while it is imported.
const loaders = 2

// Recovered says what recovery found.
type Recovered struct {
	Snapshot string // path; "" = none
	store.Contents
	Records uint64 // of the journal, after the snapshot
	Last    uint64 // number of the last record
	Millis  int64
}

// Recover fills the stores, which must be empty and not serve yet, from the newest usable snapshot
// and the journal after it, and makes them write the journal from then on. Damage is an
// error that says where it is and what to do; nothing is deleted then.
func (m *Manager) Recover(ctx context.Context, stores store.Stores) (r Recovered, err error) {
	start := m.o.Clock.Micros()
	m.stores = stores
	if err := m.measure(); err != nil {
		return r, err
	}
	loaded, err := m.load(ctx)
	if err != nil {
		return r, err
	}
	l, report, err := m.replay(ctx, loaded.begin)
	if err == nil {
		if why := loaded.missing(uint64(l.Last()), m.dir.meta); why != "" {
			return r, m.advise(errors.Join(errors.New(why), l.Close()), "")
		}
	}
	if err != nil {
		return r, m.explain(err)
	}
	stores.Arrange()
	stores.ResetStats()
	r.Snapshot = loaded.path
	r.Contents = stores.Contents()
	r.Records, r.Last = report.Replayed, uint64(l.Last())
	if t := report.Torn; t != nil {
		m.o.Log.Warn("the journal ended in the middle of a record, as after a crash: cut off",
			"file", t.File, "offset", t.Offset, "record", uint64(t.LSN), "reason", t.Reason)
	}
	m.base.Store(max(loaded.begin, 1))
	m.tried.Store(m.o.Clock.Now())
	m.tasks.Loop("journal", l.Run)
	m.log.Store(l)
	stores.SetJournal(recorder{l, &m.changed})
	stores.Recovered(m.o.Clock.Now())
	m.progress.ended.Store(true)
	r.Millis = (m.o.Clock.Micros() - start) / 1000
	return r, nil
}

// recorder is a log as the stores see it.
type recorder struct {
	*journal.Log
	changed *atomic.Uint64
}

// Append is part of effect.Journal.
func (r recorder) Append(timeMillis int64, payload []byte) uint64 {
	lsn := uint64(r.Log.Append(timeMillis, payload))
	r.changed.Store(lsn)
	return lsn
}

// measure adds up the bytes that recovery will read at most.
func (m *Manager) measure() error {
	snaps, err := snapshot.Latest(m.dir.fs, m.dir.snapshots())
	if err != nil {
		return err
	}
	total := int64(0)
	if len(snaps) > 0 {
		if total, err = m.size(snaps[0].Path); err != nil {
			return err
		}
	}
	names, err := m.dir.fs.List(m.dir.journal())
	if err != nil {
		return err
	}
	for _, name := range names {
		size, err := m.size(filepath.Join(m.dir.journal(), name))
		if err != nil {
			return err
		}
		total += size
	}
	m.progress.total.Store(total)
	return nil
}

func (m *Manager) size(path string) (int64, error) {
	f, err := m.dir.fs.Open(path)
	if err != nil {
		return 0, err
	}
	n, err := f.Size()
	return n, errors.Join(err, f.Close())
}

// span is a snapshot as the journal sees it: it goes on from begin, and must reach end.
type span struct {
	path       string // "" = no snapshot
	begin, end uint64
	shows      string // the snapshot that says so of end
}

// missing says what is wrong with a journal that ends with record last; "" = nothing. A snapshot
// that was taken while others wrote needs the records of that time: without them it would show
// parts of what was asked for as one.
func (s span) missing(last uint64, m Meta) string {
	if last >= s.end || s.end <= m.Forgone {
		return ""
	}
	return fmt.Sprintf("the journal ends with record %d, but %s shows the work of records up to "+
		"%d: files of the journal are missing", last, s.shows, s.end)
}

// load imports the newest snapshot that is whole. A damaged one is said to be so and left alone;
// an older one, if the journal reaches back to it and up to the damaged one, leads to the same
// state. One of another directory stops the start: its numbers mean nothing here, and Prune and
// Truncate would go by them.
func (m *Manager) load(ctx context.Context) (span, error) {
	snaps, err := snapshot.Latest(m.dir.fs, m.dir.snapshots())
	if err != nil {
		return span{}, err
	}
	var reach span
	for i := range snaps {
		end, err := m.importAll(ctx, snaps[i].Path)
		if err == nil {
			reach.path, reach.begin = snaps[i].Path, snaps[i].Begin
			return reach.upTo(end, snaps[i].Path), nil
		}
		if ctx.Err() != nil {
			return span{}, ctx.Err()
		}
		if errors.Is(err, errForeign) {
			return span{}, m.explain(err)
		}
		reach = reach.upTo(max(snaps[i].Begin, 1)-1, snaps[i].Path)
		m.o.Log.Error("a snapshot can't be used; an older one and more of the journal are tried",
			"file", snaps[i].Path, "error", err.Error())
		m.stores.Clear()
		m.progress.done.Store(0)
		m.saved.Store(0)
	}
	return reach, nil
}

// upTo makes the journal reach end at least, as a snapshot says.
func (s span) upTo(end uint64, path string) span {
	if end > s.end || s.shows == "" {
		s.end, s.shows = end, path
	}
	return s
}

// errForeign is a snapshot that does not belong to the directory in which it lies.
var errForeign = errors.New("it belongs to another data directory: its history id differs from " +
	"that of " + metaName)

// importAll reads one snapshot into the stores and returns the last record it may show.
func (m *Manager) importAll(ctx context.Context, path string) (end uint64, err error) {
	r, err := snapshot.Open(m.dir.fs, path)
	if err != nil {
		return 0, err
	}
	if r.Meta().History != m.dir.meta.HistoryID() {
		return 0, errors.Join(fmt.Errorf("%s: %w", path, errForeign), r.Close())
	}
	m.saved.Store(r.Meta().TimeMillis)
	m.bulk.Store(r.Size())
	var failed atomic.Pointer[error]
	m.together(func() {
		var block []byte
		for failed.Load() == nil {
			var err error
			if block, err = r.Next(block[:0]); errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				err = ctx.Err()
			}
			if err == nil {
				m.progress.done.Add(int64(len(block)))
				err = m.stores.Import(m.o.Clock.Now(), block)
			}
			if err != nil {
				failed.CompareAndSwap(nil, &err)
			}
		}
	})
	if why := failed.Load(); why != nil {
		return 0, errors.Join(*why, r.Close())
	}
	m.together(m.stores.FinishImport)
	m.stores.Arrange()
	return r.Until(), r.Close()
}

// together does the work in several goroutines at once, which share it.
func (m *Manager) together(work func()) {
	group := run.New()
	for range loaders {
		group.Go("snapshot loader", func() error { work(); return nil }, func() {})
	}
	_ = group.Close(context.Background()) // they end by themselves
}

// replay opens the journal and applies what follows the snapshot.
func (m *Manager) replay(ctx context.Context, from uint64) (*journal.Log, journal.Report, error) {
	var records uint64
	apply := func(lsn journal.LSN, timeMillis int64, payload []byte) error {
		if records++; records%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		m.progress.done.Add(int64(len(payload)))
		m.mark.Add(-int64(len(payload))) // it counts towards the next snapshot
		m.changed.Store(uint64(lsn))
		if err := m.stores.ReplayRecord(timeMillis, payload); err != nil {
			return fmt.Errorf("record %d can't be applied: %w", lsn, err)
		}
		return nil
	}
	return journal.Open(m.journalOptions(), journal.LSN(max(from, 1)), apply)
}

func (m *Manager) journalOptions() journal.Options {
	return journal.Options{
		FS: m.dir.fs, Dir: m.dir.journal(), SegmentBytes: m.o.SegmentBytes, Level: m.o.Level,
		SyncEvery: m.o.SyncEvery, History: m.dir.meta.HistoryID(), Log: m.o.Log,
		RetainBytes: m.o.RetainBytes, RetainAge: m.o.RetainAge, Spares: m.spares(),
	}
}

// spares keeps as many freed segments as the journal fills until the next snapshot is due by size,
// within reason: a recycled segment costs nothing, a new one is written twice.
func (m *Manager) spares() int {
	segment := m.o.SegmentBytes
	if segment <= 0 {
		segment = 64 << 20
	}
	return int(min(m.o.SnapshotBytes/segment+1, mostSpares))
}

const mostSpares = 8

// explain adds to a failure of the journal what a person can do.
func (m *Manager) explain(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return m.advise(err, "Nothing was changed. ")
}

// advise adds what a person can do.
func (m *Manager) advise(err error, first string) error {
	return fmt.Errorf("%w\n%sLook closer with: synap-server data verify --data-dir %s\n"+
		"To go on with what is whole, keeping a copy of every file that is changed: "+
		"synap-server data repair --data-dir %s", err, first, m.o.Dir, m.o.Dir)
}
