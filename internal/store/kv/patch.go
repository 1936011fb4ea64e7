package kv

import (
	"encoding/binary"

	"github.com/synapdb/synap/internal/effect"
)

// patch overwrites a part of a present value, growing it where needed.
func (t *Tx) patch(at target, e *effect.Effect) {
	sp := at.sp
	h := sp.head(at.ref)
	h.version = e.Version
	h.touch(t.now, t.s.frequency.Load())
	if h.large() {
		sp.patchLarge(h, e)
		sp.account()
		return
	}
	have := int(h.valLen)
	size := max(have, e.Offset+len(e.Value))
	if size == have {
		copy(h.inline()[e.Offset:], e.Value)
		return
	}
	if size > maxInline {
		t.enlarge(at, e, size)
		return
	}
	deadline := h.deadline()
	if deadline != 0 {
		sp.stop(h)
	}
	h, old := sp.relayout(&at, layout{
		timed: deadline != 0, inline: size, keep: have, grow: true,
	})
	h.valLen = uint16(size)
	fill(h.inline(), have, size, e)
	if deadline != 0 {
		sp.start(at.ref, h, deadline, t.now)
	}
	sp.discard(old)
}

// enlarge makes an inline value that outgrows the block a large one of size bytes.
func (t *Tx) enlarge(at target, e *effect.Effect, size int) {
	sp := at.sp
	h := sp.head(at.ref)
	have := int(h.valLen)
	l := sp.shard.heap.alloc(size, grown(have, e.Offset, size))
	l.put(h.inline())
	l.fill(have, e)
	deadline := h.deadline()
	if deadline != 0 {
		sp.stop(h)
	}
	h, old := sp.relayout(&at, layout{timed: deadline != 0, inline: largeBytes})
	h.meta |= isLarge
	h.valLen = 0
	binary.LittleEndian.PutUint32(h.inline(), sp.addLarge(l))
	if deadline != 0 {
		sp.start(at.ref, h, deadline, t.now)
	}
	sp.discard(old)
}

// grown is the capacity for a value that grows from have to size bytes: half as much again when it
// grows at its end, so that appending costs the same per byte however often it is done.
func grown(have, offset, size int) int {
	if offset > have+maxInline {
		return size
	}
	return min(size+size/2, MaxValueBytes)
}

// patchLarge changes a large value: in place if no reader retains it and it fits.
func (sp *space) patchLarge(h *head, e *effect.Effect) {
	n := binary.LittleEndian.Uint32(h.inline())
	l := sp.large[n]
	have := len(l.bytes)
	size := max(have, e.Offset+len(e.Value))
	if l.refs.Load() == 1 && size <= cap(l.bytes) {
		l.bytes = l.bytes[:size]
		l.fill(have, e)
		return
	}
	room := size
	if size > cap(l.bytes) {
		room = grown(have, e.Offset, size)
	}
	fresh := sp.shard.heap.alloc(size, room)
	fresh.put(l.bytes)
	fresh.fill(have, e)
	sp.large[n] = fresh
	sp.owned += int64(fresh.cost - l.cost)
	l.drop()
}

// takeLarge takes the large value of an entry out of the table; the caller owns it then.
func (sp *space) takeLarge(h *head) *Large {
	n := binary.LittleEndian.Uint32(h.inline())
	l := sp.large[n]
	sp.owned -= int64(l.cost)
	sp.large[n] = nil
	sp.freeLarge = append(sp.freeLarge, n)
	return l
}

// reuseLarge returns a large value with a copy of value: have itself, if no reader retains
// it and it is neither too small nor much too large. Otherwise have comes back as rest.
func (sp *space) reuseLarge(have *Large, value []byte) (l, rest *Large) {
	if have != nil && have.refs.Load() == 1 && len(value) <= cap(have.bytes) &&
		!roomy(len(value), cap(have.bytes)) {
		have.bytes = have.bytes[:len(value)]
		have.put(value)
		return have, nil
	}
	l = sp.shard.heap.alloc(len(value), len(value))
	l.put(value)
	return l, have
}
