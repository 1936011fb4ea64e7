package queue

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// checkInvariants looks at every block of the store: see queue. Everything in the arena must belong
// to something, exactly once.
func checkInvariants(t tester, s *Store) {
	t.Helper()
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		live, timers := int64(0), map[slab.Ref]bool{}
		heap, large, targets, whole := int64(0), int64(0), 0, 0
		for _, q := range sh.queues {
			blocks, mapped := checkQueue(t, sh, q, timers)
			live, large = live+blocks, large+mapped
			heap += checkHeap(t, q)
			whole += countWhole(sh, q)
			if q.set.DeadLetter != "" {
				targets++
			}
		}
		if heap != sh.heap || large != sh.largeBytes || targets != sh.targets {
			t.Errorf("shard %d: heap %d, counted %d; large %d, counted %d; targets %d, counted %d",
				i, heap, sh.heap, large, sh.largeBytes, targets, sh.targets)
		}
		if whole != sh.whole {
			t.Errorf("shard %d: %d aux are whole, counted %d", i, whole, sh.whole)
		}
		checkAlarms(t, sh)
		running := checkWheel(t, sh, timers)
		if len(timers) != running {
			t.Errorf("shard %d: %d timers run, %d are needed", i, running, len(timers))
		}
		if sh.arena != nil && sh.arena.Live() != live {
			t.Errorf("shard %d: blocks of %d bytes, known are %d", i, sh.arena.Live(), live)
		}
		sh.mu.Unlock()
	}
}

// checkHeap returns what the queue takes in Go's heap, as the store counts it.
func checkHeap(t tester, q *queue) (heap int64) {
	t.Helper()
	heap = queueBytes + int64(len(q.name)) + connBytes*int64(len(q.conns)) +
		indexByte*int64(len(q.index.pages))
	idle, waiters := 0, int64(0)
	for name, h := range q.holders.byName {
		heap += holderBytes + int64(len(name))
		if h.leases == 0 {
			idle++
		}
		if q.holderAt(h.slot) != h || h.name != name {
			t.Errorf("%s: consumer %s is not at %d", q.name, name, h.slot)
		}
	}
	if q.dedup != nil {
		for ref := q.dedup.oldest; ref != 0; ref = q.shard.memoryAt(ref).newer {
			heap += hashedByte
		}
	}
	if q.line != nil {
		heap += lineBytes
		for w := q.line.first; w != nil; w = w.next {
			waiters++
			if w.queue != q || !w.parked.Load() || w.alarm.place == 0 ||
				w.next != nil && w.next.ticket < w.ticket {
				t.Errorf("%s: waiter %d is wrong", q.name, w.ticket)
			}
		}
	}
	busy := int64(len(q.holders.byName) - idle)
	if idle != q.holders.idle || busy != q.stats.Consumers || waiters != q.stats.Waiters {
		t.Errorf("%s: %d of %d idle, %d busy of %d, %d wait of %d", q.name, idle, q.holders.idle,
			busy, q.stats.Consumers, waiters, q.stats.Waiters)
	}
	if q.saved || q.marked || q.gone || q.shard.slots[q.slot] != q {
		t.Errorf("%s: saved %v, marked %v, gone %v, slot %d", q.name, q.saved, q.marked, q.gone,
			q.slot)
	}
	return heap
}

func countWhole(sh *shard, q *queue) (n int) {
	for _, l := range q.lists {
		for ref := l.head; ref != 0; ref = sh.message(ref).next {
			if at := sh.message(ref).aux; at != 0 && sh.aux(at).owner&longAux != 0 {
				n++
			}
		}
	}
	return n
}

func checkAlarms(t tester, sh *shard) {
	t.Helper()
	for i, a := range sh.alarms {
		if a.place != i+1 || i > 0 && sh.alarms[(i-1)/2].at > a.at {
			t.Errorf("alarm %d is in the place of %d", a.place, i+1)
		}
	}
}

// checkQueue returns the bytes of the queue's blocks and of its large payloads, and adds the timers
// that must run.
func checkQueue(t tester, sh *shard, q *queue, timers map[slab.Ref]bool) (live, large int64) {
	t.Helper()
	found := map[slab.Ref]bool{}
	pages := 0
	for ref := q.index.first; ref != 0; ref = sh.page(ref).next {
		p, used := sh.page(ref), 0
		for i, at := range p.refs {
			if at == 0 {
				continue
			}
			used++
			found[at] = true
			if n := sh.message(at).id; n != p.number()<<pageShift|uint64(i) {
				t.Errorf("%s: message %d in page %d at %d", q.name, n, p.number(), i)
			}
		}
		if used != p.used() || q.index.pages[p.number()] != ref {
			t.Errorf("%s: page %d has %d of %d", q.name, p.number(), used, p.used())
		}
		live += 272
		pages++
	}
	if pages != len(q.index.pages) {
		t.Errorf("%s: %d pages of %d are linked", q.name, pages, len(q.index.pages))
	}
	bytes, large := checkLists(t, sh, q, found, timers)
	live += bytes
	if len(found) > 0 {
		t.Errorf("%s: %d messages are in no list", q.name, len(found))
	}
	ids := 0
	if q.dedup != nil {
		for ref := q.dedup.oldest; ref != 0; ref = sh.memoryAt(ref).newer {
			ids++
			d := sh.memoryAt(ref)
			live += d.cost() - hashedByte
			timers[ref] = true
			if sh.recall(q, d.id()) != ref {
				t.Errorf("%s: %q is not found", q.name, d.id())
			}
		}
	}
	counted := live + large + indexByte*int64(pages) + hashedByte*int64(ids)
	if q.stats.Bytes != counted {
		t.Errorf("%s: %d bytes, counted %d", q.name, counted, q.stats.Bytes)
	}
	return live, large
}

// checkLists takes every message it comes upon out of found, and returns the bytes of their blocks
// and of their large payloads.
func checkLists(t tester, sh *shard, q *queue, found, timers map[slab.Ref]bool,
) (bytes, large int64) {
	t.Helper()
	holds, conns := map[string]int64{}, map[uint64]int{}
	var sizes Stats
	size := [...]*int64{
		delayedList: &sizes.Delayed, leasedList: &sizes.Leased, deadList: &sizes.Dead,
	}
	for i := range q.lists {
		n, last := int64(0), uint64(0)
		var prev slab.Ref
		for ref := q.lists[i].head; ref != 0; ref = sh.message(ref).next {
			m := sh.message(ref)
			n++
			if !found[ref] || listOf(m) != i || m.prev != prev {
				t.Errorf("%s: message %d is wrong in list %d", q.name, m.id, i)
			}
			delete(found, ref)
			if i != leasedList && m.seq < last { // equal ones only by forged records
				t.Errorf("%s: message %d, seq %d after %d, out of order in list %d", q.name, m.id,
					m.seq, last, i)
			}
			last, prev = m.seq, ref
			bytes += m.cost()
			if m.isLarge() {
				bytes -= int64(m.payload)
				large += int64(m.payload)
			}
			if m.aux != 0 {
				bytes += int64(slab.Fit(sh.aux(m.aux).size()))
				checkAux(t, sh, q, ref, timers, holds, conns)
			}
		}
		if i < Priorities {
			sizes.Depth += n
		} else {
			*size[i] = n
		}
		if q.lists[i].tail != prev {
			t.Errorf("%s: list %d does not end where it should", q.name, i)
		}
		if i < Priorities && (q.occupied>>i&1 == 1) != (n > 0) {
			t.Errorf("%s: list %d occupied wrongly", q.name, i)
		}
	}
	if st := q.stats; st.Depth != sizes.Depth || st.Delayed != sizes.Delayed ||
		st.Leased != sizes.Leased || st.Dead != sizes.Dead {
		t.Errorf("%s: %+v, counted %+v", q.name, sizes, st)
	}
	for name, h := range q.holders.byName {
		if h.leases != holds[name] {
			t.Errorf("%s: %s holds %d, counted %d", q.name, name, holds[name], h.leases)
		}
	}
	for id, c := range q.conns {
		n := 0
		for ref := c.head; ref != 0; ref = sh.aux(ref).mateNext {
			n++
		}
		if n != c.leases || n != conns[id] {
			t.Errorf("%s: connection %d holds %d, %d, %d", q.name, id, n, c.leases, conns[id])
		}
	}
	return bytes, large
}

func checkAux(t tester, sh *shard, q *queue, ref slab.Ref, timers map[slab.Ref]bool,
	holds map[string]int64, conns map[uint64]int,
) {
	m := sh.message(ref)
	a := sh.aux(m.aux)
	if slab.Ref(a.owner) != ref || kindOf(a.owner) != auxKind {
		t.Errorf("%s: aux of %d belongs to %x", q.name, m.id, a.owner)
	}
	state := effect.MessageState(m.state)
	if state == effect.Leased {
		holds[q.holderAt(a.holder).name]++
		if a.push() {
			conns[a.conn]++
		}
	}
	if state == effect.Leased || state == effect.Delayed ||
		state == effect.Ready && a.expires != 0 {
		timers[m.aux] = true
	}
}

func checkWheel(t tester, sh *shard, timers map[slab.Ref]bool) (running int) {
	if sh.wheel == nil {
		return 0
	}
	for i, ref := range sh.wheel.first {
		if i < shelf && (sh.wheel.occupied[i/fan]>>(i%fan)&1 == 1) != (ref != 0) {
			t.Errorf("list %d of the wheel is occupied wrongly", i)
		}
		prev := endOf + slab.Ref(i)
		for ref != 0 && ref < endOf {
			tm := sh.timer(ref)
			if !timers[ref] || tm.prev != prev || tm.at < sh.soonest && i < shelf {
				t.Errorf("timer %d at %d in list %d is wrong", ref, tm.at, i)
			}
			running++
			prev, ref = ref, tm.next
		}
		if ref != 0 && (ref != endOf+slab.Ref(i) || sh.wheel.last[i] != prev) {
			t.Errorf("list %d of the wheel ends in %d", i, ref)
		}
	}
	return running
}
