package queue

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/synapdb/synap/internal/store/slab"
)

// wheel is a hierarchical timing wheel with ticks of 1 ms over the timers of a shard. Each level
// has 64 lists; a list of level l holds the timers whose time first differs from the current one
// in the l-th group of 6 bits. A list that comes due is dealt out over the levels below, one timer
// at a time, so that a million timers in one list don't stop anybody.
//
// It is not kv's wheel: there timers lie within entries at a place that depends on the entry,
// ticks are 64 ms, and order inside a tick means nothing. Here consumers see it: messages that are
// due in the same ms come in the order of Seq. One wheel for both would have to find a timer by an
// indirect call for each link it changes.
type wheel struct {
	now      uint64 // current tick: nothing before it is in any list
	occupied [levels]uint64
	first    [lists]slab.Ref
	last     [lists]slab.Ref
	sorted   int // the list of level 0 that is known to be in order; -1 = none
}

const (
	fanShift  = 6
	fan       = 1 << fanShift
	levels    = 8
	lastTick  = 1<<(fanShift*levels) - 1 // in the year 10889
	shelf     = levels * fan             // the list of those that wait for Maintain
	lists     = shelf + 1
	backTicks = 1000 // the clock may go back by so much before the wheel does
	mostSort  = 4096 // timers of one tick; more of them are left in the order they came

	endOf = slab.MaxRef // beyond both ends of list i there is endOf + i
)

func tickOf(at int64) uint64 { return uint64(min(max(at, 0), lastTick)) }

// list is where a timer belongs now.
func (w *wheel) list(at int64) int {
	t := max(tickOf(at), w.now)
	level := (bits.Len64((t^w.now)|1) - 1) / fanShift
	return level*fan + int(t>>(level*fanShift))%fan
}

// schedule starts the timer at ref, which must not run.
func (sh *shard) schedule(ref slab.Ref, at int64) {
	if sh.wheel == nil {
		sh.wheel = &wheel{now: tickOf(min(at, sh.clock)), sorted: -1}
	}
	sh.timer(ref).at = at
	sh.enlist(ref, sh.wheel.list(at))
	if at < sh.soonest {
		sh.soonest, sh.sooner = at, true
	}
}

// enlist appends the timer to list i.
func (sh *shard) enlist(ref slab.Ref, i int) {
	w, t := sh.wheel, sh.timer(ref)
	t.next, t.prev = endOf+slab.Ref(i), w.last[i]
	if t.prev == 0 {
		t.prev = endOf + slab.Ref(i)
		w.first[i] = ref
		if i < shelf {
			w.occupied[i/fan] |= 1 << (i % fan)
		}
	} else {
		sh.timer(t.prev).next = ref
	}
	w.last[i] = ref
	if w.sorted == i {
		w.sorted = -1
	}
}

// stop takes the timer at ref out of the wheel if it runs.
func (sh *shard) stop(ref slab.Ref) {
	t := sh.timer(ref)
	if t.prev == 0 {
		return
	}
	w := sh.wheel
	if t.prev >= endOf {
		i := int(t.prev - endOf)
		if t.next >= endOf {
			w.first[i] = 0
			if i < shelf {
				w.occupied[i/fan] &^= 1 << (i % fan)
			}
		} else {
			w.first[i] = t.next
			sh.timer(t.next).prev = t.prev
		}
	} else {
		sh.timer(t.prev).next = t.next
	}
	if t.next >= endOf {
		i := t.next - endOf
		w.last[i] = t.prev
		if t.prev >= endOf {
			w.last[i] = 0
		}
	} else if t.prev < endOf {
		sh.timer(t.next).prev = t.prev
	}
	t.next, t.prev = 0, 0
}

// timerMoved makes the neighbours of a timer that was copied with its block point to ref.
func (sh *shard) timerMoved(ref slab.Ref) {
	t := sh.timer(ref)
	if t.prev == 0 {
		return
	}
	if t.prev >= endOf {
		sh.wheel.first[t.prev-endOf] = ref
	} else {
		sh.timer(t.prev).next = ref
	}
	if t.next >= endOf {
		sh.wheel.last[t.next-endOf] = ref
	} else {
		sh.timer(t.next).prev = ref
	}
}

// due returns a timer whose time has come by now, still running, or 0. It moves the wheel on,
// dealing out lists on the way, for at most *deals timers; deals left mean that nothing is due.
func (sh *shard) due(now int64, deals *int) slab.Ref {
	w := sh.wheel
	if w == nil {
		return 0
	}
	until := tickOf(now)
	if until+backTicks < w.now {
		sh.rewind(until)
		w = sh.wheel
	}
	for *deals > 0 {
		i, tick := w.next()
		if i < 0 || tick > until {
			w.now = max(w.now, until)
			return 0
		}
		w.now = max(w.now, tick)
		if i < fan {
			if w.sorted != i {
				sh.sortTick(i)
			}
			return w.first[i]
		}
		*deals--
		ref := w.first[i]
		sh.stop(ref)
		sh.enlist(ref, w.list(sh.timer(ref).at))
	}
	return 0
}

// soon is a lower bound of when something is due, MaxInt64 if nothing ever is.
func (sh *shard) soon() int64 {
	if sh.wheel == nil {
		return math.MaxInt64
	}
	if i, tick := sh.wheel.next(); i >= 0 {
		return int64(tick)
	}
	return math.MaxInt64
}

// rewind takes the wheel back to tick now, after a clock that had run ahead was put right. It
// visits every timer at once, because a list means nothing without the tick it was made at.
func (sh *shard) rewind(now uint64) {
	old := sh.wheel
	sh.wheel = &wheel{now: now, sorted: -1}
	for i, ref := range old.first {
		for ref != 0 && ref < endOf {
			t := sh.timer(ref)
			next := t.next
			to := i
			if i != shelf {
				to = sh.wheel.list(t.at)
			}
			sh.enlist(ref, to)
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

// dueTimer is a timer of one tick with what decides its turn.
type dueTimer struct {
	at  int64
	seq uint64
	ref slab.Ref
}

// sortTick puts list i of level 0 in the order of time and Seq. Nearly always it is: timers are
// appended, and messages get their Seq and their timer at once.
func (sh *shard) sortTick(i int) {
	w := sh.wheel
	w.sorted = i
	all, ordered := sh.ticks[:0], true
	for ref := w.first[i]; ref < endOf; {
		t := sh.timer(ref)
		d := dueTimer{t.at, 0, ref}
		if kindOf(t.owner) == auxKind {
			d.seq = sh.message(slab.Ref(t.owner)).seq
		}
		if n := len(all); n > 0 && compareDue(all[n-1], d) > 0 {
			ordered = false
		}
		if t.next >= endOf && len(all) == 0 {
			return // alone
		}
		if len(all) == mostSort {
			return
		}
		all = append(all, d)
		ref = t.next
	}
	sh.ticks = all[:0]
	if ordered {
		return
	}
	slices.SortFunc(all, compareDue)
	for _, d := range all {
		sh.stop(d.ref)
	}
	for _, d := range all {
		sh.enlist(d.ref, i)
	}
	w.sorted = i
}

func compareDue(a, b dueTimer) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.seq, b.seq))
}
