package journal

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"sync"

	"github.com/synapdb/synap/internal/vfs"
)

// Reader follows a log that is being written, record by record. It is for one goroutine; a log
// may have many. It holds nothing back: Truncate can overtake it.
type Reader struct {
	log  *Log
	next LSN
	seg  *segment // in which next is looked for; nil is not known
	file vfs.File // of seg; nil while the reader rests
	scan scanner
	off  int64 // in seg, of record at, which is not behind next
	at   LSN
	last int64 // in seg, of the record returned last; 0: there is none
}

// readerWindow is how many bytes of a segment a reader looks at.
const readerWindow = 64 << 10

// windows are those of readers that rest.
var windows = sync.Pool{New: func() any { return new([readerWindow]byte) }}

// Reader makes a reader whose first record is from; 0 and 1 are the beginning of the history.
// Close it in the end.
func (l *Log) Reader(from LSN) *Reader {
	r := &Reader{log: l, next: max(from, 1)}
	r.scan.least = readerWindow
	return r
}

// Next returns the next record once it is written, markers (with an empty payload) included; it
// waits for it until ctx ends. The payload is valid until any other call. ErrTrimmed says that the
// record has been truncated away, ErrClosed that the log was closed; a *Damage that the disk does
// not hold what was written.
func (r *Reader) Next(ctx context.Context) (lsn LSN, timeMillis int64, payload []byte, err error) {
	if err := r.log.waitWritten(ctx, r.next); err != nil {
		return 0, 0, nil, err
	}
	for {
		if _, err := r.Advance(math.MaxInt64); err != nil {
			return 0, 0, nil, err
		}
		h, payload, reason, err := r.scan.record(r.off, r.next)
		if err == nil && reason != "" {
			// The window may be older than the record.
			r.scan.forget()
			h, payload, reason, err = r.scan.record(r.off, r.next)
		}
		if err == nil && reason == "" {
			r.last = r.off
			r.off += h.bytes()
			r.next++
			r.at++
			return h.lsn, h.timeMillis, payload, nil
		}
		if err = r.astray(reason, err); err != nil {
			return 0, 0, nil, err
		}
	}
}

// Advance goes towards the record that Next would return, which must be written, passing over about
// most bytes of those before it in its segment. there: it has arrived; Next would do the rest by
// itself. Errors are those of Next.
func (r *Reader) Advance(most int64) (there bool, err error) {
	for passed := int64(0); ; {
		if err := r.open(); err != nil {
			return false, err
		}
		if r.at == r.next || passed >= most {
			return r.at == r.next, nil
		}
		h, reason, err := r.scan.headOf(r.off, r.at)
		if err == nil && reason != "" {
			r.scan.forget()
			h, reason, err = r.scan.headOf(r.off, r.at)
		}
		if err == nil && reason == "" {
			r.off += h.bytes()
			passed += h.bytes()
			r.at++
		} else if err = r.astray(reason, err); err != nil {
			return false, err
		}
	}
}

// astray is for a record that is not at off: it leaves the segment if next is in a later one. Else
// the error says what is wrong.
func (r *Reader) astray(reason string, err error) error {
	if err != nil {
		return err
	}
	if !r.log.holds(r.seg) {
		r.leave()
		return ErrTrimmed
	}
	if r.log.segmentOf(r.next) == r.seg {
		return &Damage{File: r.log.path(r.seg), Offset: r.off, LSN: r.next,
			Synced: r.log.Synced(), Reason: reason}
	}
	r.leave()
	return nil
}

// Rest gives file and memory back until the next call, which goes on at the same place; or with
// again, at the record that Next returned last.
func (r *Reader) Rest(again bool) {
	if again && r.last != 0 {
		r.off, r.next = r.last, r.next-1
		r.at = r.next
	}
	r.last = 0
	if r.file != nil {
		_ = r.file.Close() // it was only read
		r.file = nil
	}
	if cap(r.scan.window) == readerWindow {
		windows.Put((*[readerWindow]byte)(r.scan.window[:readerWindow]))
	}
	r.scan.window = nil
}

// Ready says whether Next has a record, or an error, without waiting.
func (r *Reader) Ready() bool { return r.log.Written() >= r.next }

// open opens the segment in which next is, or was looked for before a rest.
func (r *Reader) open() error {
	for r.file == nil {
		s := r.seg
		if s == nil {
			if s = r.log.segmentOf(r.next); s == nil {
				return ErrTrimmed
			}
			r.off, r.at, r.last = recordsAt, s.first, 0
		}
		file, err := r.log.fs.Open(r.log.path(s))
		if errors.Is(err, fs.ErrNotExist) && !r.log.holds(s) {
			r.seg = nil
			continue // truncated meanwhile
		}
		if err != nil {
			return err
		}
		r.seg, r.file = s, file
		if r.scan.window == nil {
			window, _ := windows.Get().(*[readerWindow]byte)
			r.scan.window = window[:0]
		}
		return r.scan.open(file, s.salt)
	}
	return nil
}

// leave closes the segment; the next one is located anew.
func (r *Reader) leave() {
	r.Rest(false)
	r.seg = nil
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
