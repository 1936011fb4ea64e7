package kv

import (
	"math/bits"

	"github.com/synapdb/synap/internal/store/slab"
)

// warmBatch is how many look-ups Warm has in flight: more than a core can follow at once.
const warmBatch = 16

// probe is a look-up under way: where the key's entry should be.
type probe struct {
	bucket *bucket
	arena  *slab.Arena
	tag    uint64
}

// Warm brings what is needed to find keys of db into the processor's caches. It changes nothing.
// Each look-up needs two lines of memory, its bucket and its entry, and waits for both; of several
// commands that came together the waits can overlap, because the loads of a batch don't depend
// on each other. It locks by itself: Tx must be fresh from Begin, and is fresh again afterwards.
func (t *Tx) Warm(db uint8, keys [][]byte) {
	for len(keys) > 0 {
		n := min(len(keys), warmBatch)
		t.warm(db, keys[:n])
		keys = keys[n:]
	}
}

func (t *Tx) warm(db uint8, keys [][]byte) {
	var hashes [warmBatch]uint64
	for i, key := range keys {
		hashes[i] = t.s.hash.of(key)
		t.shards.Add(hashes[i] & t.s.mask)
	}
	t.Lock()
	var probes [warmBatch]probe
	var sum uint64 // of what was loaded, so that the compiler keeps the loads
	for i, h := range hashes[:len(keys)] {
		sp := t.s.shards[h&t.s.mask].db[db].Load()
		if sp == nil || len(sp.index.dir) == 0 {
			continue
		}
		table := sp.index.segment(h).table
		b := &table[home(h, len(table))]
		probes[i] = probe{b, sp.arena, uint64(uint16(h>>tagShift)) * laneOnes}
		sum += uint64(b.tags[0])
	}
	for i := range probes[:len(keys)] {
		if p := &probes[i]; p.bucket != nil {
			sum += p.entry()
		}
	}
	t.warmed = sum
	t.Unlock()
	t.s.Begin(t, t.now)
}

// entry loads the head of the first entry whose tag fits: nearly always the one that is meant.
func (p *probe) entry() uint64 {
	first, second, last := p.bucket.match(p.tag)
	at := 0
	switch {
	case first != 0:
		at = bits.TrailingZeros64(first) >> 4
	case second != 0:
		at = 4 + bits.TrailingZeros64(second)>>4
	case last != 0:
		at = 8 + bits.TrailingZeros64(last)>>4
	}
	ref := p.bucket.refs[at]
	if ref == 0 {
		return 0
	}
	return uint64((*head)(p.arena.Ptr(ref)).meta)
}
