package persist

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/journal"
	"github.com/synapdb/synap/internal/journal/snapshot"
	"github.com/synapdb/synap/internal/run"
	"github.com/synapdb/synap/internal/store"
	"github.com/synapdb/synap/internal/vfs"
)

// Options say where data is kept and when snapshots are made.
type Options struct {
	FS  vfs.FS
	Dir string
	// Level is what is waited for by default: journal.OS or journal.Disk.
	Level        journal.Level
	SyncEvery    time.Duration // level os
	SegmentBytes int64
	RetainBytes  int64         // journal kept for readers such as replicas
	RetainAge    time.Duration // the same by age
	// SnapshotEvery makes snapshots due by time, SnapshotBytes by the size of the journal since the
	// last one, but not before it is as large as that one: a large store would be written again
	// and again for few changes. 0 = not.
	SnapshotEvery time.Duration
	SnapshotBytes int64
	// Keep is how many snapshots are kept, at least 1.
	Keep  int
	Clock clock.Clock
	Log   *slog.Logger
}

// ErrSaving refuses a snapshot while another one is being made.
var ErrSaving = errors.New("a snapshot is being made already")

// ErrLoading refuses a snapshot before recovery is done.
var ErrLoading = errors.New("the data is still being recovered")

// Manager keeps the stores of one server in one data directory. Open it, Recover, let it Run, Close
// it.
type Manager struct {
	o      Options
	dir    *dataDir
	stores store.Stores
	log    atomic.Pointer[journal.Log] // nil until recovered

	progress progress
	saving   atomic.Bool
	since    atomic.Int64 // start of the snapshot being made, ms since the Unix epoch
	last     atomic.Pointer[attempt]
	base     atomic.Uint64 // number of the first record that the last snapshot does not cover
	mark     atomic.Int64  // bytes of journal appended when it began
	bulk     atomic.Int64  // bytes of the last snapshot
	saved    atomic.Int64  // when it was finished, ms since the Unix epoch; 0 = never
	changed  atomic.Uint64 // about the number of the last record that is not a mere marker
	tried    atomic.Int64  // when the last attempt ended, or recovery did
	tasks    *run.Group
	saves    *run.Set
}

// attempt is the outcome of a snapshot.
type attempt struct {
	millis int64
	err    error
}

// Open locks the data directory, making it if it is not there. Nothing is read yet.
func Open(o Options) (*Manager, error) {
	dir, err := openDir(o.FS, o.Dir, true)
	if err != nil {
		return nil, err
	}
	m := &Manager{o: o, dir: dir, tasks: run.New()}
	m.saves = m.tasks.Set("snapshots on demand")
	return m, nil
}

// Seed is the seed that the store's hash must be made with.
func (m *Manager) Seed() uint64 { return m.dir.meta.Seed }

// Meta is what the directory says of itself.
func (m *Manager) Meta() Meta { return m.dir.meta }

// Journal is the log, nil before recovery is done.
func (m *Manager) Journal() *journal.Log { return m.log.Load() }

// Level is the level that is waited for by default.
func (m *Manager) Level() journal.Level { return m.o.Level }

// Dir is the path of the data directory.
func (m *Manager) Dir() string { return m.o.Dir }

// Background starts Save and does not wait.
func (m *Manager) Background() error {
	if m.log.Load() == nil {
		return ErrLoading
	}
	if !m.begin() {
		return ErrSaving
	}
	ctx, cancel := context.WithCancel(context.Background())
	if !m.saves.Go(func() { defer cancel(); _ = m.save(ctx, true) }, cancel) {
		cancel()
		m.saving.Store(false)
		return errors.New("the server is shutting down")
	}
	return nil
}

// Save makes a snapshot and returns when it is safe, ctx ends or it has failed. ErrSaving says
// that another one is being made.
func (m *Manager) Save(ctx context.Context) error {
	if m.log.Load() == nil {
		return ErrLoading
	}
	if !m.begin() {
		return ErrSaving
	}
	return m.save(ctx, true)
}

// begin takes the right to make a snapshot.
func (m *Manager) begin() bool {
	if !m.saving.CompareAndSwap(false, true) {
		return false
	}
	m.since.Store(m.o.Clock.Now())
	return true
}

// save makes a snapshot, as fast as it can or, when others are served meanwhile, gently. The
// caller began.
func (m *Manager) save(ctx context.Context, gentle bool) error {
	defer m.saving.Store(false)
	start := m.o.Clock.Micros()
	made, err := m.write(ctx, gentle)
	took := (m.o.Clock.Micros() - start) / 1000
	m.tried.Store(m.o.Clock.Now())
	m.last.Store(&attempt{took, err})
	if err != nil {
		m.complain(ctx, err)
		return fmt.Errorf("the snapshot failed: %w", err)
	}
	m.o.Log.Info("snapshot made", "begin", made.begin, "entries", made.entries, "bytes", made.bytes,
		"millis", took, "restarts", made.restarts)
	return m.prune()
}

// complain says why there is no snapshot and what that means.
func (m *Manager) complain(ctx context.Context, err error) {
	why := slog.String("error", err.Error())
	switch {
	case ctx.Err() != nil:
		m.o.Log.Warn("the snapshot was interrupted; the journal has everything", why)
	case errors.Is(err, journal.ErrFailed), errors.Is(err, journal.ErrFull):
		m.o.Log.Error("the snapshot failed, for it needs the journal", why)
	default:
		m.o.Log.Error("the snapshot failed; the journal has everything, so nothing is lost", why)
	}
}

// prune removes old snapshots, and the journal that only they needed.
func (m *Manager) prune() error {
	if err := snapshot.Prune(m.dir.fs, m.dir.snapshots(), m.o.Keep); err != nil {
		return fmt.Errorf("old snapshots could not be removed: %w", err)
	}
	kept, err := snapshot.Latest(m.dir.fs, m.dir.snapshots())
	if err != nil || len(kept) == 0 {
		return err
	}
	return m.log.Load().Truncate(journal.LSN(kept[len(kept)-1].Begin))
}

// Changed says whether there are changes that the last snapshot does not cover.
func (m *Manager) Changed() bool { return m.changed.Load() >= m.base.Load() }

// appended is how many bytes the journal has written since it was opened.
func (m *Manager) appended() int64 { return int64(m.log.Load().Stats().WrittenBytes) }

// look says how often it is asked whether a snapshot is due.
const look = 500 * time.Millisecond

// afterFailure is how long a failed snapshot is not tried again by itself, in ms.
const afterFailure = 60_000

// Run makes snapshots when they are due, until ctx ends. Call it after Recover.
func (m *Manager) Run(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if m.due() && m.begin() {
			_ = m.save(ctx, true) // it says so itself
		}
	}
}

// due says whether a snapshot should be made now.
func (m *Manager) due() bool {
	now := m.o.Clock.Now()
	if last := m.last.Load(); last != nil && last.err != nil && now-m.tried.Load() < afterFailure {
		return false
	}
	if !m.Changed() {
		return false
	}
	every := m.o.SnapshotEvery.Milliseconds()
	return every > 0 && now-m.tried.Load() >= every ||
		m.o.SnapshotBytes > 0 &&
			m.appended()-m.mark.Load() >= max(m.o.SnapshotBytes, m.bulk.Load())
}

// Close makes a last snapshot if anything changed and ctx allows it, and releases the directory.
// Nobody may write to the stores any more. What no snapshot covers is in the journal.
func (m *Manager) Close(ctx context.Context) error {
	err := m.tasks.Close(ctx)
	l := m.log.Load()
	if l == nil {
		return errors.Join(err, m.dir.lock.Close())
	}
	if m.Changed() && m.begin() {
		if failure := m.save(ctx, false); failure != nil && ctx.Err() == nil {
			err = errors.Join(err, failure)
		}
	}
	return errors.Join(err, l.Close(), m.dir.lock.Close())
}
