package kv

import (
	"bytes"
	"testing"

	"github.com/synapdb/synap/internal/effect"
)

func big(fill byte, n int) []byte { return bytes.Repeat([]byte{fill}, n) }

func (s *Store) retain(t tester, key string) *Large {
	var l *Large
	s.with(epoch, 0, key, func(tx *Tx) {
		e, ok := tx.Get(0, []byte(key))
		if ok {
			l, ok = e.Large()
		}
		if !ok {
			t.Fatalf("%s is not a large value", key)
		}
	})
	return l
}

func TestRetainedValuesOutliveTheirKey(t *testing.T) {
	for name, change := range map[string]effect.Effect{
		"overwrite": {Kind: effect.Set, Value: big('b', 50_000)},
		"shorter":   {Kind: effect.Set, Value: []byte("b")},
		"delete":    {Kind: effect.Delete},
		"patch":     {Kind: effect.Patch, Offset: 10, Value: []byte("bbb")},
		"append":    {Kind: effect.Patch, Offset: 50_000, Value: big('b', 50_000)},
		"flush":     {Kind: effect.Flush},
	} {
		for _, size := range []int{maxInline + 1, 50_000, 2 << 20} {
			s := newStore(t, Options{})
			base := s.Stats().Memory
			s.set(epoch, 0, "k", big('a', size), 0)
			l := s.retain(t, "k")
			change.Key = []byte("k")
			s.all(epoch, func(tx *Tx) { tx.Apply(change) })
			s.set(epoch, 0, "other", big('c', size), 0)
			if !bytes.Equal(l.Bytes(), big('a', size)) {
				t.Fatalf("%s: a retained value of %d bytes changed", name, size)
			}
			s.all(epoch, func(tx *Tx) { tx.Apply(effect.Effect{Kind: effect.FlushAll}) })
			if m := s.Stats().Memory; m < base+int64(size) {
				t.Fatalf("%s: the retained value is not accounted for: %d", name, m-base)
			}
			l.Release()
			s.settle(epoch)
			if st := s.Stats(); st.Memory != base {
				t.Fatalf("%s: %d bytes left after the release", name, st.Memory-base)
			}
		}
	}
}

func TestRetainedValueOutlivesTheStore(t *testing.T) {
	s := newStore(t, Options{})
	s.set(epoch, 0, "k", big('a', 100_000), 0)
	l := s.retain(t, "k")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(l.Bytes(), big('a', 100_000)) {
		t.Fatal("the value is gone")
	}
	l.Release()
}

func TestPatchInPlaceWithoutReaders(t *testing.T) {
	s := newStore(t, Options{})
	s.set(epoch, 0, "k", big('a', 1<<20), 0)
	l := s.retain(t, "k")
	l.Release()
	before := &l.Bytes()[0]
	s.with(epoch, 0, "k", func(tx *Tx) {
		tx.Apply(effect.Effect{Kind: effect.Patch, Key: []byte("k"), Value: []byte("b")})
	})
	if l = s.retain(t, "k"); &l.Bytes()[0] != before || l.Bytes()[0] != 'b' {
		t.Fatal("the value was copied although nobody held it")
	}
	l.Release()
}

func TestAppendingIsAmortized(t *testing.T) {
	t.Parallel()
	s := newStore(t, Options{})
	chunk := []byte("0123456789abcdef")
	moves, last := 0, (*byte)(nil)
	const n = 200_000
	for i := range n {
		s.with(epoch, 0, "log", func(tx *Tx) {
			tx.Apply(effect.Effect{
				Kind: effect.Patch, Key: []byte("log"), Offset: i * len(chunk), Value: chunk,
			})
			e, _ := tx.Peek(0, []byte("log"))
			if at := &e.Value()[0]; at != last {
				moves, last = moves+1, at
			}
			if e.Len() != (i+1)*len(chunk) {
				t.Fatalf("%d bytes after %d appends", e.Len(), i+1)
			}
		})
	}
	if moves > 60 {
		t.Fatalf("%d appends moved the value %d times", n, moves)
	}
	l := s.retain(t, "log")
	if !bytes.Equal(l.Bytes(), bytes.Repeat(chunk, n)) {
		t.Fatal("the appended value is wrong")
	}
	l.Release()
	mustHold(t, s)
}

func TestGapsAreZero(t *testing.T) {
	s := newStore(t, Options{Shards: 1})
	for round := range 3 { // later rounds get used memory
		for _, at := range []int{10, 3000, 40_000, 300_000, 5 << 20} {
			s.with(epoch, 0, "k", func(tx *Tx) {
				e, _ := tx.Peek(0, []byte("k"))
				want := []byte{}
				if e.h != nil {
					want = bytes.Clone(e.Value())
				}
				want = append(append(want, make([]byte, at-len(want))...), 'x')
				tx.Apply(effect.Effect{
					Kind: effect.Patch, Key: []byte("k"), Offset: at, Value: []byte("x"),
				})
				if e, _ = tx.Peek(0, []byte("k")); !bytes.Equal(e.Value(), want) {
					t.Fatalf("round %d: patch at %d is wrong", round, at)
				}
			})
		}
		s.set(epoch, 0, "k", big('d', 5<<20), 0) // dirties the memory beyond what follows
		s.set(epoch, 0, "k", big('d', 4<<20), 0)
		s.with(epoch, 0, "k", func(tx *Tx) {
			tx.Apply(effect.Effect{
				Kind: effect.Patch, Key: []byte("k"), Offset: 5 << 20, Value: []byte("x"),
			})
			e, _ := tx.Peek(0, []byte("k"))
			if !bytes.Equal(e.Value()[4<<20:5<<20], make([]byte, 1<<20)) {
				t.Fatal("old bytes came back")
			}
		})
		s.del(epoch, 0, "k")
	}
	mustHold(t, s)
}

func TestRollbackOfLargeValues(t *testing.T) {
	s := newStore(t, Options{})
	want := big('a', 100_000)
	s.set(epoch, 0, "k", want, epoch+500)
	s.with(epoch, 0, "k", func(tx *Tx) {
		tx.Atomic()
		for _, e := range []effect.Effect{
			{Kind: effect.Patch, Offset: 5, Value: []byte("bbb")},
			{Kind: effect.Deadline},
			{Kind: effect.Set, Value: []byte("small")},
			{Kind: effect.Delete},
			{Kind: effect.Set, Value: big('c', 40_000)},
		} {
			e.Key = []byte("k")
			tx.Apply(e)
		}
		tx.Rollback()
		e, ok := tx.Peek(0, []byte("k"))
		if !ok || !bytes.Equal(e.Value(), want) || e.Version() != 1 || e.Deadline() != epoch+500 {
			t.Fatalf("restored %v: version %d, deadline %d", ok, e.Version(), e.Deadline())
		}
	})
	mustHold(t, s)
}
