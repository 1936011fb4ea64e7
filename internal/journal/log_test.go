package journal

import (
	"bytes"
	"errors"
	"testing"

	"github.com/synapdb/synap/internal/vfs"
)

func TestRecordsComeBackInOrder(t *testing.T) {
	for name, files := range map[string]vfs.FS{"memory": vfs.NewMemory(1), "os": vfs.OS()} {
		t.Run(name, func(t *testing.T) {
			o := options(files)
			if name == "os" {
				o.Dir = t.TempDir() + "/journal"
			}
			var want []entry
			for life := range 5 {
				l, report, got := mustOpen(t, o, 0)
				sameEntries(t, got, want)
				if report.Torn != nil || report.Damage != nil {
					t.Fatalf("a clean end is reported as %v, %v", report.Torn, report.Damage)
				}
				want = append(want, fill(l, newRand(uint64(life)), 100, 1000)...)
				for _, level := range []Level{Memory, OS, Disk} {
					if err := l.Commit(l.Last(), level); err != nil {
						t.Fatal(err)
					}
				}
				mustClose(t, l)
			}
			l, _, got := mustOpen(t, o, want[250].lsn)
			sameEntries(t, got, want[250:])
			if stats := l.Stats(); stats.Segments < 10 || stats.Last != l.Synced() {
				t.Errorf("after 250 KB in segments of 16 KiB: %+v", stats)
			}
			mustClose(t, l)
		})
	}
}

func TestCommitReachesTheLevel(t *testing.T) {
	l, _, _ := mustOpen(t, options(vfs.NewMemory(1)), 0)
	defer mustClose(t, l)
	lsn := l.Append(1, []byte("one"))
	check := func(what string, written, synced LSN) {
		t.Helper()
		if l.Written() != written || l.Synced() != synced {
			t.Fatalf("after %s: written %d, synced %d", what, l.Written(), l.Synced())
		}
	}
	commit := func(level Level) {
		t.Helper()
		if err := l.Commit(lsn, level); err != nil {
			t.Fatal(err)
		}
	}
	check("append", 0, 0)
	commit(Memory)
	check("memory", 0, 0)
	commit(OS)
	check("os", 1, 0)
	commit(Disk)
	check("disk", 1, 1)
	before := l.Stats()
	for range 10 {
		commit(OS)
		commit(Disk)
	}
	if after := l.Stats(); after.Writes != before.Writes || after.Syncs != before.Syncs {
		t.Error("a commit with nothing to do touched the disk")
	}
	if err := l.Commit(2, OS); err == nil {
		t.Error("a record that was never appended is committed")
	}
}

func TestOneWriteCarriesEverything(t *testing.T) {
	l, _, _ := mustOpen(t, options(vfs.NewMemory(1)), 0)
	defer mustClose(t, l)
	fill(l, newRand(1), 50, 100)
	if err := l.Commit(l.Last(), OS); err != nil {
		t.Fatal(err)
	}
	if n := l.Stats().Writes; n != 1 {
		t.Errorf("50 records took %d writes", n)
	}
}

func TestRecordLargerThanASegment(t *testing.T) {
	files := vfs.NewMemory(1)
	l, _, _ := mustOpen(t, options(files), 0)
	want := fill(l, newRand(1), 3, 100)
	large := bytes.Repeat([]byte("large"), 10*MinSegmentBytes)
	for range 2 {
		if err := l.Admit(len(large)); err != nil {
			t.Fatal(err)
		}
		want = append(want, entry{l.Append(7, large), 7, large})
		want = append(want, fill(l, newRand(2), 3, 100)...)
	}
	mustClose(t, l)
	l, _, got := mustOpen(t, options(files), 0)
	sameEntries(t, got, want)
	mustClose(t, l)
}

func TestMarkersCoverTheEnd(t *testing.T) {
	files := vfs.NewMemory(1)
	l, _, _ := mustOpen(t, options(files), 0)
	want := fill(l, newRand(1), 3, 100)
	l.tick() // syncs
	l.tick() // marks
	if l.Last() != 4 || l.Synced() != 4 {
		t.Fatalf("the marker is missing: last %d, synced %d", l.Last(), l.Synced())
	}
	writes := l.Stats().Writes
	for range 5 {
		l.tick()
	}
	if l.Last() != 4 || l.Stats().Writes != writes {
		t.Error("an idle log goes on writing")
	}
	l.Close()
	l, report, got := mustOpen(t, options(files), 0)
	sameEntries(t, got, want)
	if report.Synced != 3 || report.Last != 4 || report.Records != 4 || report.Replayed != 3 {
		t.Errorf("report %+v", report)
	}
	l.tick()
	if l.Last() != 4 {
		t.Error("a marker was marked")
	}
	mustClose(t, l)
}

func TestLogGoesOnAfterASnapshot(t *testing.T) {
	files := vfs.NewMemory(1)
	l, _, got := mustOpen(t, options(files), 1000) // restored from a snapshot alone
	if len(got) != 0 || l.Last() != 999 {
		t.Fatalf("%d records, last %d", len(got), l.Last())
	}
	want := fill(l, newRand(1), 3, 100)
	if want[0].lsn != 1000 {
		t.Errorf("the first record after the snapshot is %d", want[0].lsn)
	}
	mustClose(t, l)
	_, _, err := Open(options(files), 999, nil)
	wantError(t, err, ErrTrimmed)
	l, _, got = mustOpen(t, options(files), 1000)
	sameEntries(t, got, want)
	mustClose(t, l)
	l, _, got = mustOpen(t, options(files), 5000) // the snapshot is newer than the journal
	if len(got) != 0 || l.Append(1, []byte("x")) != 5000 {
		t.Error("the journal does not go on behind the snapshot")
	}
	mustClose(t, l)
	if report, err := Verify(files, testDir); err != nil || report.First != 5000 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestApplyErrorEndsOpen(t *testing.T) {
	files := vfs.NewMemory(1)
	l, _, _ := mustOpen(t, options(files), 0)
	fill(l, newRand(1), 3, 100)
	mustClose(t, l)
	broken := errors.New("broken")
	_, _, err := Open(options(files), 0, func(LSN, int64, []byte) error { return broken })
	wantError(t, err, broken)
}

func TestForeignHistoryIsRefused(t *testing.T) {
	files := vfs.NewMemory(1)
	l, _, _ := mustOpen(t, options(files), 0)
	fill(l, newRand(1), 3, 100)
	mustClose(t, l)
	o := options(files)
	o.History[0]++
	_, _, err := Open(o, 0, nil)
	wantError(t, err, ErrDamaged)
}

func TestClosedLogTakesNothing(t *testing.T) {
	l, _, _ := mustOpen(t, options(vfs.NewMemory(1)), 0)
	mustClose(t, l)
	mustClose(t, l)
	wantError(t, l.Commit(l.Append(1, []byte("late")), OS), ErrClosed)
}

func TestLevelsHaveNames(t *testing.T) {
	for _, level := range []Level{Memory, OS, Disk} {
		if got, err := ParseLevel(level.String()); err != nil || got != level {
			t.Errorf("%v is read as %v, %v", level, got, err)
		}
	}
	if _, err := ParseLevel("paper"); err == nil {
		t.Error("paper is a level")
	}
}
