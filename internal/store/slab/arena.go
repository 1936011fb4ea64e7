package slab

import "unsafe"

// Ref names a block of an Arena: its offset in units of 8 bytes, plus one. Zero is no block.
type Ref = uint32

const (
	// Granule is what every block's size and address are a multiple of, in bytes.
	Granule = 8

	refShift   = 3
	chunkShift = 21 // a huge page
	chunkBytes = 1 << chunkShift
	chunkUnits = chunkBytes >> unitShift
	maxChunks  = 1<<(32+refShift-chunkShift) - 1 // so that every Ref stays below MaxRef

	// MaxRef bounds every Ref; larger numbers may be used for other things.
	MaxRef Ref = maxChunks << (chunkShift - refShift)
	// MaxBytes is the most address space one arena uses, 2 MiB less than 32 GiB.
	MaxBytes = maxChunks * chunkBytes
)

type state uint8

const (
	unused   state = iota // belongs to a spare chunk, or lies inside a larger slab
	cold                  // free, without memory behind it
	idle                  // free, with memory behind it
	partial               // has blocks and room
	full                  // has blocks and no room
	draining              // has blocks, gets no new ones: it is being emptied
)

// desc describes the slab that begins at its unit of 32 KiB.
type desc struct {
	free       Ref    // freed blocks, linked through their first 4 bytes
	next, prev uint32 // neighbours in the list of its state, as unit+1
	used       uint16 // blocks in use
	bump       uint16 // blocks handed out at least once; the rest was never touched
	class      uint8
	state      state
}

type chunk struct {
	used uint8 // slabs that hold blocks
	kind uint8
	open bool // cut into slabs; otherwise spare
	huge bool // its memory comes as one huge page
}

// family is the state of a size class.
type family struct {
	partial uint32 // first slab with room, as unit+1
	slabs   uint32 // slabs that hold blocks of the class
	used    uint32 // blocks in use
}

// Arena is an allocator over one range of addresses. It is not safe for concurrent use.
type Arena struct {
	base     unsafe.Pointer
	mem      mapping
	limit    int // chunks reserved
	chunks   []chunk
	slabs    []desc // one per unit of 32 KiB; a larger slab uses its first
	families [classes]family
	idle     [kinds]uint32 // first idle slab, as unit+1
	cold     [kinds]uint32
	open     [kinds]int // open chunks
	spare    []uint32   // chunks not open, without memory behind them
	warm     uint32     // one spare chunk that kept its memory, as chunk+1
	draining uint32     // the slab being emptied, as unit+1
	cursor   int        // class where the search for a sparse slab goes on
	live     int64      // bytes of blocks in use
	resident int64      // bytes with memory behind them
	held     int64      // bytes of slabs that hold blocks
	debug    debugState
}

// New reserves up to size bytes of address space (at most MaxBytes); memory comes with use.
func New(size int) (*Arena, error) {
	size = (min(size, MaxBytes) + chunkBytes - 1) &^ (chunkBytes - 1)
	m, err := reserve(uintptr(size))
	if err != nil {
		return nil, err
	}
	a := &Arena{base: m.base, mem: m, limit: min(int(m.size>>chunkShift), maxChunks)}
	a.debug.init()
	return a, nil
}

// Close gives everything back. No block may be used afterwards.
func (a *Arena) Close() { a.mem.unmap(); *a = Arena{} }

// Live is the number of bytes of blocks in use, each counted with the size of its class.
func (a *Arena) Live() int64 { return a.live }

// Overhead is the number of bytes of the Go heap spent on describing slabs.
func (a *Arena) Overhead() int64 {
	return int64(unsafe.Sizeof(*a)) + int64(cap(a.slabs))*int64(unsafe.Sizeof(desc{})) +
		int64(cap(a.chunks))*int64(unsafe.Sizeof(chunk{})) + int64(cap(a.spare))*4
}

// Resident is the number of bytes of the arena that have memory behind them.
func (a *Arena) Resident() int64 { return a.resident }

// Full says that little of the address space is left. Callers should stop growing: Alloc panics
// when there is none at all. A sixteenth in chunks that are not open is kept, half of that while
// slabs in open chunks are free: most of what grows can use those.
func (a *Arena) Full() bool {
	keep := max(a.limit/16, kinds+1)
	free := a.limit - len(a.chunks) + len(a.spare)
	if a.warm != 0 {
		free++
	}
	return free < max(keep/2, kinds) || free < keep && a.held > int64(a.limit-2*keep)<<chunkShift
}

// Ptr is where block r lies. It is valid until r is freed. It is aligned to 8 bytes.
func (a *Arena) Ptr(r Ref) unsafe.Pointer {
	if Debug {
		a.debug.use(r)
	}
	return unsafe.Add(a.base, (uintptr(r)-1)<<refShift)
}

// Bytes is block r, whole: its length is the size of its class.
func (a *Arena) Bytes(r Ref) []byte { return unsafe.Slice((*byte)(a.Ptr(r)), a.Size(r)) }

// unit is the unit where the slab of r begins.
func (a *Arena) unit(r Ref) uint32 {
	u := (r - 1) >> (unitShift - refShift)
	return u &^ (1<<(kindShift[a.chunks[u/chunkUnits].kind]-unitShift) - 1)
}

// Size is the size of block r in bytes, which may be more than was asked for.
func (a *Arena) Size(r Ref) int { return int(shapes[a.slabs[a.unit(r)].class].bytes) }

// Alloc returns a block of at least size bytes (1..MaxBlock). Its contents are undefined.
// It panics when the system has no memory or the address space is used up.
func (a *Arena) Alloc(size int) Ref {
	c := class(size)
	f, sh := &a.families[c], &shapes[c]
	if f.partial == 0 {
		a.take(uint8(c))
	}
	u := f.partial - 1
	d := &a.slabs[u]
	r := d.free
	if r != 0 {
		if Debug {
			a.debug.reuse(a, r, int(sh.bytes))
		}
		d.free = a.nextFree(r)
	} else {
		r = u<<(unitShift-refShift) + uint32(d.bump)*(sh.bytes>>refShift) + 1
		d.bump++
	}
	d.used++
	f.used++
	if uint32(d.used) == sh.slots {
		a.unlink(&f.partial, u)
		d.state = full
	}
	a.live += int64(sh.bytes)
	if Debug {
		a.debug.alloc(r)
	}
	return r
}

// Free gives block r back.
func (a *Arena) Free(r Ref) {
	u := a.unit(r)
	d := &a.slabs[u]
	f, sh := &a.families[d.class], &shapes[d.class]
	if Debug {
		a.debug.free(a, r, int(sh.bytes))
	}
	*a.linkOf(r) = d.free
	d.free = r
	d.used--
	f.used--
	a.live -= int64(sh.bytes)
	switch {
	case d.used == 0:
		a.retire(u)
	case d.state == full:
		a.link(&f.partial, u)
		d.state = partial
	}
}

// linkOf is where freed block r keeps the next one.
func (a *Arena) linkOf(r Ref) *Ref {
	return (*Ref)(unsafe.Add(a.base, (uintptr(r)-1)<<refShift))
}

func (a *Arena) nextFree(r Ref) Ref { return *a.linkOf(r) }

// link puts slab u in front of a list.
func (a *Arena) link(head *uint32, u uint32) {
	d := &a.slabs[u]
	d.next, d.prev = *head, 0
	if *head != 0 {
		a.slabs[*head-1].prev = u + 1
	}
	*head = u + 1
}

func (a *Arena) unlink(head *uint32, u uint32) {
	d := &a.slabs[u]
	if d.prev != 0 {
		a.slabs[d.prev-1].next = d.next
	} else {
		*head = d.next
	}
	if d.next != 0 {
		a.slabs[d.next-1].prev = d.prev
	}
	d.next, d.prev = 0, 0
}
