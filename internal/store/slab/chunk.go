package slab

import "fmt"

// take gives class c a slab with room.
func (a *Arena) take(c uint8) {
	sh := &shapes[c]
	k := sh.kind
	if a.idle[k] == 0 && a.cold[k] == 0 {
		a.openChunk(k)
	}
	var u uint32
	if a.idle[k] != 0 {
		u = a.idle[k] - 1
		a.unlink(&a.idle[k], u)
	} else {
		u = a.cold[k] - 1
		a.unlink(&a.cold[k], u)
		a.resident += 1 << kindShift[k]
	}
	a.held += 1 << kindShift[k]
	a.slabs[u] = desc{class: c, state: partial}
	a.families[c].slabs++
	a.link(&a.families[c].partial, u)
	n := u / chunkUnits
	a.chunks[n].used++
	if used := uint(a.chunks[n].used) << kindShift[k]; used == chunkBytes/2 && k != kinds-1 {
		a.promote(n)
	}
}

// promote makes half-full chunk n one huge page, if it is not.
func (a *Arena) promote(n uint32) {
	c := &a.chunks[n]
	if c.huge {
		return
	}
	c.huge = true
	if !a.mem.collapse(uintptr(n)<<chunkShift, chunkBytes) {
		return
	}
	step := uint32(1) << (kindShift[c.kind] - unitShift)
	for i := int(chunkUnits - step); i >= 0; i -= int(step) {
		if u := n*chunkUnits + uint32(i); a.slabs[u].state == cold {
			a.unlink(&a.cold[c.kind], u)
			a.slabs[u].state = idle
			a.link(&a.idle[c.kind], u)
			a.resident += int64(step) << unitShift
		}
	}
}

// retire takes an empty slab from its class. The chunk it leaves empty becomes spare, unless it
// is the last one of its kind: a store that goes between no and one block must not pay for that.
func (a *Arena) retire(u uint32) {
	d := &a.slabs[u]
	f, k := &a.families[d.class], shapes[d.class].kind
	f.slabs--
	if d.state == draining {
		a.draining = 0
	} else {
		a.unlink(&f.partial, u)
	}
	a.held -= 1 << kindShift[k]
	*d = desc{state: idle}
	a.link(&a.idle[k], u)
	n := u / chunkUnits
	c := &a.chunks[n]
	if c.used--; c.used == 0 && a.open[k] > 1 {
		a.closeChunk(n)
	}
}

// openChunk cuts a chunk into slabs of kind k.
func (a *Arena) openChunk(k uint8) {
	n := a.findChunk(k)
	c := &a.chunks[n]
	warm := a.warm == n+1
	if warm {
		a.warm = 0
	} else {
		a.adviseChunk(n, k)
	}
	c.open, c.kind = true, k
	a.open[k]++
	step := uint32(1) << (kindShift[k] - unitShift)
	for i := int(chunkUnits - step); i >= 0; i -= int(step) { // so that the lowest comes first
		u := n*chunkUnits + uint32(i)
		if warm || c.huge {
			a.slabs[u] = desc{state: idle}
			a.link(&a.idle[k], u)
		} else {
			a.slabs[u] = desc{state: cold}
			a.link(&a.cold[k], u)
		}
	}
	if c.huge && !warm {
		a.resident += chunkBytes
	}
}

// adviseChunk asks for a huge page behind chunk n, from the second open chunk of a kind on; the
// first gets it when it is half full: a store of a few keys must not hold 2 MiB for each shard
// and kind.
func (a *Arena) adviseChunk(n uint32, k uint8) {
	c := &a.chunks[n]
	if a.open[k] == 0 || c.huge {
		return
	}
	a.mem.huge(uintptr(n)<<chunkShift, chunkBytes)
	c.huge = true
}

// findChunk prefers a spare chunk that still has its memory, then any spare one.
func (a *Arena) findChunk(k uint8) uint32 {
	if a.warm != 0 {
		n := a.warm - 1
		if a.chunks[n].kind == k {
			return n
		}
		a.dropWarm()
	}
	if last := len(a.spare) - 1; last >= 0 {
		n := a.spare[last]
		a.spare = a.spare[:last]
		return n
	}
	n := len(a.chunks)
	if n >= a.limit {
		panic(fmt.Sprintf("slab: all %d MiB of an arena's address space are used", a.limit*2))
	}
	if err := a.mem.commit(uintptr(n)<<chunkShift, chunkBytes); err != nil {
		panic(fmt.Sprintf("slab: out of memory: %v", err))
	}
	a.chunks = append(a.chunks, chunk{})
	a.slabs = append(a.slabs, make([]desc, chunkUnits)...)
	return uint32(n)
}

// closeChunk makes a chunk whose slabs are all free spare. The first one keeps its memory.
func (a *Arena) closeChunk(n uint32) {
	c := &a.chunks[n]
	c.open = false
	a.open[c.kind]--
	step := uint32(1) << (kindShift[c.kind] - unitShift)
	all := true
	for u := n * chunkUnits; u < (n+1)*chunkUnits; u += step {
		if a.slabs[u].state == idle {
			a.unlink(&a.idle[c.kind], u)
		} else {
			a.unlink(&a.cold[c.kind], u)
			all = false
		}
		if a.slabs[u].state == cold {
			a.slabs[u].state = unused
		}
	}
	if all && a.warm == 0 {
		a.warm = n + 1
		return
	}
	a.discardChunk(n)
	a.spare = append(a.spare, n)
}

// discardChunk gives back the memory of a chunk that is not open.
func (a *Arena) discardChunk(n uint32) {
	step := uint32(1) << (kindShift[a.chunks[n].kind] - unitShift)
	for u := n * chunkUnits; u < (n+1)*chunkUnits; u += step {
		if a.slabs[u].state == idle {
			a.resident -= int64(step) << unitShift
		}
		a.slabs[u] = desc{}
	}
	a.mem.discard(uintptr(n)<<chunkShift, chunkBytes)
}

func (a *Arena) dropWarm() {
	n := a.warm - 1
	a.warm = 0
	a.discardChunk(n)
	a.spare = append(a.spare, n)
}

// Trim gives idle memory back to the system while there is more of it than keep bytes, at most
// about most bytes in one call. It says whether there is more to give.
func (a *Arena) Trim(keep, most int64) bool {
	if a.warm != 0 && a.spareBytes() > keep {
		a.dropWarm()
		most -= chunkBytes
	}
	for k := range a.idle {
		size := int64(1) << kindShift[k]
		for a.idle[k] != 0 && most > 0 && a.spareBytes() > keep {
			u := a.idle[k] - 1
			a.unlink(&a.idle[k], u)
			a.mem.discard(uintptr(u)<<unitShift, uintptr(size))
			a.slabs[u].state = cold
			a.link(&a.cold[k], u)
			a.resident -= size
			most -= size
		}
	}
	return most <= 0 && a.spareBytes() > keep
}

// spareBytes is the memory held without holding blocks.
func (a *Arena) spareBytes() int64 { return a.resident - a.held }
