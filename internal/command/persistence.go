package command

import (
	"context"

	"github.com/synapdb/synap/internal/errs"
)

// Level is how safe a write must be before its answer leaves. Higher is safer.
type Level uint8

// The levels.
const (
	// DefaultLevel is the configured one.
	DefaultLevel Level = iota
	// MemoryLevel waits for nothing: a crash of the process may take the write back.
	MemoryLevel
	// OSLevel waits until the write is with the operating system: only a power cut may take it
	// back, and at most what came since the last periodic sync.
	OSLevel
	// DiskLevel waits until the write is on the disk.
	DiskLevel
)

var levelNames = [...]string{"default", "memory", "os", "disk"}

// String is the level's name on the wire and in the configuration.
func (l Level) String() string { return levelNames[l] }

// ParseLevel reads memory, os or disk, in lower case.
func ParseLevel(name []byte) (Level, bool) {
	for l := MemoryLevel; l <= DiskLevel; l++ {
		if string(name) == levelNames[l] {
			return l, true
		}
	}
	return DefaultLevel, false
}

// Persistence is the journal and the snapshots as commands and doors see them. It is safe for
// concurrent use.
type Persistence interface {
	// Level is the configured level: OSLevel or DiskLevel.
	Level() Level
	// Admit says why a write of about so many bytes can't be recorded at present, or nil. It is
	// asked for every write before anything is planned, so it must cost next to nothing. Its text
	// is shown to clients and should say what to do.
	Admit(bytes int) error
	// Last is the sequence number of the last record appended, Synced that of the last one known
	// to be on the disk; 0 before the first.
	Last() uint64
	Synced() uint64
	// History reads the records from number from on that are written, which Commit sees to. Its
	// records are ErrNoHistory if the first of them is gone; it may be gone later, too.
	History(from uint64) History
	// Commit returns once all records up to upTo have reached level, or says why they can't. It is
	// called once per round of an event loop, mostly with nothing left to do.
	Commit(upTo uint64, level Level) error
	// Save makes a snapshot and returns when it is safe, ctx ends or it has failed; ErrSaving when
	// another one is being made.
	Save(ctx context.Context) error
	// Background starts Save and does not wait; ErrSaving when one is being made.
	Background() error
	// Status describes all of it. It may take locks and read files' sizes.
	Status() PersistenceStatus
}

// History is a part of the journal, record by record. It is for one goroutine at a time.
type History interface {
	// Next returns the next record, whose effects are valid until the call after; ok is false when
	// no more is written. It may read a file. A record without effects says nothing.
	Next() (r Record, ok bool, err error)
	// Advance goes towards the record of Next, passing over about most bytes. there: Next has it at
	// once, or nothing is written. The error is that of Next.
	Advance(most int) (there bool, err error)
	// Rest gives files and memory back until the next call; with again, Next then returns its last
	// record once more.
	Rest(again bool)
	Close() error
}

// Record is what one transaction did: its effects, encoded, at a time in ms since the Unix epoch.
type Record struct {
	LSN     uint64
	Time    int64
	Effects []byte
}

// ErrNoHistory says that the journal does not reach so far back any more.
var ErrNoHistory = errs.New(errs.HistoryGone, "the journal does not reach back so far any more: "+
	"list the keys again and watch from there")

// PersistenceStatus is a reading of journal and snapshots. Times are ms since the Unix epoch,
// 0 = never; durations are in the unit they are named after.
type PersistenceStatus struct {
	Dir         string // the data directory
	Changes     int64  // records since the last snapshot began
	Saving      bool
	SavingSince int64
	LastSave    int64 // end of the last successful snapshot of this data directory
	LastSaveOK  bool  // the last attempt succeeded, or there was none
	LastMillis  int64 // how long the last attempt took; -1 = there was none
	SnapshotLSN uint64

	Journal      string // "ok", or why it takes no records
	JournalOK    bool
	Segments     int
	JournalBytes int64
	Written      uint64 // sequence number of the last record with the operating system
	Writes       int64
	Syncs        int64
	SyncMicros   int64 // of the last sync

	// LoadPercent is how far recovery is, 100 when done.
	LoadPercent float64
}

// ErrSaving refuses a snapshot while another is being made. An implementation returns it as is.
var ErrSaving = errs.New(errs.Redis, "ERR Background save already in progress")

var (
	errLoading  = errs.New(errs.Loading, "LOADING Synap is loading the dataset in memory")
	errBadLevel = errs.Request("durability must be memory, os or disk")
	// errBatchBlocks refuses in a batch what may take long: it would hold up an event loop.
	errBatchBlocks = errs.Request("this command cannot be part of a batch")
)

// Commit makes everything executed so far as safe as level wants; the server calls it once per
// round, before the round's replies leave. It covers other loops' writes too: a read may have
// seen them, and must not tell of anything that a crash could still take back.
func (e *Engine) Commit(level Level) error {
	if e.Persistence == nil || level <= MemoryLevel {
		return nil
	}
	return e.Persistence.Commit(e.Persistence.Last(), level)
}

// Admit says why a write of about so many bytes can't be recorded at present, or nil. Commands
// that write more than their arguments, piece by piece, ask it again for each piece.
func (e *Engine) Admit(bytes int) error {
	if e.Persistence == nil {
		return nil
	}
	if err := e.Persistence.Admit(bytes); err != nil {
		return errs.New(errs.Storage, err.Error())
	}
	return nil
}

// ReadLevel reads the level that a request names. One that needs a journal is refused when there
// is none: to accept it would promise what can't be kept.
func (e *Engine) ReadLevel(name []byte) (Level, error) {
	l, known := ParseLevel(name)
	if !known {
		return l, errBadLevel
	}
	if l > MemoryLevel && e.Persistence == nil {
		return l, errs.Request("durability '" + l.String() + "' needs persistence, which is off")
	}
	return l, nil
}

// LevelOf is the level that the answers of s have to reach.
func (e *Engine) LevelOf(s *Session) Level {
	switch {
	case e.Persistence == nil:
		return MemoryLevel
	case s.Level == DefaultLevel:
		return e.Persistence.Level()
	}
	return s.Level
}

// Require notes that the present round's replies to s must not leave before level is reached.
// wrote says that they acknowledge a write: if the level can't be reached they must not leave
// at all, while an answer to a mere read may.
func (s *Session) Require(level Level, wrote bool) {
	s.required = max(s.required, level)
	s.wrote = s.wrote || wrote
}

// TakeRequired returns what was required since the last call, and forgets it.
func (s *Session) TakeRequired() (level Level, wrote bool) {
	level, wrote = s.required, s.wrote
	s.required, s.wrote = DefaultLevel, false
	return level, wrote
}

// require notes what the answer of a command just run has to wait for.
func (e *Engine) require(s *Session, row *Row, err error) {
	if row.Flags&(Lockless|Early) == 0 {
		s.Require(e.LevelOf(s), err == nil && row.Has(Write))
	}
}

// lineBytes is about what a command line adds to the journal.
func lineBytes(argv [][]byte) int {
	bytes := perCommandBytes
	for _, word := range argv {
		bytes += len(word) + recordWordBytes
	}
	return bytes
}
