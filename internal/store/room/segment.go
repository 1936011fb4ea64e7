package room

import (
	"math"
	"unsafe"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// The events of a room lie in segments, each of which is one block of the shard's arena: frames
// from the front, one after the other, and their index from the back, so that neither has to guess
// how many come:
//
//	block | owner 8 | frame | frame | frame | … free …          | entry 12 | entry 12 | entry 12 |
//	                                                     index:     2          1          0
//
// A frame too large for a block has a mapping of its own. A room's first segment grows with it from
// a few events on; those that follow are made at their full size, which is a sixteenth of what the
// room holds or less: on average half of the first segment is not seen any more, and half of the
// last one not used yet. Blocks over fineSegment come in slabs of 2 MiB, of which every shard has
// one that is half empty: that is for rooms of many MiB, or of large events, one of which does not
// fit into the end of each segment.
const (
	firstBytes   = 128
	leastSegment = 2 << 10
	fineSegment  = 32 << 10
	mostSegment  = 256 << 10
	fineShare    = 16 // a segment is at most this part of a room
	coarseShare  = 256
	leastEvents  = 64 // that a segment is to hold, or half as many

	ownerBytes   = 8
	entryBytes   = int(unsafe.Sizeof(entry{}))
	segmentBytes = int(unsafe.Sizeof(segment{}))
	pageBytes    = 4 << 10 // of mappings
)

// segment describes a block. It has no pointers, so the collector passes over it.
type segment struct {
	first uint64   // offset of its first event
	base  int64    // time of that, ms since the Unix epoch
	ref   slab.Ref // of the block; of a mapping its number in shard.large, plus one
	size  uint32   // of the block; over slab.MaxBlock it is a mapping
	used  uint32   // bytes of frames
	count uint32   // events
}

func (g *segment) isLarge() bool { return g.size > slab.MaxBlock }

func (g *segment) end() uint64 { return g.first + uint64(g.count) }

// room is how many bytes are free.
func (g *segment) room() int {
	return int(g.size) - ownerBytes - int(g.used) - int(g.count)*entryBytes
}

// entry is what the index knows of an event.
type entry struct {
	at       uint32 // where its frame begins, behind the owner
	time     uint32 // ms after the segment's base
	marks    uint16 // 12 bits length of the name as JSON string, 2 bits form, bit 15 escaped
	metadata uint16 // length
}

const (
	quotedBits  = 12
	formAt      = quotedBits
	mostForm    = 3
	escapedMark = 1 << 15
	mostDelta   = math.MaxUint32 // ms that a segment spans
)

func marksOf(d *draft) uint16 {
	m := uint16(len(d.quoted)) | uint16(d.form)<<formAt
	if d.escaped {
		m |= escapedMark
	}
	return m
}

func (e *entry) quoted() int { return int(e.marks & (1<<quotedBits - 1)) }

func (e *entry) form() effect.EventForm {
	return effect.EventForm(e.marks >> formAt & mostForm)
}

func (e *entry) escaped() bool { return e.marks&escapedMark != 0 }

// block is where a segment begins.
func (sh *shard) block(g *segment) unsafe.Pointer {
	if g.isLarge() {
		return unsafe.Pointer(unsafe.SliceData(sh.large[g.ref-1]))
	}
	return sh.arena.Ptr(g.ref)
}

// frames is the bytes of all frames of a segment.
func (sh *shard) frames(g *segment) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(sh.block(g), ownerBytes)), g.used)
}

// entry is the index of the segment's event i.
func (sh *shard) entry(g *segment, i uint32) *entry {
	return (*entry)(unsafe.Add(sh.block(g), int(g.size)-entryBytes*(int(i)+1)))
}

// at is where the frame of event i begins, and where the last one ends if there is no event i.
func (sh *shard) at(g *segment, i uint32) uint32 {
	if i >= g.count {
		return g.used
	}
	return sh.entry(g, i).at
}

func (sh *shard) time(g *segment, i uint32) int64 { return g.base + int64(sh.entry(g, i).time) }

// newBlock gives g a block of at least size bytes. It fails when the system has no memory for a
// mapping; an arena without memory panics.
func (sh *shard) newBlock(r *room, g *segment, size int) error {
	if size <= slab.MaxBlock {
		g.ref = sh.arena.Alloc(size)
		g.size = uint32(sh.arena.Size(g.ref))
		*(*uint64)(sh.arena.Ptr(g.ref)) = uint64(r.slot)
		return nil
	}
	b, err := slab.Map((size + pageBytes - 1) &^ (pageBytes - 1))
	if err != nil {
		return err
	}
	n := len(sh.large)
	if last := len(sh.freeLarge) - 1; last >= 0 {
		n = int(sh.freeLarge[last])
		sh.freeLarge = sh.freeLarge[:last]
		sh.large[n] = b
	} else {
		sh.large = append(sh.large, b)
	}
	g.ref, g.size = slab.Ref(n+1), uint32(len(b))
	sh.largeBytes += int64(len(b))
	return nil
}

func (sh *shard) freeBlock(g *segment) {
	if !g.isLarge() {
		sh.arena.Free(g.ref)
		return
	}
	n := g.ref - 1
	sh.largeBytes -= int64(len(sh.large[n]))
	slab.Unmap(sh.large[n])
	sh.large[n] = nil
	sh.freeLarge = append(sh.freeLarge, n)
}

// rebuild moves a segment of the arena to a block of at least size bytes, without its first skip
// events.
func (sh *shard) rebuild(r *room, g *segment, size int, skip uint32) {
	old := *g
	_ = sh.newBlock(r, g, size) // within MaxBlock it can't fail
	from := sh.at(&old, skip)
	g.first, g.count, g.used = old.first+uint64(skip), old.count-skip, old.used-from
	copy(sh.frames(g), sh.frames(&old)[from:])
	if g.count > 0 {
		g.base = sh.time(&old, skip)
	}
	late := uint32(g.base - old.base)
	for i := range g.count {
		e := *sh.entry(&old, skip+i)
		e.at -= from
		e.time -= late
		*sh.entry(g, i) = e
	}
	sh.freeBlock(&old)
}
