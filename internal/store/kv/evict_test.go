package kv

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/effect"
)

const testLimit = 1 << 20

// fillUp sets keys under the limit as a server would, and says how many were refused.
func fillUp(s *Store, from, n, size int, ttl func(i int) int64) (refused int) {
	for i := from; i < from+n; i++ {
		now := epoch + int64(i)
		if s.MakeRoom(size+80, now) != nil {
			refused++
			continue
		}
		deadline := int64(0)
		if ttl != nil {
			if d := ttl(i); d != 0 {
				deadline = epoch + d
			}
		}
		s.set(now, uint8(i%2), fmt.Sprintf("key:%07d", i), make([]byte, size), deadline)
	}
	return refused
}

func forever(int) int64 { return 1 << 40 }

func TestEveryPolicyKeepsTheLimit(t *testing.T) {
	t.Parallel()
	for p := AllKeysLRU; p <= VolatileTTL; p++ {
		for _, size := range []int{0, 100, 60_000} {
			s := newStore(t, Options{MaxMemory: testLimit, Policy: p})
			n := 2 * testLimit / (size + 120)
			if refused := fillUp(s, 0, n, size, forever); refused != 0 {
				t.Fatalf("policy %d, %d bytes: %d of %d writes refused", p, size, refused, n)
			}
			st := s.Stats()
			if st.Peak > testLimit || st.Memory > testLimit || st.Evicted == 0 {
				t.Errorf("policy %d, %d bytes: %+v", p, size, st)
			}
			if st.Memory < testLimit*3/4 {
				t.Errorf("policy %d, %d bytes: only %d used", p, size, st.Memory)
			}
			if st.Keys+st.Evicted != int64(n) {
				t.Errorf("policy %d: %d keys and %d evicted make no %d",
					p, st.Keys, st.Evicted, n)
			}
			mustHold(t, s)
		}
	}
}

func TestNoEvictionRefuses(t *testing.T) {
	s := newStore(t, Options{MaxMemory: testLimit})
	if fillUp(s, 0, testLimit/100, 100, nil) == 0 {
		t.Fatal("nothing was refused")
	}
	if st := s.Stats(); st.Memory > testLimit || st.Evicted != 0 {
		t.Fatalf("%+v", st)
	}
	if err := s.MakeRoom(1000, epoch); !errors.Is(err, ErrMemory) {
		t.Fatalf("full: %v", err)
	}
	s.all(epoch, func(tx *Tx) { tx.Apply(effect.Effect{Kind: effect.FlushAll}) })
	if err := s.MakeRoom(1000, epoch); err != nil {
		t.Fatalf("empty: %v", err)
	}
	if err := s.MakeRoom(testLimit, epoch); !errors.Is(err, ErrMemory) {
		t.Fatalf("more than the limit: %v", err)
	}
	s.SetMemoryLimit(0, NoEviction)
	if err := s.MakeRoom(testLimit, epoch); err != nil {
		t.Fatalf("unlimited: %v", err)
	}
}

func TestVolatilePoliciesSpareOtherKeys(t *testing.T) {
	for p := VolatileLRU; p <= VolatileTTL; p++ {
		s := newStore(t, Options{MaxMemory: testLimit, Policy: p})
		few := func(i int) int64 { // one key in a hundred has a deadline
			return int64(1-min(i%100, 1)) << 40
		}
		n := testLimit / 100
		refused := fillUp(s, 0, n, 100, few)
		st := s.Stats()
		if refused == 0 || st.Evicted == 0 || s.DB(0).Expires != 0 {
			t.Errorf("policy %d: %d refused, %d evicted, %d left with a deadline",
				p, refused, st.Evicted, s.DB(0).Expires)
		}
		kept := 0
		for i := range n {
			key := fmt.Sprintf("key:%07d", i)
			s.with(epoch, uint8(i%2), key, func(tx *Tx) {
				if _, ok := tx.Peek(uint8(i%2), []byte(key)); ok && i%100 != 0 {
					kept++
				}
			})
		}
		if int64(kept) != st.Keys {
			t.Errorf("policy %d: %d of %d keys", p, kept, st.Keys)
		}
	}
}

// share is how many of the keys i in [from, to) that satisfy keep are still there.
func share(s *Store, from, to int) float64 {
	kept := 0
	for i := from; i < to; i++ {
		key := fmt.Sprintf("key:%07d", i)
		s.with(epoch, uint8(i%2), key, func(tx *Tx) {
			if _, ok := tx.Peek(uint8(i%2), []byte(key)); ok {
				kept++
			}
		})
	}
	return float64(kept) / float64(to-from)
}

func TestPoliciesPreferTheRightKeys(t *testing.T) {
	t.Parallel()
	const n = 10_000
	for _, c := range []struct {
		p    Policy
		ttl  func(i int) int64
		used bool
	}{
		{AllKeysLRU, nil, true}, {AllKeysLFU, nil, true},
		{VolatileLRU, forever, true}, {VolatileLFU, forever, true},
		{VolatileTTL, func(i int) int64 { return 1e9 + int64(n-min(i, n))*1000 }, false},
	} {
		s := newStore(t, Options{Policy: c.p})
		fillUp(s, 0, n, 100, c.ttl)
		for i := range n / 2 { // the first half is the better one to keep
			key := fmt.Sprintf("key:%07d", i)
			if c.used {
				s.with(epoch+3600_000, uint8(i%2), key, func(tx *Tx) {
					for range 20 {
						tx.Get(uint8(i%2), []byte(key))
					}
				})
			}
		}
		s.SetMemoryLimit(s.Stats().Memory*3/4, c.p)
		if err := s.MakeRoom(0, epoch+3600_000); err != nil {
			t.Fatal(err)
		}
		if good, bad := share(s, 0, n/2), share(s, n/2, n); good < bad+0.3 {
			t.Errorf("policy %d keeps %.2f of the good, %.2f of the bad keys", c.p, good, bad)
		}
	}
}

func TestEvictionGoesOnWhileReadersRetain(t *testing.T) {
	s := newStore(t, Options{MaxMemory: testLimit, Policy: AllKeysRandom})
	s.set(epoch, 0, "big", big('a', testLimit/2), 0)
	l := s.retain(t, "big")
	s.del(epoch, 0, "big")
	fillUp(s, 0, testLimit/100, 100, nil)
	if st := s.Stats(); st.Keys < 1500 {
		t.Fatalf("a value being read displaced the keys: %+v", st)
	}
	l.Release()
}

func TestAccountingUnderEviction(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := Policy(rapid.IntRange(1, int(VolatileTTL)).Draw(t, "policy"))
		s := newStore(t, Options{MaxMemory: 1 << 20, Policy: p, Shards: 2})
		n, steps := 0, 0
		t.Repeat(map[string]func(*rapid.T){
			"fill": func(t *rapid.T) {
				count := rapid.IntRange(1, 200).Draw(t, "n")
				fillUp(s, n, count, rapid.IntRange(0, 5000).Draw(t, "size"), forever)
				n += count
			},
			"maintain": func(t *rapid.T) { s.settle(epoch) },
			"": func(t *rapid.T) {
				if steps++; steps%4 == 0 { // it walks everything
					mustHold(t, s)
				}
				if st := s.Stats(); st.Memory > 1<<20 {
					t.Fatalf("%d bytes used", st.Memory)
				}
			},
		})
		mustHold(t, s)
	})
}

// tight is a journal with room for so many bytes in all.
type tight struct {
	recorder
	room int
}

func (j *tight) Append(timeMillis int64, payload []byte) uint64 {
	j.room -= len(payload)
	return j.recorder.Append(timeMillis, payload)
}

func (j *tight) Admit(bytes int) error {
	if bytes > j.room {
		return errFull
	}
	return nil
}

// TestEvictionKeepsToTheJournalsRoom: it may take many long keys to make room for one value.
func TestEvictionKeepsToTheJournalsRoom(t *testing.T) {
	const keyBytes = 60_000
	s := newStore(t, Options{Shards: 2})
	for i := range 100 {
		key := fmt.Sprintf("%0*d", keyBytes, i)
		s.set(epoch, 0, key, nil, 0)
	}
	j := &tight{recorder: recorder{t: t}, room: 10 * keyBytes}
	s.SetJournal(j)
	s.SetMemoryLimit(s.Stats().Memory, AllKeysRandom)
	if err := s.MakeRoom(50*keyBytes, epoch); !errors.Is(err, ErrMemory) {
		t.Errorf("MakeRoom: %v", err)
	}
	if gone := 100 - s.Count(0); j.room < 0 || gone == 0 {
		t.Errorf("%d keys evicted, %d bytes of the journal left", gone, j.room)
	}
}

// What others hold counts; but no key is evicted for what only others can give back.
func TestMemoryBesideTheStore(t *testing.T) {
	s := newStore(t, Options{MaxMemory: testLimit, Policy: AllKeysLRU})
	var others int64
	s.Beside(func() int64 { return others })
	fillUp(s, 0, 4000, 100, nil)
	others = testLimit / 2
	fillUp(s, 4000, 1, 100, nil)
	st := s.Stats()
	if st.Evicted == 0 || st.Memory > testLimit/2 {
		t.Errorf("beside %d bytes: %+v", others, st)
	}
	others = testLimit
	if err := s.MakeRoom(100, epoch); !errors.Is(err, ErrMemory) {
		t.Errorf("beside %d bytes: %v", others, err)
	}
	if now := s.Stats(); now.Keys != st.Keys {
		t.Errorf("%d keys were evicted in vain", st.Keys-now.Keys)
	}
	others = 2 * testLimit
	s.Stats()
	others = 0
	if now := s.Stats(); now.Peak < 2*testLimit {
		t.Errorf("the peak fell to %d bytes", now.Peak)
	}
}
