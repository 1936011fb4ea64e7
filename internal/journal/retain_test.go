package journal

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/vfs"
)

// newerHeader is a header of a later format.
func newerHeader() []byte {
	h := header{number: 1, first: 1}
	b := h.append(nil)
	binary.LittleEndian.PutUint32(b[8:], format+1)
	binary.LittleEndian.PutUint32(b[64:], crc32.Checksum(b[:64], castagnoli))
	return b[:sectorBytes]
}

// aged is a log of twenty segments, a record each second.
func aged(t *testing.T, o Options) *Log {
	t.Helper()
	l, _, _ := mustOpen(t, o, 0)
	for i := range int64(200) {
		l.Append(i*1000, make([]byte, 1500))
	}
	if err := l.Commit(l.Last(), Disk); err != nil {
		t.Fatal(err)
	}
	if l.Stats().Segments < 20 {
		t.Fatalf("%+v", l.Stats())
	}
	return l
}

func TestTruncateRecyclesAndRemoves(t *testing.T) {
	files := vfs.NewMemory(1)
	o := options(files)
	o.Spares = 3
	l := aged(t, o)
	if err := l.Truncate(101); err != nil {
		t.Fatal(err)
	}
	s := l.Stats()
	if s.First > 101 || s.First < 85 {
		t.Errorf("truncated before 101, the log begins at %d", s.First)
	}
	if s.Spare != o.Spares {
		t.Errorf("%d spares", s.Spare)
	}
	names, err := files.List(testDir)
	if err != nil || len(names) != s.Segments+s.Spare {
		t.Errorf("%d files, %+v, %v", len(names), s, err)
	}
	used := files.Used()
	for range 2 { // nothing more is allocated for these
		l.Append(1, make([]byte, MinSegmentBytes/2))
		l.Append(1, make([]byte, MinSegmentBytes/2))
	}
	if err := l.Commit(l.Last(), Disk); err != nil {
		t.Fatal(err)
	}
	if files.Used() > used+MinSegmentBytes {
		t.Error("the recycled segments were not used")
	}
	mustClose(t, l)
	_, _, err = Open(o, 1, nil)
	wantError(t, err, ErrTrimmed)
	l, _, got := mustOpen(t, o, 101)
	if got[0].lsn != 101 || len(got) != 104 {
		t.Errorf("%d records from %d", len(got), got[0].lsn)
	}
	mustClose(t, l)
}

func TestTruncateRetainsForReplicas(t *testing.T) {
	for name, test := range map[string]struct {
		set    func(*Options)
		oldest LSN // at most, of the 200 records
		newest LSN // at least
	}{
		"nothing": {func(o *Options) {}, 200, 180},
		"bytes":   {func(o *Options) { o.RetainBytes = 10 * MinSegmentBytes }, 120, 95},
		"age":     {func(o *Options) { o.RetainAge = 50 * time.Second }, 150, 130},
		"both": {func(o *Options) {
			o.RetainBytes, o.RetainAge = 10*MinSegmentBytes, 150*time.Second
		}, 50, 30},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(vfs.NewMemory(1))
			test.set(&o)
			l := aged(t, o)
			defer mustClose(t, l)
			if err := l.Truncate(l.Last() + 1); err != nil {
				t.Fatal(err)
			}
			if first := l.Stats().First; first > test.oldest || first < test.newest {
				t.Errorf("the log begins at %d", first)
			}
		})
	}
}

func TestSealedSegmentsKeepNoFilesOpen(t *testing.T) {
	open := func() int {
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(fds)
	}
	o := options(vfs.OS())
	o.Dir = t.TempDir() + "/journal"
	before := open()
	l := aged(t, o)
	for i := range int64(50) { // each sealed segment was clean when it was left
		l.Append(i, make([]byte, 3000))
		if err := l.Commit(l.Last(), Disk); err != nil {
			t.Fatal(err)
		}
	}
	if n := open() - before; n > 4 {
		t.Errorf("%d files are open", n)
	}
	if err := l.Truncate(l.Last()); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	if n := open() - before; n > 1 { // the poller of the runtime may be new
		t.Errorf("%d files are open after Close", n)
	}
}
