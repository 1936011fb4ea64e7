package journal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/vfs"
)

// Open reads a log, hands its records from replayFrom on to apply, in order, cuts off a torn end,
// and makes it ready to append. replayFrom is the first record that no snapshot covers; 0 and 1
// are the beginning. The payload that apply gets is valid during the call only; an error from it
// ends Open.
//
// A log that does not reach back to replayFrom is ErrTrimmed, damage a *Damage; in both cases
// nothing has been changed. A log that ends before replayFrom goes on there. The caller makes sure
// that nobody else has the directory open.
func Open(o Options, replayFrom LSN,
	apply func(lsn LSN, timeMillis int64, payload []byte) error) (*Log, Report, error) {
	if err := o.complete(); err != nil {
		return nil, Report{}, err
	}
	if err := o.FS.MkdirAll(o.Dir); err != nil {
		return nil, Report{}, err
	}
	s, err := look(o.FS, o.Dir)
	if err != nil {
		return nil, Report{}, err
	}
	if err := s.oneHistory(o.History); err != nil {
		return nil, Report{}, err
	}
	replayFrom = max(replayFrom, 1)
	w, err := s.records(replayFrom, apply)
	if err != nil {
		return nil, w.report, err
	}
	if w.report.Damage != nil {
		return nil, w.report, w.report.Damage
	}
	l := &Log{o: o, fs: o.FS, log: o.Log, wake: make(chan struct{}, 1)}
	if err := l.adopt(w, replayFrom); err != nil {
		l.release()
		return nil, w.report, err
	}
	return l, w.report, nil
}

func (o *Options) complete() error {
	if o.FS == nil {
		o.FS = vfs.OS()
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 64 << 20
	}
	if o.SegmentBytes < MinSegmentBytes {
		return fmt.Errorf("a segment of %d bytes is too small, the least is %d", o.SegmentBytes,
			MinSegmentBytes)
	}
	if o.Spares <= 0 {
		o.Spares = 2
	}
	if o.SyncEvery <= 0 {
		o.SyncEvery = time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	return nil
}

// adopt makes the files ready to go on where the walk ended.
func (l *Log) adopt(w *walk, replayFrom LSN) error {
	if err := l.findSecret(w.survey); err != nil {
		return err
	}
	l.mu.number = w.top
	l.mu.millis, l.mu.marked = w.lastMillis, w.lastMarker
	last := w.next - 1
	keep := min(w.segment+1, len(w.used))
	if last+1 < replayFrom {
		l.log.Warn("the journal ends before the snapshot begins and goes on after it",
			slog.Uint64("journal", uint64(last)), slog.Uint64("snapshot", uint64(replayFrom)))
		last, keep = replayFrom-1, 0
	} else if err := l.cut(w); err != nil {
		return err
	}
	if err := l.keep(w, keep); err != nil {
		return err
	}
	l.last.Store(uint64(last))
	l.written.Store(uint64(last))
	l.synced.Store(uint64(last))
	if err := l.clear(w.survey, keep); err != nil {
		return err
	}
	return l.firstRoom()
}

// findSecret takes the secret from the files, or makes one.
func (l *Log) findSecret(s *survey) error {
	for _, list := range [][]found{s.used, s.spare} {
		for _, f := range list {
			l.secret = f.secret
			return nil
		}
	}
	_, err := rand.Read(l.secret[:])
	return err
}

// cut overwrites records after a torn end with zeros: the records that will be written before
// them must not bring them back.
func (l *Log) cut(w *walk) error {
	if w.report.Torn == nil {
		return nil
	}
	l.log.Warn("the journal ends in a torn record, which is cut off; it had not been synced",
		slog.String("file", w.report.Torn.File), slog.Int64("offset", w.report.Torn.Offset),
		slog.Uint64("lsn", uint64(w.report.Torn.LSN)), slog.String("reason", w.report.Torn.Reason))
	if w.segment < 0 {
		return nil
	}
	return eraseFile(l.fs, w.report.Torn.File, w.off, w.beyond)
}

// eraseFile writes zeros over the bytes of a file from off to end, and syncs it.
func eraseFile(fs vfs.FS, path string, off, end int64) (err error) {
	file, err := fs.OpenRW(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	zeros := make([]byte, min(max(end-off, 0), windowBytes))
	for off < end {
		n, err := file.WriteAt(zeros[:min(int64(len(zeros)), end-off)], off)
		if err != nil {
			return err
		}
		off += int64(n)
	}
	return file.Sync()
}

// keep makes the first n used files the log's segments, the last of them its tail. All are synced:
// after the end of a process alone, what it wrote may not have been.
func (l *Log) keep(w *walk, n int) error {
	for i, f := range w.used[:n] {
		s := &segment{number: f.number, salt: f.salt(), first: f.first, size: f.size}
		s.ready.Store(true)
		file, err := l.fs.OpenRW(f.path)
		if err != nil {
			return err
		}
		s.file = file
		l.mu.used = append(l.mu.used, s)
		if s.firstMillis, err = firstTime(file, s.salt); err != nil {
			return err
		}
		if err := file.Sync(); err != nil {
			return err
		}
		if i < n-1 {
			s.file = nil
			if err := file.Close(); err != nil {
				return err
			}
			continue
		}
		l.mu.tail, l.mu.off = s, w.off
	}
	return nil
}

// firstTime is the time of a segment's first record, 0 when there is none.
func firstTime(file vfs.File, salt uint32) (int64, error) {
	var s scanner
	if err := s.open(file, salt); err != nil {
		return 0, err
	}
	b, err := s.bytes(recordsAt, min(recordHead, max(s.size-recordsAt, 0)))
	if err != nil || len(b) < recordHead {
		return 0, err
	}
	h, _ := parseHead(b, salt)
	return h.timeMillis, nil
}

// clear gives the files without records that are kept a new number, and removes the rest. With
// the number changes the salt: what was ever written under the old one is no record any more.
func (l *Log) clear(s *survey, keep int) error {
	l.plan()
	unused := append(s.used[keep:len(s.used):len(s.used)], s.spare...)
	l.prep.Lock()
	defer l.prep.Unlock()
	for _, path := range s.temps {
		if err := l.fs.Remove(path); err != nil {
			return err
		}
	}
	for i, f := range unused {
		var successor *segment
		if f.size == l.o.SegmentBytes && i < l.o.Spares {
			successor = l.mu.spares[len(l.mu.spares)-1]
			if successor.ready.Load() {
				successor = l.plan()
			}
		}
		if err := l.reuseFile(f.path, successor); err != nil {
			return err
		}
		if successor != nil {
			successor.ready.Store(true)
		}
	}
	return nil
}

// firstRoom prepares a segment now if there is no room for the first records. A full disk is no
// error: reads shall be served.
func (l *Log) firstRoom() error {
	l.mu.Lock()
	l.countSpareRoom()
	l.mu.Unlock()
	if err := l.Admit(0); err != nil && !errors.Is(err, ErrFull) {
		return err
	}
	return nil
}
