package vfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// both runs a test over the machine's files and those in memory.
func both(t *testing.T, test func(t *testing.T, files FS, dir string)) {
	t.Run("os", func(t *testing.T) { test(t, OS(), t.TempDir()) })
	t.Run("memory", func(t *testing.T) {
		m := NewMemory(1)
		must(t, m.MkdirAll("top"))
		test(t, m, "top")
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, files FS, path, text string) File {
	t.Helper()
	f, err := files.Create(path)
	must(t, err)
	_, err = f.WriteAt([]byte(text), 0)
	must(t, err)
	return f
}

func text(t *testing.T, files FS, path string) string {
	t.Helper()
	f, err := files.Open(path)
	must(t, err)
	size, err := f.Size()
	must(t, err)
	b, err := io.ReadAll(io.NewSectionReader(f, 0, size))
	must(t, errors.Join(err, f.Close()))
	return string(b)
}

func wants(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func TestFiles(t *testing.T) {
	both(t, func(t *testing.T, files FS, dir string) {
		deep := filepath.Join(dir, "a", "b")
		_, err := files.List(deep)
		wants(t, err, fs.ErrNotExist)
		must(t, files.MkdirAll(deep))
		must(t, files.MkdirAll(deep))
		one, two := filepath.Join(deep, "one"), filepath.Join(deep, "two")
		_, err = files.Open(one)
		wants(t, err, fs.ErrNotExist)
		_, err = files.OpenRW(one)
		wants(t, err, fs.ErrNotExist)
		must(t, create(t, files, two, "two").Close())
		must(t, create(t, files, one, "first").Close())
		must(t, create(t, files, one, "one").Close())
		must(t, files.SyncDir(deep))
		names, err := files.List(deep)
		if must(t, err); !slices.Equal(names, []string{"one", "two"}) {
			t.Fatal(names)
		}
		must(t, files.Rename(one, two))
		if got := text(t, files, two); got != "one" {
			t.Fatalf("%q after the rename", got)
		}
		wants(t, files.Remove(one), fs.ErrNotExist)
		if files.Remove(deep) == nil {
			t.Fatal("a directory with a file was removed")
		}
		must(t, files.Remove(two))
		must(t, files.Remove(deep))
		if names, err = files.List(filepath.Dir(deep)); err != nil || len(names) > 0 {
			t.Fatal(names, err)
		}
	})
}

func TestFileGrowsAndShrinks(t *testing.T) {
	both(t, func(t *testing.T, files FS, dir string) {
		path := filepath.Join(dir, "f")
		f := create(t, files, path, "abc")
		must(t, f.Allocate(2)) // never makes a file shorter
		must(t, f.Allocate(3_000_000))
		must(t, f.Sync())
		want := append([]byte("abc"), make([]byte, 3_000_000-3)...)
		if text(t, files, path) != string(want) {
			t.Error("allocated bytes are not zeros after what was there")
		}
		must(t, f.Truncate(2))
		must(t, f.Reserve(1))
		must(t, f.Reserve(100_000))
		if text(t, files, path) != "ab"+string(make([]byte, 100_000-2)) {
			t.Error("reserved bytes are not zeros after what was there")
		}
		must(t, f.Truncate(2))
		b := make([]byte, 5)
		if n, err := f.ReadAt(b, 1); n != 1 || !errors.Is(err, io.EOF) || b[0] != 'b' {
			t.Error(n, err, b)
		}
		must(t, f.Close())
		if f.Close() == nil {
			t.Error("closed twice")
		}
		if f, err := files.Open(path); err != nil {
			t.Error(err)
		} else if _, err := f.WriteAt(b, 0); err == nil {
			t.Error("a file opened for reading was written")
		}
	})
}

func TestLockHasOneHolder(t *testing.T) {
	both(t, func(t *testing.T, files FS, dir string) {
		path := filepath.Join(dir, "LOCK")
		lock, err := files.Lock(path)
		must(t, err)
		_, err = files.Lock(path)
		wants(t, err, ErrLocked)
		must(t, lock.Close())
		lock, err = files.Lock(path)
		must(t, err)
		must(t, lock.Close())
	})
}

func TestCrashForgetsWhatWasNotSynced(t *testing.T) {
	m := NewMemory(1)
	must(t, m.MkdirAll("d"))
	f := create(t, m, "d/kept", "old")
	must(t, f.Sync())
	must(t, m.SyncDir("d"))
	_, err := f.WriteAt([]byte("new and longer"), 0)
	must(t, err)
	must(t, create(t, m, "d/nameless", "synced, but its name is not").Sync())
	lock, err := m.Lock("d/LOCK")
	must(t, err)
	must(t, m.Rename("d/kept", "d/renamed"))
	m.Crash(0)
	if got := text(t, m, "d/kept"); got != "old" {
		t.Errorf("%q", got)
	}
	for _, gone := range []string{"d/nameless", "d/renamed"} {
		_, err := m.Open(gone)
		wants(t, err, fs.ErrNotExist)
	}
	_, err = f.WriteAt([]byte("x"), 0)
	wants(t, err, ErrPowerCut)
	_, err = m.Lock("d/LOCK")
	must(t, err)
	must(t, lock.Close())
	_, err = m.Lock("d/LOCK")
	wants(t, err, ErrLocked) // the lock from before the crash frees nothing
}

func TestCrashThatKeepsEverything(t *testing.T) {
	m := NewMemory(1)
	create(t, m, "f", "written")
	m.Crash(1)
	if got := text(t, m, "f"); got != "written" {
		t.Errorf("%q", got)
	}
}

// TestTornWrites writes two generations of pages and looks at what a crash leaves: each sector is
// of one or the other, and both kinds occur.
func TestTornWrites(t *testing.T) {
	const size = 64 << 10
	mixed := 0
	for seed := range uint64(20) {
		m := NewMemory(seed)
		f, err := m.Create("f")
		must(t, err)
		_, err = f.WriteAt(bytes.Repeat([]byte("o"), size), 0)
		must(t, err)
		must(t, f.Sync())
		must(t, m.SyncDir("."))
		_, err = f.WriteAt(bytes.Repeat([]byte("n"), size), 0)
		must(t, err)
		m.Crash(0.5)
		got := []byte(text(t, m, "f"))
		fresh := 0
		for sector := range slices.Chunk(got, sectorBytes) {
			n := bytes.Count(sector, []byte("n"))
			if n != 0 && n != sectorBytes {
				t.Fatalf("seed %d tears inside a sector", seed)
			}
			fresh += n / sectorBytes
		}
		if fresh > 0 && fresh < size/sectorBytes {
			mixed++
		}
	}
	if mixed < 18 {
		t.Errorf("only %d of 20 crashes tore the write", mixed)
	}
}

func TestPowerIsCutAtTheCall(t *testing.T) {
	m := NewMemory(1)
	f := create(t, m, "f", "1")
	must(t, f.Sync())
	must(t, m.SyncDir("."))
	m.CutAfter(2)
	_, err := f.WriteAt([]byte("2"), 0)
	must(t, err)
	wants(t, f.Sync(), ErrPowerCut)
	_, err = m.Open("f")
	wants(t, err, ErrPowerCut)
	_, err = m.List(".")
	wants(t, err, ErrPowerCut)
	m.Crash(0)
	if got := text(t, m, "f"); got != "1" {
		t.Errorf("%q", got)
	}
}

func TestFailuresOnCommand(t *testing.T) {
	m := NewMemory(1)
	f := create(t, m, "f", "old")
	must(t, f.Sync())
	must(t, m.SyncDir("."))
	m.FailWrite(2)
	_, err := f.WriteAt([]byte("new"), 0)
	must(t, err)
	_, err = f.WriteAt([]byte("new"), 0)
	wants(t, err, syscall.EIO)
	_, err = f.WriteAt([]byte("new"), 0)
	must(t, err)
	m.FailSync(1)
	wants(t, f.Sync(), syscall.EIO)
	must(t, f.Sync()) // says so, but the bytes are gone
	m.Crash(0)
	if got := text(t, m, "f"); got != "old" {
		t.Errorf("%q", got)
	}
}

func TestSpaceRunsOut(t *testing.T) {
	m := NewMemory(1)
	m.Limit(1000)
	f := create(t, m, "f", "123")
	if err := f.Allocate(1001); !NoSpace(err) {
		t.Fatal(err)
	}
	must(t, f.Allocate(900))
	if _, err := f.WriteAt(make([]byte, 200), 850); !NoSpace(err) {
		t.Fatal(err)
	}
	must(t, f.Truncate(10))
	must(t, create(t, m, "g", "123").Allocate(990))
	must(t, m.Remove("g"))
	must(t, f.Allocate(1000))
	if m.Used() != 1000 {
		t.Errorf("%d bytes used", m.Used())
	}
}

func TestFlippedBitAndClone(t *testing.T) {
	m := NewMemory(1)
	must(t, create(t, m, "f", "abc").Sync())
	must(t, m.SyncDir("."))
	c := m.Clone(2)
	must(t, m.FlipBit("f", 1, 0))
	m.Crash(0)
	if got := text(t, m, "f"); got != "acc" {
		t.Errorf("%q", got)
	}
	if got := text(t, c, "f"); got != "abc" {
		t.Errorf("the clone has %q", got)
	}
	wants(t, m.FlipBit("f", 3, 0), fs.ErrNotExist)
}

func TestSameSeedSameLosses(t *testing.T) {
	run := func() string {
		m := NewMemory(42)
		f := create(t, m, "f", "")
		must(t, f.Allocate(40_000))
		must(t, m.SyncDir("."))
		for i := range int64(40) {
			_, err := f.WriteAt([]byte{byte(i + 1)}, i*1000)
			must(t, err)
			if i%7 == 0 {
				must(t, f.Sync())
			}
		}
		m.Crash(0.5)
		return text(t, m, "f")
	}
	if first, second := run(), run(); first != second {
		t.Error("two runs with one seed differ")
	}
}
