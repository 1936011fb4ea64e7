//go:build !synapdebug

package slab

// Debug says whether freed blocks are poisoned and every use of a block is checked.
const Debug = false

type debugState struct{}

func (*debugState) init()                  {}
func (*debugState) alloc(Ref)              {}
func (*debugState) use(Ref)                {}
func (*debugState) free(*Arena, Ref, int)  {}
func (*debugState) reuse(*Arena, Ref, int) {}
