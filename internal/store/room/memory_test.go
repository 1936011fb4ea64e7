package room

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
)

// The bars of memory, in bytes.
const (
	eventBar      = 32   // beyond the frame
	largeShare    = 32   // of a frame: at the end of each segment there may be place for none
	roomBar       = 1024 // of an empty room, whole
	subscriberBar = 200  // beyond its connection
)

// heap is the bytes of Go's heap in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// fill publishes events of a size to rooms in turn, one Tx each, and returns the bytes of all
// frames that are kept.
func fill(t testing.TB, s *Store, rooms, events, size int) (frames int64) {
	t.Helper()
	data := append(append([]byte{'"'}, bytes.Repeat([]byte("x"), size-2)...), '"')
	names := make([][]byte, rooms)
	for i := range names {
		names[i] = fmt.Appendf(nil, "memory:room:%05d", i)
	}
	var tx Tx
	e := Event{Name: []byte("message"), Data: data, AutoCreate: true}
	for i := range events {
		name := names[i%rooms]
		s.Begin(&tx, epoch+int64(i/100))
		tx.Declare(name)
		tx.Lock()
		_, err := tx.Publish(name, &e)
		tx.Unlock()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, sum := s.Totals()
	return sum.Bytes
}

// TestMemoryOfEvents holds full rooms, and rooms from which most was trimmed, to the bar; what
// Memory says covers blocks with all their slack, room structures and directories.
func TestMemoryOfEvents(t *testing.T) {
	for _, c := range []struct{ rooms, kept, events, size int }{
		{1, None, 50_000, 100}, {1, None, 50_000, 16}, {1, None, 5_000, 3000},
		{1, 10_000, 50_000, 100}, {4, 10_000, 80_000, 150}, {20, 1000, 60_000, 100},
	} {
		s, _ := open(t, Options{Shards: 1, Defaults: Settings{MaxEvents: int64(c.kept)}})
		s.SetJournal(nil)
		empty := s.Memory()
		frames := fill(t, s, c.rooms, c.events, c.size)
		n := min(c.events, c.rooms*c.kept)
		if c.kept == None {
			n = c.events
		}
		more := float64(s.Memory()-empty-frames) / float64(n)
		t.Logf("%d rooms, %d events of %d: %.1f bytes beyond the frame of %d", c.rooms, n, c.size,
			more, frames/int64(n))
		if more > eventBar+float64(frames/int64(n)/largeShare) {
			t.Errorf("%d rooms, %d events of %d bytes: %.1f bytes beyond the frame", c.rooms, n,
				c.size, more)
		}
	}
}

func TestMemoryOfEmptyRooms(t *testing.T) {
	const n = 20_000
	s, _ := open(t, Options{})
	s.SetJournal(nil)
	before, counted := heap(), s.Memory()
	for i := range n {
		create(t, s, epoch, fmt.Sprintf("memory:room:%05d", i), Settings{})
	}
	s.Names("", "", 1)
	real, counted := (heap()-before)/n, (s.Memory()-counted)/n
	t.Logf("an empty room takes %d bytes of the heap, and is counted as %d", real, counted)
	if real > roomBar || counted > roomBar || counted < real/2 {
		t.Errorf("an empty room takes %d bytes of the heap, and is counted as %d", real, counted)
	}
	// What was used and is empty again is no larger by much: nothing is kept for later.
	publish(t, s, epoch, "memory:room:00007", 100)
	used := s.Memory()
	s.do(epoch, func(tx *Tx) { _, _ = tx.Trim([]byte("memory:room:00007"), 1000) })
	if now := s.Memory(); now >= used {
		t.Errorf("%d bytes with events, %d without", used, now)
	}
}

func TestMemoryOfSubscribers(t *testing.T) {
	const n = 20_000
	s, _ := open(t, Options{Shards: 1})
	s.SetJournal(nil)
	for i := range n / 50 {
		create(t, s, epoch, fmt.Sprint(i), Settings{})
	}
	before, counted := heap(), s.Memory()
	subs := make([]*Subscriber, n)
	wakes := new(bell)
	for i := range subs {
		subs[i] = &Subscriber{Waker: wakes}
		s.do(epoch, func(tx *Tx) {
			id := fmt.Appendf(nil, "subscriber:%05d", i)
			if _, err := tx.Subscribe(fmt.Append(nil, i/50), id, Tail(), subs[i]); err != nil {
				t.Fatal(err)
			}
		})
		if f, ok := s.Pull(subs[i], 1, nil); !ok || f.More {
			t.Fatal("it is not asleep")
		}
	}
	real, counted := (heap()-before)/n, (s.Memory()-counted)/n
	t.Logf("a subscriber takes %d bytes of the heap, and is counted as %d", real, counted)
	if real > subscriberBar || counted > subscriberBar {
		t.Errorf("a subscriber takes %d bytes of the heap, and is counted as %d", real, counted)
	}
	runtime.KeepAlive(subs)
}

// TestMemoryComesBack: rooms that shrink and go leave their memory to others.
func TestMemoryComesBack(t *testing.T) {
	s, _ := open(t, Options{Shards: 1})
	s.SetJournal(nil)
	fill(t, s, 300, 60_000, 200)
	full := s.Resident()
	s.do(epoch+1000, func(tx *Tx) {
		for i := range 300 {
			name := fmt.Appendf(nil, "memory:room:%05d", i)
			if _, err := tx.Trim(name, uint64(120+i%60)); err != nil {
				t.Fatal(err)
			}
		}
	})
	_, before := s.Totals()
	now := int64(epoch + 2000)
	for next := now; next == now || next < now+2000; next = s.Maintain(now, 1000) {
		now = next
	}
	s.sound(t)
	if got := s.Resident(); got > full*3/4 {
		t.Errorf("%d bytes are resident of %d, for half of the events", got, full)
	}
	if _, sum := s.Totals(); sum.Bytes != before.Bytes {
		t.Errorf("%d bytes of frames after moving, %d before", sum.Bytes, before.Bytes)
	}
	s.do(now, func(tx *Tx) {
		for i := range 300 {
			name := fmt.Appendf(nil, "memory:room:%05d", i)
			f, err := tx.Frames(name, uint64(120+i%60), 1<<20, nil)
			if err != nil || len(parse(t, f.Bytes)) != 200-120-i%60 {
				t.Fatalf("room %d: %d frames, %v", i, f.Events, err)
			}
			if err := tx.Delete(name); err != nil {
				t.Fatal(err)
			}
		}
	})
	if s.sound(t); s.Memory() > 1<<20 {
		t.Errorf("%d bytes without rooms", s.Memory())
	}
}

// TestMemoryOfTrimmedRoom: a room that was large is no larger than one that never was.
func TestMemoryOfTrimmedRoom(t *testing.T) {
	const kept = 10
	memory := func(events int) int64 {
		s, _ := open(t, Options{Shards: 1})
		s.SetJournal(nil)
		fill(t, s, 1, events, 1000)
		s.do(epoch+10_000, func(tx *Tx) {
			_, err := tx.Trim([]byte("memory:room:00000"), uint64(events-kept))
			if err != nil {
				t.Fatal(err)
			}
		})
		s.sound(t)
		r := s.shards[0].rooms["memory:room:00000"]
		return r.cost
	}
	if never, was := memory(2*kept), memory(20_000); was > 2*never {
		t.Errorf("%d bytes of the heap, %d in one that never was large", was, never)
	}
}
