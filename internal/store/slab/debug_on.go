//go:build synapdebug

package slab

import (
	"fmt"
	"unsafe"
)

// Debug says whether freed blocks are poisoned and every use of a block is checked.
const Debug = true

const poison = 0xDB

// debugState knows every block in use.
type debugState struct{ live map[Ref]struct{} }

func (s *debugState) init() { s.live = map[Ref]struct{}{} }

func (s *debugState) alloc(r Ref) {
	if _, ok := s.live[r]; ok {
		panic(fmt.Sprintf("slab: block %d allocated twice", r))
	}
	s.live[r] = struct{}{}
}

func (s *debugState) use(r Ref) {
	if _, ok := s.live[r]; !ok {
		panic(fmt.Sprintf("slab: use of free block %d", r))
	}
}

// free poisons all but the link in the first 4 bytes.
func (s *debugState) free(a *Arena, r Ref, size int) {
	if _, ok := s.live[r]; !ok {
		panic(fmt.Sprintf("slab: double free of block %d", r))
	}
	delete(s.live, r)
	b := s.rest(a, r, size)
	for i := range b {
		b[i] = poison
	}
}

func (s *debugState) reuse(a *Arena, r Ref, size int) {
	for i, c := range s.rest(a, r, size) {
		if c != poison {
			panic(fmt.Sprintf("slab: free block %d written at %d", r, i+4))
		}
	}
}

func (s *debugState) rest(a *Arena, r Ref, size int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(a.base, (uintptr(r)-1)<<refShift+4)), size-4)
}
