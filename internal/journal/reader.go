package journal

import (
	"context"
	"errors"
	"io/fs"

	"github.com/synapdb/synap/internal/vfs"
)

// Reader follows a log that is being written, record by record. It is for one goroutine; a log
// may have many. It holds nothing back: Truncate can overtake it.
type Reader struct {
	log  *Log
	next LSN
	seg  *segment // in which next is looked for; nil is not known
	file vfs.File
	scan scanner
	off  int64
}

// Reader makes a reader whose first record is from; 0 and 1 are the beginning of the history.
// Close it in the end.
func (l *Log) Reader(from LSN) *Reader { return &Reader{log: l, next: max(from, 1)} }

// Next returns the next record once it is written, markers (with an empty payload) included; it
// waits for it until ctx ends. The payload is valid until the next call. ErrTrimmed says that the
// record has been truncated away, ErrClosed that the log was closed; a *Damage that the disk does
// not hold what was written.
func (r *Reader) Next(ctx context.Context) (lsn LSN, timeMillis int64, payload []byte, err error) {
	if err := r.log.waitWritten(ctx, r.next); err != nil {
		return 0, 0, nil, err
	}
	for {
		if r.seg == nil {
			if err := r.locate(); err != nil {
				return 0, 0, nil, err
			}
		}
		h, payload, reason, err := r.read()
		switch {
		case err != nil:
			return 0, 0, nil, err
		case reason == "":
			r.off += h.bytes()
			r.next++
			return h.lsn, h.timeMillis, payload, nil
		case !r.log.holds(r.seg):
			r.leave()
			return 0, 0, nil, ErrTrimmed
		}
		successor := r.log.segmentOf(r.next)
		if successor == r.seg {
			return 0, 0, nil, &Damage{File: r.log.path(r.seg), Offset: r.off, LSN: r.next,
				Synced: r.log.Synced(), Reason: reason}
		}
		r.leave()
	}
}

// Ready says whether Next has a record, or an error, without waiting.
func (r *Reader) Ready() bool { return r.log.Written() >= r.next }

// read looks for next where it must stand, skipping those before it in a new segment.
func (r *Reader) read() (h head, payload []byte, reason string, err error) {
	for first := r.log.firstAt(r.seg, r.off, r.next); ; first++ {
		h, payload, reason, err = r.scan.record(r.off, first)
		if err == nil && reason != "" {
			// The window may be older than the record.
			r.scan.forget()
			h, payload, reason, err = r.scan.record(r.off, first)
		}
		if err != nil || reason != "" || first == r.next {
			return h, payload, reason, err
		}
		r.off += h.bytes()
	}
}

// firstAt is the record expected at off when next is wanted: the segment's first at its
// beginning, next itself later.
func (l *Log) firstAt(s *segment, off int64, next LSN) LSN {
	if off == recordsAt {
		return s.first
	}
	return next
}

// locate opens the segment that holds next.
func (r *Reader) locate() error {
	for {
		s := r.log.segmentOf(r.next)
		if s == nil {
			return ErrTrimmed
		}
		file, err := r.log.fs.Open(r.log.path(s))
		if errors.Is(err, fs.ErrNotExist) && !r.log.holds(s) {
			continue // truncated meanwhile
		}
		if err != nil {
			return err
		}
		r.seg, r.file, r.off = s, file, recordsAt
		return r.scan.open(file, s.salt)
	}
}

// leave closes the segment; the next one is located anew.
func (r *Reader) leave() {
	if r.file != nil {
		_ = r.file.Close() // it was only read
	}
	r.seg, r.file = nil, nil
}

// Close gives the reader's file back.
func (r *Reader) Close() error {
	r.leave()
	return nil
}

// segmentOf is the segment that holds, or will hold, the record; nil when it is gone.
func (l *Log) segmentOf(lsn LSN) *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.mu.used) - 1; i >= 0; i-- {
		if l.mu.used[i].first <= lsn {
			return l.mu.used[i]
		}
	}
	return nil
}

// holds says whether a segment is still part of the log.
func (l *Log) holds(s *segment) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.mu.used) > 0 && s.first >= l.mu.used[0].first
}

// waitWritten returns when the record is written.
func (l *Log) waitWritten(ctx context.Context, lsn LSN) error {
	for l.Written() < lsn {
		moved := l.nextMove()
		if l.Written() >= lsn {
			break
		}
		if l.closed.Load() {
			return ErrClosed
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
	return nil
}

// nextMove is a channel that is closed when more has been written. It is made only when somebody
// waits, so that writing without readers costs nothing.
func (l *Log) nextMove() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.moved == nil {
		l.mu.moved = make(chan struct{})
	}
	l.waiting.Store(1)
	return l.mu.moved
}

func (l *Log) tellReaders() {
	if l.waiting.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tellReadersLocked()
}

func (l *Log) tellReadersLocked() {
	if l.mu.moved != nil {
		close(l.mu.moved)
		l.mu.moved = nil
	}
	l.waiting.Store(0)
}
