package queue

import (
	"unsafe"

	"github.com/synapdb/synap/internal/store/slab"
)

// Numbers of messages grow, and messages leave mostly from the low end. So the index of a queue is
// pages of 64 refs, found by a map that holds no pointers, freed when empty, and linked in order
// for exports. It takes 4.7 bytes a message where the messages are dense; one that stays behind
// alone holds a page of 272. A hash table of refs, the rival, takes 5 to 10 and is slower: messages
// that are neighbours in time are none in it.
const (
	pageShift = 6
	pageRefs  = 1 << pageShift
	usedAt    = 48   // bits of page.id above it, up to the kind, are the number of refs less one
	indexByte = 26   // bytes of the map for each page, on average
	bigIndex  = 4096 // pages from which on an empty map is given up: maps don't shrink
)

type page struct {
	id         uint64   // kind, used-1, number
	next, prev slab.Ref // in the order of number
	refs       [pageRefs]slab.Ref
}

func (sh *shard) page(ref slab.Ref) *page { return (*page)(sh.arena.Ptr(ref)) }

func (p *page) number() uint64 { return p.id & numbered }

func (p *page) used() int { return int(p.id>>usedAt&0xFF) + 1 }

// index is what a queue knows of its pages.
type index struct {
	pages       map[uint64]slab.Ref
	first, last slab.Ref
	recent      slab.Ref // the page used last, or a neighbour of it; 0 = none
	most        int      // pages since the map was made
}

// pageOf finds page n.
func (sh *shard) pageOf(q *queue, n uint64) slab.Ref {
	if r := q.index.recent; r != 0 && sh.page(r).number() == n {
		return r
	}
	r := q.index.pages[n]
	if r != 0 {
		q.index.recent = r
	}
	return r
}

// find returns the message of a number, or 0.
func (sh *shard) find(q *queue, number uint64) slab.Ref {
	r := sh.pageOf(q, number>>pageShift)
	if r == 0 {
		return 0
	}
	return sh.page(r).refs[number%pageRefs]
}

// insert makes message ref known under its number, which must be free.
func (sh *shard) insert(q *queue, number uint64, ref slab.Ref) {
	n := number >> pageShift
	r := sh.pageOf(q, n)
	if r != 0 {
		p := sh.page(r)
		p.id += 1 << usedAt
		p.refs[number%pageRefs] = ref
		return
	}
	r = sh.newPage(q, n)
	sh.page(r).refs[number%pageRefs] = ref
}

// newPage makes page n, which is to have one ref, and links it in its place.
func (sh *shard) newPage(q *queue, n uint64) slab.Ref {
	x := &q.index
	if x.pages == nil {
		x.pages = map[uint64]slab.Ref{}
	}
	before := x.last
	if x.recent != 0 && before != 0 && sh.page(before).number() > n {
		before = x.recent // numbers that come late come together
	}
	for before != 0 && sh.page(before).number() > n {
		before = sh.page(before).prev
	}
	for before != 0 && sh.page(before).next != 0 && sh.page(sh.page(before).next).number() < n {
		before = sh.page(before).next
	}
	r := sh.arena.Alloc(int(unsafe.Sizeof(page{})))
	p := sh.page(r)
	*p = page{id: pageKind<<kindAt | n, prev: before}
	if before == 0 {
		p.next, x.first = x.first, r
	} else {
		b := sh.page(before)
		p.next, b.next = b.next, r
	}
	if p.next == 0 {
		x.last = r
	} else {
		sh.page(p.next).prev = r
	}
	x.pages[n] = r
	x.recent = r
	x.most = max(x.most, len(x.pages))
	q.stats.Bytes += int64(slab.Fit(int(unsafe.Sizeof(page{})))) + indexByte
	q.heap(indexByte)
	return r
}

// forgetNumber takes a number out of the index.
func (sh *shard) forgetNumber(q *queue, number uint64) {
	r := sh.pageOf(q, number>>pageShift)
	p := sh.page(r)
	p.refs[number%pageRefs] = 0
	if p.used() > 1 {
		p.id -= 1 << usedAt
		return
	}
	x := &q.index
	if p.prev == 0 {
		x.first = p.next
	} else {
		sh.page(p.prev).next = p.next
	}
	if p.next == 0 {
		x.last = p.prev
	} else {
		sh.page(p.next).prev = p.prev
	}
	delete(x.pages, p.number())
	if x.recent = p.prev; x.recent == 0 {
		x.recent = p.next
	}
	if len(x.pages) == 0 && x.most >= bigIndex {
		x.pages, x.most = nil, 0
	}
	sh.arena.Free(r)
	q.stats.Bytes -= int64(slab.Fit(int(unsafe.Sizeof(page{})))) + indexByte
	q.heap(-indexByte)
}

// pageFrom is the first page whose number is n or more, 0 if there is none.
func (sh *shard) pageFrom(q *queue, n uint64) slab.Ref {
	if r := q.index.pages[n]; r != 0 {
		return r
	}
	r := q.index.first
	for r != 0 && sh.page(r).number() < n {
		r = sh.page(r).next
	}
	return r
}
