package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/vfs"
)

// LSN is a log sequence number. Records are numbered 1, 2, 3 and so on without a gap, for the
// life of a data directory; 0 is no record.
type LSN uint64

// Level is how far a record must have come before it is acknowledged.
type Level uint8

// The levels, from weak to strong.
const (
	// Memory does not wait: the record is in the memory of the process.
	Memory Level = iota
	// OS waits until the record is written: it survives the end of the process.
	OS
	// Disk waits until the record is synced: it survives a power cut.
	Disk
)

var levels = [...]string{Memory: "memory", OS: "os", Disk: "disk"}

// String is the level as users write it.
func (l Level) String() string {
	if int(l) < len(levels) {
		return levels[l]
	}
	return fmt.Sprintf("level %d", uint8(l))
}

// ParseLevel reads "memory", "os" or "disk".
func ParseLevel(s string) (Level, error) {
	for l, name := range levels {
		if s == name {
			return Level(l), nil
		}
	}
	return 0, fmt.Errorf("%q is no durability level: memory, os or disk", s)
}

// Options says where a log lives and how it behaves.
type Options struct {
	// FS holds the files; nil is vfs.OS().
	FS vfs.FS
	// Dir is the log's own directory; it is made when absent.
	Dir string
	// SegmentBytes is the size of a segment file, at least MinSegmentBytes; 0 is 64 MiB. A
	// record too large for it gets a segment of its own.
	SegmentBytes int64
	// Spares is how many freed segments are kept for later records instead of being removed;
	// 0 is 2.
	Spares int
	// Level is the level that the owner promises by default. With Disk new segments are filled
	// with zeros, which makes syncs faster and preparing slower.
	Level Level
	// SyncEvery is the time between two syncs by Run; 0 is a second.
	SyncEvery time.Duration
	// History names the line of records that the log belongs to; it stands in every segment.
	History [16]byte
	// Log takes what a person should know; nil is silence.
	Log *slog.Logger
	// Clock times the syncs for Stats; nil is the machine's.
	Clock clock.Clock
	// RetainBytes is how many bytes of segments Truncate leaves at least, for replicas.
	RetainBytes int64
	// RetainAge is how long before the newest record a segment must have ended before Truncate
	// may take it, for replicas.
	RetainAge time.Duration
}

// MinSegmentBytes is the smallest segment.
const MinSegmentBytes = 16 << 10

// Refusals. Admit and Commit return them, maybe wrapped.
var (
	// ErrFull says that the room allocated for records is used up and the disk gives no more.
	// Nothing is lost; writing resumes by itself when there is space.
	ErrFull = errors.New("the disk of the data directory is full: " +
		"writes resume by themselves when there is space again")
	// ErrTooLong says that a record would be longer than any may be.
	ErrTooLong = errors.New("one command or transaction may write 2 GiB at most: split it")
	// ErrFailed says that a write or a sync failed, after which nobody knows what the disk
	// holds: the log acknowledges nothing more. What is returned wraps the cause, too, but does
	// not show it in its text.
	ErrFailed = errors.New("the journal could not be written and takes no more writes: " +
		"look at the disk, then restart the server")
	// ErrDamaged says that synced records are damaged or missing; a *Damage says where.
	ErrDamaged = errors.New("the journal is damaged")
	// ErrTrimmed says that records which were asked for have been truncated away.
	ErrTrimmed = errors.New("the journal no longer reaches back that far")
	// ErrClosed says that the log has been closed.
	ErrClosed = errors.New("the journal is closed")
)

// Stats is a moment's figures of a log.
type Stats struct {
	// Segments counts the files that hold records, Spare those prepared for later ones.
	Segments, Spare int
	// Bytes is the length of the files that hold records.
	Bytes int64
	// First is the oldest record kept, 0 when there is none.
	First LSN
	// Last, Written and Synced are the newest record at each level, markers included.
	Last, Written, Synced LSN
	// Writes and Syncs count system calls that wrote or synced records.
	Writes, Syncs uint64
	// WrittenBytes counts bytes written to segments.
	WrittenBytes uint64
	// LastSyncMicros and MaxSyncMicros are what syncs took.
	LastSyncMicros, MaxSyncMicros int64
	// Full and Failed say that Admit refuses, and why.
	Full, Failed bool
	// Cause is what failed, for the operator; nil while Failed is not set.
	Cause error
}

// Report says what a look at a log's files found.
type Report struct {
	// Segments counts the files that hold records, and Bytes their length.
	Segments int
	Bytes    int64
	// First and Last are the oldest and the newest whole record looked at, 0 when there is none.
	First, Last LSN
	// Records counts the records looked at, markers included; Replayed those handed to apply.
	Records, Replayed uint64
	// Synced is the newest record that some whole record knew to be synced.
	Synced LSN
	// Torn is the unfinished end that was, or will be, cut off; nil when there is none. Nothing
	// in it was acknowledged at level disk.
	Torn *Damage
	// Damage is what stops a start; nil when there is none.
	Damage *Damage
	// Changed lists the files that Repair changed or removed, after copying them.
	Changed []string
}

// Damage is a place in a log where a record should be and is not whole. As an error it is
// ErrDamaged.
type Damage struct {
	// File is the path, Offset the byte in it.
	File   string
	Offset int64
	// LSN is the first record that is not whole, Synced the newest that is known to have been
	// synced.
	LSN, Synced LSN
	// Reason is what is wrong, for people.
	Reason string
}

// Error names the place, the records and the way out.
func (d *Damage) Error() string {
	return fmt.Sprintf("%v: %s at offset %d, record %d: %s (records up to %d had been synced); "+
		"`synap-server data repair` keeps a copy and cuts the journal there",
		ErrDamaged, d.File, d.Offset, d.LSN, d.Reason, d.Synced)
}

// Unwrap makes a *Damage an ErrDamaged.
func (d *Damage) Unwrap() error { return ErrDamaged }
