package shards

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/synapdb/synap/internal/store/slab"
)

func TestPromise(t *testing.T) {
	var u Upkeep
	u.Reset()
	for _, c := range []struct {
		at   int64
		want bool
	}{{100, true}, {100, false}, {150, false}, {99, true}} {
		if got := u.Promise(c.at); got != c.want {
			t.Errorf("promise of %d is needed: %v", c.at, got)
		}
	}
}

// TestRoundIsFair: every shard has its turn, and where the budget ends the next round goes on.
func TestRoundIsFair(t *testing.T) {
	var u Upkeep
	u.Reset()
	var order []int
	busy := func(shard int, hold int64) (next, left int64) {
		order = append(order, shard)
		return math.MaxInt64, 0
	}
	for range 4 {
		if next := u.Round(3, 1000, 150, 1, busy); next != 1000 {
			t.Fatalf("again at %d, though there is more", next)
		}
	}
	if want := []int{0, 1, 2, 0, 1, 2, 0, 1}; !slices.Equal(order, want) {
		t.Errorf("turns of %v, not %v", order, want)
	}
}

// TestRoundSaysWhen: what shards want and what is promised meanwhile, whichever is earlier, but not
// what was promised before.
func TestRoundSaysWhen(t *testing.T) {
	var u Upkeep
	u.Reset()
	wants := []int64{math.MaxInt64, math.MaxInt64}
	promise := int64(math.MaxInt64)
	work := func(shard int, hold int64) (next, left int64) {
		u.Promise(promise)
		return wants[shard], hold
	}
	round := func() int64 { return u.Round(2, 1000, 1000, 1, work) }
	u.Promise(5)
	if next := round(); next != 0 {
		t.Errorf("nothing is due, but again at %d", next)
	}
	wants[1] = 3000
	if next := round(); next != 3000 {
		t.Errorf("again at %d", next)
	}
	if promise = 2000; round() != 2000 {
		t.Error("what was promised meanwhile is forgotten")
	}
	if wants[0] = 10; round() != 1000 {
		t.Error("what is overdue is not due now")
	}
	if u.Promise(10) {
		t.Error("the round did not promise what it returned")
	}
}

// TestRoundKeepsLocksShort: no hold is over the bound, none below the least.
func TestRoundKeepsLocksShort(t *testing.T) {
	var u Upkeep
	u.Reset()
	var holds []int64
	u.Round(4, 0, 150, 2000, func(_ int, hold int64) (next, left int64) {
		holds = append(holds, hold)
		return math.MaxInt64, -50_000 // it took more: that is not asked back
	})
	if want := []int64{mostHold, 150_000 - mostHold - costVisit}; !slices.Equal(holds, want) {
		t.Errorf("holds of %v ns, not %v", holds, want)
	}
	holds = nil
	u.Round(1, 0, 1, 2000, func(_ int, hold int64) (next, left int64) {
		holds = append(holds, hold)
		return math.MaxInt64, 0
	})
	if !slices.Equal(holds, []int64{2000}) {
		t.Errorf("holds of %v ns", holds)
	}
}

// TestTidy: what is left of many blocks moves together, keeps its contents, and most of the memory
// is given back; in small steps as in one.
func TestTidy(t *testing.T) {
	const size, many, kept = 200, 50_000, 10
	for _, budget := range []int64{2000, 1e9} {
		a, err := slab.New(slab.LeastBytes)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(a.Close)
		live, gone := map[slab.Ref]byte{}, []slab.Ref(nil)
		for i := range many {
			ref := a.Alloc(size)
			if i%kept > 0 {
				gone = append(gone, ref)
				continue
			}
			live[ref] = byte(i / kept)
			copy(a.Bytes(ref), bytes.Repeat([]byte{byte(i / kept)}, size))
		}
		for _, ref := range gone {
			a.Free(ref)
		}
		full := a.Resident()
		var moved []slab.Ref
		move := func(ref slab.Ref) {
			moved = append(moved, ref)
			to := a.Alloc(a.Size(ref))
			copy(a.Bytes(to), a.Bytes(ref))
			live[to] = live[ref]
			delete(live, ref)
			a.Free(ref)
		}
		for more := true; more; {
			left, moves := budget, len(moved)
			more = Tidy(a, 0, &left, move)
			if n := int64(len(moved) - moves); n > budget/costMove+1 {
				t.Fatalf("%d blocks moved in a step of %d ns", n, budget)
			}
		}
		if got := a.Resident(); got > full/2 {
			t.Errorf("%d bytes are resident of %d, for a tenth of the blocks", got, full)
		}
		for ref, fill := range live {
			if !bytes.Equal(a.Bytes(ref), bytes.Repeat([]byte{fill}, size)) {
				t.Fatalf("block %d has other contents", ref)
			}
		}
		if len(live) != many/kept || len(moved) == 0 {
			t.Errorf("%d blocks are left, %d moved", len(live), len(moved))
		}
	}
}
