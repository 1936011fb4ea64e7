package kv

import (
	"fmt"
	"sync"
	"testing"
	"time"
	"unsafe"
)

// discard is a journal that copies records into one buffer, as a journal does, and forgets them.
type discard struct {
	mu     sync.Mutex
	buffer []byte
	last   uint64
}

func (d *discard) Append(_ int64, payload []byte) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.buffer) > 1<<20 {
		d.buffer = d.buffer[:0]
	}
	d.buffer = append(d.buffer, payload...)
	d.last++
	return d.last
}

func (d *discard) Admit(int) error { return nil }

func BenchmarkOverwriteRecorded(tb *testing.B) {
	b, n := newBench(tb), benchKeys()
	b.load(n, 0)
	b.s.SetJournal(&discard{})
	next := steps(n)
	tb.ReportAllocs()
	for tb.Loop() {
		b.set(next(), 0)
	}
}

// export writes the store into blocks of about 1 MiB and reports the longest slice.
func (b *bench) export() (blocks [][]byte, bytes int64, longest time.Duration) {
	var c ExportCursor
	block := make([]byte, 0, 1<<20+2*sliceBytes)
	for more := true; more; {
		start := time.Now()
		block, more = b.s.Export(&c, block)
		longest = max(longest, time.Since(start))
		if len(block) >= 1<<20 || !more {
			bytes += int64(len(block))
			blocks = append(blocks, append([]byte(nil), block...))
			block = block[:0]
		}
	}
	return blocks, bytes, longest
}

func BenchmarkExport(tb *testing.B) {
	b, n := newBench(tb), benchKeys()
	b.load(n, 0)
	block := make([]byte, 0, 1<<20+2*sliceBytes)
	slices, longest := 0, time.Duration(0)
	for tb.Loop() {
		var c ExportCursor
		slices = 0
		bytes := int64(0)
		for more := true; more; slices++ {
			start := time.Now()
			block, more = b.s.Export(&c, block[:0])
			longest = max(longest, time.Since(start))
			bytes += int64(len(block))
		}
		tb.SetBytes(bytes)
	}
	tb.ReportMetric(float64(tb.Elapsed().Nanoseconds())/float64(tb.N*n), "ns/key")
	tb.ReportMetric(float64(tb.Elapsed().Microseconds())/float64(tb.N*slices), "µs/slice")
	tb.ReportMetric(float64(longest.Microseconds()), "longest-µs")
}

// BenchmarkImport loads all keys from blocks, by two goroutines, into a store with the same shards
// and seed, and into one with others.
func BenchmarkImport(tb *testing.B) {
	b, n := newBench(tb), benchKeys()
	b.load(n, 0)
	blocks, bytes, _ := b.export()
	for _, other := range []uint64{0, 1} {
		name := "same"
		if other != 0 {
			name = "other-seed"
		}
		tb.Run(name, func(tb *testing.B) {
			for tb.Loop() {
				s, err := New(Options{Seed: b.s.Seed() + other})
				if err != nil {
					tb.Fatal(err)
				}
				load(tb, s, blocks)
				if s.Count(0) != int64(n) {
					tb.Fatal("keys are missing")
				}
				_ = s.Close()
			}
			tb.SetBytes(bytes)
			tb.ReportMetric(float64(tb.Elapsed().Nanoseconds())/float64(tb.N*n), "ns/key")
		})
	}
}

func load(tb *testing.B, s *Store, blocks [][]byte) {
	var group sync.WaitGroup
	for half := range 2 {
		group.Go(func() {
			for i := half; i < len(blocks); i += 2 {
				if err := s.Import(epoch, blocks[i]); err != nil {
					tb.Error(err)
				}
			}
		})
	}
	group.Wait()
	for range 2 {
		group.Go(s.FinishImport)
	}
	group.Wait()
}

// BenchmarkCopySlabs is the rival of Export in slices: a copy of all blocks of one shard under
// its lock, at 1/8 of the keys per shard. The time of an operation is how long its writers stop.
func BenchmarkCopySlabs(tb *testing.B) {
	s, err := New(Options{Shards: 8})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	b := &bench{s: s, value: make([]byte, benchValue), now: epoch}
	b.load(benchKeys(), 0)
	sp := s.shards[0].db[0].Load()
	for _, fresh := range []bool{true, false} {
		tb.Run(fmt.Sprintf("into-new-memory=%v", fresh), func(tb *testing.B) {
			dst := make([]byte, sp.arena.Resident())
			tb.SetBytes(int64(len(dst)))
			for tb.Loop() {
				if fresh {
					tb.StopTimer()
					dst = make([]byte, len(dst))
					tb.StartTimer()
				}
				s.shards[0].mu.Lock()
				copy(dst, unsafe.Slice((*byte)(sp.arena.Ptr(1)), len(dst)))
				s.shards[0].mu.Unlock()
			}
		})
	}
}
