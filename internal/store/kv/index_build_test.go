package kv

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/store/slab"
)

// TestBuiltIndexHoldsEverything builds indexes of good and bad hashes and takes them apart again.
func TestBuiltIndexHoldsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := newIndex(t)
		all := hashes{}
		mask := rapid.SampledFrom([]uint64{
			^uint64(0), 0x0FFFFFFF_FFFF_FFFF, 0xFFFFFFFF_F003_FFFF, 0xF0000000_FFFF_FFFF,
		}).Draw(t, "mask")
		most := 12_000
		if mask != ^uint64(0) {
			most = 4000
		}
		h := newHasher(rapid.Uint64().Draw(t, "seed"))
		var refs []slab.Ref
		n := rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(most/2, most)).Draw(t, "n")
		for ref := range slab.Ref(n) {
			all[ref+1] = h.of([]byte{byte(ref), byte(ref >> 8)}) & mask
			refs = append(refs, ref+1)
		}
		x.build(refs, all)
		count := 0
		for i := range x.segs {
			count += int(x.segs[i].count)
		}
		if count != len(all) {
			t.Fatalf("%d entries of %d", count, len(all))
		}
		for ref, hash := range all {
			if !x.holds(hash, ref) {
				t.Fatalf("ref %d of %d is not found", ref, len(all))
			}
		}
		for _, ref := range refs {
			x.remove(all[ref], ref)
		}
		if x.arena.Live() > int64(len(x.segs)*leastTable*bucketBytes) && len(refs) > 0 {
			t.Fatalf("%d bytes are left", x.arena.Live())
		}
	})
}
