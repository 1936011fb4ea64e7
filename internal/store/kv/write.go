package kv

import (
	"encoding/binary"
	"unsafe"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// layout is the form an entry should take.
type layout struct {
	timed  bool
	inline int  // bytes in the place of the value
	keep   int  // of them, bytes to be kept
	grow   bool // leave room: the value is growing step by step
	move   bool // don't change the block in place: the new value is a view of it
}

// roomy says whether a block of room bytes is too large for size bytes: more than a quarter and
// more than a few bytes would be wasted.
func roomy(size, room int) bool { return room-size > max(room/4, 32) }

// create makes the entry of an effect on an absent key.
func (t *Tx) create(at target, e *effect.Effect) {
	ref, h := t.build(at.sp, e)
	at.sp.add(at.hash, ref, h)
	at.sp.account()
}

// build makes an entry that neither index nor order know yet.
func (t *Tx) build(sp *space, e *effect.Effect) (ref slab.Ref, h *head) {
	deadline, flags, size := e.Deadline, e.Flags, e.Offset+len(e.Value)
	if e.Kind == effect.Patch {
		deadline, flags = 0, 0
	} else {
		size = len(e.Value)
	}
	inline, meta := size, uint8(0)
	if size > maxInline {
		inline, meta = largeBytes, isLarge
	}
	if deadline != 0 {
		meta |= timed
	}
	ref = sp.arena.Alloc(headBytes + int(meta&timed)>>1 + len(e.Key) + inline)
	h = sp.head(ref)
	*h = head{keyLen: uint16(len(e.Key)), version: e.Version, meta: meta}
	h.setFlags(flags)
	h.born(t.now, t.s.frequency.Load())
	copy(h.key(), e.Key)
	if size > maxInline {
		l := sp.shard.heap.alloc(size, size)
		l.fill(0, e)
		binary.LittleEndian.PutUint32(h.inline(), sp.addLarge(l))
	} else {
		h.valLen = uint16(size)
		fill(h.inline(), 0, size, e)
	}
	if deadline != 0 {
		sp.start(ref, h, deadline, t.now)
	}
	return ref, h
}

// fill writes what e brings into value, whose first have bytes are there already, and zeros between
// the two. From clean on value is known to be zero.
func fill(value []byte, have, clean int, e *effect.Effect) {
	from := 0
	if e.Kind == effect.Patch {
		from = e.Offset
	}
	if end := min(from, clean); end > have {
		clear(value[have:end])
	}
	copy(value[from:], e.Value)
}

// overwrite puts a whole new value under a present key.
func (t *Tx) overwrite(at target, e *effect.Effect) {
	sp := at.sp
	h := sp.head(at.ref)
	h.version = e.Version
	h.setFlags(e.Flags)
	h.touch(t.now, t.s.frequency.Load())
	if h.meta&(timed|isLarge) == 0 && e.Deadline == 0 && len(e.Value) == int(h.valLen) {
		copy(h.inline(), e.Value) // the commonest case: nothing but the bytes change
		return
	}
	if h.timed() {
		sp.stop(h)
	}
	var kept *Large // a large value that is only released when nothing needs its bytes
	if h.large() {
		kept = sp.takeLarge(h)
	}
	inline := len(e.Value)
	var fresh *Large
	if inline > maxInline {
		inline = largeBytes
		fresh, kept = sp.reuseLarge(kept, e.Value)
	}
	h, old := sp.relayout(&at, layout{
		timed: e.Deadline != 0, inline: inline, move: overlap(e.Value, h),
	})
	if fresh != nil {
		h.meta |= isLarge
		h.valLen = 0
		binary.LittleEndian.PutUint32(h.inline(), sp.addLarge(fresh))
	} else {
		h.meta &^= isLarge
		h.valLen = uint16(inline)
		copy(h.inline(), e.Value)
	}
	if e.Deadline != 0 {
		sp.start(at.ref, h, e.Deadline, t.now)
	}
	if kept != nil {
		kept.drop()
	}
	sp.discard(old)
}

// overlap says whether b is a view of the block of h.
func overlap(b []byte, h *head) bool {
	p := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	from := uintptr(unsafe.Pointer(h))
	return p >= from && p < from+uintptr(h.size())
}

// relayout gives an entry, whose timer must not be running, another form; the first keep bytes
// in the place of the value stay. at.ref and the result are the entry from then on. old, when not
// 0, is the block it left, still readable, to be discarded by the caller.
func (sp *space) relayout(at *target, l layout) (h *head, old slab.Ref) {
	h = sp.head(at.ref)
	from := h.keyAt()
	to := headBytes
	if l.timed {
		to += timerBytes
	}
	size := to + int(h.keyLen) + l.inline
	if h.timed() == l.timed && size == h.size() {
		return h, 0
	}
	keep := int(h.keyLen) + l.keep
	if room := sp.arena.Size(at.ref); size <= room && (l.grow || !roomy(size, room)) &&
		(from == to || !l.move) {
		b := unsafe.Slice((*byte)(unsafe.Pointer(h)), room)
		if from != to {
			copy(b[to:to+keep], b[from:])
			h.meta ^= timed
		}
		return h, 0
	}
	if l.grow {
		size += size / 4 // so that a value grown byte by byte moves a few times only
	}
	old = at.ref
	at.ref = sp.arena.Alloc(size)
	fresh := sp.head(at.ref)
	*fresh = *h
	fresh.meta &^= timed
	if l.timed {
		fresh.meta |= timed
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(fresh)), size)
	copy(b[to:to+keep], unsafe.Slice((*byte)(unsafe.Pointer(h)), from+keep)[from:])
	sp.replace(at.hash, old, at.ref)
	return fresh, old
}

// discard frees the block that relayout left and accounts for the change.
func (sp *space) discard(old slab.Ref) {
	if old != 0 {
		sp.arena.Free(old)
	}
	sp.account()
}
