package journal

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// keptBuffer is the largest buffer that is used again; a larger one was for a burst.
const keptBuffer = 8 << 20

// idleBuffer is how much nobody needs to be waiting for before Commit writes it all the same.
const idleBuffer = 1 << 20

// Commit returns nil when the record upTo, and all before it, have reached the level. It writes
// what everybody has appended with one call, and callers who want a sync at the same time share
// it. With nothing to do it costs two loads. It must not be called with a lock that Append's
// callers take.
//
// ErrFailed is final. ErrFull is not: the records are kept and written when there is space.
func (l *Log) Commit(upTo LSN, level Level) error {
	if err := l.failure(); err != nil {
		return err
	}
	switch {
	case upTo > l.Last():
		return fmt.Errorf("record %d was never appended", upTo)
	case level == Memory && l.buffered.Load() < idleBuffer:
		return nil
	case level == Memory:
		// Whether it works out is not the caller's question: it does not wait.
		_ = l.write(l.Last())
		return nil
	case level == OS && l.Written() >= upTo, l.Synced() >= upTo:
		return nil
	case l.closed.Load():
		return ErrClosed
	case level == OS:
		return l.write(upTo)
	}
	return l.sync(upTo)
}

// write returns when upTo is written.
func (l *Log) write(upTo LSN) error {
	l.io.Lock()
	defer l.io.Unlock()
	if l.Written() < upTo {
		return l.flush()
	}
	return l.failure()
}

// failure is nil until the log has failed, and then an ErrFailed.
func (l *Log) failure() error {
	if f := l.failed.Load(); f != nil {
		return f
	}
	return nil
}

// failedError is an ErrFailed that knows its cause. Its text, which clients see, does not tell the
// cause, which names files.
type failedError struct{ cause error }

func (f *failedError) Error() string   { return ErrFailed.Error() }
func (f *failedError) Unwrap() []error { return []error{ErrFailed, f.cause} }

// flush writes all that has been appended. Called with io.
func (l *Log) flush() error {
	for {
		if err := l.failure(); err != nil {
			return err
		}
		if len(l.io.parts) == 0 && !l.take() {
			return nil
		}
		for len(l.io.parts) > 0 {
			if err := l.writePart(); err != nil {
				return err
			}
		}
		l.written.Store(uint64(l.io.upTo))
		l.tellReaders()
	}
}

// take exchanges the empty buffer of the writer for what has been appended.
func (l *Log) take() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.mu.buf) == 0 {
		return false
	}
	if cap(l.io.out) > keptBuffer {
		l.io.out = nil
	}
	l.io.out, l.mu.buf = l.mu.buf, l.io.out[:0]
	l.io.parts, l.mu.parts = l.mu.parts, l.io.parts[:0]
	l.io.upTo = l.Last()
	l.buffered.Store(0)
	return true
}

// writePart writes the first part of out and takes it off.
func (l *Log) writePart() error {
	p, end := l.io.parts[0], len(l.io.out)
	if len(l.io.parts) > 1 {
		end = l.io.parts[1].from
	}
	if !p.seg.ready.Load() {
		if l.full.Load() {
			return ErrFull // Run tries again
		}
		if err := l.prepareUntil(p.seg); err != nil {
			return err
		}
	}
	if !p.seg.dirty {
		p.seg.dirty = true
		l.io.dirty = append(l.io.dirty, p.seg)
	}
	n, err := p.seg.file.WriteAt(l.io.out[p.from:end], p.off)
	l.writes.Add(1)
	l.writtenBytes.Add(uint64(n))
	if err != nil {
		return l.fail("a write of the journal failed", err)
	}
	// Moved down instead of cut off, so that the slice keeps its room.
	l.io.parts = l.io.parts[:copy(l.io.parts, l.io.parts[1:])]
	return nil
}

// sync returns when upTo is synced.
func (l *Log) sync(upTo LSN) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if l.Synced() >= upTo {
		return l.failure()
	}
	l.io.Lock()
	err := l.flush()
	target := l.written.Load()
	dirty := l.io.dirty
	l.io.dirty, l.io.clean = l.io.clean[:0], dirty
	for _, s := range dirty {
		s.dirty = false
	}
	l.io.Unlock()
	// Writers go on while the disk works; their records wait for the next sync.
	if failed := l.syncFiles(dirty); failed != nil {
		return failed
	}
	if err := l.failure(); err != nil {
		return err
	}
	l.synced.Store(target)
	clear(dirty)
	l.closeSealed()
	if LSN(target) >= upTo {
		return nil
	}
	return err
}

// syncFiles syncs the oldest first, so that a power cut in between leaves an unbroken beginning.
func (l *Log) syncFiles(dirty []*segment) error {
	began := l.o.Clock.Micros()
	for _, s := range dirty {
		if err := s.file.Sync(); err != nil {
			return l.fail("a sync of the journal failed", err)
		}
		l.syncs.Add(1)
	}
	if len(dirty) > 0 {
		took := l.o.Clock.Micros() - began
		l.lastSync.Store(took)
		l.maxSync.Store(max(took, l.maxSync.Load()))
	}
	return nil
}

// closeSealed closes the files before the tail that will not be written again. Called with
// syncing, for a file must not be closed under a sync.
func (l *Log) closeSealed() {
	l.io.Lock()
	defer l.io.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.mu.used) - 2; i >= 0 && l.mu.used[i].file != nil; i-- {
		s := l.mu.used[i]
		if s.dirty || awaits(l.io.parts, s) || awaits(l.mu.parts, s) {
			continue
		}
		if err := s.file.Close(); err != nil {
			l.log.Warn("a segment of the journal did not close", slog.Any("error", err))
		}
		s.file = nil
	}
}

// awaits says whether one of the parts belongs to s.
func awaits(parts []part, s *segment) bool {
	return slices.ContainsFunc(parts, func(p part) bool { return p.seg == s })
}

// fail ends all acknowledgements: after a failed write or sync nobody knows what the disk holds,
// and asking again would only bring an answer that proves nothing.
func (l *Log) fail(what string, err error) error {
	if l.failed.CompareAndSwap(nil, &failedError{err}) {
		l.log.Error(what+"; no write is accepted or acknowledged until a restart",
			slog.Any("error", err))
	}
	return l.failure()
}

// retryEvery is how often Run asks a full disk for space.
const retryEvery = 200 * time.Millisecond

// Run does what must happen without anybody waiting for it, until ctx ends: it syncs every
// Options.SyncEvery, prepares segments ahead, and tries again while the disk is full. Exactly one
// Run belongs beside a log. It returns nil; failures show in Admit and Commit.
func (l *Log) Run(ctx context.Context) error {
	tick, retry := time.NewTicker(l.o.SyncEvery), time.NewTicker(retryEvery)
	defer tick.Stop()
	defer retry.Stop()
	for {
		// Preparing is done in steps, so that a sync is not late because of it. A step that
		// found the disk full is repeated by the retry.
		for l.wantsSpare() && !l.full.Load() && ctx.Err() == nil {
			l.step()
			select {
			case <-tick.C:
				l.tick()
			default:
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
		case <-tick.C:
			l.tick()
		case <-retry.C:
			if l.full.Load() {
				l.retry()
			}
		}
	}
}

// tick syncs what has been appended. When there is nothing, and the newest record does not know
// itself synced, a marker says so: recovery can then tell damage to the last synced records from
// a torn end.
func (l *Log) tick() {
	if l.failed.Load() != nil || l.closed.Load() {
		return
	}
	if last := l.Last(); l.Synced() < last {
		_ = l.sync(last) // fail has logged it
		return
	}
	l.mark()
}

// mark appends and syncs a marker if there is use and room for one. There is, but after a marker
// at the very end of a segment.
func (l *Log) mark() {
	l.mu.Lock()
	last := l.Last()
	wanted := l.Synced() == last && !l.mu.marked && l.mu.tail != nil && l.room() >= recordHead
	if wanted {
		last = l.append(l.mu.millis, nil, 0)
	}
	l.mu.Unlock()
	if wanted {
		_ = l.sync(last)
	}
}

// Close writes and syncs what has been appended, marks the end as synced and closes the files.
// Run must have returned. It returns what kept it from syncing; the files are closed anyway.
func (l *Log) Close() error {
	if l.closed.Load() {
		return nil
	}
	err := l.sync(l.Last())
	if err == nil {
		l.mark()
		err = l.failure()
	}
	l.closed.Store(true)
	l.release()
	return err
}

// release closes the files.
func (l *Log) release() {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.io.Lock()
	defer l.io.Unlock()
	l.prep.Lock()
	defer l.prep.Unlock()
	l.abandon()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, list := range [][]*segment{l.mu.used, l.mu.spares} {
		for _, s := range list {
			if s.file != nil {
				_ = s.file.Close() // everything in it is synced, or has failed to be
				s.file = nil
			}
		}
	}
	l.tellReadersLocked()
}
