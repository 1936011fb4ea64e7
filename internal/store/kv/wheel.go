package kv

import (
	"math/bits"

	"github.com/synapdb/synap/internal/store/slab"
)

// wheel is a hierarchical timing wheel over the timers inside entries. Each level has 64 lists;
// a list of level l holds the timers whose tick first differs from the current one in the l-th
// group of 6 bits. A list that comes due is dealt out over the levels below, one entry at a time,
// so that a million deadlines in one list don't stop anybody. As the lists are linked both ways
// through the entries, changing a deadline leaves nothing behind.
type wheel struct {
	now      uint64 // current tick: nothing before it is in any list
	occupied [levels]uint64
	first    [levels * fan]slab.Ref
	count    int
}

const (
	tickShift = 6 // a tick is 64 ms: that late a key is collected; reads see it expire exactly
	fanShift  = 6
	fan       = 1 << fanShift
	levels    = 7
	lastTick  = 1<<(fanShift*levels) - 1 // in the year 10889

	// The clock may go back by so many ticks, a minute, before the wheel goes back with it. Until
	// then collection waits for the clock.
	backTicks = 60_000 >> tickShift

	firstIn = slab.MaxRef // prev of the first timer in list i is firstIn + i
)

// tickOf is the first tick at which deadline has passed.
func tickOf(deadline int64) uint64 {
	t := uint64(max(deadline, 0))>>tickShift + 1
	return min(t, lastTick)
}

// list is where a timer for deadline belongs now.
func (w *wheel) list(deadline int64) int {
	t := max(tickOf(deadline), w.now)
	level := (bits.Len64((t^w.now)|1) - 1) / fanShift
	return level*fan + int(t>>(level*fanShift))%fan
}

// schedule links the timer of entry ref, which must not be linked.
func (sp *space) schedule(ref slab.Ref, h *head) {
	w := sp.wheel
	t := h.timer()
	i := w.list(t.deadline())
	t.next, t.prev = w.first[i], firstIn+uint32(i)
	if t.next != 0 {
		sp.head(t.next).timer().prev = ref
	}
	w.first[i] = ref
	w.occupied[i/fan] |= 1 << (i % fan)
	w.count++
}

// cancel unlinks the timer of an entry.
func (sp *space) cancel(h *head) {
	t := h.timer()
	sp.relink(t, t.next, t.prev)
	w := sp.wheel
	w.count--
	if t.prev >= firstIn && t.next == 0 {
		i := t.prev - firstIn
		w.occupied[i/fan] &^= 1 << (i % fan)
	}
}

// relink makes the neighbours of t point to next and prev instead.
func (sp *space) relink(t *timer, next, prev uint32) {
	if t.prev >= firstIn {
		sp.wheel.first[t.prev-firstIn] = next
	} else {
		sp.head(t.prev).timer().next = next
	}
	if t.next != 0 {
		sp.head(t.next).timer().prev = prev
	}
}

// moved makes the neighbours of a timer that was copied with its entry point to ref.
func (sp *space) moved(ref slab.Ref, h *head) { sp.relink(h.timer(), ref, ref) }

// due returns an entry whose deadline has passed by now, or 0. It moves the wheel on, dealing out
// lists on the way, for at most *work entries; work left above 0 means that nothing is due.
func (sp *space) due(now int64, work *int) slab.Ref {
	w := sp.wheel
	until := uint64(max(now, 0)) >> tickShift
	if until+backTicks < w.now {
		sp.rewind(until)
	}
	for *work > 0 {
		i, tick := w.next()
		if i < 0 || tick > until {
			w.now = max(w.now, until)
			return 0
		}
		w.now = max(w.now, tick)
		ref := w.first[i]
		h := sp.head(ref)
		if h.expired(now) {
			return ref
		}
		*work--
		sp.cancel(h)
		sp.schedule(ref, h)
	}
	return 0
}

// rewind takes the wheel back to tick now, after a clock that had run ahead was put right: new
// deadlines would not come due before the clock is there again. It visits every timer at once,
// because a list means nothing without the tick it was made at.
func (sp *space) rewind(now uint64) {
	first := sp.wheel.first
	*sp.wheel = wheel{now: now}
	for _, ref := range first {
		for ref != 0 {
			h := sp.head(ref)
			next := h.timer().next
			sp.schedule(ref, h)
			ref = next
		}
	}
}

// next returns the list that comes due first, and when; -1 when all are empty. A list of a higher
// level that is being dealt out is due since its beginning, which may be before w.now.
func (w *wheel) next() (list int, tick uint64) {
	list = -1
	for level := range levels {
		if w.occupied[level] == 0 {
			continue
		}
		slot := bits.TrailingZeros64(w.occupied[level])
		shift := level * fanShift
		base := w.now >> (shift + fanShift) << (shift + fanShift)
		if t := base + uint64(slot)<<shift; list < 0 || t < tick {
			list, tick = level*fan+slot, t
		}
	}
	return list, tick
}
