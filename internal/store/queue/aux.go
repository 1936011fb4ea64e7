package queue

import (
	"math"
	"unsafe"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// timer is the beginning of a block that the wheel knows.
type timer struct {
	owner      uint64 // kind, bits, and the message or the queue's slot
	at         int64  // ms since the Unix epoch
	next, prev slab.Ref
}

// aux is what only some messages need: those that are leased, delayed or expire. Without a lease
// it ends before token.
type aux struct {
	timer
	due     int64 // when the lease ends or the delay is over
	expires int64 // 0 = never

	token              uint64
	conn               uint64   // push connection of the lease, 0 = none or of an earlier process
	mateNext, matePrev slab.Ref // neighbours among the leases of the connection
	holder             uint32   // slot of the consumer in its queue
}

const (
	longAux  = 1 << 32 // bit of owner: the block is whole
	pushAux  = 1 << 33 // bit of owner: the lease belongs to a connection
	auxBytes = int(unsafe.Sizeof(aux{}))
	auxShort = int(unsafe.Offsetof(aux{}.token))
)

func (sh *shard) aux(ref slab.Ref) *aux { return (*aux)(sh.arena.Ptr(ref)) }

func (sh *shard) timer(ref slab.Ref) *timer { return (*timer)(sh.arena.Ptr(ref)) }

func (a *aux) size() int {
	if a.owner&longAux != 0 {
		return auxBytes
	}
	return auxShort
}

func (a *aux) push() bool { return a.owner&pushAux != 0 }

// needAux gives the message an aux, a whole one if it is to be leased, and keeps Expires.
func (sh *shard) needAux(q *queue, ref slab.Ref, m *message, whole bool) *aux {
	var expires int64
	if m.aux != 0 {
		a := sh.aux(m.aux)
		if !whole || a.owner&longAux != 0 {
			return a
		}
		expires = a.expires
		sh.freeAux(q, m)
	}
	size, owner := auxShort, uint64(auxKind)<<kindAt|uint64(ref)
	if whole {
		size, owner = auxBytes, owner|longAux
	}
	m.aux = sh.arena.Alloc(size)
	a := sh.aux(m.aux)
	a.timer = timer{owner: owner}
	a.due, a.expires = 0, expires
	if whole {
		sh.whole++
		a.token, a.conn, a.mateNext, a.matePrev, a.holder = 0, 0, 0, 0, 0
	}
	q.stats.Bytes += int64(slab.Fit(size))
	return a
}

// leasable says whether there is room for a lease of m: in a shard that takes no more messages
// leases may fill a part of what is left, and the next ones wait until some have ended.
func (sh *shard) leasable(m *message) bool {
	return !sh.scarce() || sh.whole*auxBytes < sh.store.share/leaseShare ||
		m.aux != 0 && sh.aux(m.aux).owner&longAux != 0
}

// leaseShare: one part in so many of a shard's address space is always there for leases, half of
// what Full leaves.
const leaseShare = 32

// freeAux frees the aux of m, whose timer must not run and which is among no connection's leases.
func (sh *shard) freeAux(q *queue, m *message) {
	a := sh.aux(m.aux)
	if a.owner&longAux != 0 {
		sh.whole--
	}
	q.stats.Bytes -= int64(slab.Fit(a.size()))
	sh.arena.Free(m.aux)
	m.aux = 0
}

// arm starts the timer that the message needs in its state; leave has stopped the former one.
func (sh *shard) arm(m *message) {
	if m.aux == 0 {
		return
	}
	a := sh.aux(m.aux)
	at := int64(math.MaxInt64)
	switch effect.MessageState(m.state) {
	case effect.Leased:
		at = a.due
	case effect.Delayed:
		at = a.due
		if a.expires != 0 {
			at = min(at, a.expires)
		}
	case effect.Ready:
		if a.expires != 0 {
			at = a.expires
		}
	}
	if at != math.MaxInt64 {
		sh.schedule(m.aux, at)
	}
}

// expires is when the message's time is over; 0 = never.
func (sh *shard) expires(m *message) int64 {
	if m.aux == 0 {
		return 0
	}
	return sh.aux(m.aux).expires
}

func (sh *shard) expired(m *message, now int64) bool {
	at := sh.expires(m)
	return at != 0 && at <= now
}
