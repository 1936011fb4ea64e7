package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/synapdb/synap/internal/vfs"
)

const dir = "data"

func newFS(t testing.TB, seed uint64) *vfs.Memory {
	t.Helper()
	fs := vfs.NewMemory(seed)
	if err := fs.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	return fs
}

// blocksOf are blocks of several sizes that say which snapshot they are of.
func blocksOf(begin uint64) (blocks [][]byte) {
	for i, n := range []int{1, 300, 7, 512, 64} {
		blocks = append(blocks, bytes.Repeat([]byte{byte(begin), byte(i), 0}, n))
	}
	return blocks
}

// write makes a snapshot of the blocks; its number of entries is begin * 10.
func write(fs vfs.FS, begin uint64, blocks [][]byte) error {
	w, err := Create(fs, dir, Meta{
		Begin: begin, History: [16]byte{1, 2, 3}, Seed: 42, Shards: 8, TimeMillis: 1234,
	})
	if err != nil {
		return err
	}
	for _, b := range blocks {
		if err := w.Block(b); err != nil {
			w.Abort()
			return err
		}
	}
	w.Until(begin + 3)
	return w.Finish(begin * 10)
}

func mustWrite(t testing.TB, fs vfs.FS, begin uint64, blocks [][]byte) string {
	t.Helper()
	if err := write(fs, begin, blocks); err != nil {
		t.Fatal(err)
	}
	return pathOf(dir, begin)
}

func read(fs vfs.FS, path string) (*Reader, [][]byte, error) {
	r, err := Open(fs, path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = r.Close() }()
	for blocks := [][]byte(nil); ; {
		b, err := r.Next(nil)
		if errors.Is(err, io.EOF) {
			return r, blocks, nil
		}
		if err != nil {
			return r, nil, err
		}
		blocks = append(blocks, b)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	fs := newFS(t, 1)
	blocks := blocksOf(7)
	blocks = append(blocks, make([]byte, 3*bufferBytes), []byte("after"),
		make([]byte, bufferBytes-blockBytes), make([]byte, syncBytes), []byte("end"))
	path := mustWrite(t, fs, 7, blocks)
	r, got, err := read(fs, path)
	if err != nil {
		t.Fatal(err)
	}
	want := Meta{Begin: 7, History: [16]byte{1, 2, 3}, Seed: 42, Shards: 8, TimeMillis: 1234}
	if r.Meta() != want || r.Entries() != 70 || r.Until() != 10 ||
		r.Done() != r.Size()-footerBytes {
		t.Errorf("%+v, %d entries, %d of %d bytes", r.Meta(), r.Entries(), r.Done(), r.Size())
	}
	if !slices.EqualFunc(got, blocks, bytes.Equal) {
		t.Error("the blocks differ")
	}
	if m, n, err := Verify(fs, path); err != nil || m != want || n != 70 {
		t.Errorf("verified: %+v, %d, %v", m, n, err)
	}
}

func TestAnEmptySnapshotIsOne(t *testing.T) {
	fs := newFS(t, 1)
	if _, got, err := read(fs, mustWrite(t, fs, 0, nil)); err != nil || len(got) != 0 {
		t.Errorf("%d blocks, %v", len(got), err)
	}
}

func TestImpossibleBlocksAreRefused(t *testing.T) {
	w, err := Create(newFS(t, 1), dir, Meta{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if w.Block(nil) == nil {
		t.Error("an empty block was taken")
	}
}

func TestEveryBitCounts(t *testing.T) {
	fs := newFS(t, 1)
	path := mustWrite(t, fs, 7, blocksOf(7))
	r, _, err := read(fs, path)
	if err != nil {
		t.Fatal(err)
	}
	var damage *DamageError
	for i := range r.Size() {
		for bit := range uint(8) {
			if err := fs.FlipBit(path, i, bit); err != nil {
				t.Fatal(err)
			}
			if _, _, err := Verify(fs, path); !errors.As(err, &damage) || damage.Path != path {
				t.Fatalf("bit %d of byte %d: %v", bit, i, err)
			}
			_ = fs.FlipBit(path, i, bit)
		}
	}
}

func TestEveryByteMissingOrTooManyIsNoticed(t *testing.T) {
	fs := newFS(t, 1)
	path := mustWrite(t, fs, 7, blocksOf(7))
	f, err := fs.OpenRW(path)
	if err != nil {
		t.Fatal(err)
	}
	size, _ := f.Size()
	check := func(n int64) {
		t.Helper()
		if err := f.Truncate(n); err != nil {
			t.Fatal(err)
		}
		var damage *DamageError
		if _, _, err := Verify(fs, path); !errors.As(err, &damage) {
			t.Fatalf("%d of %d bytes: %v", n, size, err)
		}
	}
	for n := size + 100; n > size; n-- {
		check(n)
	}
	for n := size - 1; n >= 0; n-- {
		check(n)
	}
}

// TestBlocksOfAnotherSnapshotAreNoticed: old blocks that a disk leaves in a new file are whole,
// but not of it.
func TestBlocksOfAnotherSnapshotAreNoticed(t *testing.T) {
	fs := newFS(t, 1)
	one, two := mustWrite(t, fs, 1, blocksOf(1)), mustWrite(t, fs, 2, blocksOf(2))
	from, _ := fs.Open(one)
	to, _ := fs.OpenRW(two)
	b := make([]byte, blockBytes+3)
	if _, err := from.ReadAt(b, headerBytes); err != nil {
		t.Fatal(err)
	}
	if _, err := to.WriteAt(b, headerBytes); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Verify(fs, two); err == nil {
		t.Error("a strange block was taken")
	}
}

// TestPowerCutLeavesOldOrNew cuts the power at each step of a snapshot, with an older one there,
// of another or of the same LSN.
func TestPowerCutLeavesOldOrNew(t *testing.T) {
	for _, begin := range []uint64{9, 5} {
		for seed := range uint64(6) {
			for n := 1; cutAt(t, seed, begin, n); n++ {
				if n > 1000 {
					t.Fatal("the power is always cut")
				}
			}
		}
	}
}

// cutAt writes a snapshot, the power being cut at the n-th step, and says whether it came so far.
func cutAt(t *testing.T, seed, begin uint64, n int) bool {
	t.Helper()
	fs := newFS(t, seed)
	old, fresh := [][]byte{[]byte("old")}, append(blocksOf(begin), make([]byte, 2*bufferBytes))
	mustWrite(t, fs, 5, old)
	fs.CutAfter(n)
	failed := write(fs, begin, fresh)
	fs.Crash([]float64{0, 0.5, 1}[seed%3])
	all, err := Latest(fs, dir)
	if err != nil || len(all) == 0 {
		t.Fatalf("step %d: %d snapshots, %v", n, len(all), err)
	}
	for i, info := range all {
		_, blocks, err := read(fs, info.Path)
		isNew := info.Begin == begin && slices.EqualFunc(blocks, fresh, bytes.Equal)
		isOld := info.Begin == 5 && slices.EqualFunc(blocks, old, bytes.Equal)
		if err != nil || !isNew && !isOld || i == 0 && failed == nil && !isNew {
			t.Fatalf("seed %d, step %d, %s: %d blocks, %v", seed, n, info.Path, len(blocks), err)
		}
	}
	if err := Prune(fs, dir, 1); err != nil {
		t.Fatal(err)
	}
	if names, _ := fs.List(dir); len(names) != 1 {
		t.Fatalf("step %d left %v", n, names)
	}
	return failed != nil
}

func TestFailuresLeaveNothingBehind(t *testing.T) {
	big := make([]byte, syncBytes)
	for name, fail := range map[string]func(*vfs.Memory){
		"no space": func(fs *vfs.Memory) { fs.Limit(fs.Used() + bufferBytes) },
		"write":    func(fs *vfs.Memory) { fs.FailWrite(2) },
		"sync":     func(fs *vfs.Memory) { fs.FailSync(1) },
		"last sync": func(fs *vfs.Memory) {
			fs.FailSync(2)
		},
	} {
		fs := newFS(t, 1)
		mustWrite(t, fs, 5, blocksOf(5))
		fail(fs)
		if err := write(fs, 9, append(blocksOf(9), big, []byte("end"))); err == nil {
			t.Errorf("%s: no error", name)
		}
		names, _ := fs.List(dir)
		if len(names) != 1 {
			t.Errorf("%s: %v are left", name, names)
		}
		fs.Limit(0)
		if _, _, err := Verify(fs, pathOf(dir, 5)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLatestAndPrune(t *testing.T) {
	fs := newFS(t, 1)
	if all, err := Latest(fs, "nowhere"); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	for _, begin := range []uint64{30, 4, 200} {
		mustWrite(t, fs, begin, blocksOf(begin))
	}
	for _, name := range []string{"notes", "snapshot-4.snap", pathOf("", 999) + temporary} {
		if _, err := fs.Create(dir + "/" + name); err != nil {
			t.Fatal(err)
		}
	}
	begins := func() (s string) {
		all, err := Latest(fs, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, info := range all {
			s += fmt.Sprint(info.Begin, " ")
		}
		return s
	}
	if got := begins(); got != "200 30 4 " {
		t.Error(got)
	}
	if err := Prune(fs, dir, 2); err != nil {
		t.Fatal(err)
	}
	if got := begins(); got != "200 30 " {
		t.Error(got)
	}
	if err := Prune(fs, dir, 0); err != nil {
		t.Fatal(err)
	}
	names, _ := fs.List(dir)
	if got := begins(); got != "200 " || len(names) != 3 {
		t.Errorf("%s, %v", got, names)
	}
}

func TestSeveralReadersShareTheBlocks(t *testing.T) {
	fs := newFS(t, 1)
	var blocks [][]byte
	for i := range 1000 {
		blocks = append(blocks, fmt.Appendf(nil, "%d", i))
	}
	r, err := Open(fs, mustWrite(t, fs, 7, blocks))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	var mu sync.Mutex
	seen := map[string]bool{}
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			var b []byte
			for {
				var err error
				if b, err = r.Next(b); err != nil {
					if !errors.Is(err, io.EOF) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				seen[string(b)] = true
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if len(seen) != len(blocks) {
		t.Errorf("%d of %d blocks", len(seen), len(blocks))
	}
}

// FuzzRead: any file is read or refused, and no more memory is asked for than the file has bytes.
func FuzzRead(f *testing.F) {
	fs := newFS(f, 1)
	for _, blocks := range [][][]byte{nil, blocksOf(1)[:2]} {
		file, err := fs.Open(mustWrite(f, fs, 1, blocks))
		if err != nil {
			f.Fatal(err)
		}
		size, _ := file.Size()
		b := make([]byte, size)
		_, _ = file.ReadAt(b, 0)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fs := newFS(t, 1)
		file, err := fs.Create(dir + "/x")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteAt(b, 0); err != nil {
			t.Fatal(err)
		}
		r, blocks, err := read(fs, dir+"/x")
		if err == nil && r.Size() != int64(len(b)) {
			t.Fatalf("%d blocks of a file of %d bytes", len(blocks), len(b))
		}
	})
}
