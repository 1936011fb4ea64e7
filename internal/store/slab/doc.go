// Package slab allocates blocks of memory outside the Go heap.
//
// Receives: sizes to allocate, refs to free.
// Hands on: pointers to blocks in large anonymous mappings, and what is needed to compact them.
// Never does: know what a block holds, move a block by itself, lock, or start goroutines.
//
// An Arena reserves one range of addresses and opens it in chunks of 2 MiB, the size of a huge
// page. A chunk is cut into slabs of one kind (32 KiB, 256 KiB or 2 MiB), a slab into blocks of
// one size class. A block is named by a 32-bit Ref, its offset in units of 8 bytes plus one,
// so an arena reaches 32 GiB with refs half the size of pointers, and the collector has nothing
// to scan.
//
//	arena  | chunk 2 MiB | chunk 2 MiB | chunk 2 MiB | reserved, no memory behind it … |
//	chunk  | slab 32 KiB | slab 32 KiB | … 64 of them
//	slab   | block | block | block | … one class; freed blocks are linked through themselves
package slab
