package queue

import (
	"unsafe"

	"github.com/synapdb/synap/internal/store/slab"
)

// holder is a consumer that holds leases of a queue, or held some lately.
type holder struct {
	name   string
	leases int64
	slot   uint32
}

// conn is a push connection of a queue, with its leases linked through their aux. Connection 0
// stands for those of an earlier process.
type conn struct {
	consumer string
	head     slab.Ref // an aux
	leases   int
	served   bool // since it parked last
}

// holders are the consumers of a queue. Idle ones are kept, up to idleHolders beyond as many as
// are busy, so that a consumer that acknowledges each message at once costs no allocation.
type holders struct {
	byName map[string]*holder
	bySlot []*holder // nil: free
	free   []uint32
	idle   int
}

const (
	idleHolders = 32
	holderBytes = int64(unsafe.Sizeof(holder{})) + 80 // with its places in map and slices
)

func (q *queue) holderAt(slot uint32) *holder { return q.holders.bySlot[slot] }

// leasesOf is the number of leases a consumer holds.
func (q *queue) leasesOf(consumer []byte) int64 {
	if h := q.holders.byName[string(consumer)]; h != nil {
		return h.leases
	}
	return 0
}

// holder finds a consumer, or makes it.
func (q *queue) holder(consumer []byte) *holder {
	hs := &q.holders
	if h := hs.byName[string(consumer)]; h != nil {
		return h
	}
	if hs.byName == nil {
		hs.byName = map[string]*holder{}
	}
	if busy := len(hs.byName) - hs.idle; hs.idle >= idleHolders+busy {
		q.dropIdle()
	}
	h := &holder{name: string(consumer), slot: uint32(len(hs.bySlot))}
	if last := len(hs.free) - 1; last >= 0 {
		h.slot, hs.free = hs.free[last], hs.free[:last]
		hs.bySlot[h.slot] = h
	} else {
		hs.bySlot = append(hs.bySlot, h)
	}
	hs.byName[h.name] = h
	hs.idle++
	q.heap(holderBytes + int64(len(h.name)))
	return h
}

func (q *queue) dropIdle() {
	hs := &q.holders
	for name, h := range hs.byName {
		if h.leases == 0 {
			delete(hs.byName, name)
			hs.bySlot[h.slot] = nil
			hs.free = append(hs.free, h.slot)
			q.heap(-holderBytes - int64(len(name)))
		}
	}
	hs.idle = 0
}

// hold counts a lease for the consumer of a.
func (sh *shard) hold(q *queue, h *holder, ref slab.Ref, a *aux) {
	if h.leases++; h.leases == 1 {
		q.stats.Consumers++
		q.holders.idle--
	}
	a.holder = h.slot
	if !a.push() {
		return
	}
	c := q.conn(a.conn, bytesOf(h.name))
	c.leases++
	a.matePrev, a.mateNext = 0, c.head
	if c.head != 0 {
		sh.aux(c.head).matePrev = ref
	}
	c.head = ref
}

// release undoes hold.
func (sh *shard) release(q *queue, a *aux) {
	h := q.holderAt(a.holder)
	if h.leases--; h.leases == 0 {
		q.stats.Consumers--
		q.holders.idle++
	}
	if !a.push() {
		return
	}
	c := q.conns[a.conn]
	c.leases--
	if a.matePrev == 0 {
		c.head = a.mateNext
	} else {
		sh.aux(a.matePrev).mateNext = a.mateNext
	}
	if a.mateNext != 0 {
		sh.aux(a.mateNext).matePrev = a.matePrev
	}
	if c.leases == 0 && a.conn == 0 {
		q.dropConn(0)
	}
}

const connBytes = int64(unsafe.Sizeof(conn{})) + 32

// conn finds a push connection, or makes it.
func (q *queue) conn(id uint64, consumer []byte) *conn {
	c := q.conns[id]
	if c == nil {
		if q.conns == nil {
			q.conns = map[uint64]*conn{}
		}
		c = &conn{consumer: string(consumer)}
		q.conns[id] = c
		q.heap(connBytes)
	}
	return c
}

func (q *queue) dropConn(id uint64) {
	if _, ok := q.conns[id]; ok {
		if delete(q.conns, id); len(q.conns) == 0 {
			q.conns = nil // maps don't shrink
		}
		q.heap(-connBytes)
	}
}
