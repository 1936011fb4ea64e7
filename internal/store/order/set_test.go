package order

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// shapes are the kinds of keys and orders of arrival that a store meets.
var shapes = map[string]func(i int, r *rand.Rand) string{
	"ascending":  func(i int, _ *rand.Rand) string { return fmt.Sprintf("key:%012d", i) },
	"descending": func(i int, _ *rand.Rand) string { return fmt.Sprintf("key:%012d", 1<<30-i) },
	"shuffled": func(i int, _ *rand.Rand) string {
		return fmt.Sprintf("user:%d:profile", uint32(i)*2654435761)
	},
	"random": func(_ int, r *rand.Rand) string { return fmt.Sprintf("%016x", r.Uint64()) },
	"tenants": func(i int, r *rand.Rand) string {
		return fmt.Sprintf("t:%d:s:%x", i%99, r.Uint64())
	},
	"binary": func(i int, _ *rand.Rand) string {
		return string([]byte{0, 0, 0, 0, 0, byte(i >> 16), byte(i >> 8), byte(i)})
	},
	"zeros": func(i int, _ *rand.Rand) string {
		return string(make([]byte, i%97)) + fmt.Sprint(i/97)
	},
}

func newShape(shape func(int, *rand.Rand) string, n int) (*table, []uint32) {
	r := rand.New(rand.NewPCG(1, 2))
	keys, refs := &table{}, make([]uint32, 0, n)
	for i := range n {
		refs = append(refs, keys.add([]byte(shape(i, r))))
	}
	return keys, refs
}

// TestEveryShapeInAndOut fills sets deep enough for several inner levels and empties them again,
// checking all invariants on the way.
func TestEveryShapeInAndOut(t *testing.T) {
	const n = 18000
	for name, shape := range shapes {
		for _, batch := range []int{1, 1000} {
			t.Run(fmt.Sprint(name, " by ", batch), func(t *testing.T) {
				keys, refs := newShape(shape, n)
				s := New(keys)
				for part := range slices.Chunk(refs, batch) {
					if batch == 1 {
						s.Insert(part[0])
						continue
					}
					part = slices.Clone(part)
					s.Sort(part)
					s.InsertSorted(part)
				}
				if err := s.check(); err != nil {
					t.Fatal(err)
				}
				full := s.Bytes()
				if per := float64(full) / n; per > 16 {
					t.Errorf("%.1f bytes per key", per)
				}
				rand.New(rand.NewPCG(3, 4)).Shuffle(n, func(i, j int) {
					refs[i], refs[j] = refs[j], refs[i]
				})
				empty(t, s, refs, full)
			})
		}
	}
}

// empty deletes refs in their order, and wants memory to follow.
func empty(t *testing.T, s *Set, refs []uint32, full int64) {
	for i, ref := range refs {
		if !s.Delete(ref) {
			t.Fatalf("deletion %d found nothing", i)
		}
		if i%3000 == 0 {
			if err := s.check(); err != nil {
				t.Fatalf("after %d deletions: %v", i, err)
			}
		}
		// What doesn't depend on the number of keys: a chunk per pool, scratch of Sort.
		const fixed = 64 << 10
		if i == len(refs)*9/10 && s.Bytes() > full/5+fixed {
			t.Errorf("a tenth of the keys holds %d of %d bytes", s.Bytes(), full)
		}
	}
	if s.Len() != 0 || s.Bytes() != New(s.keys).Bytes() {
		t.Errorf("empty: Len %d, %d bytes", s.Len(), s.Bytes())
	}
}

// TestMemoryIsStableUnderChurn replaces all keys several times over: the pools must not creep.
func TestMemoryIsStableUnderChurn(t *testing.T) {
	const n, rounds = 20000, 5
	keys, refs := newShape(shapes["random"], n*rounds)
	s := New(keys)
	for _, ref := range refs[:n] {
		s.Insert(ref)
	}
	first := s.Bytes()
	for i, ref := range refs[n:] {
		s.Insert(ref)
		s.Delete(refs[i])
	}
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	if last := s.Bytes(); last > first*3/2 {
		t.Errorf("%d bytes became %d", first, last)
	}
}

func TestLongestKeys(t *testing.T) {
	keys := &table{}
	s := New(keys)
	long := bytes.Repeat([]byte("x"), 65535)
	var refs []uint32
	for i := range 220 {
		k := bytes.Clone(long[:65535-i%200])
		k[len(k)-1-i%7] = byte(i)
		refs = append(refs, keys.add(k))
	}
	s.Sort(refs)
	refs = slices.CompactFunc(refs, func(a, b uint32) bool {
		return bytes.Equal(keys.Key(a), keys.Key(b))
	})
	for i := 0; i < len(refs); i += 2 {
		s.Insert(refs[i])
	}
	for i := 1; i < len(refs); i += 2 {
		s.Insert(refs[i])
	}
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	var it Iter
	for _, ref := range refs {
		if s.Seek(keys.Key(ref), &it); !it.Valid() || it.Ref() != ref {
			t.Fatal("a long key wasn't found")
		}
	}
}

func TestSortAgreesWithComparison(t *testing.T) {
	for name, shape := range shapes {
		for _, n := range []int{0, 1, 2, 40, 1024, 9000} {
			keys, refs := newShape(shape, n)
			rand.Shuffle(n, func(i, j int) { refs[i], refs[j] = refs[j], refs[i] })
			New(keys).Sort(refs)
			if !slices.IsSortedFunc(refs, func(a, b uint32) int {
				return bytes.Compare(keys.Key(a), keys.Key(b))
			}) {
				t.Errorf("%s: %d keys aren't sorted", name, n)
			}
		}
	}
}

func TestAnEmptySetAndStrangersAreHarmless(t *testing.T) {
	keys := &table{[]byte("a"), []byte("b"), []byte("a")}
	s := New(keys)
	var it Iter
	it.Next()
	it.Prev()
	for _, seek := range []func(){
		func() { s.SeekFirst(&it) }, func() { s.SeekLast(&it) },
		func() { s.Seek(nil, &it) }, func() { s.SeekBefore([]byte("x"), &it) },
	} {
		if seek(); it.Valid() {
			t.Error("an empty set has a key")
		}
		it.Next()
		it.Prev()
	}
	s.Insert(0)
	s.Replace(1, 2)
	if s.Delete(1) || s.Delete(2) || s.Len() != 1 {
		t.Error("a ref that isn't in the set was deleted")
	}
	s.InsertSorted(nil)
	s.SeekFirst(&it)
	if it.Next(); it.Valid() {
		t.Error("there is a second key")
	}
	if it.Next(); it.Valid() {
		t.Error("Next revived an iterator")
	}
}

// TestInsertingAllocatesOnlyPools allows for the pools' chunks and nothing else.
func TestInsertingAllocatesOnlyPools(t *testing.T) {
	const n = 20000
	keys, refs := newShape(shapes["random"], n)
	s := New(keys)
	var it Iter
	i := 0
	perKey := testing.AllocsPerRun(n-1, func() {
		s.Insert(refs[i])
		i++
		s.Seek(keys.Key(refs[0]), &it)
	})
	if perKey > 0.05 {
		t.Errorf("%v allocations per key", perKey)
	}
	batch := slices.Clone(refs[:1024])
	if a := testing.AllocsPerRun(10, func() { s.Sort(batch) }); a > 0 {
		t.Errorf("sorting: %v allocations", a)
	}
}
