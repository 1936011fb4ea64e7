package pubsub_test

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/synapdb/synap/internal/store/pubsub"
)

const (
	racePublishers = 3
	raceMessages   = 4000 // of each
)

// race is a hub under load. Properties that are verified:
//
//  1. a subscriber that is subscribed throughout gets every message, each publisher's in order,
//     by whatever it is subscribed with, whatever others do to the same targets and groups;
//  2. nothing is put into an outbox for a subscription after its Unsubscribe has returned;
//  3. a wake is not lost: a subscriber that drains only when it was woken gets everything;
//  4. one that was ended for being slow is subscribed to nothing when it is woken for that.
type race struct {
	t      *testing.T
	h      *pubsub.Hub
	done   atomic.Bool // publishing is over
	others sync.WaitGroup
}

func (r *race) publish(publisher int) {
	for i := range raceMessages {
		m := &pubsub.Message{Topic: fmt.Appendf(nil, "race.%d.x", i%7)}
		m.Payload = binary.BigEndian.AppendUint64(nil, uint64(publisher)<<32|uint64(i))
		if n, _ := r.h.Publish(m); n < 1 {
			r.t.Errorf("message %d of publisher %d matched nobody", i, publisher)
			return
		}
	}
}

// signal is a waker that a goroutine can wait for.
type signal chan struct{}

func (s signal) Wake() {
	select {
	case s <- struct{}{}:
	default: // one is under way
	}
}

// follow drains whenever it is woken until it has everything.
func (r *race) follow(sub *pubsub.Subscriber, wake signal, perMessage int) {
	var next [racePublishers]int
	var buf []pubsub.Delivery
	for got := 0; got < racePublishers*raceMessages*perMessage; {
		<-wake
		for more := true; more; {
			buf, more = sub.Drain(buf[:0], 100)
			for _, d := range buf {
				n := binary.BigEndian.Uint64(d.Message.Payload)
				if p, i := n>>32, int(n&0xffffffff); next[p]/perMessage != i {
					r.t.Errorf("message %d of publisher %d instead of %d", i, p, next[p]/perMessage)
					r.done.Store(true)
					return
				}
				next[n>>32]++
			}
			got += len(buf)
		}
	}
}

// churn subscribes and unsubscribes without end.
func (r *race) churn(g *pubsub.Group, seed int) {
	sub := &pubsub.Subscriber{Each: seed%2 == 0}
	if err := r.h.Open(sub, nil, g); err != nil {
		r.t.Error(err)
		return
	}
	var buf []pubsub.Delivery
	for i := 0; !r.done.Load(); i++ {
		name := []byte([]string{"race.1.x", "race.*.x", "race.#", "race.2.*", "#"}[i%5])
		globs := [][]byte{[]byte("race*"), fmt.Appendf(nil, "race.%d*", i%7)}
		if _, err := r.h.Subscribe(sub, 1, name, fmt.Appendf(nil, "race.%d*.x", i)); err != nil {
			r.t.Error(err)
			return
		}
		r.h.PSubscribe(sub, globs...)
		if i%3 == 0 {
			r.h.UnsubscribeAll(sub)
		} else {
			r.h.PUnsubscribe(sub, globs...)
			r.h.Unsubscribe(sub, name, fmt.Appendf(nil, "race.%d*.x", i))
		}
		buf, _ = sub.Drain(buf[:0], 1<<30)
		if i%2 == 0 {
			r.h.Stats() // some time passes
		}
		if n := sub.Waiting(); n > 0 {
			r.t.Errorf("%d messages after everything was unsubscribed", n)
			return
		}
		if i%10 == 9 {
			r.h.Close(sub)
			sub = new(pubsub.Subscriber)
			if err := r.h.Open(sub, nil, g); err != nil {
				r.t.Error(err)
				return
			}
		}
	}
	r.h.Close(sub)
}

// dawdle takes nothing, is ended for that, and comes again.
func (r *race) dawdle(g *pubsub.Group, patient bool) {
	for !r.done.Load() {
		wake := make(signal, 1)
		sub := &pubsub.Subscriber{Waker: wake, Each: patient, Patient: patient}
		if err := r.h.Open(sub, nil, g); err != nil {
			r.t.Error(err)
			return
		}
		sub.Stall(true)
		for _, name := range []string{"race.#", "race.1.x", "race.*.x"} {
			subscribe(r.t, r.h, sub, name)
		}
		r.h.PSubscribe(sub, []byte("race*"))
		for over := false; !over && !r.done.Load(); runtime.Gosched() {
			select {
			case <-wake:
				over = sub.Ended() != pubsub.NotEnded
			default:
			}
		}
		if n := sub.Count(); n > 0 && !r.done.Load() {
			r.t.Errorf("a subscriber that was ended has %d subscriptions", n)
		}
		r.h.Close(sub)
	}
}

// register takes ids over and gives them back.
func (r *race) register(g *pubsub.Group) {
	for i := 0; !r.done.Load(); i++ {
		id := fmt.Appendf(nil, "id%d", i%3)
		if _, err := r.h.Register(id, 1, []byte("race.3.x"), []byte("race.*.*")); err != nil {
			r.t.Error(err)
			return
		}
		sub := new(pubsub.Subscriber)
		if r.h.Open(sub, id, g) == nil {
			if n := sub.Count(); n != 0 && n != 2 {
				r.t.Errorf("%d subscriptions were taken over", n)
			}
			r.h.Close(sub)
		}
		r.h.UnsubscribeID(id)
	}
}

func TestPublishersAndChurn(t *testing.T) {
	h := pubsub.New(pubsub.Options{Burst: 1 << 20, Routes: 4, IdleTopics: 2})
	r := &race{t: t, h: h}
	var followers, publishers sync.WaitGroup
	groups := []*pubsub.Group{h.NewGroup(nil), h.NewGroup(nil)}
	for i := range 4 {
		wake := make(signal, 1)
		sub, per := &pubsub.Subscriber{Waker: wake, Each: i == 3}, 1
		g := groups[i%2]
		if i == 2 {
			g = h.NewGroup(wake)
		}
		if err := h.Open(sub, nil, g); err != nil {
			t.Fatal(err)
		}
		subscribe(t, h, sub, []string{"race.#", "race.*.x", "#", "*.*.x"}[i])
		switch i {
		case 1: // by several, but once
			for n := range 7 {
				subscribe(t, h, sub, fmt.Sprintf("race.%d.x", n))
			}
		case 3: // as often as it matches
			h.PSubscribe(sub, []byte("race*"))
			per = 2
		}
		followers.Go(func() {
			if i == 2 {
				r.followGroup(g, sub, wake)
				return
			}
			r.follow(sub, wake, per)
		})
	}
	for i := range 3 {
		r.others.Go(func() { r.churn(groups[i%2], i) })
	}
	r.others.Go(func() { r.register(groups[0]) })
	r.others.Go(func() { r.dawdle(groups[0], false) })
	r.others.Go(func() { r.dawdle(groups[1], true) })
	for p := range racePublishers {
		publishers.Go(func() { r.publish(p) })
	}
	publishers.Wait()
	followers.Wait()
	r.done.Store(true)
	r.others.Wait()
	if s := h.Stats(); s.Dropped == 0 {
		t.Error("nobody was ended for being slow")
	}
}

// followGroup is follow as an event loop does it.
func (r *race) followGroup(g *pubsub.Group, sub *pubsub.Subscriber, wake signal) {
	inner := make(signal, 1)
	stop := make(chan struct{})
	var loop sync.WaitGroup
	loop.Go(func() {
		for {
			select {
			case <-wake:
				for range g.Ready(nil) {
					inner.Wake()
				}
			case <-stop:
				return
			}
		}
	})
	r.follow(sub, inner, 1)
	close(stop)
	loop.Wait()
}

func TestFramesAreSharedBetweenLoops(t *testing.T) {
	for range 200 {
		m := message("a")
		var frames [3][]byte
		var all sync.WaitGroup
		for i := range frames {
			all.Go(func() {
				frames[i] = m.Frame(0, func(*pubsub.Message) []byte { return []byte("frame") })
			})
		}
		all.Wait()
		if &frames[0][0] != &frames[1][0] || &frames[0][0] != &frames[2][0] {
			t.Fatal("a message has two frames of one dialect")
		}
	}
}
