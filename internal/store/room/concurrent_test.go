package room

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// gate is the waker of a goroutine: a wake is not lost if nobody waits yet.
type gate chan struct{}

func (g gate) Wake() {
	select {
	case g <- struct{}{}:
	default:
	}
}

// TestEverySubscriberGetsEveryEvent: rooms with writers, each event of which reaches each
// subscriber once and in order, while others create, delete, read, export and maintain.
func TestEverySubscriberGetsEveryEvent(t *testing.T) {
	const rooms, writers, events, fan = 3, 2, 400, 8
	s, _ := open(t, Options{Shards: 2, HardEvents: 1 << 20,
		Defaults: Settings{MaxEvents: 50, MaxAge: None}})
	s.SetJournal(nil)
	names := make([][]byte, rooms)
	for i := range names {
		names[i] = fmt.Appendf(nil, "room%d", i)
		create(t, s, epoch, string(names[i]), Settings{})
	}
	var readers, others sync.WaitGroup
	for _, name := range names {
		for range fan {
			g := make(gate, 1)
			sub := subscribe(t, s, string(name), At(0), g)
			readers.Add(1)
			go func() {
				defer readers.Done()
				follow(t, s, sub, g, string(name), writers*events)
			}()
		}
	}
	var stop atomic.Bool
	for i, f := range []func(i int){
		func(i int) { s.Maintain(epoch+int64(i), 100) },
		func(int) {
			for x := new(snapshot); !x.done; {
				x.slice(s)
			}
		},
		func(i int) { come(t, s, i) },
		func(int) { s.Names("", "", 10); s.Totals(); s.Memory(); s.Resident() },
	} {
		others.Add(1)
		go func() {
			defer others.Done()
			for n := 0; !stop.Load(); n++ {
				f(n*4 + i)
			}
		}()
	}
	var writing sync.WaitGroup
	for w := range writers {
		writing.Add(1)
		go func() {
			defer writing.Done()
			for i := range events {
				s.write(t, names, w, i)
			}
		}()
	}
	writing.Wait()
	readers.Wait()
	stop.Store(true)
	others.Wait()
	s.sound(t)
}

// write publishes one event to each room, in one Tx.
func (s *Store) write(t *testing.T, names [][]byte, writer, i int) {
	var tx Tx
	s.Begin(&tx, epoch+int64(i))
	for _, name := range names {
		tx.Declare(name)
	}
	tx.Lock()
	defer tx.Unlock()
	if i%5 == 0 {
		tx.Atomic()
		for _, name := range names {
			if _, err := tx.Publish(name, &Event{Name: []byte("never")}); err != nil {
				t.Error(err)
			}
		}
		tx.Rollback()
	}
	for _, name := range names {
		e := Event{Name: fmt.Append(nil, "writer", writer), Data: fmt.Append(nil, i)}
		if _, err := tx.Publish(name, &e); err != nil {
			t.Error(err)
		}
	}
}

// follow reads until it has seen so many events, sleeping in between.
func follow(t *testing.T, s *Store, sub *Subscriber, g gate, room string, events int) {
	next := uint64(0)
	last := map[string]string{}
	for int(next) < events {
		f, ok := s.Pull(sub, 500, nil)
		if !ok || f.Gap.Exists() {
			t.Errorf("the room is gone, or %v lost", f.Gap)
			return
		}
		for _, e := range parse(t, f.Bytes) {
			if e.Offset != next || e.Room != room {
				t.Errorf("event %d of room %s instead of %d", e.Offset, e.Room, next)
				return
			}
			var before, now int
			_, _ = fmt.Sscan(last[e.Event], &before)
			if _, err := fmt.Sscan(string(e.Data), &now); err != nil || now < before {
				t.Errorf("data %q of %s after %d", e.Data, e.Event, before)
			}
			last[e.Event] = string(e.Data)
			next++
		}
		if !f.More && int(next) < events {
			<-g
		}
	}
	if len(last) != 2 {
		t.Errorf("events of %v", last)
	}
	s.Unsubscribe(sub, epoch)
}

// come makes a room, uses it a little, and deletes it under a subscriber.
func come(t *testing.T, s *Store, i int) {
	name := fmt.Appendf(nil, "passing%d", i%3)
	g := make(gate, 1)
	sub := &Subscriber{Waker: g}
	s.do(epoch, func(tx *Tx) {
		if _, err := tx.GetOrCreate(name, Settings{MaxEvents: 3}); err != nil {
			t.Error(err)
		}
		if _, err := tx.Subscribe(name, nil, Tail(), sub); err != nil {
			t.Error(err)
		}
	})
	s.Pull(sub, 100, nil)
	publish(t, s, epoch, string(name), 5)
	<-g
	if f, ok := s.Pull(sub, 1<<10, nil); !ok || !f.Gap.Exists() && f.Events == 0 {
		t.Errorf("%+v, %v after a wake", f, ok)
	}
	for more := true; more; {
		f, _ := s.Pull(sub, 1<<10, nil)
		more = f.More
	}
	s.do(epoch, func(tx *Tx) { _ = tx.Delete(name) })
	<-g
	if _, ok := s.Pull(sub, 1, nil); ok {
		t.Error("the room is there after its end")
	}
}
