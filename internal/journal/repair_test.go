package journal

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/synapdb/synap/internal/vfs"
)

const backupDir = "data/backup"

// content is a whole file.
func content(t *testing.T, files vfs.FS, path string) string {
	t.Helper()
	f, err := files.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRepairKeepsWhatStandsBeforeTheDamage(t *testing.T) {
	pristine, made, places := flipped(t)
	for _, hit := range []int{0, 1, len(places) / 2, len(places) - 1} {
		files := pristine.Clone(uint64(hit))
		path := places[hit].path
		if err := files.FlipBit(path, places[hit].end-1, 0); err != nil {
			t.Fatal(err)
		}
		damaged := content(t, files, path)
		report, err := Repair(files, testDir, backupDir)
		if err != nil || report.Damage != nil || !slices.Contains(report.Changed, path) {
			t.Fatalf("record %d: %+v, %v", hit+1, report, err)
		}
		for _, changed := range report.Changed {
			copied := content(t, files, filepath.Join(backupDir, filepath.Base(changed)))
			if changed == path && copied != damaged {
				t.Error("the copy is not what was damaged")
			}
		}
		l, _, got := mustOpen(t, options(files), 0)
		sameEntries(t, got, made[:hit])
		more := fill(l, newRand(1), 10, 1000)
		mustClose(t, l)
		l, _, got = mustOpen(t, options(files), 0)
		sameEntries(t, got, append(made[:hit:hit], more...))
		mustClose(t, l)
	}
}

func TestRepairRestoresAHeaderFromItsCopy(t *testing.T) {
	files, made, places := flipped(t)
	for _, p := range []place{places[0], places[len(places)-1]} {
		if err := files.FlipBit(p.path, 50, 1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Repair(files, testDir, backupDir); err != nil {
		t.Fatal(err)
	}
	l, _, got := mustOpen(t, options(files), 0)
	sameEntries(t, got, made)
	mustClose(t, l)
}

func TestRepairWithoutAnyHeader(t *testing.T) {
	files, made, places := flipped(t)
	last := places[len(places)-1]
	for _, offset := range []int64{50, 50 + sectorBytes} {
		if err := files.FlipBit(last.path, offset, 1); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := Open(options(files), 0, nil)
	wantError(t, err, ErrDamaged)
	if _, err := Repair(files, testDir, backupDir); err != nil {
		t.Fatal(err)
	}
	l, _, got := mustOpen(t, options(files), 0)
	sameEntries(t, got, made[:last.first-1])
	mustClose(t, l)
}

func TestMissingSegmentIsDamage(t *testing.T) {
	files, made, places := flipped(t)
	middle := places[len(places)/2]
	if middle.first == places[0].first || middle.first == places[len(places)-1].first {
		t.Fatal("this is no middle")
	}
	if err := files.Remove(middle.path); err != nil {
		t.Fatal(err)
	}
	_, _, err := Open(options(files), 0, nil)
	var damage *Damage
	if !errors.As(err, &damage) || damage.LSN != middle.first {
		t.Fatal(err)
	}
	report, err := Repair(files, testDir, backupDir)
	if err != nil || report.Last != middle.first-1 {
		t.Fatalf("%+v, %v", report, err)
	}
	l, _, got := mustOpen(t, options(files), 0)
	sameEntries(t, got, made[:middle.first-1])
	mustClose(t, l)
}

func TestRepairLeavesAGoodLogAlone(t *testing.T) {
	files, _, _ := flipped(t)
	report, err := Repair(files, testDir, backupDir)
	if err != nil || len(report.Changed) > 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	if _, err := files.List(backupDir); err == nil {
		t.Error("a backup was made of nothing")
	}
}

// TestRepairSurvivesPowerCuts cuts the power in every call of a repair; done again, it ends as if
// nothing had happened, and the copies are those of the damaged files.
func TestRepairSurvivesPowerCuts(t *testing.T) {
	pristine, made, places := flipped(t)
	hit := len(places) / 2
	path := places[hit].path
	if err := pristine.FlipBit(path, places[hit].start+2, 0); err != nil {
		t.Fatal(err)
	}
	damaged := content(t, pristine, path)
	for n := 1; ; n++ {
		files := pristine.Clone(uint64(n))
		files.CutAfter(n)
		_, err := Repair(files, testDir, backupDir)
		files.CutAfter(0)
		if err != nil {
			files.Crash(0.5)
			if _, err := Repair(files, testDir, backupDir); err != nil {
				t.Fatalf("cut at %d: %v", n, err)
			}
		}
		l, _, got := mustOpen(t, options(files), 0)
		sameEntries(t, got, made[:hit])
		mustClose(t, l)
		if content(t, files, filepath.Join(backupDir, filepath.Base(path))) != damaged {
			t.Fatalf("cut at %d: the copy is not what was damaged", n)
		}
		if err == nil {
			if n < 10 {
				t.Errorf("only %d places for a power cut", n)
			}
			return
		}
	}
}

func TestOtherVersionIsNotRepaired(t *testing.T) {
	files, _, places := flipped(t)
	f, err := files.OpenRW(places[0].path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(newerHeader(), 0); err != nil {
		t.Fatal(err)
	}
	_, err = Repair(files, testDir, backupDir)
	wantError(t, err, errFormat)
	_, _, err = Open(options(files), 0, nil)
	wantError(t, err, errFormat)
}
