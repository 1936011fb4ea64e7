package journal

import (
	"bytes"
	"sync/atomic"
	"testing"

	"github.com/synapdb/synap/internal/vfs"
)

// readFiles counts the files that are open for reading.
type readFiles struct {
	vfs.FS
	open atomic.Int64
}

type readFile struct {
	vfs.File
	of *readFiles
}

func (f *readFiles) Open(path string) (vfs.File, error) {
	file, err := f.FS.Open(path)
	if err != nil {
		return nil, err
	}
	f.open.Add(1)
	return &readFile{file, f}, nil
}

func (f *readFile) Close() error {
	f.of.open.Add(-1)
	return f.File.Close()
}

// A reader may rest anywhere, which costs neither a file nor memory, and look for its place in
// small steps.
func TestReaderRestsAndAdvances(t *testing.T) {
	files := &readFiles{FS: vfs.NewMemory(1)}
	l, _, _ := mustOpen(t, options(files), 0)
	made := fill(l, newRand(1), 300, 800)
	if err := l.Commit(l.Last(), OS); err != nil {
		t.Fatal(err)
	}
	before := files.open.Load()
	const from = 150
	r := l.Reader(from)
	steps := 0
	for there := false; !there; steps++ {
		var err error
		if there, err = r.Advance(1); err != nil {
			t.Fatal(err)
		}
		r.Rest(false)
	}
	if steps < 2 {
		t.Errorf("the reader was there after %d steps", steps)
	}
	for i := from - 1; i < len(made); i++ {
		for again := range 3 {
			lsn, _, payload, err := r.Next(t.Context())
			if err != nil || lsn != made[i].lsn || !bytes.Equal(payload, made[i].payload) {
				t.Fatalf("record %d, time %d, is %d: %v", made[i].lsn, again, lsn, err)
			}
			r.Rest(again < 2)
			if n := files.open.Load(); n != before || r.scan.window != nil {
				t.Fatalf("%d files are open and %d bytes held at rest", n-before,
					cap(r.scan.window))
			}
		}
	}
	rested := l.Reader(1)
	if _, _, _, err := rested.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	rested.Rest(true)
	if err := l.Truncate(299); err != nil {
		t.Fatal(err)
	}
	_, err := rested.Advance(0)
	wantError(t, err, ErrTrimmed)
	for _, r := range []*Reader{r, rested} {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, l)
}
