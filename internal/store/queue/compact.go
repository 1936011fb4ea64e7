package queue

import "github.com/synapdb/synap/internal/store/slab"

// move puts a block into another one of the same size and makes everything point there.
func (sh *shard) move(ref slab.Ref) {
	to := sh.arena.Alloc(sh.arena.Size(ref))
	copy(sh.arena.Bytes(to), sh.arena.Bytes(ref))
	switch kindOf(*(*uint64)(sh.arena.Ptr(ref))) {
	case messageKind:
		sh.messageMoved(to)
	case auxKind:
		sh.auxMoved(to)
	case pageKind:
		sh.pageMoved(to)
	case dedupKind:
		sh.memoryMoved(ref, to)
	}
	sh.arena.Free(ref)
}

func (sh *shard) messageMoved(to slab.Ref) {
	m := sh.message(to)
	q := sh.slots[m.queue]
	l := &q.lists[listOf(m)]
	if m.prev == 0 {
		l.head = to
	} else {
		sh.message(m.prev).next = to
	}
	if m.next == 0 {
		l.tail = to
	} else {
		sh.message(m.next).prev = to
	}
	sh.page(sh.pageOf(q, m.id>>pageShift)).refs[m.id%pageRefs] = to
	if m.aux != 0 {
		a := sh.aux(m.aux)
		a.owner = a.owner&^(1<<32-1) | uint64(to)
	}
}

func (sh *shard) auxMoved(to slab.Ref) {
	sh.timerMoved(to)
	a := sh.aux(to)
	m := sh.message(slab.Ref(a.owner))
	m.aux = to
	if !a.push() {
		return
	}
	if a.matePrev == 0 {
		sh.slots[m.queue].conns[a.conn].head = to
	} else {
		sh.aux(a.matePrev).mateNext = to
	}
	if a.mateNext != 0 {
		sh.aux(a.mateNext).matePrev = to
	}
}

func (sh *shard) pageMoved(to slab.Ref) {
	p := sh.page(to)
	i := 0
	for p.refs[i] == 0 { // a page has at least one
		i++
	}
	x := &sh.slots[sh.message(p.refs[i]).queue].index
	if p.prev == 0 {
		x.first = to
	} else {
		sh.page(p.prev).next = to
	}
	if p.next == 0 {
		x.last = to
	} else {
		sh.page(p.next).prev = to
	}
	x.pages[p.number()] = to
	x.recent = to
}

func (sh *shard) memoryMoved(from, to slab.Ref) {
	sh.timerMoved(to)
	d := sh.memoryAt(to)
	r := sh.slots[uint32(d.owner)].dedup
	hash := sh.store.hashOf(d.id())
	if at := r.byHash[hash]; at == from {
		r.byHash[hash] = to
	} else {
		for sh.memoryAt(at).chain != from {
			at = sh.memoryAt(at).chain
		}
		sh.memoryAt(at).chain = to
	}
	if d.older == 0 {
		r.oldest = to
	} else {
		sh.memoryAt(d.older).newer = to
	}
	if d.newer == 0 {
		r.newest = to
	} else {
		sh.memoryAt(d.newer).older = to
	}
}
