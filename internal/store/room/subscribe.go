package room

import (
	"unsafe"

	"github.com/synapdb/synap/internal/errs"
)

// Subscriber is one reader that follows a room: Subscribe, then Pull until there is no more, then
// wait for the Waker, and so on. It belongs to its connection; after Unsubscribe, or when Pull said
// that the room is gone, it may be used anew. Of its methods and fields only Waker is the caller's.
type Subscriber struct {
	// Waker is told when there is something to Pull. Set it before Subscribe.
	Waker Waker

	shard *shard // nil: not subscribed
	// Under the shard's lock.
	room   *room // nil: it is gone
	id     string
	place  uint32 // among the followers
	bed    uint32 // among the sleepers, if asleep
	asleep uint64 // the night in which it fell asleep; see audience
}

// audience is who follows a room. What every publish touches is in slices, not in the subscribers,
// which are spread over memory: there may be thousands.
//
// Sleepers have read everything and wait. All of them fell asleep after the same event, because the
// next one wakes all: then the list is handed over as it is, and a new night begins. So a
// subscriber knows whether it sleeps without having been touched by the waking.
type audience struct {
	followers []follower
	sleepers  []sleeper
	night     uint64 // counts from 1
	heard     uint64 // the room's next when the sleepers fell asleep
	least     uint64 // no follower reads an offset below it
	slow      int    // the follower that read least when slowest looked last
}

type follower struct {
	next uint64 // offset that it reads next
	sub  *Subscriber
}

type sleeper struct {
	waker Waker
	sub   *Subscriber
}

const leastRoom = 8 // places in lists below which they are not made smaller

func (a *audience) count() int64 {
	if a == nil {
		return 0
	}
	return int64(len(a.followers))
}

func (a *audience) bytes() int64 {
	if a == nil {
		return 0
	}
	return int64(unsafe.Sizeof(*a)) + int64(cap(a.followers))*int64(unsafe.Sizeof(follower{})) +
		int64(cap(a.sleepers))*int64(unsafe.Sizeof(sleeper{})) +
		int64(len(a.followers))*int64(unsafe.Sizeof(Subscriber{}))
}

// Subscribe makes sub follow a room and returns the offset from which on it reads. If the room
// keeps that no longer, the first Pull reports the gap. id is what Info calls the subscriber; it
// need not be unique. The caller ends it by Unsubscribe. It must not be used in an atomic section,
// and sub must not follow anything.
func (t *Tx) Subscribe(name, id []byte, from Start, sub *Subscriber) (next uint64, err error) {
	r, err := t.need(name)
	if err != nil {
		return 0, err
	}
	if len(id) > MaxNameBytes {
		return 0, errs.Value("the name of a subscriber is too long")
	}
	a := r.audience
	if a == nil {
		a = &audience{night: 1}
		r.audience = a
	}
	next = r.resolve(from)
	*sub = Subscriber{
		Waker: sub.Waker, shard: r.shard, room: r, id: string(id), place: uint32(len(a.followers)),
	}
	a.followers = append(a.followers, follower{next, sub})
	a.least = min(a.least, next)
	r.active = max(r.active, t.now)
	r.shard.measure(r)
	return next, nil
}

// Pull appends frames to dst that sub has not read yet, up to most bytes, but one in any case: see
// Tx.Frames. A gap is reported once; sub then goes on from the earliest event. If there is no More,
// sub's Waker is called when there is. false means that the room is gone: sub follows nothing any
// more. It takes one lock of the store while it copies. Not to be called with a Tx locked.
func (s *Store) Pull(sub *Subscriber, most int, dst []byte) (f Frames, ok bool) {
	sh := sub.shard
	if sh == nil {
		return Frames{Bytes: dst}, false
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r := sub.room
	if r == nil {
		sub.shard = nil
		return Frames{Bytes: dst}, false
	}
	a := r.audience
	at := &a.followers[sub.place]
	f = r.frames(at.next, most, dst)
	at.next = f.Next
	if f.Gap.Exists() {
		f.More = true // if only to learn that there is nothing
	} else if !f.More {
		r.lie(sub)
	}
	return f, true
}

// Await has sub's Waker called when there is more from next on, where there is nothing yet, as the
// caller knows by other means. What lies between is passed over: somebody else may have taken it.
// The Tx must have declared the room that sub follows. false means that the room is gone.
func (t *Tx) Await(sub *Subscriber, next uint64) (ok bool) {
	if sub.shard == nil {
		return false
	}
	if !t.holds(sub.shard) {
		panic("room: use of a room that was not declared")
	}
	r := sub.room
	if r == nil {
		sub.shard = nil
		return false
	}
	a := r.audience
	a.followers[sub.place].next = next
	a.least = min(a.least, next)
	r.lie(sub)
	return true
}

// Follows says whether the room that sub follows is still there. The Tx must have declared it.
func (t *Tx) Follows(sub *Subscriber) bool {
	return sub.shard != nil && t.holds(sub.shard) && sub.room != nil
}

// lie puts sub among the sleepers, if it is not there.
func (r *room) lie(sub *Subscriber) {
	a := r.audience
	if sub.asleep == a.night {
		return
	}
	sub.asleep, sub.bed = a.night, uint32(len(a.sleepers))
	held := cap(a.sleepers)
	a.sleepers = append(a.sleepers, sleeper{sub.Waker, sub})
	a.heard = r.next
	if cap(a.sleepers) != held {
		r.shard.measure(r)
	}
}

// Seek moves sub to another place in its room, as Subscribe does, and wakes nobody: Pull next.
// false means that the room is gone.
func (s *Store) Seek(sub *Subscriber, from Start) (next uint64, ok bool) {
	sh := sub.shard
	if sh == nil {
		return 0, false
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r := sub.room
	if r == nil {
		sub.shard = nil
		return 0, false
	}
	next = r.resolve(from)
	r.audience.followers[sub.place].next = next
	r.audience.least = min(r.audience.least, next)
	return next, true
}

// Unsubscribe ends what Subscribe began. It does nothing if sub follows nothing. A Wake that is
// under way may still come. No Tx may be locked by the caller; now is ms since the Unix epoch.
func (s *Store) Unsubscribe(sub *Subscriber, now int64) {
	sh := sub.shard
	if sh == nil {
		return
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sub.shard = nil
	r := sub.room
	if r == nil {
		return
	}
	sub.room = nil
	r.active = max(r.active, now)
	a := r.audience
	if sub.asleep == a.night {
		last := len(a.sleepers) - 1
		a.sleepers[sub.bed] = a.sleepers[last]
		a.sleepers[sub.bed].sub.bed = sub.bed
		a.sleepers = shrunk(a.sleepers, last)
	}
	last := len(a.followers) - 1
	a.followers[sub.place] = a.followers[last]
	a.followers[sub.place].sub.place = sub.place
	a.followers = shrunk(a.followers, last)
	if len(a.followers) == 0 {
		r.audience = nil
	}
	sh.measure(r)
	sh.account()
}

// shrunk cuts a list to n places, and gives memory back if it uses only a quarter of what it has.
func shrunk[T any](list []T, n int) []T {
	clear(list[n:])
	list = list[:n]
	if cap(list) > leastRoom && n < cap(list)/4 {
		return append(make([]T, 0, n*2), list...)
	}
	return list
}

// slowest is the lowest offset that any subscriber reads next, if it is below limit; otherwise some
// number from limit on. Nearly always one look is enough: at what was found before, or at the one
// that was slowest then.
func (a *audience) slowest(limit uint64) uint64 {
	if a == nil || len(a.followers) == 0 {
		return limit
	}
	if a.least >= limit || a.slow < len(a.followers) && a.followers[a.slow].next == a.least {
		return a.least
	}
	a.slow, a.least = 0, a.followers[0].next
	for i, f := range a.followers {
		if f.next < a.least {
			a.slow, a.least = i, f.next
		}
	}
	return a.least
}

// rouse hands the sleepers of r over to be woken, if there is something to read.
func (t *Tx) rouse(r *room) {
	a := r.audience
	if a == nil || len(a.sleepers) == 0 || a.heard == r.next {
		return
	}
	list := t.wakeList()
	*list = appendWakers(*list, a.sleepers)
	clear(a.sleepers)
	a.sleepers = a.sleepers[:0]
	a.night++
}

// appendWakers appends the wakers of sleepers, one that comes twice in a row only once.
func appendWakers(list []Waker, sleepers []sleeper) []Waker {
	var last Waker
	for i := range sleepers {
		if w := sleepers[i].waker; w != last {
			list = append(list, w)
			last = w
		}
	}
	return list
}

// dismiss tells the subscribers of r that it is gone.
func (t *Tx) dismiss(r *room) {
	if r.audience == nil {
		return
	}
	list := t.wakeList()
	*list = r.dismiss(*list)
	r.shard.measure(r)
}

// dismiss ends the subscriptions, and appends whom to wake: the others will learn of it when they
// Pull.
func (r *room) dismiss(wakes []Waker) []Waker {
	a := r.audience
	if a == nil {
		return wakes
	}
	for _, f := range a.followers {
		f.sub.room = nil
	}
	r.audience = nil
	return appendWakers(wakes, a.sleepers)
}

// wakeList is where t collects whom to wake. It is borrowed from the store: every connection has a
// Tx, which should hold no memory.
func (t *Tx) wakeList() *[]Waker {
	if t.wakes == nil {
		t.wakes, _ = t.s.lists.Get().(*[]Waker)
		if t.wakes == nil {
			t.wakes = new([]Waker)
		}
	}
	return t.wakes
}

// callWakes wakes whom t collected. Nothing is locked.
func (t *Tx) callWakes() {
	list := t.wakes
	t.wakes = nil
	for _, w := range *list {
		w.Wake()
	}
	clear(*list)
	if *list = (*list)[:0]; cap(*list) <= keptWakes {
		t.s.lists.Put(list)
	}
}

const keptWakes = 16 << 10 // places in a list that is kept
