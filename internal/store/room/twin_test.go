package room

import (
	"fmt"
	"sort"
)

// twin is the store as plain slices: slow, obvious, and the oracle of the model test.
type twin struct {
	now      int64
	hard     int64
	inactive int64
	rooms    map[string]*twinRoom
	highest  uint64 // generation
}

type twinRoom struct {
	set               Settings
	generation        uint64
	events            []twinEvent // all ever published
	first             int
	cursors           map[string]uint64
	active            int64
	consumed, dropped int64
	subs              map[*twinSub]bool
}

type twinEvent struct {
	event Event
	time  int64
	frame int // its length
}

type twinSub struct {
	Subscriber
	bell   bell
	room   *twinRoom // nil: gone
	next   uint64
	asleep bool
	wakes  int
}

func (r *twinRoom) next() int { return len(r.events) }

func (w *twin) create(name string, set, defaults Settings) *twinRoom {
	complete(&set, &defaults)
	set.Created = w.now
	r := &twinRoom{set: set, active: w.now, cursors: map[string]uint64{},
		subs: map[*twinSub]bool{}}
	w.rooms[name] = r
	return r
}

// publish appends; bounds and wakes are settled by settle, when the Tx ends.
func (w *twin) publish(name string, r *twinRoom, e Event) {
	time := w.now
	if n := r.next(); n > 0 {
		time = max(time, r.events[n-1].time)
	}
	if len(e.Data) == 0 {
		e.Data = []byte("null")
	}
	const form = `{"type":"event","room":%s,"offset":%d,"event":%s,"data":%s,"timestamp":%d}`
	n := len(fmt.Sprintf(form, appendQuoted(nil, name), r.next(), appendQuoted(nil, e.Name),
		e.Data, time/1000))
	if len(e.Metadata) > 0 {
		n += len(`,"metadata":`) + len(e.Metadata)
	}
	switch {
	case n > 0xffff:
		n += 10
	case n >= 126:
		n += 4
	default:
		n += 2
	}
	r.events = append(r.events, twinEvent{e, time, n})
	r.active = max(r.active, w.now)
}

// retain applies the bounds of a room.
func (w *twin) retain(r *twinRoom) {
	first := r.first
	held := func(from int) bool { // a subscriber has not read it
		for s := range r.subs {
			if s.next <= uint64(from) {
				return true
			}
		}
		return false
	}
	for first < r.next() {
		n := int64(r.next() - first)
		tooMany := r.set.MaxEvents != None && n > r.set.MaxEvents &&
			(!held(first) || n > max(w.hard, r.set.MaxEvents))
		tooOld := r.set.MaxAge != None && r.events[first].time <= w.now-r.set.MaxAge
		tooMuch := r.set.MaxBytes != None && n > 1 && r.bytes(first) > r.set.MaxBytes
		if !tooMany && !tooOld && !tooMuch {
			break
		}
		first++
	}
	r.dropped += int64(first - r.first)
	r.first = first
}

func (r *twinRoom) bytes(first int) (n int64) {
	for _, e := range r.events[first:] {
		n += int64(e.frame)
	}
	return n
}

// wake wakes the sleepers of a room that has more.
func (r *twinRoom) wake() {
	for s := range r.subs {
		if s.asleep {
			s.asleep = false
			s.wakes++
		}
	}
}

func (w *twin) remove(name string) {
	for s := range w.rooms[name].subs {
		s.room = nil
		if s.asleep {
			s.asleep = false
			s.wakes++
		}
	}
	delete(w.rooms, name)
}

// start is where reading begins.
func (r *twinRoom) start(from Start) uint64 {
	switch from.kind {
	case startLast:
		return uint64(max(r.first, r.next()-int(min(from.offset, 1<<30))))
	case startSince:
		return uint64(r.first + sort.Search(r.next()-r.first, func(i int) bool {
			return r.events[r.first+i].time >= from.time
		}))
	case startTail:
		return uint64(r.next())
	}
	return from.offset
}

// maintain does what Store.Maintain does when everything is due.
func (w *twin) maintain() {
	for name, r := range w.rooms {
		if w.inactive > 0 && len(r.subs) == 0 && w.now-r.active >= w.inactive {
			w.remove(name)
			continue
		}
		w.retain(r)
	}
}
