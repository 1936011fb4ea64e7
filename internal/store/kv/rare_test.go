package kv

import (
	"fmt"
	"math"
	"testing"

	"github.com/synapdb/synap/internal/effect"
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
