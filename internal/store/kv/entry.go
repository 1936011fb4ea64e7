package kv

import (
	"unsafe"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// An entry is one block of a slab:
//
//	 0       2       4               8     9       12
//	| keyLen| valLen| version       |meta | access | [deadline 8 | next 4 | prev 4] | key | value
//
// The part in brackets is there when meta says timed; it links the entry into the timer wheel. A
// value over maxInline bytes lies elsewhere: the place of the value then holds the 4 bytes of
// its number in the space's table of large values. A key of 16 and a value of 100 bytes make
// exactly 128. The database is not in the entry: each database has its own index (see space).
type head struct {
	keyLen  uint16
	valLen  uint16
	version uint32
	meta    uint8
	access  [3]uint8 // see access.go
}

// timer is the part of an entry with a deadline. It is not aligned to 8 bytes, hence two words.
type timer struct {
	low, high  uint32 // deadline, ms since the Unix epoch
	next, prev uint32 // refs; prev of the first in a list is firstIn + slot
}

const (
	headBytes  = int(unsafe.Sizeof(head{}))
	timerBytes = int(unsafe.Sizeof(timer{}))
	maxInline  = 32 << 10
	largeBytes = 4 // what an entry holds of a large value
)

// Bits of meta: type, the caller's flags, and ours.
const (
	typeMask  = 0x07
	flagShift = 3
	flagMask  = 0x03 << flagShift
	timed     = 0x20 // has a timer
	isLarge   = 0x40 // the value is elsewhere
	inDelta   = 0x80 // not yet in the order
)

// next is the version after this one. It leaves out 0, which says that there is no key.
func (h *head) next() uint32 { return max(h.version+1, 1) }

func (h *head) timed() bool { return h.meta&timed != 0 }

func (h *head) large() bool { return h.meta&isLarge != 0 }

func (h *head) timer() *timer { return (*timer)(unsafe.Add(unsafe.Pointer(h), headBytes)) }

// keyAt is the offset of the key in the block.
func (h *head) keyAt() int {
	// timed is bit 5; shifted to bit 4 it is the size of a timer.
	return headBytes + int(h.meta&timed)>>1
}

func (h *head) key() []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(h), h.keyAt())), int(h.keyLen))
}

func (h *head) valueAt() unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(h), h.keyAt()+int(h.keyLen))
}

// inline is the value's place in the block: the value, or the number of a large one.
func (h *head) inline() []byte { return unsafe.Slice((*byte)(h.valueAt()), h.inlineLen()) }

func (h *head) inlineLen() int {
	if h.large() {
		return largeBytes
	}
	return int(h.valLen)
}

// size is the number of bytes of the block in use.
func (h *head) size() int { return h.keyAt() + int(h.keyLen) + h.inlineLen() }

func (h *head) flags() effect.Flag { return effect.Flag(h.meta & flagMask >> flagShift) }

func (h *head) setFlags(f effect.Flag) {
	h.meta = h.meta&^flagMask | uint8(f)<<flagShift&flagMask
}

func (h *head) deadline() int64 {
	if !h.timed() {
		return 0
	}
	return h.timer().deadline()
}

func (h *head) expired(now int64) bool { return h.timed() && h.timer().deadline() <= now }

func (t *timer) deadline() int64 { return int64(t.high)<<32 | int64(t.low) }

func (t *timer) setDeadline(ms int64) { t.low, t.high = uint32(ms), uint32(ms>>32) }

// Entry is a live key. It is valid only while the Tx that found it holds its locks, and until
// the next Apply to the same key.
type Entry struct {
	h   *head
	sp  *space
	ref slab.Ref
}

// Type is what the entry holds.
func (e Entry) Type() Type { return Type(e.h.meta & typeMask) }

// Key is a view of the key's bytes.
func (e Entry) Key() []byte { return e.h.key() }

// Value is a view of the value's bytes.
func (e Entry) Value() []byte { return e.sp.value(e.h) }

// Len is the length of the value in bytes.
func (e Entry) Len() int {
	if e.h.large() {
		return len(e.sp.largeOf(e.h).bytes)
	}
	return int(e.h.valLen)
}

// Large retains a value too big to be copied under a lock; ok is false for ordinary values.
func (e Entry) Large() (v *Large, ok bool) {
	if !e.h.large() {
		return nil, false
	}
	v = e.sp.largeOf(e.h)
	v.retain()
	return v, true
}

// Flags are the flags the value was stored with.
func (e Entry) Flags() effect.Flag { return e.h.flags() }

// Version counts the changes of the key since its creation, from 1; after 2^32-1 comes 1 again.
func (e Entry) Version() uint32 { return e.h.version }

// Deadline is when the key expires, in ms since the Unix epoch, or 0.
func (e Entry) Deadline() int64 { return e.h.deadline() }

// Idle is the time since the last access, in ms, to the second; to the minute while the policy
// counts frequency. It wraps after 194 days, or 45.
func (e Entry) Idle(now int64) int64 { return e.h.idle(now, e.sp.store.frequency.Load()) }

// Frequency is the logarithmic access counter, 0..255. It is counted only while the policy is an
// LFU one; otherwise it is what a new key starts with.
func (e Entry) Frequency() uint8 {
	if !e.sp.store.frequency.Load() {
		return newFrequency
	}
	return e.h.access[0]
}

// Footprint is the number of bytes the key costs, with its share of all indexes.
func (e Entry) Footprint() int {
	n := e.sp.arena.Size(e.ref) + int(e.sp.indexBytes()/max(e.sp.keys.Load(), 1))
	if e.h.large() {
		n += e.sp.largeOf(e.h).cost
	}
	return n
}
