package room

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/errs"
)

func (m *model) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"publish": m.publish, "publish2": m.publish, "publish3": m.publish, "create": m.create,
		"update": m.update, "remove": m.remove, "trim": m.trim, "commit": m.commit,
		"tick": m.tick, "read": m.read, "frames": m.frames, "subscribe": m.subscribe,
		"pull": m.pull, "pull2": m.pull, "await": m.await, "seek": m.seek,
		"unsubscribe": m.unsubscribe, "": m.compare,
	}
}

func drawStart(t *rapid.T, m *model) Start {
	n := rapid.Uint64Range(0, 45).Draw(t, "n")
	return rapid.SampledFrom([]Start{
		At(n), Last(n), Since(m.w.now - int64(n)*100), Tail(), At(1 << 40), Last(1 << 40),
	}).Draw(t, "start")
}

func drawQuery(t *rapid.T, m *model) *Query {
	q := &Query{
		From:  drawStart(t, m),
		Until: rapid.SampledFrom([]uint64{0, 0, 10, 30}).Draw(t, "until"),
		Limit: rapid.SampledFrom([]int{0, 1, 7}).Draw(t, "limit"),
		Bytes: rapid.SampledFrom([]int{0, 1, 50}).Draw(t, "bytes"),
	}
	if rapid.IntRange(0, 3).Draw(t, "filter") == 0 {
		q.Event = []byte(rapid.SampledFrom([]string{"tick", "\x01", "none"}).Draw(t, "event"))
	}
	return q
}

// expect is the page that a query should have, from an offset on.
func (r *twinRoom) expect(q *Query, from uint64) (events []int, next uint64, more bool) {
	until, limit, left := uint64(r.next()), q.Limit, q.Bytes
	if q.Until > 0 {
		until = min(until, q.Until)
	}
	if limit == 0 {
		limit = 100
	}
	for next = from; next < until && len(events) < limit && (q.Bytes == 0 || left > 0); next++ {
		e := &r.events[next].event
		if len(q.Event) == 0 || bytes.Equal(q.Event, e.Name) {
			events = append(events, int(next))
			left -= len(e.Name) + len(e.Data) + len(e.Metadata)
		}
	}
	return events, next, next < until
}

// same compares a page with the twin's.
func (r *twinRoom) same(t *rapid.T, q *Query, from uint64, p *Page) {
	events, next, more := r.expect(q, from)
	if p.Next != next || p.More != more || len(p.Events) != len(events) {
		t.Fatalf("%d events, then %d, more %v; not %v, %d, %v", len(p.Events), p.Next, p.More,
			events, next, more)
	}
	for i, v := range p.Events {
		e := &r.events[events[i]]
		if v.Offset != uint64(events[i]) || !bytes.Equal(v.Name, e.event.Name) ||
			!bytes.Equal(v.Data, e.event.Data) || v.Time != e.time || v.Form != e.event.Form ||
			!bytes.Equal(v.Metadata, e.event.Metadata) {
			t.Fatalf("event %d: %+.100v, not %+.100v", events[i], v, e)
		}
	}
	r.consumed += int64(len(events))
}

func (m *model) read(t *rapid.T) {
	name, q := drawName(t), drawQuery(t, m)
	m.s.do(m.w.now, func(tx *Tx) {
		r := m.w.rooms[name]
		p, err := tx.Read([]byte(name), q, nil)
		if r == nil {
			wants(t, err, errs.RoomNotFound, "Invalid request: Room '"+name+"' not found")
			return
		}
		r.active = max(r.active, m.w.now)
		from := r.start(q.From)
		if from < uint64(r.first) {
			wants(t, err, errs.OffsetTrimmed, fmt.Sprintf("Stream offset %d out of range; "+
				"earliest retained offset is %d", from, r.first))
			return
		}
		if err != nil {
			t.Fatalf("%v", err)
		}
		r.same(t, q, from, &p)
	})
}

// sameFrames compares what was appended to a prefix with the twin's events.
func (r *twinRoom) sameFrames(t *rapid.T, name string, from uint64, most int, f *Frames) {
	if from < uint64(r.first) {
		if f.Gap != (Gap{from, uint64(r.first)}) || f.Next != uint64(r.first) || f.Events != 0 {
			t.Fatalf("%+v instead of a gap from %d to %d", f, from, r.first)
		}
		return
	}
	next, bytes := from, 0
	for next < uint64(r.next()) {
		n := r.events[next].frame
		if next > from && bytes+n > most {
			break
		}
		bytes += n
		next++
	}
	if f.Gap.Exists() || f.Next != next || f.Events != int(next-from) || len(f.Bytes) != bytes ||
		f.More != (next < uint64(r.next())) {
		t.Fatalf("%d frames, %d bytes, then %d, more %v, gap %v; not %d bytes, %d", f.Events,
			len(f.Bytes), f.Next, f.More, f.Gap, bytes, next)
	}
	for i, e := range parse(t, f.Bytes) {
		w := &r.events[from+uint64(i)]
		if e.Room != name || e.Offset != from+uint64(i) || e.Event != string(w.event.Name) ||
			string(e.Data) != string(w.event.Data) || e.Timestamp != w.time/1000 ||
			string(e.Metadata) != string(w.event.Metadata) {
			t.Fatalf("frame %+.100v, not %+.100v", e, w)
		}
	}
	r.consumed += int64(f.Events)
}

var modelMost = []int{1, 300, 1500, 1 << 20}

func (m *model) frames(t *rapid.T) {
	name, from := drawName(t), rapid.Uint64Range(0, 60).Draw(t, "from")
	most := rapid.SampledFrom(modelMost).Draw(t, "most")
	m.s.do(m.w.now, func(tx *Tx) {
		f, err := tx.Frames([]byte(name), from, most, []byte("prefix"))
		r := m.w.rooms[name]
		if (err == nil) != (r != nil) {
			t.Fatalf("%v", err)
		}
		if r != nil {
			f.Bytes = f.Bytes[len("prefix"):]
			r.active = max(r.active, m.w.now)
			r.sameFrames(t, name, from, most, &f)
		}
	})
}

func (m *model) subscribe(t *rapid.T) {
	name, from := drawName(t), drawStart(t, m)
	r := m.w.rooms[name]
	sub := &twinSub{room: r}
	sub.Waker = &sub.bell
	m.s.do(m.w.now, func(tx *Tx) {
		next, err := tx.Subscribe([]byte(name), []byte("s"), from, &sub.Subscriber)
		if (err == nil) != (r != nil) {
			t.Fatalf("%v", err)
		}
		if r == nil {
			return
		}
		if sub.next = r.start(from); next != sub.next {
			t.Fatalf("from %d, not %d", next, sub.next)
		}
		r.subs[sub] = true
		r.active = max(r.active, m.w.now)
		m.subs = append(m.subs, sub)
	})
}

// aSub draws a subscriber, nil if there is none.
func (m *model) aSub(t *rapid.T) *twinSub {
	if len(m.subs) == 0 {
		return nil
	}
	return rapid.SampledFrom(m.subs).Draw(t, "sub")
}

// forget takes a subscriber from the model.
func (m *model) forget(sub *twinSub) {
	m.subs = slices.DeleteFunc(m.subs, func(s *twinSub) bool { return s == sub })
}

func (m *model) pull(t *rapid.T) {
	sub := m.aSub(t)
	if sub == nil {
		return
	}
	most := rapid.SampledFrom(modelMost).Draw(t, "most")
	f, ok := m.s.Pull(&sub.Subscriber, most, nil)
	if ok != (sub.room != nil) {
		t.Fatalf("the room is there: %v", ok)
	}
	if !ok {
		m.forget(sub)
		return
	}
	r := sub.room
	name := ""
	for n, other := range m.w.rooms {
		if r == other {
			name = n
		}
	}
	r.sameFrames(t, name, sub.next, most, &f)
	if f.Gap.Exists() && !f.More {
		t.Fatalf("a gap is all there is")
	}
	sub.next = f.Next
	sub.asleep = sub.asleep || !f.More
}

// await waits for the next event, all others having been read by other means.
func (m *model) await(t *rapid.T) {
	sub := m.aSub(t)
	if sub == nil {
		return
	}
	next := uint64(0)
	if sub.room != nil {
		next = uint64(sub.room.next())
	}
	m.s.do(m.w.now, func(tx *Tx) {
		if ok := tx.Await(&sub.Subscriber, next); ok != (sub.room != nil) {
			t.Fatalf("the room is there: %v", ok)
		}
	})
	if sub.room == nil {
		m.forget(sub)
		return
	}
	sub.next, sub.asleep = next, true
}

func (m *model) seek(t *rapid.T) {
	sub := m.aSub(t)
	if sub == nil {
		return
	}
	from := drawStart(t, m)
	next, ok := m.s.Seek(&sub.Subscriber, from)
	if ok != (sub.room != nil) {
		t.Fatalf("the room is there: %v", ok)
	}
	if !ok {
		m.forget(sub)
		return
	}
	if sub.next = sub.room.start(from); next != sub.next {
		t.Fatalf("from %d, not %d", next, sub.next)
	}
}

func (m *model) unsubscribe(t *rapid.T) {
	if sub := m.aSub(t); sub != nil {
		m.s.Unsubscribe(&sub.Subscriber, m.w.now)
		m.forget(sub)
		if r := sub.room; r != nil {
			delete(r.subs, sub)
			r.active = max(r.active, m.w.now)
		}
	}
}

// compare holds the store against its twin.
func (m *model) compare(t *rapid.T) {
	m.s.sound(t)
	names := slices.Sorted(maps.Keys(m.w.rooms))
	if got := m.s.Names("", "", 100); !slices.Equal(got, names) {
		t.Fatalf("rooms %q, not %q", got, names)
	}
	m.s.do(m.w.now, func(tx *Tx) {
		for _, name := range names {
			r := m.w.rooms[name]
			info, err := tx.Info([]byte(name))
			want := Stats{
				Messages: int64(r.next() - r.first), Bytes: r.bytes(r.first),
				Min: uint64(r.first), Max: uint64(max(r.next(), 1) - 1), Next: uint64(r.next()),
				Subscribers: int64(len(r.subs)), Published: int64(r.next()),
				Consumed: r.consumed, Dropped: r.dropped,
			}
			if err != nil || info.Stats != want || info.Settings != r.set ||
				info.Generation != r.generation || info.Active != r.active {
				t.Fatalf("room %q: %+v, not %+v, active %d: %v", name, info, want, r.active, err)
			}
			if len(info.Consumers) != len(r.cursors) {
				t.Fatalf("room %q: %v, not %v", name, info.Consumers, r.cursors)
			}
			for _, c := range info.Consumers {
				at, ok, err := tx.Cursor([]byte(name), []byte(c.Name))
				if at != r.cursors[c.Name] || at != c.Offset || !ok || err != nil {
					t.Fatalf("cursor of %q: %d %v %v", c.Name, at, ok, err)
				}
			}
		}
	})
	for i, sub := range m.subs {
		if sub.bell.rung != sub.wakes {
			t.Fatalf("subscriber %d was woken %d times, not %d", i, sub.bell.rung, sub.wakes)
		}
	}
}
