package slab

import "math/bits"

// Compaction: the owner of the blocks asks for the live blocks of a sparse slab, copies each to
// a new block, frees the old one, and so gives the slab back:
//
//	for {
//		refs := a.Drain(buf[:0])
//		if len(refs) == 0 { break }
//		for _, r := range refs { n := a.Alloc(a.Size(r)); copy; a.Free(r) }
//	}

const (
	maxSlots   = 1 << unitShift / fineStep
	searchMost = 64 // slabs looked at for the sparsest one
)

// Drain appends to refs, up to its capacity, blocks that should be moved elsewhere: those of the
// slab being emptied, or of a sparse one chosen now. Such a slab gets no new blocks. It returns
// refs unchanged when nothing is worth moving.
func (a *Arena) Drain(refs []Ref) []Ref {
	if a.draining == 0 && !a.choose() {
		return refs
	}
	u := a.draining - 1
	d := &a.slabs[u]
	if f := &a.families[d.class]; a.room(d.class) < uint32(d.used) { // no longer worth it
		a.draining = 0
		d.state = partial
		a.link(&f.partial, u)
		return refs
	}
	return a.liveBlocks(u, refs)
}

// room is the number of free blocks that class c has outside the slab being emptied.
func (a *Arena) room(c uint8) uint32 {
	f := &a.families[c]
	free := f.slabs*shapes[c].slots - f.used
	if a.draining != 0 {
		if d := &a.slabs[a.draining-1]; d.class == c {
			free -= shapes[c].slots - uint32(d.used)
		}
	}
	return free
}

// Sparse says whether block r, by the rules of Drain, should move to a new block of its size: for
// owners that come upon their blocks by themselves. Blocks of the slab that would take it say no,
// so moving ends when a few slabs are full and the rest is given back.
func (a *Arena) Sparse(r Ref) bool {
	u := a.unit(r)
	d := &a.slabs[u]
	f, slots := &a.families[d.class], shapes[d.class].slots
	return f.worth(slots) && f.partial != 0 && f.partial != u+1 && uint32(d.used) < slots-slots/3
}

// worth says whether so much of a class is free that moving blocks pays.
func (f *family) worth(slots uint32) bool {
	free := f.slabs*slots - f.used
	return free >= 2*slots && free*4 >= f.slabs*slots
}

// choose finds a slab to empty: in a class of which a quarter and at least two slabs are free,
// the sparsest of the first slabs, if it is at least a third empty.
func (a *Arena) choose() bool {
	for range classes {
		a.cursor = (a.cursor + 1) % classes
		f, slots := &a.families[a.cursor], shapes[a.cursor].slots
		if !f.worth(slots) {
			continue
		}
		if u, ok := a.sparsest(f.partial, slots); ok {
			a.unlink(&f.partial, u)
			a.slabs[u].state = draining
			a.draining = u + 1
			a.cursor-- // the class may have more
			return true
		}
	}
	return false
}

func (a *Arena) sparsest(list, slots uint32) (uint32, bool) {
	best, used := uint32(0), slots-slots/3
	for range searchMost {
		if list == 0 {
			break
		}
		d := &a.slabs[list-1]
		if uint32(d.used) < used {
			best, used = list, uint32(d.used)
		}
		list = d.next
	}
	return best - 1, best != 0
}

func (a *Arena) liveBlocks(u uint32, refs []Ref) []Ref {
	d := &a.slabs[u]
	size := shapes[d.class].bytes >> refShift
	first := u<<(unitShift-refShift) + 1
	var freed [maxSlots / 64]uint64
	for r := d.free; r != 0; r = a.nextFree(r) {
		slot := (r - first) / size
		freed[slot/64] |= 1 << (slot % 64)
	}
	for word := uint32(0); word*64 < uint32(d.bump); word++ {
		live := ^freed[word]
		if rest := uint32(d.bump) - word*64; rest < 64 {
			live &= 1<<rest - 1
		}
		for ; live != 0 && len(refs) < cap(refs); live &= live - 1 {
			slot := word*64 + uint32(bits.TrailingZeros64(live))
			refs = append(refs, first+slot*size)
		}
	}
	return refs
}
