package order

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// arena holds keys in 32-byte cells in the order they were made, as a slab would: a look-up of
// a random ref is a cache miss.
type arena struct{ b []byte }

func (a *arena) Key(ref uint32) []byte {
	c := a.b[int(ref)*32 : int(ref)*32+32]
	return c[1 : 1+c[0]]
}

const benchKeys = 1 << 20

// benchKinds are the shapes of keys measured; shuffled says that they come in random order.
var benchKinds = []struct {
	name     string
	shuffled bool
	key      func(b []byte, i int, r *rand.Rand) []byte
}{
	{"random16", false, func(b []byte, _ int, r *rand.Rand) []byte {
		for range 16 {
			b = append(b, byte(r.Uint32()))
		}
		return b
	}},
	{"sequential", false, func(b []byte, i int, _ *rand.Rand) []byte {
		return fmt.Appendf(b, "key:%012d", i)
	}},
	{"shuffled", true, func(b []byte, i int, _ *rand.Rand) []byte {
		return fmt.Appendf(b, "key:%012d", i)
	}},
	{"profile", true, func(b []byte, i int, _ *rand.Rand) []byte {
		return fmt.Appendf(b, "user:%d:profile", i)
	}},
}

// benchArena makes n keys; refs 0..n-1 are in the order of arrival.
func benchArena(kind, n int) *arena {
	k := benchKinds[kind]
	r := rand.New(rand.NewPCG(1, 2))
	order := r.Perm(n)
	a := &arena{b: make([]byte, n*32)}
	for i := range n {
		j := i
		if k.shuffled {
			j = order[i]
		}
		c := a.b[i*32 : i*32+32]
		c[0] = byte(len(k.key(c[1:1], j, r)))
	}
	return a
}

func benchSet(kind, n int) (*Set, *arena) {
	a := benchArena(kind, n)
	s := New(a)
	for i := range n {
		s.Insert(uint32(i))
	}
	return s, a
}

func eachKind(b *testing.B, f func(b *testing.B, kind int)) {
	for i, k := range benchKinds {
		b.Run(k.name, func(b *testing.B) { f(b, i) })
	}
}

// BenchmarkInsert fills sets of 1 Mi keys one by one.
func BenchmarkInsert(b *testing.B) {
	eachKind(b, func(b *testing.B, kind int) {
		a := benchArena(kind, benchKeys)
		s := New(a)
		b.ReportAllocs()
		b.ResetTimer()
		for i := range b.N {
			if i%benchKeys == 0 {
				s.Clear()
			}
			s.Insert(uint32(i % benchKeys))
		}
		b.ReportMetric(float64(s.Bytes())/float64(s.Len()), "B/key")
	})
}

// BenchmarkBatch fills sets of 1 Mi keys in batches of 1024 as they come, sorting included.
func BenchmarkBatch(b *testing.B) {
	eachKind(b, func(b *testing.B, kind int) {
		const size = 1024
		a := benchArena(kind, benchKeys)
		s := New(a)
		batch := make([]uint32, size)
		b.ReportAllocs()
		b.ResetTimer()
		for i := 0; i < b.N; i += size {
			if i%benchKeys == 0 {
				s.Clear()
			}
			for j := range batch {
				batch[j] = uint32(i%benchKeys + j)
			}
			s.Sort(batch)
			s.InsertSorted(batch)
		}
		b.ReportMetric(float64(s.Bytes())/float64(s.Len()), "B/key")
	})
}

// BenchmarkSort sorts batches of 1024 keys; ns/op is per key.
func BenchmarkSort(b *testing.B) {
	eachKind(b, func(b *testing.B, kind int) {
		const size = 1024
		s := New(benchArena(kind, benchKeys))
		batch := make([]uint32, size)
		b.ReportAllocs()
		b.ResetTimer()
		for i := 0; i < b.N; i += size {
			for j := range batch {
				batch[j] = uint32(i%benchKeys + j)
			}
			s.Sort(batch)
		}
	})
}

// BenchmarkSeek looks up random present keys among 1 Mi.
func BenchmarkSeek(b *testing.B) {
	eachKind(b, func(b *testing.B, kind int) {
		s, a := benchSet(kind, benchKeys)
		r := rand.New(rand.NewPCG(3, 4))
		var it Iter
		b.ResetTimer()
		for range b.N {
			s.Seek(a.Key(r.Uint32N(benchKeys)), &it)
		}
	})
}

// BenchmarkStep walks over refs without looking at their keys.
func BenchmarkStep(b *testing.B) {
	s, _ := benchSet(0, benchKeys)
	var it Iter
	b.ResetTimer()
	for range b.N {
		if !it.Valid() {
			s.SeekFirst(&it)
		}
		it.Next()
	}
}

// BenchmarkScan100 seeks a random key and reads 100 keys from there, bytes included.
func BenchmarkScan100(b *testing.B) {
	eachKind(b, func(b *testing.B, kind int) {
		s, a := benchSet(kind, benchKeys)
		r := rand.New(rand.NewPCG(3, 4))
		var it Iter
		sum := 0
		b.ResetTimer()
		for range b.N {
			s.Seek(a.Key(r.Uint32N(benchKeys)), &it)
			for n := 0; n < 100 && it.Valid(); n++ {
				sum += int(a.Key(it.Ref())[0])
				it.Next()
			}
		}
		_ = sum
	})
}

// BenchmarkDelete empties a set in random order.
func BenchmarkDelete(b *testing.B) {
	eachKind(b, func(b *testing.B, kind int) {
		s, _ := benchSet(kind, benchKeys)
		perm := rand.New(rand.NewPCG(5, 6)).Perm(benchKeys)
		b.ReportAllocs()
		b.ResetTimer()
		for i := range b.N {
			if i%benchKeys == 0 && i > 0 {
				b.StopTimer()
				s, _ = benchSet(kind, benchKeys)
				b.StartTimer()
			}
			s.Delete(uint32(perm[i%benchKeys]))
		}
	})
}
