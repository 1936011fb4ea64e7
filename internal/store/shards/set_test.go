package shards

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestSet holds a set to a map, and the order of locks to ascending numbers.
func TestSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Set
		twin := map[int]bool{}
		for _, n := range rapid.SliceOf(rapid.IntRange(0, Most-1)).Draw(t, "shards") {
			s.Add(uint64(n))
			twin[n] = true
		}
		want := slices.Sorted(maps.Keys(twin))
		if got := slices.Collect(s.All()); !slices.Equal(got, want) || s.Len() != len(want) {
			t.Fatalf("%d shards %v, not %v", s.Len(), got, want)
		}
		for n := range Most {
			if s.Has(uint64(n)) != twin[n] {
				t.Fatalf("shard %d is there: %v", n, s.Has(uint64(n)))
			}
		}
		some := s
		for n := range s.All() { // a loop may end early
			some.Add(uint64(n))
			break
		}
		if some != s {
			t.Fatal("adding what is there changed the set")
		}
	})
}

func TestSetOfAll(t *testing.T) {
	for _, n := range []int{1, 64, 65, Most} {
		var s Set
		s.AddAll(n)
		if got := slices.Collect(s.All()); len(got) != n || s.Len() != n || got[n-1] != n-1 {
			t.Errorf("%d: %v", n, got)
		}
	}
}

// TestSetDoesNotAllocate: every transaction goes through one.
func TestSetDoesNotAllocate(t *testing.T) {
	sum := 0
	if n := testing.AllocsPerRun(100, func() {
		var s Set
		s.Add(3)
		s.Add(200)
		for i := range s.All() {
			sum += i
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
