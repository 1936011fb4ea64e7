package journal

import (
	"context"

	"github.com/synapdb/synap/internal/vfs"
)

// Log is an open log.
type Log struct{}

// Open opens.
func Open(o Options, replayFrom LSN,
	apply func(lsn LSN, timeMillis int64, payload []byte) error) (*Log, Report, error) {
	return &Log{}, Report{}, nil
}

// Append appends.
func (l *Log) Append(timeMillis int64, payload []byte) LSN { return 0 }

// Commit commits.
func (l *Log) Commit(upTo LSN, level Level) error { return nil }

// Last is last.
func (l *Log) Last() LSN { return 0 }

// Written is written.
func (l *Log) Written() LSN { return 0 }

// Synced is synced.
func (l *Log) Synced() LSN { return 0 }

// Admit admits.
func (l *Log) Admit(bytes int) error { return nil }

// Run runs.
func (l *Log) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Truncate truncates.
func (l *Log) Truncate(before LSN) error { return nil }

// Close closes.
func (l *Log) Close() error { return nil }

// Stats are figures.
func (l *Log) Stats() Stats { return Stats{} }

// Level is Options.Level.
func (l *Log) Level() Level { return OS }

// Reader reads.
func (l *Log) Reader(from LSN) *Reader { return &Reader{} }

// Reader is a cursor.
type Reader struct{}

// Next is next.
func (r *Reader) Next(ctx context.Context) (LSN, int64, []byte, error) {
	<-ctx.Done()
	return 0, 0, nil, ctx.Err()
}

// Close closes.
func (r *Reader) Close() error { return nil }

// Scan reads a directory without an open log.
func Scan(fs vfs.FS, dir string, from LSN,
	visit func(lsn LSN, timeMillis int64, payload []byte) error) (Report, error) {
	return Report{}, nil
}

// Verify verifies.
func Verify(fs vfs.FS, dir string) (Report, error) { return Report{}, nil }

// Repair repairs.
func Repair(fs vfs.FS, dir, backupDir string) (Report, error) { return Report{}, nil }
