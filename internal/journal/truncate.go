package journal

import (
	"errors"
	"time"
)

// Truncate gives up the segments whose records are all older than before, as far as
// Options.RetainBytes and RetainAge allow: they become segments for later records, or are removed
// when there are enough of those. The caller has made sure that nobody needs the records to
// recover. The segment being written always stays.
func (l *Log) Truncate(before LSN) error {
	// What follows a freed segment must be there after a power cut, and must say that the freed
	// records had been synced: without that they would pass for records that never came through.
	// With the disk full that may not work for the newest records, but it does for older ones.
	if err := l.sync(l.Last()); err != nil && !errors.Is(err, ErrFull) {
		return err
	}
	l.mark()
	l.syncing.Lock()
	l.closeSealed()
	l.syncing.Unlock()
	l.prep.Lock()
	defer l.prep.Unlock()
	for {
		if l.closed.Load() { // the files may be another log's by now
			return ErrClosed
		}
		victim, successor := l.free(before)
		if victim == nil {
			return nil
		}
		l.notFull() // or it will be found out again
		if err := l.reuseFile(l.path(victim), successor); err != nil {
			return l.fail("a segment of the journal could not be recycled", err)
		}
		if successor != nil {
			l.mu.Lock()
			successor.ready.Store(successor.size <= victim.size)
			l.countSpareRoom()
			l.mu.Unlock()
		}
	}
}

// free takes the oldest segment out of the log if it may go, and picks the spare that its file
// shall serve, nil for none.
func (l *Log) free(before LSN) (victim, successor *segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.mu.used) < 2 || l.mu.used[1].first > min(before, l.Synced()) || !l.mayGo() {
		return nil, nil
	}
	victim, l.mu.used = l.mu.used[0], l.mu.used[1:]
	if victim.size != l.o.SegmentBytes {
		return victim, nil
	}
	ready := 0
	for _, s := range l.mu.spares {
		if s.file == nil && s.size == victim.size {
			return victim, s
		}
		if s.ready.Load() {
			ready++
		}
	}
	if ready < l.o.Spares {
		successor = l.plan()
	}
	return victim, successor
}

// mayGo says whether retention lets the oldest segment go. Called with mu.
func (l *Log) mayGo() bool {
	rest := -l.mu.used[0].size
	for _, s := range l.mu.used {
		rest += s.size
	}
	// The records of a segment are at most as young as the first of the next one.
	age := time.Duration(l.mu.millis-l.mu.used[1].firstMillis) * time.Millisecond
	return rest >= l.o.RetainBytes && (l.o.RetainAge <= 0 || age >= l.o.RetainAge)
}

// reuseFile makes a file the successor's, or removes it if there is none. The name changes first:
// a header with a number below its name's marks a segment without records. The names are synced
// one by one, for a power cut must not leave a gap. Called with prep.
func (l *Log) reuseFile(path string, successor *segment) error {
	if successor == nil {
		if err := l.fs.Remove(path); err != nil {
			return err
		}
		return l.fs.SyncDir(l.o.Dir)
	}
	if l.prep.target == successor {
		l.abandon()
	}
	if err := l.fs.Rename(path, l.path(successor)); err != nil {
		return err
	}
	// Only then the header: a header with a number above its name's would be damage.
	if err := l.fs.SyncDir(l.o.Dir); err != nil {
		return err
	}
	file, err := l.fs.OpenRW(l.path(successor))
	if err != nil {
		return err
	}
	l.mu.Lock()
	successor.file = file
	l.mu.Unlock()
	return l.writeHeader(file, successor)
}
