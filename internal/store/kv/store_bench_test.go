package kv

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/effect"
)

// The benchmarks use keys of 16 bytes and values of 100, a million of them, or SYNAP_BENCH_KEYS.
// They report bytes per key beyond key and value (B/key-overhead), what the process holds
// (RSS-MB) and the collector's share of the CPU (gc-%).

const (
	benchKey   = 16
	benchValue = 100
)

func benchKeys() int {
	if n, err := strconv.Atoi(os.Getenv("SYNAP_BENCH_KEYS")); err == nil {
		return n
	}
	return 1_000_000
}

// name writes the i-th key: digits, spread so that neighbours in time aren't neighbours in order.
func name(dst []byte, i int) []byte {
	dst = append(dst[:0], "key:000000000000"...)
	n := uint64(i) * 0x9E3779B97F4A7C15 >> 24 // 40 bits, distinct for any i the benchmarks use
	for p := benchKey - 1; n > 0 && p >= 4; p-- {
		dst[p] = byte('0' + n%10)
		n /= 10
	}
	return dst
}

type bench struct {
	s     *Store
	tx    Tx
	key   []byte
	value []byte
	now   int64
}

func newBench(b *testing.B) *bench {
	s, err := New(Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return &bench{s: s, value: make([]byte, benchValue), now: epoch}
}

func (b *bench) get(i int) bool {
	b.key = name(b.key, i)
	b.s.Begin(&b.tx, b.now)
	b.tx.Declare(0, b.key)
	b.tx.Lock()
	_, ok := b.tx.Get(0, b.key)
	b.tx.Unlock()
	return ok
}

func (b *bench) set(i int, deadline int64) {
	b.key = name(b.key, i)
	binary.LittleEndian.PutUint64(b.value, uint64(i))
	b.s.Begin(&b.tx, b.now)
	b.tx.Declare(0, b.key)
	b.tx.Lock()
	b.tx.Apply(effect.Effect{Kind: effect.Set, Key: b.key, Value: b.value, Deadline: deadline})
	b.tx.Unlock()
}

// load sets n keys, with maintenance between as a server would do it.
func (b *bench) load(n int, ttl int64) {
	for i := range n {
		deadline := int64(0)
		if ttl != 0 {
			deadline = b.now + ttl + int64(i%100_000)
		}
		b.set(i, deadline)
		if i%10_000 == 0 {
			b.s.Maintain(b.now, 1000)
		}
	}
	for b.s.Maintain(b.now, 10_000) {
	}
}

func rss() float64 {
	data, _ := os.ReadFile("/proc/self/statm")
	var size, resident int64
	_, _ = fmt.Sscan(string(data), &size, &resident)
	return float64(resident*int64(os.Getpagesize())) / (1 << 20)
}

// gcShare returns a function that tells which share of the CPU the collector took since.
func gcShare() func() float64 {
	read := func() (gc, all float64) {
		m := []metrics.Sample{
			{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/total:cpu-seconds"},
		}
		metrics.Read(m)
		return m[0].Value.Float64(), m[1].Value.Float64()
	}
	runtime.GC()
	gc0, all0 := read()
	return func() float64 {
		runtime.GC()
		gc, all := read()
		return 100 * (gc - gc0) / max(all-all0, 1e-9)
	}
}

func (b *bench) report(tb *testing.B, n int) {
	st := b.s.Stats()
	per := float64(st.Memory-int64(n)*(benchKey+benchValue)) / float64(n)
	tb.ReportMetric(per, "B/key-overhead")
	tb.ReportMetric(float64(st.Resident)/(1<<20), "resident-MB")
}

// steps walks over n keys in a random-looking order.
func steps(n int) func() int {
	i := 0
	return func() int { i = (i + 7_368_787) % n; return i }
}

func BenchmarkGetHit(tb *testing.B) {
	b, n := newBench(tb), benchKeys()
	b.load(n, 0)
	next, gc := steps(n), gcShare()
	tb.ReportAllocs()
	for tb.Loop() {
		if !b.get(next()) {
			tb.Fatal("a key is missing")
		}
	}
	tb.ReportMetric(gc(), "gc-%")
	b.report(tb, n)
}

func BenchmarkGetMiss(tb *testing.B) {
	b, n := newBench(tb), benchKeys()
	b.load(n, 0)
	next := steps(n)
	tb.ReportAllocs()
	for tb.Loop() {
		if b.get(n + next()) {
			tb.Fatal("a key too many")
		}
	}
}

func BenchmarkOverwrite(tb *testing.B) {
	b, n := newBench(tb), benchKeys()
	b.load(n, 0)
	next := steps(n)
	tb.ReportAllocs()
	for tb.Loop() {
		b.set(next(), 0)
	}
}

// BenchmarkInsert loads all keys as one operation and reports the time of one key.
func BenchmarkInsert(tb *testing.B) {
	n := benchKeys()
	for tb.Loop() {
		before := rss()
		b := newBench(tb)
		gc := gcShare()
		start := time.Now()
		b.load(n, 0)
		tb.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(n), "ns/key")
		tb.ReportMetric(gc(), "gc-%")
		tb.ReportMetric(rss()-before, "RSS-MB")
		b.report(tb, n)
		_ = b.s.Close()
	}
}

func BenchmarkPrefixScan100(tb *testing.B) {
	b, n := newBench(tb), benchKeys()
	b.load(n, 0)
	next := steps(n)
	times := make([]time.Duration, 0, 1<<16)
	tb.ReportAllocs()
	for tb.Loop() {
		key := name(b.key, next())
		seen := 0
		start := time.Now()
		b.s.Begin(&b.tx, b.now)
		b.tx.DeclareAll()
		b.tx.Lock()
		b.tx.Scan(0, Range{Prefix: key[:4], Start: key}, func(e Entry) bool {
			seen++
			return seen < 100
		})
		b.tx.Unlock()
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	tb.ReportMetric(float64(times[len(times)*95/100].Nanoseconds()), "p95-ns")
}

// BenchmarkTTLStorm lets all keys expire within 100 s and collects them.
func BenchmarkTTLStorm(tb *testing.B) {
	n := benchKeys()
	for tb.Loop() {
		b := newBench(tb)
		b.load(n, 10_000)
		b.report(tb, n)
		longest, calls := time.Duration(0), 0
		start := time.Now()
		for b.s.Count(0) > 0 {
			b.now += 1000
			for more := true; more; calls++ {
				call := time.Now()
				more = b.s.Maintain(b.now, 1000)
				longest = max(longest, time.Since(call))
			}
		}
		tb.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(n), "ns/key")
		tb.ReportMetric(float64(longest.Microseconds()), "longest-call-µs")
		_ = b.s.Close()
	}
}

// BenchmarkParallel is 80 % reads and 20 % writes from every core.
func BenchmarkParallel(tb *testing.B) {
	b, n := newBench(tb), benchKeys()
	b.load(n, 0)
	tb.ReportAllocs()
	tb.ResetTimer()
	tb.RunParallel(func(pb *testing.PB) {
		c := &bench{s: b.s, value: make([]byte, benchValue), now: b.now}
		for pb.Next() {
			if i := rand.IntN(n); i%5 == 0 {
				c.set(i, 0)
			} else {
				c.get(i)
			}
		}
	})
}
