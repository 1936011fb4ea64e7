package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/synapdb/synap/internal/vfs"
)

// region is a piece of a record or of a header, from one offset to another.
type region struct {
	name     string
	from, to int64
}

var headerRegions = []region{{"magic", 0, 8}, {"format", 8, 12}, {"zero", 12, 16},
	{"number", 16, 24}, {"first lsn", 24, 32}, {"history", 32, 48}, {"secret", 48, 64},
	{"check", 64, 68}}

// recordRegions are those of a record at p, whose payload is not empty.
func recordRegions(p place) []region {
	body := p.start + recordHead
	return []region{{"length", p.start, p.start + 4}, {"sum", p.start + 4, p.start + 8},
		{"lsn", p.start + 8, p.start + 16}, {"time", p.start + 16, p.start + 24},
		{"gap", p.start + 24, p.start + 28}, {"check", p.start + 28, p.start + 32},
		{"payload", body, p.end}, {"padding", p.end, p.next()}}
}

// flipped is a log that was closed orderly, and so ends in a marker.
func flipped(t testing.TB) (*vfs.Memory, []entry, []place) {
	files := vfs.NewMemory(1)
	l, _, _ := mustOpen(t, options(files), 0)
	r := newRand(1)
	var made []entry
	for range 12 {
		made = append(made, fill(l, r, 5, 900)...)
		if err := l.Commit(l.Last(), Disk); err != nil {
			t.Fatal(err)
		}
		prepared(l)
	}
	mustClose(t, l)
	places := recordEnds(t, files, made)
	if places[0].first == places[len(places)-1].first {
		t.Fatal("one segment is not enough for this test")
	}
	return files, made, places
}

// TestFlippedBitIsDetected turns every bit of every region of chosen records, the last synced one
// included, and of every segment's header.
func TestFlippedBitIsDetected(t *testing.T) {
	files, made, places := flipped(t)
	for _, i := range []int{0, 1, len(places) / 2, len(places) - 2, len(places) - 1} {
		for _, g := range recordRegions(places[i]) {
			t.Run(fmt.Sprintf("record %d/%s", i+1, g.name), func(t *testing.T) {
				step := max(1, (g.to-g.from)/16)
				for off := g.from; off < g.to; off += step {
					flip(t, files, places[i].path, off, made, LSN(i+1))
				}
			})
		}
	}
	seen := map[string]bool{}
	for _, p := range places {
		if seen[p.path] {
			continue
		}
		seen[p.path] = true
		for _, g := range headerRegions {
			t.Run(fmt.Sprintf("segment at %d/%s", p.first, g.name), func(t *testing.T) {
				for off := g.from; off < g.to; off++ {
					flip(t, files, p.path, off, made, p.first)
				}
			})
		}
	}
}

// flip turns each bit of a byte over and back; the start must stop at the record lsn, and nothing
// that is served may differ from what was written.
func flip(t *testing.T, files *vfs.Memory, path string, off int64, made []entry, lsn LSN) {
	t.Helper()
	for bit := range uint(8) {
		if err := files.FlipBit(path, off, bit); err != nil {
			t.Fatal(err)
		}
		var got []entry
		_, report, err := Open(options(files), 0, collect(&got))
		var damage *Damage
		if !errors.As(err, &damage) || report.Damage != damage {
			t.Fatalf("bit %d of byte %d: the log opens, or fails otherwise: %v", bit, off, err)
		}
		if damage.File != path || damage.LSN != lsn {
			t.Fatalf("bit %d of byte %d of %s, record %d, is reported as %v", bit, off, path, lsn,
				damage)
		}
		if len(got) > len(made) {
			t.Fatal("more records than were written")
		}
		sameEntries(t, got, made[:len(got)])
		if err := files.FlipBit(path, off, bit); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRandomFlips turns single bits anywhere in the files. Each is detected, or is in a place that
// means nothing, and then everything comes back.
func TestRandomFlips(t *testing.T) {
	files, made, places := flipped(t)
	r := newRand(3)
	detected := 0
	for range 4000 {
		p := places[r.IntN(len(places))]
		off, bit := r.Int64N(MinSegmentBytes), uint(r.IntN(8))
		if err := files.FlipBit(p.path, off, bit); err != nil {
			t.Fatal(err)
		}
		var got []entry
		report, err := Scan(files, testDir, 0, collect(&got))
		if err != nil {
			t.Fatal(err)
		}
		sameEntries(t, got, made[:len(got)])
		if report.Damage != nil {
			detected++
		} else if len(got) != len(made) {
			t.Fatalf("bit %d of byte %d of %s takes %d records away and is not reported", bit, off,
				p.path, len(made)-len(got))
		}
		if err := files.FlipBit(p.path, off, bit); err != nil {
			t.Fatal(err)
		}
	}
	if detected < 2000 {
		t.Errorf("only %d flips hit something", detected)
	}
}

func TestReaderServesNoFlippedBit(t *testing.T) {
	files, made, places := flipped(t)
	l, _, _ := mustOpen(t, options(files), 0)
	defer mustClose(t, l)
	hit := len(places) / 2
	if err := files.FlipBit(places[hit].path, places[hit].end-1, 3); err != nil {
		t.Fatal(err)
	}
	reader := l.Reader(0)
	defer func() { _ = reader.Close() }()
	for i := range hit {
		lsn, _, payload, err := reader.Next(context.Background())
		if err != nil || lsn != made[i].lsn || !bytes.Equal(payload, made[i].payload) {
			t.Fatalf("record %d: %v", lsn, err)
		}
	}
	_, _, _, err := reader.Next(context.Background())
	wantError(t, err, ErrDamaged)
}
