package kv

import (
	"bytes"
	"fmt"
	"math/bits"
	"testing"

	"github.com/synapdb/synap/internal/effect"
)

func (s *Store) set(now int64, db uint8, key string, value []byte, deadline int64) uint32 {
	var v uint32
	s.with(now, db, key, func(tx *Tx) {
		v = tx.Apply(effect.Effect{
			Kind: effect.Set, DB: db, Key: []byte(key), Value: value, Deadline: deadline,
		})
	})
	return v
}

func (s *Store) del(now int64, db uint8, key string) {
	s.with(now, db, key, func(tx *Tx) {
		tx.Apply(effect.Effect{Kind: effect.Delete, DB: db, Key: []byte(key)})
	})
}

func (s *Store) settle(now int64) {
	for s.Maintain(now, 100_000) {
	}
}

func mustHold(t tester, s *Store) {
	t.Helper()
	if err := s.checkInvariants(); err != nil {
		t.Fatalf("%v", err)
	}
}

func TestOptionsOutOfBounds(t *testing.T) {
	for _, o := range []Options{
		{Shards: 3}, {Shards: 512}, {Shards: -1}, {MaxMemory: -1}, {Samples: -1}, {Policy: 99},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v accepted", o)
		}
	}
}

func TestHashIsFrozen(t *testing.T) {
	h := newHasher(42)
	sum := uint64(0)
	for n := range 100 {
		sum = bits.RotateLeft64(sum, 5) ^ h.of(bytes.Repeat([]byte{byte(n)}, n))
	}
	if sum != 0x209e6f277e31c295 {
		t.Fatalf("hash changed: %#x; stored snapshots could not be read any more", sum)
	}
}

func TestHashSpreads(t *testing.T) {
	h := newHasher(1)
	const n = 1 << 16
	var seen [8][256]int
	for i := range n {
		sum := h.of(fmt.Appendf(nil, "key:%d", i))
		for part := range seen {
			seen[part][uint8(sum>>(8*part))]++
		}
	}
	for part := range seen {
		for b, count := range seen[part] {
			if count < n/256-100 || count > n/256+100 { // six standard deviations
				t.Fatalf("byte %d: %d hits of value %d, expected about %d", part, count, b, n/256)
			}
		}
	}
}

func TestMemoryReturnsWhenEverythingIsDeleted(t *testing.T) {
	s := newStore(t, Options{})
	base := s.Stats()
	for i := range 20_000 {
		value := make([]byte, i%500)
		if i%1000 == 0 {
			value = make([]byte, 40_000+i*10)
		}
		deadline := int64(0)
		if i%3 == 0 {
			deadline = epoch + 1e6
		}
		s.set(epoch, uint8(i%2), fmt.Sprint("k", i), value, deadline)
	}
	full := s.Stats()
	if full.Keys != 20_000 || full.Memory < 20_000*250 {
		t.Fatalf("loaded: %+v", full)
	}
	for i := range 20_000 {
		s.del(epoch, uint8(i%2), fmt.Sprint("k", i))
	}
	s.settle(epoch)
	mustHold(t, s)
	if st := s.Stats(); st.Memory != base.Memory || st.Resident != base.Resident || st.Keys != 0 {
		t.Fatalf("empty again: %+v, was %+v", st, base)
	}
	if st := s.Stats(); st.Peak < full.Memory || st.Sets != 20_000 || st.Dels != 20_000 {
		t.Fatalf("counters: %+v", st)
	}
}

func TestFlushReturnsMemoryAtOnce(t *testing.T) {
	s := newStore(t, Options{})
	base := s.Stats().Memory
	for i := range 5000 {
		s.set(epoch, uint8(i%16), fmt.Sprint("k", i), make([]byte, 40_000*(i%100/99)), epoch+5)
	}
	s.all(epoch, func(tx *Tx) { tx.Apply(effect.Effect{Kind: effect.Flush, DB: 3}) })
	if s.Count(3) != 0 || s.Count(4) == 0 {
		t.Fatalf("flushing 3 left %d there, %d in 4", s.Count(3), s.Count(4))
	}
	s.all(epoch, func(tx *Tx) { tx.Apply(effect.Effect{Kind: effect.FlushAll}) })
	s.settle(epoch)
	if st := s.Stats(); st.Memory != base || st.Keys != 0 || s.DB(1).Expires != 0 {
		t.Fatalf("after FLUSHALL %+v, was %d", st, base)
	}
}

func TestRefreshingDeadlinesLeavesNothingBehind(t *testing.T) {
	s := newStore(t, Options{})
	s.set(epoch, 0, "session", []byte("x"), epoch+1000)
	s.settle(epoch)
	memory := s.Stats().Memory
	for i := range int64(100_000) {
		s.with(epoch+i, 0, "session", func(tx *Tx) {
			tx.Apply(effect.Effect{
				Kind: effect.Deadline, Key: []byte("session"), Deadline: epoch + i + 1000,
			})
		})
		if i%1000 == 0 {
			s.Maintain(epoch+i, 1000)
		}
	}
	mustHold(t, s)
	if st := s.Stats(); st.Memory != memory || st.Keys != 1 || s.DB(0).Expires != 1 {
		t.Fatalf("%+v; memory was %d", st, memory)
	}
	s.settle(epoch + 101_200)
	if s.Count(0) != 0 || s.Stats().Expired != 1 {
		t.Fatalf("the key outlived its deadline: %+v", s.Stats())
	}
}

func TestChurnOverSizesDoesNotGrow(t *testing.T) {
	t.Parallel()
	s := newStore(t, Options{Shards: 1})
	most := int64(0)
	for round := range 60 {
		for i := range 1000 {
			s.set(epoch, 0, fmt.Sprint(i), make([]byte, (round*37+i*13)%3000), 0)
		}
		for i := 0; i < 1000; i += 2 {
			s.del(epoch, 0, fmt.Sprint(i))
		}
		s.settle(epoch)
		if round == 10 {
			most = s.Stats().Resident * 3 / 2
		}
		if st := s.Stats(); most > 0 && st.Resident > most {
			t.Fatalf("round %d holds %d bytes resident, %d in use", round, st.Resident, st.Memory)
		}
	}
	mustHold(t, s)
}

func TestCompactionAfterDeletingMost(t *testing.T) {
	t.Parallel()
	s := newStore(t, Options{Shards: 1})
	const n = 80_000
	for i := range n {
		s.set(epoch, 0, fmt.Sprintf("key:%08d", i), make([]byte, 100),
			(epoch+1e6)*int64(i/20%2)) // every other of those that stay has a deadline
	}
	s.settle(epoch)
	before := s.Stats()
	for i := range n {
		if i%20 != 0 {
			s.del(epoch, 0, fmt.Sprintf("key:%08d", i))
		}
	}
	s.settle(epoch)
	mustHold(t, s)
	after := s.Stats()
	if after.Resident > before.Resident/4 { // up to 2 MiB stay for the next keys
		t.Fatalf("a twentieth of the keys holds %d of %d bytes", after.Resident, before.Resident)
	}
	seen := 0
	s.all(epoch, func(tx *Tx) {
		tx.Scan(0, Range{}, func(e Entry) bool {
			want := fmt.Sprintf("key:%08d", seen*20)
			if got, ok := tx.Peek(0, []byte(want)); string(e.Key()) != want || !ok || got != e {
				t.Fatalf("%q, want %q", e.Key(), want)
			}
			seen++
			return true
		})
	})
	if seen != n/20 {
		t.Fatalf("%d keys left", seen)
	}
}

func TestExpiredKeysAreCollectedNearTheirDeadline(t *testing.T) {
	s := newStore(t, Options{})
	ttls := []int64{1, 63, 64, 65, 1000, 4096, 5000, 300_000, 86_400_000, 40 * 86_400_000}
	for i, ttl := range ttls {
		s.set(epoch, 0, fmt.Sprint(i), nil, epoch+ttl)
	}
	s.set(epoch, 0, "never", nil, 1<<62)
	for i, ttl := range ttls {
		s.settle(epoch + ttl - 1)
		if want := int64(len(ttls) - i + 1); s.Count(0) != want {
			t.Fatalf("before %d ms there are %d keys, want %d", ttl, s.Count(0), want)
		}
		s.with(epoch+ttl, 0, fmt.Sprint(i), func(tx *Tx) {
			if _, ok := tx.Get(0, []byte(fmt.Sprint(i))); ok {
				t.Fatalf("a key is readable at its deadline of %d ms", ttl)
			}
		})
	}
	s.set(epoch, 0, "late", nil, epoch+50*86_400_000)
	s.settle(epoch + 50*86_400_000 + 64)
	if s.Count(0) != 1 || s.Stats().Expired != int64(len(ttls)+1) {
		t.Fatalf("%+v", s.Stats())
	}
}

func TestClockGoingBack(t *testing.T) {
	s := newStore(t, Options{})
	s.set(epoch, 0, "a", nil, epoch+100)
	s.settle(epoch + 50)
	s.set(epoch-1e9, 0, "b", nil, epoch-1e9+10)
	s.settle(epoch - 1e9 + 1000)
	s.all(epoch-1e9+1000, func(tx *Tx) {
		if _, ok := tx.Get(0, []byte("b")); ok {
			t.Fatal("b outlived its deadline")
		}
		if _, ok := tx.Get(0, []byte("a")); !ok {
			t.Fatal("a went away early")
		}
	})
	s.settle(epoch + 1000)
	mustHold(t, s)
	if s.Count(0) != 0 {
		t.Fatalf("%d keys left", s.Count(0))
	}
}

func TestRandomIsAboutUniform(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 40, 2000} {
		s := newStore(t, Options{})
		for i := range n {
			s.set(epoch, 0, fmt.Sprint(i), nil, 0)
			s.set(epoch, 1, fmt.Sprint("other", i), nil, 0)
		}
		draws := 200 * n
		seen := map[string]int{}
		s.all(epoch, func(tx *Tx) {
			for range draws {
				e, ok := tx.Random(0)
				if !ok {
					t.Fatal("no key")
				}
				seen[string(e.Key())]++
			}
		})
		if len(seen) != n {
			t.Fatalf("%d of %d keys seen", len(seen), n)
		}
		for key, count := range seen {
			if count < 60 || count > 500 {
				t.Errorf("%d keys: %q drawn %d times of about 200", n, key, count)
			}
		}
	}
}

func TestRandomPassesOverExpiredKeys(t *testing.T) {
	s := newStore(t, Options{})
	for i := range 2000 {
		s.set(epoch, 0, fmt.Sprint(i), nil, epoch+1)
	}
	s.set(epoch, 0, "alive", nil, 0)
	s.all(epoch+5, func(tx *Tx) {
		if e, ok := tx.Random(0); !ok || string(e.Key()) != "alive" {
			t.Fatalf("%v", ok)
		}
	})
}

func TestEffectsBeyondTheLimitsChangeNothing(t *testing.T) {
	s := newStore(t, Options{})
	for _, e := range []effect.Effect{
		{Kind: effect.Set, Key: make([]byte, MaxKeyBytes+1)},
		{Kind: effect.Patch, Key: []byte("k"), Offset: MaxValueBytes, Value: []byte("x")},
		{Kind: effect.Patch, Key: []byte("k"), Offset: -1, Value: []byte("x")},
		{Kind: effect.Deadline, Key: []byte("k"), Deadline: 5},
		{Kind: effect.Delete, Key: []byte("k")},
		{Kind: 99, Key: []byte("k")},
	} {
		s.all(epoch, func(tx *Tx) {
			if v := tx.Apply(e); v != 0 {
				t.Errorf("%+v: version %d", e, v)
			}
		})
	}
	if s.Count(0) != 0 {
		t.Fatalf("%d keys", s.Count(0))
	}
}

func TestUndeclaredKeysAreRefused(t *testing.T) {
	s := newStore(t, Options{Shards: 256})
	defer func() {
		if recover() == nil {
			t.Fatal("a key was read without its lock")
		}
	}()
	s.with(epoch, 0, "a", func(tx *Tx) { tx.Get(0, []byte("b")) })
}

func TestViewsOfTheStoreAsArguments(t *testing.T) {
	s := newStore(t, Options{Shards: 1})
	long := bytes.Repeat([]byte("0123456789"), 20)
	s.set(epoch, 0, "k", long, 0)
	s.with(epoch, 0, "k", func(tx *Tx) {
		for i, deadline := range []int64{0, epoch + 9, 0, epoch + 9, epoch + 10, 0} {
			e, _ := tx.Peek(0, []byte("k"))
			tx.Apply(effect.Effect{
				Kind: effect.Set, Key: e.Key(), Value: e.Value()[1:], Deadline: deadline,
			})
			if e, _ = tx.Peek(0, []byte("k")); !bytes.Equal(e.Value(), long[i+1:]) {
				t.Fatalf("step %d: %q", i, e.Value())
			}
		}
		e, _ := tx.Peek(0, []byte("k"))
		want := append(bytes.Clone(e.Value()), e.Value()...)
		tx.Apply(effect.Effect{
			Kind: effect.Patch, Key: e.Key(), Offset: e.Len(), Value: e.Value(),
		})
		if e, _ = tx.Peek(0, []byte("k")); !bytes.Equal(e.Value(), want) {
			t.Fatalf("appended to itself: %q", e.Value())
		}
		tx.Apply(effect.Effect{Kind: effect.Delete, Key: e.Key()})
	})
	mustHold(t, s)
}

func TestAccessBits(t *testing.T) {
	s := newStore(t, Options{})
	s.set(epoch, 0, "k", nil, 0)
	at := func(now int64, f func(Entry)) {
		s.with(now, 0, "k", func(tx *Tx) {
			e, _ := tx.Peek(0, []byte("k"))
			f(e)
		})
	}
	at(epoch+90_000, func(e Entry) {
		if e.Idle(epoch+90_000) != 90_000 || e.Idle(epoch-2000) != 0 || e.Frequency() != 5 {
			t.Fatalf("idle %d, frequency %d", e.Idle(epoch+90_000), e.Frequency())
		}
	})
	s.SetMemoryLimit(0, AllKeysLFU)
	s.set(epoch, 0, "k2", nil, 0)
	s.del(epoch, 0, "k")
	s.set(epoch, 0, "k", nil, 0)
	for range 5000 {
		s.with(epoch, 0, "k", func(tx *Tx) { tx.Get(0, []byte("k")) })
	}
	at(epoch+600_000, func(e Entry) {
		if f := e.Frequency(); f < 15 || f > 100 {
			t.Fatalf("after 5000 accesses the frequency is %d", f)
		}
		if e.Idle(epoch+600_000) != 600_000 {
			t.Fatalf("idle %d", e.Idle(epoch+600_000))
		}
		e.h.decay(epoch + 86_400_000)
		if e.Frequency() != 0 {
			t.Fatalf("after a day the frequency is %d", e.Frequency())
		}
	})
}
