package journal

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/synapdb/synap/internal/vfs"
)

// TestEveryTruncationOffset shortens the log byte by byte, from its end to 64 KiB before it, over
// several segments. After each byte exactly the records that are still whole must come back.
func TestEveryTruncationOffset(t *testing.T) {
	const tail = 64 << 10
	files := vfs.NewMemory(1)
	l, _, _ := mustOpen(t, options(files), 0)
	made := fill(l, newRand(1), 240, 600)
	if err := l.Commit(l.Last(), Disk); err != nil {
		t.Fatal(err)
	}
	ends := recordEnds(t, files, made)
	l.release() // as if the process had ended here
	whole, done := len(made), 0
	for done < tail {
		path := ends[whole-1].path
		from := ends[whole-1].first
		file, err := files.OpenRW(path)
		if err != nil {
			t.Fatal(err)
		}
		size := ends[whole-1].next()
		for ; size >= 0 && done < tail; size-- {
			for whole > 0 && ends[whole-1].path == path && ends[whole-1].next() > size {
				whole--
			}
			if err := file.Truncate(size); err != nil {
				t.Fatal(err)
			}
			recoversExactly(t, files, from, made[:whole])
			if done++; done%256 == 0 {
				goesOn(t, files.Clone(1), made[:whole])
			}
		}
		if err := files.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// recoversExactly scans the log from the segment that begins at from.
func recoversExactly(t *testing.T, files *vfs.Memory, from LSN, want []entry) {
	t.Helper()
	next := int(from) - 1
	report, err := Scan(files, testDir, from, func(lsn LSN, millis int64, payload []byte) error {
		if next == len(want) {
			return fmt.Errorf("record %d is served, but it is not whole", lsn)
		}
		if e := want[next]; e.lsn != lsn || e.millis != millis || !bytes.Equal(e.payload, payload) {
			return fmt.Errorf("record %d is served as %d, or changed", e.lsn, lsn)
		}
		next++
		return nil
	})
	if err != nil || report.Damage != nil {
		t.Fatal(err, report.Damage)
	}
	if next < len(want) {
		t.Fatalf("%d whole records, %d come back", len(want), next)
	}
}

// goesOn opens the log and adds to it.
func goesOn(t *testing.T, files vfs.FS, want []entry) {
	t.Helper()
	l, _, got := mustOpen(t, options(files), 0)
	sameEntries(t, got, want)
	more := fill(l, newRand(2), 3, 100)
	mustClose(t, l)
	l, _, got = mustOpen(t, options(files), 0)
	sameEntries(t, got, append(want[:len(want):len(want)], more...))
	mustClose(t, l)
}

// place is where a record lies.
type place struct {
	path       string
	first      LSN   // of the segment
	start, end int64 // end is without the padding
}

// next is where the next record begins.
func (p place) next() int64 { return (p.end + 7) &^ 7 }

// recordEnds finds the records of a log without markers.
func recordEnds(t testing.TB, files vfs.FS, made []entry) (places []place) {
	t.Helper()
	s, err := look(files, testDir)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range s.used {
		last := LSN(len(made))
		if i+1 < len(s.used) {
			last = s.used[i+1].first - 1
		}
		off := int64(recordsAt)
		for lsn := f.first; lsn <= last; lsn++ {
			n := len(made[lsn-1].payload)
			places = append(places, place{f.path, f.first, off, off + recordHead + int64(n)})
			off += recordBytes(n)
		}
	}
	return places
}
