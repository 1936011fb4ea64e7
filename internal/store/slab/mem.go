//go:build unix

package slab

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	mapAnon = unix.MAP_PRIVATE | unix.MAP_ANON

	// LeastBytes is the least address space an arena makes do with.
	LeastBytes = 32 << 20

	// A process has 128 TiB on the usual machines: half of that is asked for.
	mostSpace = 64 << 40
)

// Space is the address space, in bytes, that all arenas of a process may reserve together: half
// of what it can get, because Go's heap and large values need some too. It is found by trying:
// the limit may be the operator's (ulimit -v), the processor's or the kernel's.
func Space() int64 {
	size := uintptr(mostSpace)
	for ; size >= LeastBytes; size -= size / 4 {
		p, err := unix.MmapPtr(-1, 0, nil, size, unix.PROT_NONE, mapAnon)
		if err == nil {
			_ = unix.MunmapPtr(p, size)
			break
		}
	}
	return int64(size / 2)
}

// mapping is a range of addresses owned by this package.
type mapping struct {
	base unsafe.Pointer // aligned to chunkBytes when reserved
	size uintptr
	raw  unsafe.Pointer // what mmap returned
	full uintptr        // what mmap was asked for
}

// reserve takes up to size bytes of address space without memory behind it. Where the system has
// no more it settles for less, down to LeastBytes.
func reserve(size uintptr) (mapping, error) {
	for {
		full := size + chunkBytes
		raw, err := unix.MmapPtr(-1, 0, nil, full, unix.PROT_NONE, mapAnon)
		if err == nil {
			pad := -uintptr(raw) & (chunkBytes - 1)
			m := mapping{unsafe.Add(raw, pad), size, raw, full}
			adviseSmall(m.view(0, size)) // chunks become huge one by one
			return m, nil
		}
		if size /= 2; size < LeastBytes {
			return mapping{}, fmt.Errorf("reserve address space: %w", err)
		}
	}
}

// commit makes length bytes at off readable and writable; memory comes when they are touched.
func (m *mapping) commit(off, length uintptr) error {
	return unix.Mprotect(m.view(off, length), unix.PROT_READ|unix.PROT_WRITE)
}

// discard gives the memory behind a range back to the system; it reads as zeros afterwards.
func (m *mapping) discard(off, length uintptr) {
	_ = unix.Madvise(m.view(off, length), unix.MADV_DONTNEED) // else it stays, and is used again
}

// huge asks for huge pages. Failure costs speed only.
func (m *mapping) huge(off, length uintptr) { adviseHuge(m.view(off, length)) }

// collapse makes one huge page of memory that is partly in use, and says whether that worked.
// Where it does not, the system may do it later.
func (m *mapping) collapse(off, length uintptr) bool {
	return collapseHuge(m.view(off, length))
}

func (m *mapping) view(off, length uintptr) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(m.base, off)), length)
}

func (m *mapping) unmap() {
	if m.raw != nil {
		_ = unix.MunmapPtr(m.raw, m.full) // fails only for arguments mmap did not give us
	}
	*m = mapping{}
}

// Map returns a mapping of its own of size zeroed bytes, for blocks over MaxBlock.
// Memory comes page by page when it is touched.
func Map(size int) ([]byte, error) {
	p, err := unix.MmapPtr(-1, 0, nil, uintptr(size), unix.PROT_READ|unix.PROT_WRITE, mapAnon)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes: %w", size, err)
	}
	return unsafe.Slice((*byte)(p), size), nil
}

// Unmap gives back what Map returned, whole.
func Unmap(b []byte) {
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(b)), uintptr(cap(b)))
}
