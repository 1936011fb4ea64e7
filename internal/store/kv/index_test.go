package kv

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/store/slab"
)

// hashes stands for the entries: ref r has hash hashes[r].
type hashes map[slab.Ref]uint64

func (h hashes) hash(ref slab.Ref) uint64 { return h[ref] }

func newIndex(t tester) *index {
	a, err := slab.New(1 << 30)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(a.Close)
	return &index{arena: a}
}

// holds says whether ref is where a search would look for it.
func (x *index) holds(h uint64, ref slab.Ref) bool {
	s := x.segment(h)
	at := home(h, len(s.table))
	for range int(s.table[at].far) + 1 {
		for i, r := range s.table[at%len(s.table)].refs {
			if r == ref {
				return s.table[at%len(s.table)].tags[i] == uint16(h>>tagShift)
			}
		}
		at++
	}
	return false
}

// TestIndexAgainstModel grows and shrinks an index whose hashes are bad in several ways: few
// different tags, few different directory bits.
func TestIndexAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := newIndex(t)
		all := hashes{}
		kind := rapid.SampledFrom([]struct {
			mask uint64
			most int
		}{
			{^uint64(0), 5000}, {0xF0000000_FFFF_FFFF, 5000},
			{0xFFFFFFFF_F003_FFFF, 700}, {0xFFFFFFFF_0000_0000, 700},
		}).Draw(t, "kind")
		last, steps := slab.Ref(0), 0
		seed := rapid.Uint64().Draw(t, "seed")
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				for range rapid.IntRange(1, 2000).Draw(t, "n") {
					if len(all) > kind.most {
						return
					}
					last++
					all[last] = newHasher(seed+uint64(last)).k0 & kind.mask
					x.insert(all[last], last, all)
				}
			},
			"remove": func(t *rapid.T) {
				n := rapid.IntRange(1, 3000).Draw(t, "n")
				for ref, h := range all {
					if n--; n < 0 {
						break
					}
					x.remove(h, ref)
					delete(all, ref)
				}
			},
			"replace": func(t *rapid.T) {
				for ref, h := range all {
					last++
					all[last] = h
					x.replace(h, ref, last)
					delete(all, ref)
					break
				}
			},
			"": func(t *rapid.T) {
				if steps++; steps%5 != 0 {
					return
				}
				count := 0
				for i := range x.segs {
					count += int(x.segs[i].count)
				}
				for ref, h := range all {
					if !x.holds(h, ref) {
						t.Fatalf("entry %d of %d is lost", ref, len(all))
					}
				}
				if count != len(all) {
					t.Fatalf("%d entries counted, %d there", count, len(all))
				}
			},
		})
	})
}

func TestIndexMemoryFollowsTheKeys(t *testing.T) {
	t.Parallel()
	x := newIndex(t)
	all := hashes{}
	empty := x.arena.Live()
	for n := slab.Ref(1); n <= 300_000; n++ {
		all[n] = newHasher(uint64(n)).k0
		x.insert(all[n], n, all)
		if per := float64(x.arena.Live()) / float64(n); n > 3000 && per > 10.5 {
			t.Fatalf("%.1f bytes per key at %d keys", per, n)
		}
	}
	for n := slab.Ref(300_000); n > 0; n-- {
		x.remove(all[n], n)
		if per := float64(x.arena.Live()) / float64(n); n > 3000 && per > 25 {
			t.Fatalf("%.1f bytes per key, shrunk to %d keys", per, n)
		}
	}
	if left := x.arena.Live() - empty; left > 1024 || len(x.dir) != 1 {
		t.Fatalf("an empty index keeps %d bytes and %d directory entries", left, len(x.dir))
	}
}
