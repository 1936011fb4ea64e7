package journal

import (
	"log/slog"
	"path/filepath"

	"github.com/synapdb/synap/internal/vfs"
)

// Room is allocated before it is promised: a segment becomes ready when its file has all its
// bytes on the disk, its header, and its name, all synced. So a full disk shows here, where
// nothing has been acknowledged, and not in the middle of a write.

// stepBytes is how much of a file is allocated between two looks at the clock; it bounds how late
// a sync can be, and how many zeros one sync carries.
const stepBytes = 4 << 20

// reserve is the room that Admit leaves untouched, for those who were admitted at the same time
// and for records that turn out longer than they were announced.
func (l *Log) reserve() int64 { return min(1<<20, l.o.SegmentBytes/8) }

// Admit says whether a record of so many bytes may be appended: nil, ErrFull, ErrTooLong or
// ErrFailed. It is asked before anything is planned, so that nothing has changed when the answer is
// no. With a segment prepared it costs three loads; without one, because the writers were faster
// than Run, it prepares one.
func (l *Log) Admit(bytes int) error {
	need := recordBytes(bytes) + recordHead + l.reserve()
	switch {
	case l.failed.Load() != nil:
		return l.failure()
	case int64(bytes) > mostAnnounced:
		return ErrTooLong
	case l.tailRoom.Load() >= need, l.spareRoom.Load() >= need:
		return nil
	case l.closed.Load():
		return ErrClosed
	case l.full.Load():
		return ErrFull
	}
	return l.makeRoom(recordsAt + need)
}

// makeRoom makes the first spare ready and at least size bytes long.
func (l *Log) makeRoom(size int64) error {
	l.prep.Lock()
	defer l.prep.Unlock()
	l.mu.Lock()
	s := l.mu.spares[0]
	old := s.size
	s.size = max(old, size)
	grown := s.size > old
	if grown {
		s.ready.Store(false)
		l.countSpareRoom()
	}
	l.mu.Unlock()
	err := l.prepare(s)
	if err == nil || !grown {
		return err
	}
	// The record was too large for the disk; smaller ones are not refused for that.
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.first == 0 {
		s.size = old
		if s.file != nil && s.file.Truncate(old) == nil {
			s.ready.Store(true)
			l.notFull()
			l.countSpareRoom()
		}
	}
	return err
}

// wantsSpare says whether a segment that is needed now or next has no file.
func (l *Log) wantsSpare() bool {
	return l.failed.Load() == nil && !l.closed.Load() && l.firstUnready() != nil
}

// firstUnready is the oldest segment that should have its file and has not, or nil: those with
// records waiting come first, then the first spare.
func (l *Log) firstUnready() *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.mu.used) - 1; i >= 0 && !l.mu.used[i].ready.Load(); i-- {
		if i == 0 || l.mu.used[i-1].ready.Load() {
			return l.mu.used[i]
		}
	}
	if s := l.mu.spares[0]; !s.ready.Load() {
		return s
	}
	return nil
}

// step does a piece of the preparation of the first segment that wants it.
func (l *Log) step() {
	l.prep.Lock()
	defer l.prep.Unlock()
	if s := l.firstUnready(); s != nil {
		_ = l.prepareStep(s) // it shows in full or failed
	}
}

// retry tries a full disk again, and writes what has been waiting for it.
func (l *Log) retry() {
	for l.wantsSpare() {
		l.step()
		if l.full.Load() {
			return
		}
	}
	_ = l.write(l.Last())
}

// prepareUntil makes s ready. Called with io, without prep.
func (l *Log) prepareUntil(s *segment) error {
	l.prep.Lock()
	defer l.prep.Unlock()
	return l.prepare(s)
}

// prepare makes s ready. Called with prep.
func (l *Log) prepare(s *segment) error {
	for !s.ready.Load() {
		if err := l.prepareStep(s); err != nil {
			return err
		}
	}
	return nil
}

// prepareStep does a piece of the preparation of s. Called with prep.
func (l *Log) prepareStep(s *segment) error {
	err := l.allocate(s)
	switch {
	case err == nil:
		l.notFull()
		return nil
	case vfs.NoSpace(err):
		l.abandon()
		if l.full.CompareAndSwap(false, true) {
			l.log.Warn("no space for the journal: writes are refused until there is",
				slog.Any("error", err))
		}
		return ErrFull
	}
	l.abandon()
	return l.fail("a segment of the journal could not be prepared", err)
}

func (l *Log) notFull() {
	if l.full.CompareAndSwap(true, false) {
		l.log.Info("there is space for the journal again")
	}
}

// allocate allocates the next bytes of s, or, when it has them all, makes it ready.
func (l *Log) allocate(s *segment) error {
	if s.file != nil { // a prepared segment that has become too small for its first record
		size := l.sizeOf(s)
		if err := s.file.Allocate(size); err != nil {
			return err
		}
		if err := s.file.Sync(); err != nil {
			return err
		}
		l.becomeReady(s, s.file, size)
		return nil
	}
	if l.prep.target != s {
		l.abandon()
		file, err := l.fs.Create(l.tempPath())
		if err != nil {
			return err
		}
		l.prep.target, l.prep.file, l.prep.size = s, file, 0
	}
	size := l.sizeOf(s)
	if l.prep.size < size {
		return l.lengthen(size)
	}
	if err := l.writeHeader(l.prep.file, s); err != nil {
		return err
	}
	if err := l.fs.Rename(l.tempPath(), l.path(s)); err != nil {
		return err
	}
	if err := l.fs.SyncDir(l.o.Dir); err != nil {
		return err
	}
	file := l.prep.file
	l.prep.target, l.prep.file = nil, nil
	l.becomeReady(s, file, size)
	return nil
}

// lengthen allocates the next bytes of the file being prepared. Zeros make later syncs faster and
// are written where syncs are waited for; elsewhere they would only take time (measured with SET,
// 16 deep: a fifth of the server's).
func (l *Log) lengthen(size int64) error {
	if l.o.Level != Disk {
		l.prep.size = size
		return l.prep.file.Reserve(size) // synced with the header
	}
	l.prep.size = min(l.prep.size+stepBytes, size)
	if err := l.prep.file.Allocate(l.prep.size); err != nil {
		return err
	}
	return l.prep.file.Sync()
}

// writeHeader writes and syncs the header of a segment without records.
func (l *Log) writeHeader(file vfs.File, s *segment) error {
	h := header{number: s.number, history: l.o.History, secret: l.secret}
	if _, err := file.WriteAt(h.append(make([]byte, 0, recordsAt)), 0); err != nil {
		return err
	}
	return file.Sync()
}

// becomeReady hands the file of so many bytes over, if s has not come to want more.
func (l *Log) becomeReady(s *segment, file vfs.File, size int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.file = file
	if size >= s.size {
		s.ready.Store(true)
	}
	l.countSpareRoom()
}

func (l *Log) sizeOf(s *segment) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return s.size
}

// abandon gives up what is being prepared. Called with prep.
func (l *Log) abandon() {
	if l.prep.target == nil {
		return
	}
	// What cannot be removed now is removed by the next start.
	_ = l.prep.file.Close()
	_ = l.fs.Remove(l.tempPath())
	l.prep.target, l.prep.file, l.prep.size = nil, nil, 0
}

func (l *Log) path(s *segment) string { return segmentPath(l.o.Dir, s.number) }

func (l *Log) tempPath() string { return filepath.Join(l.o.Dir, namePrefix+"next"+tempSuffix) }
