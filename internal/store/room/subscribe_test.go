package room

import (
	"testing"
)

func subscribe(t *testing.T, s *Store, name string, from Start, w Waker) *Subscriber {
	t.Helper()
	sub := &Subscriber{Waker: w}
	s.do(epoch, func(tx *Tx) {
		if _, err := tx.Subscribe([]byte(name), []byte("me"), from, sub); err != nil {
			t.Fatal(err)
		}
	})
	return sub
}

// asleep pulls what there is.
func asleep(t *testing.T, s *Store, sub *Subscriber) (events int) {
	t.Helper()
	for {
		f, ok := s.Pull(sub, 1<<10, nil)
		if !ok {
			t.Fatal("the room is gone")
		}
		events += len(parse(t, f.Bytes))
		if !f.More {
			return events
		}
	}
}

// A subscriber is woken once after it has been told that there is no more, whatever comes then.
func TestOneWakeForManyEvents(t *testing.T) {
	s, _ := open(t, Options{})
	create(t, s, epoch, "r", Settings{})
	b := new(bell)
	sub := subscribe(t, s, "r", At(0), b)
	publish(t, s, epoch, "r", 5)
	if b.rung != 0 {
		t.Error("woken though it was told nothing yet")
	}
	if n := asleep(t, s, sub); n != 5 {
		t.Errorf("%d events", n)
	}
	publish(t, s, epoch, "r", 7)
	if b.rung != 1 {
		t.Errorf("woken %d times by the first events", b.rung)
	}
	if n := asleep(t, s, sub); n != 7 {
		t.Errorf("%d events", n)
	}
	asleep(t, s, sub) // once more: it stays one place in the list
	s.do(epoch, func(tx *Tx) {
		tx.Atomic()
		if _, err := tx.Publish([]byte("r"), &Event{Name: []byte("e")}); err != nil {
			t.Fatal(err)
		}
		tx.Rollback()
	})
	if b.rung != 1 {
		t.Error("woken by what never happened")
	}
	publish(t, s, epoch, "r", 1)
	if b.rung != 2 {
		t.Errorf("woken %d times", b.rung)
	}
	s.sound(t)
}

// Wakes come when nothing is locked: the woken may use the store at once.
type eager struct {
	s    *Store
	sub  *Subscriber
	seen int
}

func (e *eager) Wake() {
	f, _ := e.s.Pull(e.sub, 1<<10, nil)
	e.seen += f.Events
}

func TestWakesComeWithoutLocks(t *testing.T) {
	s, _ := open(t, Options{Shards: 1})
	create(t, s, epoch, "r", Settings{})
	e := &eager{s: s}
	e.sub = subscribe(t, s, "r", Tail(), e)
	asleep(t, s, e.sub)
	publish(t, s, epoch, "r", 3)
	if e.seen != 3 {
		t.Errorf("%d events seen", e.seen)
	}
}

// Subscribers of one connection, or loop, that sleep side by side are woken by one call.
func TestSharedWaker(t *testing.T) {
	s, _ := open(t, Options{})
	create(t, s, epoch, "r", Settings{})
	one, other := new(bell), new(bell)
	for range 20 {
		asleep(t, s, subscribe(t, s, "r", Tail(), one))
	}
	asleep(t, s, subscribe(t, s, "r", Tail(), other))
	publish(t, s, epoch, "r", 1)
	if one.rung != 1 || other.rung != 1 {
		t.Errorf("%d and %d wakes", one.rung, other.rung)
	}
}

// Who sleeps when its room is deleted, replaced or cleared is woken; everybody learns of it.
func TestRoomGone(t *testing.T) {
	for what, end := range map[string]func(s *Store){
		"deleted": func(s *Store) { s.do(epoch, func(tx *Tx) { _ = tx.Delete([]byte("r")) }) },
		"cleared": func(s *Store) { s.Clear() },
		"replaced": func(s *Store) {
			other, j := open(t, Options{})
			for range 2 {
				create(t, other, epoch, "r", Settings{})
				other.do(epoch, func(tx *Tx) { _ = tx.Delete([]byte("r")) })
			}
			create(t, other, epoch, "r", Settings{})
			j.replay(t, s, len(j.records)-1)
		},
	} {
		s, _ := open(t, Options{})
		create(t, s, epoch, "r", Settings{})
		b := new(bell)
		sleeping, awake := subscribe(t, s, "r", Tail(), b), subscribe(t, s, "r", Tail(), b)
		ended := subscribe(t, s, "r", Tail(), b)
		asleep(t, s, sleeping)
		asleep(t, s, ended)
		s.Unsubscribe(ended, epoch)
		if end(s); b.rung != 1 {
			t.Errorf("%s: woken %d times", what, b.rung)
		}
		if _, ok := s.Pull(sleeping, 1, nil); ok {
			t.Errorf("%s: the sleeper still has a room", what)
		}
		if _, ok := s.Seek(awake, At(0)); ok {
			t.Errorf("%s: the other still has a room", what)
		}
		s.do(epoch, func(tx *Tx) {
			if tx.Await(awake, 0) {
				t.Errorf("%s: it has a room after being told", what)
			}
		})
		s.Unsubscribe(sleeping, epoch)
		s.Unsubscribe(awake, epoch)
		if what != "replaced" {
			create(t, s, epoch, "r", Settings{})
		}
		again := subscribe(t, s, "r", At(0), b)
		asleep(t, s, again)
		publish(t, s, epoch, "r", 1)
		if b.rung != 2 || asleep(t, s, again) != 1 {
			t.Errorf("%s: the new room does not wake", what)
		}
		s.sound(t)
	}
}

// Subscribers come and go in any order; the others are woken all the same.
func TestSubscribersComeAndGo(t *testing.T) {
	s, _ := open(t, Options{})
	create(t, s, epoch, "r", Settings{})
	const n = 200
	subs, bells := make([]*Subscriber, n), make([]bell, n)
	for i := range subs {
		subs[i] = subscribe(t, s, "r", Tail(), &bells[i])
		if i%3 > 0 {
			asleep(t, s, subs[i])
		}
	}
	for i := 0; i < n; i += 2 {
		s.Unsubscribe(subs[i], epoch)
		s.Unsubscribe(subs[i], epoch) // does nothing
		if _, ok := s.Pull(subs[i], 1, nil); ok {
			t.Errorf("subscriber %d, which is gone, gets something", i)
		}
		if _, ok := s.Seek(subs[i], Tail()); ok {
			t.Errorf("subscriber %d, which is gone, goes on", i)
		}
	}
	s.sound(t)
	publish(t, s, epoch, "r", 2)
	for i := range subs {
		if want := i % 2 * min(i%3, 1); bells[i].rung != want {
			t.Errorf("subscriber %d was woken %d times, not %d", i, bells[i].rung, want)
		}
		if i%2 == 1 {
			if got := asleep(t, s, subs[i]); got != 2 {
				t.Errorf("subscriber %d got %d events", i, got)
			}
		}
	}
	for i := 1; i < n-2; i += 2 {
		s.Unsubscribe(subs[i], epoch)
	}
	s.sound(t)
	if st := stats(t, s, "r"); st.Subscribers != 1 {
		t.Errorf("%d subscribers", st.Subscribers)
	}
	s.Unsubscribe(subs[n-1], epoch)
	if s.sound(t); s.shardOf([]byte("r")).rooms["r"].audience != nil {
		t.Error("lists are kept for nobody")
	}
}
