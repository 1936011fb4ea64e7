package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/vfs"
)

// TestManyWritersOneOrder appends from many goroutines while Run prepares and syncs and a reader
// follows: everybody sees the same order, and every writer its own records in its own.
func TestManyWritersOneOrder(t *testing.T) {
	const writers, each = 8, 400
	files := vfs.NewMemory(1)
	o := options(files)
	o.SyncEvery = time.Millisecond
	l, _, _ := mustOpen(t, o, 0)
	ctx, cancel := context.WithCancel(context.Background())
	var running, writing sync.WaitGroup
	running.Go(func() { _ = l.Run(ctx) })
	followed := make(chan []entry)
	running.Go(func() { followed <- follow(t, l, writers*each) })
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				payload := binary.BigEndian.AppendUint32(nil, uint32(w))
				payload = binary.BigEndian.AppendUint32(payload, uint32(i))
				payload = append(payload, make([]byte, (w*31+i)%200)...)
				if err := l.Commit(l.Append(int64(i), payload), Level(i%3)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	got := <-followed
	cancel()
	running.Wait()
	mustClose(t, l)
	next := make([]uint32, writers)
	for _, e := range got {
		w, i := binary.BigEndian.Uint32(e.payload), binary.BigEndian.Uint32(e.payload[4:])
		if next[w] != i {
			t.Fatalf("writer %d: record %d comes when %d is due", w, i, next[w])
		}
		next[w]++
	}
	l, _, again := mustOpen(t, o, 0)
	sameEntries(t, again, got)
	mustClose(t, l)
}

// follow reads n records that are not markers, while they are written.
func follow(t *testing.T, l *Log, n int) (got []entry) {
	reader := l.Reader(1)
	defer func() { _ = reader.Close() }()
	for last := LSN(0); len(got) < n; last++ {
		lsn, millis, payload, err := reader.Next(t.Context())
		if err != nil || lsn != last+1 {
			t.Errorf("record %d follows %d: %v", lsn, last, err)
			return got
		}
		if len(payload) > 0 {
			got = append(got, entry{lsn, millis, bytes.Clone(payload)})
		}
	}
	return got
}

// slowDisk lets a sync begin and holds it until it is released.
type slowDisk struct {
	vfs.FS
	hold chan struct{} // nil lets everything pass
}

type slowFile struct {
	vfs.File
	disk *slowDisk
}

func (d *slowDisk) Create(path string) (vfs.File, error) {
	f, err := d.FS.Create(path)
	return &slowFile{f, d}, err
}

func (f *slowFile) Sync() error {
	if f.disk.hold != nil {
		<-f.disk.hold
	}
	return f.File.Sync()
}

func TestCommitsShareASync(t *testing.T) {
	const writers = 50
	disk := &slowDisk{FS: vfs.NewMemory(1)}
	l, _, _ := mustOpen(t, options(disk), 0)
	before := l.Stats().Syncs
	disk.hold = make(chan struct{})
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			if err := l.Commit(l.Append(1, fmt.Append(nil, i)), Disk); err != nil {
				t.Error(err)
			}
		})
	}
	for l.Last() < writers {
		runtime.Gosched()
	}
	close(disk.hold)
	group.Wait()
	if n := l.Stats().Syncs - before; n > 2 {
		t.Errorf("%d commits took %d syncs", writers, n)
	}
	mustClose(t, l)
}

func TestCommitToTheSystemDoesNotWaitForASync(t *testing.T) {
	disk := &slowDisk{FS: vfs.NewMemory(1)}
	l, _, _ := mustOpen(t, options(disk), 0)
	disk.hold = make(chan struct{})
	synced := make(chan error)
	lsn := l.Append(1, []byte("a"))
	go func() { synced <- l.Commit(lsn, Disk) }()
	disk.hold <- struct{}{} // the sync runs, or is about to
	for i := range 10 {
		if err := l.Commit(l.Append(1, []byte{byte(i)}), OS); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-synced; err != nil {
		t.Fatal(err)
	}
	close(disk.hold)
	mustClose(t, l)
}

func TestReaderWaitsAndEnds(t *testing.T) {
	l, _, _ := mustOpen(t, options(vfs.NewMemory(1)), 0)
	reader := l.Reader(1)
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error)
	next := func(ctx context.Context) { _, _, _, err := reader.Next(ctx); result <- err }
	go next(ctx)
	cancel()
	wantError(t, <-result, context.Canceled)
	go next(context.Background())
	l.Append(1, []byte("x"))
	if err := l.Commit(1, OS); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	go func() {
		var err error
		for err == nil { // Close writes a marker
			_, _, _, err = reader.Next(context.Background())
		}
		result <- err
	}()
	mustClose(t, l)
	wantError(t, <-result, ErrClosed)
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestReaderIsToldOfTruncation(t *testing.T) {
	l, _, _ := mustOpen(t, options(vfs.NewMemory(1)), 0)
	made := fill(l, newRand(1), 200, 800)
	if err := l.Commit(l.Last(), OS); err != nil {
		t.Fatal(err)
	}
	early, late := l.Reader(1), l.Reader(199)
	if _, _, _, err := early.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.Truncate(199); err != nil {
		t.Fatal(err)
	}
	// The segment under the early reader is written again with other records.
	fill(l, newRand(2), 200, 800)
	if err := l.Commit(l.Last(), OS); err != nil {
		t.Fatal(err)
	}
	var err error
	for i := 1; err == nil; i++ {
		var lsn LSN
		var payload []byte
		if lsn, _, payload, err = early.Next(t.Context()); err == nil &&
			(lsn != made[i].lsn || !bytes.Equal(payload, made[i].payload)) {
			t.Fatalf("record %d is not what was written", lsn)
		}
	}
	wantError(t, err, ErrTrimmed)
	if lsn, _, _, err := late.Next(t.Context()); err != nil || lsn != 199 {
		t.Errorf("record %d: %v", lsn, err)
	}
	again := l.Reader(1)
	_, _, _, err = again.Next(t.Context())
	wantError(t, err, ErrTrimmed)
	for _, r := range []*Reader{early, late, again} {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, l)
}

// TestTruncateBesideWriters recycles segments under writers and a reader that may be overtaken.
func TestTruncateBesideWriters(t *testing.T) {
	files := vfs.NewMemory(1)
	l, _, _ := mustOpen(t, options(files), 0)
	ctx, cancel := context.WithCancel(context.Background())
	var running, writing sync.WaitGroup
	running.Go(func() { _ = l.Run(ctx) })
	running.Go(func() {
		reader := l.Reader(1)
		for ctx.Err() == nil {
			_, _, _, err := reader.Next(ctx)
			if errors.Is(err, ErrTrimmed) {
				_ = reader.Close()
				reader = l.Reader(l.Stats().First)
			} else if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		_ = reader.Close()
	})
	for w := range uint64(2) {
		writing.Go(func() {
			r := newRand(w)
			for range 1500 {
				fill(l, r, 1, 500)
				if err := l.Commit(l.Last(), OS); err != nil {
					t.Error(err)
				}
			}
		})
	}
	truncated := LSN(1)
	for range 50 {
		truncated = max(l.Written(), 1)
		if err := l.Truncate(truncated); err != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
	writing.Wait()
	cancel()
	running.Wait()
	mustClose(t, l)
	l, _, _ = mustOpen(t, options(files), truncated)
	if l.Last() < 3000 {
		t.Errorf("the last record is %d", l.Last())
	}
	mustClose(t, l)
}
