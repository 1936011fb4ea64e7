package journal

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/synapdb/synap/internal/vfs"
)

// admitted appends records until Admit refuses, and returns them with the refusal.
func admitted(l *Log, most int) (made []entry, refusal error) {
	r := newRand(9)
	for range 100_000 {
		if err := l.Admit(most); err != nil {
			return made, err
		}
		made = append(made, fill(l, r, 1, most)...)
	}
	return made, nil
}

func TestFullDiskRefusesAndRecovers(t *testing.T) {
	files := vfs.NewMemory(1)
	files.Limit(6 * MinSegmentBytes)
	l, _, _ := mustOpen(t, options(files), 0)
	made, err := admitted(l, 500)
	wantError(t, err, ErrFull)
	if len(made) < 100 {
		t.Errorf("%d records fit on a disk of 96 KiB", len(made))
	}
	// What was admitted has its room: the disk being full does not touch it.
	if err := l.Commit(l.Last(), Disk); err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); !s.Full || s.Failed {
		t.Errorf("%+v", s)
	}
	reader := l.Reader(1)
	for i := range made {
		if lsn, _, _, err := reader.Next(context.Background()); err != nil || lsn != LSN(i+1) {
			t.Fatalf("record %d of a full log: %v", i+1, err)
		}
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	l.retry()
	wantError(t, l.Admit(500), ErrFull)
	files.Limit(0)
	l.retry()
	if err := l.Admit(500); err != nil {
		t.Fatalf("with space again: %v", err)
	}
	made = append(made, fill(l, newRand(1), 200, 500)...)
	mustClose(t, l)
	l, _, got := mustOpen(t, options(files), 0)
	sameEntries(t, got, made)
	mustClose(t, l)
}

func TestFullDiskIsLeftByRun(t *testing.T) {
	files := vfs.NewMemory(1)
	files.Limit(4 * MinSegmentBytes)
	l, _, _ := mustOpen(t, options(files), 0)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = l.Run(ctx) })
	_, err := admitted(l, 500)
	wantError(t, err, ErrFull)
	files.Limit(0)
	for l.Admit(500) != nil { // ends with the test's deadline, if Run does not do it
		if err := l.Commit(l.Last(), OS); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	running.Wait()
	mustClose(t, l)
}

func TestTruncateMakesRoomOnAFullDisk(t *testing.T) {
	files := vfs.NewMemory(1)
	files.Limit(8 * MinSegmentBytes)
	l, _, _ := mustOpen(t, options(files), 0)
	for range 5 {
		made, err := admitted(l, 500)
		wantError(t, err, ErrFull)
		if len(made) < 300 {
			t.Errorf("only %d records until the disk is full", len(made))
		}
		if err := l.Truncate(l.Last() + 1); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, l)
}

func TestFullDiskKeepsWhatWasAppendedAllTheSame(t *testing.T) {
	files := vfs.NewMemory(1)
	files.Limit(2 * MinSegmentBytes)
	l, _, _ := mustOpen(t, options(files), 0)
	made := fill(l, newRand(1), 100, 1000) // without asking
	wantError(t, l.Commit(l.Last(), OS), ErrFull)
	wantError(t, l.Commit(l.Last(), Disk), ErrFull)
	files.Limit(0)
	l.retry()
	if err := l.Commit(l.Last(), Disk); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	l, _, got := mustOpen(t, options(files), 0)
	sameEntries(t, got, made)
	mustClose(t, l)
}

func TestStartOnAFullDisk(t *testing.T) {
	files := vfs.NewMemory(1)
	files.Limit(2 * MinSegmentBytes)
	l, _, _ := mustOpen(t, options(files), 0)
	made, err := admitted(l, 500)
	wantError(t, err, ErrFull)
	mustClose(t, l)
	l, _, got := mustOpen(t, options(files), 0)
	sameEntries(t, got, made)
	wantError(t, l.Admit(500), ErrFull)
	files.Limit(0)
	l.retry()
	if err := l.Admit(500); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
}

func TestHugeRecordDoesNotRefuseSmallOnes(t *testing.T) {
	files := vfs.NewMemory(1)
	files.Limit(8 * MinSegmentBytes)
	l, _, _ := mustOpen(t, options(files), 0)
	defer mustClose(t, l)
	prepared(l)
	wantError(t, l.Admit(100*MinSegmentBytes), ErrFull)
	for range 10 {
		if err := l.Admit(1000); err != nil {
			t.Fatal(err)
		}
		fill(l, newRand(1), 10, 1000)
		if err := l.Commit(l.Last(), OS); err != nil {
			t.Fatal(err)
		}
		if l.Stats().Full {
			l.retry()
		}
	}
}

// TestFailureIsFinal fails every write and every sync of a history in turn. No commit succeeds
// afterwards, and what was acknowledged before comes back.
func TestFailureIsFinal(t *testing.T) {
	for name, plan := range map[string]func(*vfs.Memory, int){
		"write": (*vfs.Memory).FailWrite, "sync": (*vfs.Memory).FailSync,
	} {
		t.Run(name, func(t *testing.T) {
			failures := 0
			for n := 1; ; n++ {
				files := vfs.NewMemory(uint64(n))
				l, _, _ := mustOpen(t, options(files), 0)
				plan(files, n)
				if !failsFinally(t, files, l) {
					break
				}
				failures++
			}
			if failures < 20 {
				t.Errorf("only %d places to fail", failures)
			}
		})
	}
}

// failsFinally runs a short history and says whether it failed.
func failsFinally(t *testing.T, files *vfs.Memory, l *Log) bool {
	t.Helper()
	r := newRand(1)
	var made []entry
	acked := LSN(0)
	for range 30 {
		made = append(made, fill(l, r, 3, 1000)...)
		if err := l.Commit(l.Last(), Disk); err == nil {
			acked = l.Last()
		} else if !errors.Is(err, ErrFailed) {
			t.Fatal(err)
		}
		l.step()
	}
	failed := l.Stats().Failed
	if failed {
		wantError(t, l.Admit(1), ErrFailed)
		for _, level := range []Level{Memory, OS, Disk} {
			wantError(t, l.Commit(1, level), ErrFailed)
			wantError(t, l.Commit(l.Append(1, []byte("x")), level), ErrFailed)
		}
		if l.Synced() > acked || l.Written() > LSN(len(made)) {
			t.Fatalf("synced %d, acknowledged %d", l.Synced(), acked)
		}
		serves(t, l, made[:acked])
		wantError(t, l.Close(), ErrFailed)
	} else if err := l.Close(); err != nil {
		wantError(t, err, ErrFailed)
		failed = true
	}
	files.Crash(0)
	l, _, got := mustOpen(t, options(files), 0)
	if LSN(len(got)) < acked {
		t.Fatalf("%d records were acknowledged, %d came back", acked, len(got))
	}
	sameEntries(t, got, made[:len(got)])
	mustClose(t, l)
	return failed
}

func serves(t *testing.T, l *Log, want []entry) {
	t.Helper()
	reader := l.Reader(0)
	defer func() { _ = reader.Close() }()
	for _, e := range want {
		lsn, _, payload, err := reader.Next(context.Background())
		if err != nil || lsn != e.lsn || !bytes.Equal(payload, e.payload) {
			t.Fatalf("record %d of a failed log: %v", e.lsn, err)
		}
	}
}

// TestRecordsOverTheLengthAreRefused: their length would not fit into the head of a record.
func TestRecordsOverTheLengthAreRefused(t *testing.T) {
	l, _, _ := mustOpen(t, options(vfs.NewMemory(1)), 0)
	defer mustClose(t, l)
	wantError(t, l.Admit(mostAnnounced+1), ErrTooLong)
	if err := l.Admit(500); err != nil {
		t.Fatal(err)
	}
}
