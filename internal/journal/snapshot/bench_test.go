package snapshot

import (
	"errors"
	"io"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/vfs"
)

// benchKeys is a million, or SYNAP_BENCH_KEYS: keys of 16, values of 100 bytes.
func benchKeys() int {
	if n, err := strconv.Atoi(os.Getenv("SYNAP_BENCH_KEYS")); err == nil {
		return n
	}
	return 1_000_000
}

func filled(b *testing.B, n int) *kv.Store {
	s, err := kv.New(kv.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	key, value := make([]byte, 0, 16), make([]byte, 100)
	var tx kv.Tx
	for i := range n {
		key = strconv.AppendUint(key[:0], 1_000_000_000_000_000+uint64(i)*7_368_787%1e15, 10)
		s.Begin(&tx, 1)
		tx.Declare(0, key)
		tx.Lock()
		tx.Apply(effect.Effect{Kind: effect.Set, Key: key, Value: value})
		tx.Unlock()
	}
	return s
}

// save writes a snapshot of s to dir: slices gathered into blocks of 1 MiB.
func save(b *testing.B, fs vfs.FS, dir string, s *kv.Store) (path string, bytes int64) {
	w, err := Create(fs, dir, Meta{Begin: 1, Seed: s.Seed(), Shards: uint32(s.Shards())})
	if err != nil {
		b.Fatal(err)
	}
	var c kv.ExportCursor
	var block []byte
	for more := true; more; {
		block, more = s.Export(&c, block)
		if len(block) >= 1<<20 || !more && len(block) > 0 {
			if err := w.Block(block); err != nil {
				b.Fatal(err)
			}
			block = block[:0]
		}
	}
	bytes = w.Bytes()
	if err := w.Finish(c.Entries); err != nil {
		b.Fatal(err)
	}
	return pathOf(dir, 1), bytes
}

// restore reads a snapshot into a new store, by two goroutines.
func restore(b *testing.B, fs vfs.FS, path string) *kv.Store {
	r, err := Open(fs, path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	s, err := kv.New(kv.Options{Seed: r.Meta().Seed})
	if err != nil {
		b.Fatal(err)
	}
	both(func() {
		for block, err := r.Next(nil); !errors.Is(err, io.EOF); block, err = r.Next(block) {
			if err == nil {
				err = s.Import(1, block)
			}
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
	both(s.FinishImport)
	return s
}

func both(work func()) {
	var group sync.WaitGroup
	group.Go(work)
	group.Go(work)
	group.Wait()
}

func BenchmarkSave(b *testing.B) {
	s := filled(b, benchKeys())
	dir := b.TempDir()
	for b.Loop() {
		_, bytes := save(b, vfs.OS(), dir, s)
		b.SetBytes(bytes)
	}
}

// BenchmarkRestore is the time from an open directory to a store that can be used.
func BenchmarkRestore(b *testing.B) {
	n := benchKeys()
	path, bytes := save(b, vfs.OS(), b.TempDir(), filled(b, n))
	b.SetBytes(bytes)
	for b.Loop() {
		s := restore(b, vfs.OS(), path)
		if s.Count(0) != int64(n) {
			b.Fatal("keys are missing")
		}
		b.StopTimer()
		_ = s.Close()
		b.StartTimer()
	}
}
