package kv

import (
	"math/bits"

	"github.com/synapdb/synap/internal/store/slab"
)

// delta holds the refs of new keys that are not yet in the order: a hash set with linear
// probing, so that a key deleted or moved meanwhile is found at once.
type delta struct {
	table []uint32 // 0 = free
	n     int
}

const (
	leastDelta = 16

	// mostDelta refs are merged by the insert that brings the last one: about 60 µs. 64 and 256
	// cost the same per key within the noise, 1024 in parts of 256 cost 0.2 µs more, because
	// entries had left the cache.
	mostDelta = 128
)

// mix spreads refs, which are multiples of a block's size, over the table.
func (d *delta) home(ref slab.Ref) int {
	return int(ref * 0x9E3779B1 >> (32 - bits.TrailingZeros32(uint32(len(d.table)))))
}

func (d *delta) add(ref slab.Ref) {
	if (d.n+1)*2 > len(d.table) {
		d.resize(max(2*len(d.table), leastDelta))
	}
	d.table[d.find(0, ref)] = ref
	d.n++
}

// find returns where want stands, searching from the home of ref. Half of the table is free, so a
// search ends. It panics when want is not there: to go on would corrupt more.
func (d *delta) find(want, ref slab.Ref) int {
	i := d.home(ref)
	for d.table[i] != want {
		if d.table[i] == 0 {
			panic("kv: an entry is missing from the delta")
		}
		i = (i + 1) & (len(d.table) - 1)
	}
	return i
}

func (d *delta) resize(size int) {
	old := d.table
	d.table = make([]uint32, size)
	for _, ref := range old {
		if ref != 0 {
			d.table[d.find(0, ref)] = ref
		}
	}
}

// remove takes out ref, which must be there, and closes the gap.
func (d *delta) remove(ref slab.Ref) {
	mask := len(d.table) - 1
	gap := d.find(ref, ref)
	for i := gap; ; {
		i = (i + 1) & mask
		next := d.table[i]
		if next == 0 {
			break
		}
		if (i-d.home(next))&mask >= (i-gap)&mask {
			d.table[gap] = next
			gap = i
		}
	}
	d.table[gap] = 0
	d.n--
}

// replace puts ref in the place of old: the block moved.
func (d *delta) replace(old, ref slab.Ref) {
	d.remove(old)
	d.add(ref)
}

// clear empties the delta.
func (d *delta) clear() {
	clear(d.table)
	d.n = 0
}

func (d *delta) bytes() int64 { return int64(cap(d.table)) * 4 }
