package slab

import "math/bits"

const (
	fineStep   = 8
	fineBytes  = 256
	midStep    = 16
	midBytes   = 512
	midFirst   = fineBytes / fineStep
	largeFirst = midFirst + (midBytes-fineBytes)/midStep
	perDouble  = 8 // classes per doubling above midBytes: steps of at most 12.5 %
	classes    = largeFirst + 10*perDouble

	// MaxBlock is the largest block an arena allocates, in bytes.
	MaxBlock = midBytes << 10
)

// class returns the smallest class whose blocks hold size bytes. size is 1..MaxBlock.
//
//	1..256      steps of 8
//	257..512    steps of 16
//	513..512 Ki eight steps per doubling
func class(size int) int {
	switch {
	case size <= fineBytes:
		return (size+fineStep-1)/fineStep - 1
	case size <= midBytes:
		return midFirst + (size-fineBytes+midStep-1)/midStep - 1
	}
	top := bits.Len(uint(size - 1)) // 2^(top-1) < size <= 2^top
	low := 1 << (top - 1)
	shift := top - 4
	return largeFirst + (top-10)*perDouble + (size-low+1<<shift-1)>>shift - 1
}

// classBytes is the size of a block of class c.
func classBytes(c int) int {
	switch {
	case c < midFirst:
		return (c + 1) * fineStep
	case c < largeFirst:
		return fineBytes + (c-midFirst+1)*midStep
	}
	c -= largeFirst
	low := midBytes << (c / perDouble)
	return low + (c%perDouble+1)*(low/perDouble)
}

// Fit is the size of the block that Alloc gives for size bytes (1..MaxBlock).
func Fit(size int) int { return classBytes(class(size)) }

// A kind is a size of slab. Small blocks live in small slabs, so that a few blocks of every class
// don't hold much memory; large ones in large slabs, so that little is lost at a slab's end.
const (
	unitShift = 15 // the smallest slab, 32 KiB: one descriptor each
	kinds     = 3
)

var kindShift = [kinds]uint8{unitShift, 18, chunkShift}

// kindOf chooses at least 16, 8 and 4 blocks per slab.
func kindOf(size int) uint8 {
	switch {
	case size <= 2<<10:
		return 0
	case size <= 32<<10:
		return 1
	}
	return 2
}

// shape is what is known of a class.
type shape struct {
	bytes uint32 // of a block
	slots uint32 // blocks in a slab
	kind  uint8
}

var shapes = func() (t [classes]shape) {
	for c := range t {
		size := classBytes(c)
		kind := kindOf(size)
		t[c] = shape{uint32(size), uint32(1) << kindShift[kind] / uint32(size), kind}
	}
	return t
}()
