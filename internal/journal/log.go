package journal

import (
	"hash/crc32"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/synapdb/synap/internal/vfs"
)

// Log is an open log. All methods are safe for concurrent use.
//
// A record goes through three places: Append puts it into a buffer in memory, Commit writes the
// buffer with one call into the segment files, whose room was allocated ahead, and Commit or Run
// syncs them. The number of the segment, the place in it and so every byte are decided by Append;
// what comes later only carries bytes.
//
// Locks are taken in the order syncing, io, prep, mu. Only mu is ever taken by Append, and no
// file is touched under it.
type Log struct {
	o      Options
	fs     vfs.FS
	log    *slog.Logger
	secret [16]byte

	last, written, synced atomic.Uint64
	buffered              atomic.Int64 // bytes appended and not written
	failed                atomic.Pointer[failedError]
	full, closed          atomic.Bool
	tailRoom, spareRoom   atomic.Int64 // bytes left in the tail, and in the largest spare

	mu struct {
		sync.Mutex
		buf    []byte     // appended, not yet taken by a writer
		parts  []part     // where its pieces belong
		used   []*segment // with records, oldest first
		tail   *segment   // the last of used; nil before the first record
		off    int64      // where the next record goes in tail
		spares []*segment // for later records, in order; never empty, ready or not
		number uint64     // the highest number given to a segment
		millis int64      // time of the newest record
		marked bool       // the newest record is a marker
		moved  chan struct{}
	}

	// syncing makes callers that want a sync queue up: who comes first syncs for all who have
	// appended by then, and most of the others find it done.
	syncing sync.Mutex

	io struct {
		sync.Mutex
		out   []byte // taken from mu.buf, being written
		parts []part // those of out that are not written yet
		upTo  LSN    // the last record in out
		dirty []*segment
		clean []*segment // the other slice for dirty
	}

	prep struct {
		sync.Mutex
		target *segment // for which file is being prepared; nil is none
		file   vfs.File
		size   int64
	}

	wake    chan struct{} // tells Run that a spare is wanted
	waiting atomic.Int64  // readers that wait for mu.moved

	writes, syncs, writtenBytes atomic.Uint64
	lastSync, maxSync           atomic.Int64 // microseconds
}

// segment is a file of the log, existing or planned. number, salt and, since it is used, first
// and firstMillis never change.
type segment struct {
	number      uint64
	salt        uint32
	first       LSN   // 0 is not used yet
	firstMillis int64 // time of the first record
	size        int64 // guarded by mu; the file has as much once it is ready

	ready atomic.Bool // the file is allocated and has its header
	file  vfs.File    // guarded by io, and by prep until it is ready; nil once sealed and synced
	dirty bool        // guarded by io: written since the last sync
}

// part is a piece of a buffer and its place.
type part struct {
	seg  *segment
	off  int64
	from int // the piece begins here and ends where the next one begins
}

// Append adds a record to the log's memory and returns its number. It copies the payload, of at
// most MaxPayload bytes, and never waits for a file; records are in the order of the calls. An
// empty payload makes a marker, which replay leaves out. timeMillis is the record's time in
// milliseconds since the Unix epoch.
//
// It does not fail: whether there is room is asked before, by Admit, and whether the record has
// come through is told later, by Commit.
func (l *Log) Append(timeMillis int64, payload []byte) LSN {
	sum := crc32.Checksum(payload, castagnoli)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.append(timeMillis, payload, sum)
}

// append is Append under mu.
func (l *Log) append(timeMillis int64, payload []byte, sum uint32) LSN {
	lsn := LSN(l.last.Load()) + 1
	l.last.Store(uint64(lsn))
	if l.failed.Load() != nil || l.closed.Load() {
		return lsn // nothing will be written any more, so nothing is kept
	}
	need := recordBytes(len(payload))
	fit := need
	if len(payload) > 0 {
		fit += recordHead // every segment keeps room for a marker
	}
	if l.mu.tail == nil || l.mu.off+fit > l.mu.tail.size {
		l.rotate(lsn, timeMillis, fit)
	} else if len(l.mu.parts) == 0 {
		l.mu.parts = append(l.mu.parts, part{l.mu.tail, l.mu.off, len(l.mu.buf)})
	}
	h := head{sum: sum, lsn: lsn, timeMillis: timeMillis, synced: LSN(l.synced.Load())}
	l.mu.buf = appendRecord(l.mu.buf, h, payload, l.mu.tail.salt)
	l.mu.off += need
	l.mu.millis, l.mu.marked = timeMillis, len(payload) == 0
	l.buffered.Store(int64(len(l.mu.buf)))
	l.tailRoom.Store(l.room())
	return lsn
}

// rotate makes the first spare the tail, ready or not, whose first record is lsn. What is left of
// the old tail stays empty.
func (l *Log) rotate(lsn LSN, timeMillis, fit int64) {
	s := l.mu.spares[0]
	l.mu.spares = l.mu.spares[1:]
	if len(l.mu.spares) == 0 {
		l.plan()
	}
	if s.size < recordsAt+fit {
		s.size = recordsAt + fit
		s.ready.Store(false)
	}
	s.first, s.firstMillis = lsn, timeMillis
	l.mu.used = append(l.mu.used, s)
	l.mu.tail, l.mu.off = s, recordsAt
	l.mu.parts = append(l.mu.parts, part{s, 0, len(l.mu.buf)})
	h := l.header(s)
	l.mu.buf = h.append(l.mu.buf)
	l.countSpareRoom()
	select {
	case l.wake <- struct{}{}:
	default: // Run has been told already
	}
}

// plan adds a spare, for which there is no file yet.
func (l *Log) plan() *segment {
	l.mu.number++
	s := &segment{number: l.mu.number, size: l.o.SegmentBytes}
	h := l.header(s)
	s.salt = h.salt()
	l.mu.spares = append(l.mu.spares, s)
	return s
}

func (l *Log) header(s *segment) header {
	return header{number: s.number, first: s.first, history: l.o.History, secret: l.secret}
}

// room is the bytes left in the tail. Called with mu.
func (l *Log) room() int64 {
	if l.mu.tail == nil || !l.mu.tail.ready.Load() {
		return 0
	}
	return l.mu.tail.size - l.mu.off
}

// countSpareRoom is called with mu whenever spares come, go or become ready.
func (l *Log) countSpareRoom() {
	most := int64(0)
	if s := l.mu.spares[0]; s.ready.Load() {
		most = s.size - recordsAt
	}
	l.spareRoom.Store(most)
	l.tailRoom.Store(l.room())
}

// Last is the newest record appended.
func (l *Log) Last() LSN { return LSN(l.last.Load()) }

// Written is the newest record that survives the end of the process, as all before it do.
func (l *Log) Written() LSN { return LSN(l.written.Load()) }

// Synced is the newest record that survives a power cut, as all before it do.
func (l *Log) Synced() LSN { return LSN(l.synced.Load()) }

// Level is Options.Level.
func (l *Log) Level() Level { return l.o.Level }

// Stats is the figures of this moment.
func (l *Log) Stats() Stats {
	s := Stats{
		Last: l.Last(), Written: l.Written(), Synced: l.Synced(),
		Writes: l.writes.Load(), Syncs: l.syncs.Load(), WrittenBytes: l.writtenBytes.Load(),
		LastSyncMicros: l.lastSync.Load(), MaxSyncMicros: l.maxSync.Load(),
		Full: l.full.Load(),
	}
	if f := l.failed.Load(); f != nil {
		s.Failed, s.Cause = true, f.cause
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, u := range l.mu.used {
		s.Segments++
		s.Bytes += u.size
	}
	for _, u := range l.mu.spares {
		if u.ready.Load() {
			s.Spare++
		}
	}
	if len(l.mu.used) > 0 {
		s.First = l.mu.used[0].first
	}
	return s
}
