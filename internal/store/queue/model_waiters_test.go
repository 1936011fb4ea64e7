package queue

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/effect"
)

// stand is where a waiter stands.
type stand int

const (
	away   stand = iota
	inLine       // parked, not woken
	called       // woken, and has not acted yet
)

// sleeper is a consumer that parks when there is nothing for it.
type sleeper struct {
	l        *standing
	at       Waiter
	stand    stand
	queue    string
	consumer string
	place    int    // in line: lower came earlier
	line     uint64 // incarnation of the queue: one made anew has a new line
	until    int64
	since    int64 // when it was woken
	could    bool  // be served, as of the last look
}

// Wake implements Waker.
func (p *sleeper) Wake() {
	if p.stand != inLine {
		p.l.wrong = fmt.Sprintf("%s of %s was woken while %d", p.consumer, p.queue, p.stand)
	}
	p.stand, p.since = called, p.l.w.now
	p.l.woken = append(p.l.woken, p)
}

// standing drives a model whose queues have consumers waiting.
type standing struct {
	*model
	sleepers []*sleeper
	woken    []*sleeper // by the present action
	places   int
	wrong    string
}

func newStanding(t *rapid.T) *standing {
	l := &standing{model: newModel(t, 2, 7)}
	l.refresh = l.waiting
	l.prepare(t)
	for i := range 6 {
		p := &sleeper{l: l, consumer: fmt.Sprint("sleeper", i), queue: queueNames[i%3]}
		if rapid.Bool().Draw(t, "same queue") {
			p.queue = "a"
		}
		p.at.Waker = p
		l.sleepers = append(l.sleepers, p)
	}
	return l
}

// ask tries to take a message and parks in vain, as a parked command does when it is run again.
func (l *standing) ask(t *rapid.T, p *sleeper) {
	d := &Deliver{Consumer: []byte(p.consumer), Count: 1}
	took, parked, over := false, false, false
	until := l.w.now + rapid.SampledFrom([]int64{1, 100, 5000}).Draw(t, "wait")
	if rapid.Bool().Draw(t, "forever") {
		until = math.MaxInt64
	}
	if p.stand == called {
		until = p.until // as of the same command
		over = until <= l.w.now
	}
	l.locked(func(tx *Tx) {
		got := tx.Deliver([]byte(p.queue), d, nil)
		l.observe(t, tx)
		want := l.w.deliver(p.queue, d)
		if took = len(got) > 0; len(got) != len(want) || took && got[0].ID != want[0].ID {
			t.Fatalf("%s of %s took %d messages, want %d, or another one", p.consumer, p.queue,
				len(got), len(want))
		}
		for i, v := range got {
			l.fresh(t, v.Token)
			want[i].Token = v.Token
			l.taken = append(l.taken, Lease{v.ID, v.Token, d.Consumer})
		}
		if took || over {
			return
		}
		if parked = tx.Park([]byte(p.queue), d.Consumer, &p.at, until); parked {
			if made := l.w.queues[p.queue].made; p.stand == away || p.line != made {
				l.places++
				p.place, p.line = l.places, made
			}
			p.stand, p.until = inLine, until
		}
	}, p.queue)
	if parked == (took || over || l.w.queues[p.queue] == nil) {
		t.Fatalf("%s of %s: took %v, parked %v", p.consumer, p.queue, took, parked)
	}
	if !parked {
		l.leave(p)
	}
}

// leave gives a place up.
func (l *standing) leave(p *sleeper) {
	p.stand = away
	l.s.Unpark(&p.at)
}

func (l *standing) some(stands ...stand) func(t *rapid.T, f func(*sleeper)) {
	return func(t *rapid.T, f func(*sleeper)) {
		list := slices.DeleteFunc(slices.Clone(l.sleepers), func(p *sleeper) bool {
			return !slices.Contains(stands, p.stand)
		})
		if len(list) > 0 {
			f(list[rapid.IntRange(0, len(list)-1).Draw(t, "sleeper")])
		}
	}
}

// free is how many messages p's consumer may still take, those in whose way others are counted.
func (l *standing) free(p *sleeper, late bool) bool {
	q := l.w.queues[p.queue]
	if q == nil || q.set.Paused {
		return false
	}
	holds, _ := q.leases(p.consumer, 0)
	for _, o := range l.sleepers {
		if o.queue != p.queue || o.stand != called {
			continue
		}
		if o.consumer == p.consumer {
			holds++
		} else if q.set.SingleActive {
			return false // it may become the active one
		}
	}
	if q.set.Prefetch > 0 && holds >= int(q.set.Prefetch) {
		return false
	}
	return !q.set.SingleActive || q.active == "" || q.active == p.consumer ||
		q.claim(l.w.now) <= l.w.now && late
}

func (l *standing) look(t *rapid.T, late bool) {
	if l.wrong != "" {
		t.Fatalf("%s", l.wrong)
	}
	l.inOrder(t)
	l.woken = nil
	for name, q := range l.w.queues {
		ready, calls := 0, 0
		for n := range q.messages {
			if n.State == effect.Ready && (n.Expires == 0 || n.Expires > l.w.now) {
				ready++
			}
		}
		for _, p := range l.sleepers {
			if p.queue == name && p.stand == called && (!late || p.since+markPause > l.w.now) {
				calls++
			}
		}
		for _, p := range l.sleepers {
			if p.queue != name || p.stand != inLine {
				continue
			}
			if p.could = l.free(p, late); p.could && ready > calls {
				t.Fatalf("%s of %s sleeps, %d messages are ready, only %d were woken",
					p.consumer, name, ready, calls)
			}
		}
	}
	for _, p := range l.sleepers {
		if l.w.queues[p.queue] == nil && p.stand == inLine {
			t.Fatalf("%s sleeps although %s is gone", p.consumer, p.queue)
		}
		if p.stand == inLine && (l.next == 0 || p.until < l.next) && !l.alarmed &&
			p.until != math.MaxInt64 {
			t.Fatalf("%s waits until %d, Maintain said %d, and there was no alarm",
				p.consumer, p.until-epoch, l.next-epoch)
		}
	}
}

// inOrder: nobody was woken for a message before one who came earlier and could be served.
func (l *standing) inOrder(t *rapid.T) {
	for _, p := range l.woken {
		if p.until <= l.w.now || l.w.queues[p.queue] == nil {
			continue
		}
		for _, o := range l.sleepers {
			if o.queue == p.queue && o.stand == inLine && o.could && l.free(o, false) &&
				o.place < p.place {
				t.Fatalf("%s of %s was woken, in place %d, before %s in place %d",
					p.consumer, p.queue, p.place, o.consumer, o.place)
			}
		}
	}
}

// waiting tells the twin who the active consumers are, which wakes decide, too, and how long they
// stay it because they wait, or were woken and have not come yet.
func (l *standing) waiting() {
	for name, q := range l.w.queues {
		own := l.s.shardOf([]byte(name)).queues[name]
		q.active, q.asked, q.waiting = own.active, own.asked, 0
		if own.line == nil {
			continue
		}
		for _, m := range own.line.marks {
			if m.hash == l.s.hashOf([]byte(q.active)) && m.until > l.w.now {
				q.waiting = m.until
			}
		}
		for w := own.line.first; w != nil; w = w.next {
			if string(w.consumer) == q.active {
				q.waiting = math.MaxInt64
			}
		}
	}
}

func TestNoWakeIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newStanding(t)
		actions := map[string]func(*rapid.T){}
		for name, action := range l.actions() {
			actions[name] = func(t *rapid.T) {
				l.waiting()
				action(t)
			}
		}
		for _, name := range []string{"deliver0", "deliver1", "nack1"} {
			delete(actions, name)
		}
		ask := func(stands ...stand) func(*rapid.T) {
			return func(t *rapid.T) {
				l.waiting()
				l.some(stands...)(t, func(p *sleeper) { l.ask(t, p) })
			}
		}
		actions["ask"], actions["ask1"], actions["ask2"] = ask(away), ask(away), ask(away, called)
		actions["answer"], actions["answer1"] = ask(called), ask(called)
		actions["leave"] = func(t *rapid.T) { l.some(inLine, called)(t, l.leave) }
		actions["late"] = func(t *rapid.T) {
			l.maintain(t)
			for _, p := range l.sleepers {
				if p.stand == inLine && p.until <= l.w.now {
					t.Fatalf("%s sleeps past %d", p.consumer, p.until-epoch)
				}
			}
			l.waiting()
			l.look(t, true)
		}
		actions[""] = func(t *rapid.T) {
			l.waiting()
			l.look(t, false)
		}
		long(t, actions)
		l.waiting()
		l.settle(t)
		l.locked(func(tx *Tx) { l.compareViews(t, tx) })
	})
}

// knock counts the wakes of a waiter.
type knock int

func (k *knock) Wake() { *k++ }

// TestSilenceHoldsNobodyUp: a message goes to the next in line when the one who was woken for it
// does not come, and when the only active consumer has not asked for as long as a lease lasts.
func TestSilenceHoldsNobodyUp(t *testing.T) {
	a, first, second := []byte("a"), []byte("first"), []byte("second")
	for _, single := range []bool{false, true} {
		s, now := modelStore(t, 1, 7), int64(epoch)
		var wakes [2]knock
		waiters := [2]Waiter{{Waker: &wakes[0]}, {Waker: &wakes[1]}}
		ask := func(i int, consumer []byte) (got int) {
			lockedAt(s, now, func(tx *Tx) {
				got = len(tx.Deliver(a, &Deliver{Consumer: consumer, Count: 1}, nil))
				if got == 0 && !tx.Park(a, consumer, &waiters[i], math.MaxInt64) {
					t.Error("the queue is gone")
				}
			}, "a")
			return got
		}
		publish := func(tx *Tx) { _, _ = tx.Publish(a, &Message{Priority: -1, MaxRetries: -1}) }
		lockedAt(s, now, func(tx *Tx) {
			_, _ = tx.Create(a, Settings{SingleActive: single, AckDeadline: 3000})
		}, "a")
		_ = ask(0, first) // parks
		lockedAt(s, now, publish, "a")
		if wakes[0] != 1 {
			t.Fatalf("woken %d times by a message", wakes[0])
		}
		if single { // it may have what another one made ready, but does not come for it
			if got := ask(1, second); got != 0 {
				t.Fatalf("%d messages beside the active consumer", got)
			}
		} else {
			lockedAt(s, now, func(tx *Tx) {
				if !tx.Park(a, second, &waiters[1], math.MaxInt64) {
					t.Error("the queue is gone")
				}
			}, "a")
		}
		for i := 0; wakes[1] == 0 && i < 100; i++ {
			next := s.Maintain(now, 1000)
			if wakes[1] == 0 && next == 0 {
				t.Fatalf("nothing is ever due, and the second one waits (single %v)", single)
			}
			now = max(now, next)
		}
		if got := ask(1, second); got != 1 || now > epoch+10_000 {
			t.Errorf("%d messages after %d ms (single %v)", got, now-epoch, single)
		}
	}
}
