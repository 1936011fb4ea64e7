package kv

import (
	"fmt"
	"math"
	"testing"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// Properties verified: what happens only after billions of changes, or on a machine whose clocks
// or address space are unusual.

func TestVersionZeroStaysTheAbsentKeys(t *testing.T) {
	s := newStore(t, Options{})
	s.set(epoch, 0, "k", []byte("v"), 0)
	wrap := func() {
		s.with(epoch, 0, "k", func(tx *Tx) {
			e, _ := tx.Peek(0, []byte("k"))
			e.h.version = math.MaxUint32
		})
	}
	wrap()
	if v := s.set(epoch, 0, "k", []byte("w"), 0); v != 1 {
		t.Errorf("the version after the last one is %d", v)
	}
	wrap()
	s.with(epoch, 0, "k", func(tx *Tx) {
		e := effect.Effect{Kind: effect.Deadline, Key: []byte("k"), Deadline: epoch + 1000}
		if v := tx.Apply(e); v != 1 {
			t.Errorf("the version after a new deadline is %d", v)
		}
	})
}

// Connections read the clock before they wait for a lock, so accesses come a little out of order.
func TestFrequencySurvivesAccessesOutOfOrder(t *testing.T) {
	s := newStore(t, Options{Policy: AllKeysLFU, MaxMemory: 1 << 30})
	minute := int64(epoch - epoch%60_000)
	s.set(minute, 0, "hot", nil, 0)
	get := func(now int64) (n uint8) {
		s.with(now, 0, "hot", func(tx *Tx) {
			e, _ := tx.Get(0, []byte("hot"))
			n = e.Frequency()
		})
		return n
	}
	before := uint8(0)
	for range 1000 {
		before = get(minute)
	}
	if after := get(minute - 1); after < before {
		t.Errorf("an access of a ms ago took the counter from %d to %d", before, after)
	}
	if after := get(minute + 2*60_000); after > before-1 {
		t.Errorf("two minutes took the counter from %d to %d", before, after)
	}
}

func TestExpiryGoesOnAfterTheClockRanAhead(t *testing.T) {
	s := newStore(t, Options{})
	s.set(epoch, 0, "far", nil, epoch+1<<42)
	s.Maintain(epoch+1<<40, 1000)
	for i := range 100 {
		s.set(epoch, 0, fmt.Sprint(i), nil, epoch+int64(i)*100)
	}
	s.settle(epoch + 60_000)
	if n := s.Count(0); n != 1 {
		t.Errorf("%d keys are left", n)
	}
	mustHold(t, s)
}

func TestAddressSpaceIsShared(t *testing.T) {
	for _, shards := range []int{1, 8, 256} {
		share, err := arenaShare(shards, slab.Space())
		if err != nil {
			t.Skip(err) // the tests run under a limit of their own
		}
		if all := int64(share) * int64(shards) * (2*Databases + 1); all > 32<<40 || share < 3<<30 {
			t.Errorf("%d shards: %d bytes for an arena, %d for all", shards, share, all)
		}
	}
	if _, err := arenaShare(8, 4<<30); err == nil {
		t.Error("8 shards in 4 GiB of address space accepted")
	}
}

// A store whose address space runs out refuses to grow and goes on when there is room again.
func TestFullAddressSpaceRefusesWrites(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1000, 30_000, 200_000} {
		s := newStore(t, Options{Shards: 1, MaxMemory: 1 << 40, Policy: AllKeysLRU})
		s.share, s.shards[0].heap.share = slab.LeastBytes, slab.LeastBytes
		value := make([]byte, size)
		n := 0
		for s.MakeRoom(size, epoch) == nil {
			s.set(epoch, 0, fmt.Sprint("key:", n), value, 0)
			if n++; n*size > 2*slab.LeastBytes {
				t.Fatalf("%d values of %d bytes were let in", n, size)
			}
		}
		if n*size < slab.LeastBytes/2 {
			t.Errorf("only %d values of %d bytes were let in", n, size)
		}
		for i := range n {
			s.del(epoch, 0, fmt.Sprint("key:", i))
		}
		s.settle(epoch)
		if err := s.MakeRoom(size, epoch); err != nil {
			t.Errorf("after deleting all values of %d bytes: %v", size, err)
		}
	}
}

// With many shards and databases one budget is not enough to look at all of them.
func TestMaintainFindsAnIdleStoreIdle(t *testing.T) {
	s := newStore(t, Options{Shards: 64})
	for i := range 5000 {
		s.set(epoch, uint8(i%Databases), fmt.Sprint(i), nil, 0)
	}
	calls := 1
	for s.Maintain(epoch, 50) {
		if calls++; calls > 1000 {
			t.Fatal("there is always more to do")
		}
	}
	for _, db := range []uint8{0, 7, 15} {
		for i := range s.shards {
			if sp := s.shards[i].db[db].Load(); sp != nil && sp.delta.n != 0 {
				t.Fatalf("shard %d, database %d: %d keys not merged", i, db, sp.delta.n)
			}
		}
	}
}
