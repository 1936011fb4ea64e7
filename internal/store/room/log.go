package room

import (
	"math/bits"
	"slices"
	"sort"

	"github.com/synapdb/synap/internal/store/slab"
)

// find is the segment that has an offset from r.first up to below r.next, and the event's number
// in it.
func (r *room) find(offset uint64) (segment int, event uint32) {
	i := len(r.segs) - 1
	if offset < r.segs[i].first { // readers are nearly always in the last one
		i = sort.Search(i, func(i int) bool { return r.segs[i].first > offset }) - 1
	}
	return i, uint32(offset - r.segs[i].first)
}

// appendEvent puts an event behind the last one. It fails when the system has no memory; then
// nothing happened.
func (sh *shard) appendEvent(r *room, d *draft) error {
	if r.prefix == nil {
		r.prefix = prefixOf(r.name)
		sh.measure(r)
	}
	payload := d.payload(len(r.prefix))
	length := headerOf(payload) + payload
	g, err := sh.tail(r, length, d.time)
	if err != nil {
		return err
	}
	e := sh.entry(g, g.count)
	*e = entry{
		at: g.used, time: uint32(d.time - g.base), marks: marksOf(d),
		metadata: uint16(len(d.metadata)),
	}
	g.used += uint32(length)
	g.count++
	frame := sh.frames(g)[e.at:]
	appendFrame(frame[:0], r.prefix, d, payload)
	r.next++
	r.bytes += int64(length)
	r.last = d.time
	return nil
}

// tail is the last segment, made so that a frame of length bytes fits.
func (sh *shard) tail(r *room, length int, time int64) (*segment, error) {
	need := length + entryBytes
	last := len(r.segs) - 1
	if last >= 0 {
		g := &r.segs[last]
		if g.room() >= need && time-g.base <= mostDelta {
			return g, nil
		}
		if last == 0 && sh.widen(r, g, need, time) {
			return g, nil
		}
		sh.seal(r, g)
	}
	g := segment{first: r.next, base: time}
	size := firstBytes
	if last >= 0 {
		size = r.target(need)
	}
	if err := sh.newBlock(r, &g, max(size, ownerBytes+need)); err != nil {
		return nil, err
	}
	held := cap(r.segs)
	r.segs = append(r.segs, g)
	if cap(r.segs) != held {
		sh.measure(r)
	}
	return &r.segs[last+1], nil
}

// target is the size of the room's next segment, which begins with an event that needs so much: a
// power of two, so that blocks of few classes share slabs. The one of four sizes per doubling that
// such events fill best saved 10 bytes an event where all are alike and nothing where they are not,
// and made the resident memory of 300 rooms with mixed events 13 % larger.
func (r *room) target(need int) int {
	share := max(r.bytes/fineShare, leastSegment)
	size := max(min(share, fineSegment), min(share, int64(need)*leastEvents, mostSegment),
		min(r.bytes/coarseShare, mostSegment))
	return 1 << (bits.Len64(uint64(size)) - 1)
}

// widen makes place for need bytes more in the room's only segment, if that is better than to begin
// another one: it is small yet, or half of it is not seen any more.
func (sh *shard) widen(r *room, g *segment, need int, time int64) bool {
	if g.isLarge() || need > fineSegment {
		return false
	}
	skip := uint32(r.first - g.first)
	size := int(g.size) - g.room() + need
	if dead := sh.at(g, skip); skip > 0 && dead*2 >= g.used {
		size -= int(dead) + int(skip)*entryBytes
	} else if skip = 0; int(g.size) >= r.target(need) {
		return false
	}
	if time-sh.time(g, skip) > mostDelta {
		return false
	}
	if size = 1 << bits.Len(uint(2*size-need-1)); size > fineSegment {
		return false
	}
	sh.rebuild(r, g, size, skip)
	return true
}

// seal gives back what a segment that is to get no more events doesn't need, if it is much.
func (sh *shard) seal(r *room, g *segment) {
	if size := int(g.size) - g.room(); !g.isLarge() && slab.Fit(size)*8 < int(g.size)*7 {
		sh.rebuild(r, g, size, 0)
	}
}

// cut removes the events below first, which is at most r.next, from what readers see, and the
// segments that held nothing else.
func (sh *shard) cut(r *room, first uint64) {
	whole := 0
	for whole < len(r.segs) && r.first < first {
		g := &r.segs[whole]
		from, to := uint32(r.first-g.first), min(first, g.end())
		r.bytes -= int64(sh.at(g, uint32(to-g.first)) - sh.at(g, from))
		if r.first = to; to == g.end() {
			sh.freeBlock(g)
			whole++
		}
	}
	r.first = first
	if whole == 0 {
		return
	}
	held := cap(r.segs)
	r.segs = slices.Delete(r.segs, 0, whole)
	if r.segs = shrunk(r.segs, len(r.segs)); len(r.segs) == 0 {
		r.segs = nil
	}
	if cap(r.segs) != held {
		sh.measure(r)
	}
}

// jump makes the room go on at first, above r.next, without any events.
func (sh *shard) jump(r *room, first uint64) {
	sh.cut(r, r.next)
	r.first, r.next = first, first
}

// pop takes the newest event back.
func (sh *shard) pop(r *room) {
	g := &r.segs[len(r.segs)-1]
	g.count--
	at := sh.entry(g, g.count).at
	r.bytes -= int64(g.used - at)
	g.used = at
	r.next--
	if g.count == 0 {
		sh.freeBlock(g)
		r.segs = r.segs[:len(r.segs)-1]
	}
}

// since is the first offset at or after a time; r.next if there is none.
func (sh *shard) since(r *room, time int64) uint64 {
	i := sort.Search(len(r.segs), func(i int) bool { return r.segs[i].base >= time })
	if i == 0 {
		return r.first // the first segment may begin with events that are not seen
	}
	g := &r.segs[i-1]
	n := sort.Search(int(g.count), func(i int) bool { return sh.time(g, uint32(i)) >= time })
	return max(r.first, g.first+uint64(n))
}

// oldest is the time of the earliest event; 0 if there is none.
func (sh *shard) oldest(r *room) int64 {
	if r.first == r.next {
		return 0
	}
	return sh.time(&r.segs[0], uint32(r.first-r.segs[0].first))
}
