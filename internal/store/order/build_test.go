package order

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestBuiltSetsBehaveLikeOthers builds sets of keys as people write them and changes them after.
func TestBuiltSetsBehaveLikeOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := &table{}
		s, m := New(keys), &model{keys: keys}
		gen := rapid.OneOf(keyGen(), rapid.Custom(func(t *rapid.T) []byte {
			return fmt.Appendf(nil, "key:%06d", rapid.IntRange(0, 9999).Draw(t, "n"))
		}))
		add := func(k []byte) (uint32, bool) {
			if _, found := m.find(k); found {
				return 0, false
			}
			ref := keys.add(k)
			m.insert(ref)
			return ref, true
		}
		for range rapid.IntRange(0, 3000).Draw(t, "many") {
			add(fmt.Appendf(nil, "many:%x", len(m.refs)*7919%65536))
		}
		for range rapid.IntRange(0, 50).Draw(t, "few") {
			add(gen.Draw(t, "key"))
		}
		s.Build(m.refs)
		compare(t, s, m)
		for range 50 {
			if ref, ok := add(gen.Draw(t, "new")); ok {
				s.Insert(ref)
			}
		}
		compare(t, s, m)
		for len(m.refs) > 0 && rapid.IntRange(0, 300).Draw(t, "more") > 0 {
			i := rapid.IntRange(0, len(m.refs)-1).Draw(t, "i")
			if !s.Delete(m.refs[i]) {
				t.Fatalf("%q is missing", (*keys)[m.refs[i]])
			}
			m.refs = slices.Delete(m.refs, i, i+1)
		}
		compare(t, s, m)
	})
}

func TestEverySizeCanBeBuilt(t *testing.T) {
	keys := &table{}
	var refs []uint32
	for i := range 2*buildFill*buildFill + 1 {
		refs = append(refs, keys.add(fmt.Appendf(nil, "%08d", i)))
	}
	sizes := []int{buildFill * buildFill, buildFill*buildFill + 1, len(refs)}
	for n := range 600 {
		sizes = append(sizes, n)
	}
	for _, n := range sizes {
		s := New(keys)
		s.Build(refs[:n])
		if err := s.check(); err != nil || s.Len() != n {
			t.Fatalf("%d keys, Len %d: %v", n, s.Len(), err)
		}
	}
}
