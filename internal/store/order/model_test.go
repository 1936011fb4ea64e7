package order

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// model is the dumb twin: a sorted slice of refs.
type model struct {
	keys *table
	refs []uint32
}

func (m *model) find(k []byte) (int, bool) {
	return slices.BinarySearchFunc(m.refs, k, func(r uint32, k []byte) int {
		return bytes.Compare((*m.keys)[r], k)
	})
}

func (m *model) insert(ref uint32) {
	i, _ := m.find((*m.keys)[ref])
	m.refs = slices.Insert(m.refs, i, ref)
}

// keyGen draws keys that like to be neighbours: prefixes of each other, binary zeros, the empty
// key, long common beginnings, numbers.
func keyGen() *rapid.Generator[[]byte] {
	tail := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 'b', 0x7f, 0xff}), 0, 9)
	head := rapid.SampledFrom([]string{
		"", "user:", "user:1", "\x00\x00\x00\x00", "\xff\xff\xff\xff\xff",
		string(bytes.Repeat([]byte("long"), 300)),
	})
	return rapid.Custom(func(t *rapid.T) []byte {
		return append([]byte(head.Draw(t, "head")), tail.Draw(t, "tail")...)
	})
}

func TestSetBehavesAsASortedSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := &table{}
		s, m := New(keys), &model{keys: keys}
		gen := keyGen()
		fresh := func(k []byte) (uint32, bool) {
			if _, found := m.find(k); found {
				return 0, false
			}
			return keys.add(k), true
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) { compare(t, s, m) },
			"insert": func(t *rapid.T) {
				if ref, ok := fresh(gen.Draw(t, "key")); ok {
					s.Insert(ref)
					m.insert(ref)
				}
			},
			"batch": func(t *rapid.T) {
				var batch []uint32
				for _, k := range rapid.SliceOfN(gen, 0, 600).Draw(t, "keys") {
					if ref, ok := fresh(k); ok {
						batch = append(batch, ref)
						m.insert(ref)
					}
				}
				s.Sort(batch)
				s.InsertSorted(batch)
			},
			"run": func(t *rapid.T) {
				insertRun(s, m, gen.Draw(t, "head"), rapid.IntRange(0, 500).Draw(t, "length"),
					rapid.Bool().Draw(t, "down"), fresh)
			},
			"delete": func(t *rapid.T) {
				deleteSome(t, s, m, rapid.IntRange(1, 400).Draw(t, "count"))
			},
			"replace": func(t *rapid.T) {
				if len(m.refs) > 0 {
					i := rapid.IntRange(0, len(m.refs)-1).Draw(t, "which")
					ref := keys.add(bytes.Clone((*keys)[m.refs[i]]))
					s.Replace(m.refs[i], ref)
					m.refs[i] = ref
				}
			},
			"seek": func(t *rapid.T) { seek(t, s, m, gen.Draw(t, "key")) },
			"clear": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "really") == 0 {
					s.Clear()
					m.refs = nil
				}
			},
		})
	})
}

// insertRun inserts keys in order, the commonest pattern of all.
func insertRun(s *Set, m *model, head []byte, n int, down bool,
	fresh func([]byte) (uint32, bool),
) {
	for i := range n {
		if down {
			i = n - i
		}
		k := append(bytes.Clone(head), byte('0'+i/100), byte('0'+i/10%10), byte('0'+i%10))
		if ref, ok := fresh(k); ok {
			s.Insert(ref)
			m.insert(ref)
		}
	}
}

// deleteSome deletes neighbours from a random place on, and what isn't there.
func deleteSome(t *rapid.T, s *Set, m *model, n int) {
	if len(m.refs) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.refs)-1).Draw(t, "from")
	step := rapid.IntRange(1, 3).Draw(t, "step")
	for ; n > 0 && i < len(m.refs); n-- {
		ref := m.refs[i]
		m.refs = slices.Delete(m.refs, i, i+1)
		if !s.Delete(ref) {
			t.Fatalf("%q was not found", (*m.keys)[ref])
		}
		if s.Delete(ref) {
			t.Fatalf("%q was deleted twice", (*m.keys)[ref])
		}
		i += step - 1
	}
}

func compare(t *rapid.T, s *Set, m *model) {
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	var it Iter
	var got []uint32
	for s.SeekFirst(&it); it.Valid(); it.Next() {
		got = append(got, it.Ref())
	}
	if !slices.Equal(got, m.refs) {
		t.Fatalf("forwards: %d refs, want %d", len(got), len(m.refs))
	}
	got = got[:0]
	for s.SeekLast(&it); it.Valid(); it.Prev() {
		got = append(got, it.Ref())
	}
	slices.Reverse(got)
	if !slices.Equal(got, m.refs) {
		t.Fatalf("backwards: %d refs, want %d", len(got), len(m.refs))
	}
}

func seek(t *rapid.T, s *Set, m *model, k []byte) {
	var it Iter
	i, _ := m.find(k)
	s.Seek(k, &it)
	if it.Valid() != (i < len(m.refs)) || it.Valid() && it.Ref() != m.refs[i] {
		t.Fatalf("Seek(%q) isn't at %d of %d", k, i, len(m.refs))
	}
	s.SeekBefore(k, &it)
	if it.Valid() != (i > 0) || it.Valid() && it.Ref() != m.refs[i-1] {
		t.Fatalf("SeekBefore(%q) isn't before %d of %d", k, i, len(m.refs))
	}
	if !it.Valid() {
		return
	}
	it.Next()
	if it.Valid() != (i < len(m.refs)) || it.Valid() && it.Ref() != m.refs[i] {
		t.Fatalf("Next after SeekBefore(%q) isn't at %d", k, i)
	}
}
