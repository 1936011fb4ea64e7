package queue

import (
	"fmt"
	"math"
	"testing"
)

// TestSilenceInALineHoldsNobodyUp: of two who wait the first is woken for the only message and does
// not come. Nothing else happens in the queue, and yet the second is woken.
func TestSilenceInALineHoldsNobodyUp(t *testing.T) {
	q := newBench(t, Settings{})
	var wakes [2]knock
	waiters := [2]Waiter{{Waker: &wakes[0]}, {Waker: &wakes[1]}}
	for i := range waiters {
		q.do(func(tx *Tx) { tx.Park(q.name, fmt.Append(nil, i), &waiters[i], math.MaxInt64) })
	}
	_, _ = q.publish(plain("x"))
	if wakes != [2]knock{1, 0} {
		t.Fatalf("woken %v times", wakes)
	}
	q.rest()
	q.now += markPause
	q.s.Maintain(q.now, 1000)
	if wakes != [2]knock{1, 1} {
		t.Errorf("woken %v times", wakes)
	}
}

// TestLinesSurviveAClockThatRanAhead: it went back by an hour while one was woken who does not
// come, and while the active consumer was silent: neither holds others up for that hour.
func TestLinesSurviveAClockThatRanAhead(t *testing.T) {
	for _, single := range []bool{false, true} {
		q := newBench(t, Settings{SingleActive: single, AckDeadline: 3000})
		var wakes [2]knock
		waiters := [2]Waiter{{Waker: &wakes[0]}, {Waker: &wakes[1]}}
		q.now += 3600_000
		for i := range waiters {
			q.do(func(tx *Tx) { tx.Park(q.name, fmt.Append(nil, i), &waiters[i], math.MaxInt64) })
		}
		_, _ = q.publish(plain("x"))
		q.now = start
		for i := 0; wakes[1] == 0 && i < 10; i++ {
			q.do(func(tx *Tx) { _ = tx.Update(q.name, func(*Settings) {}) })
			q.now += 1000
		}
		if wakes != [2]knock{1, 1} {
			t.Errorf("woken %v times (single %v)", wakes, single)
		}
	}
}

// TestManyExpiredInTheWay: one Deliver removes only so many expired messages, and whoever waits
// gets what stands behind them.
func TestManyExpiredInTheWay(t *testing.T) {
	q := newBench(t, Settings{MaxDepth: most})
	m := plain("x")
	m.TTL = 10
	for range mostExpired + 1000 {
		_, _ = q.publish(m)
	}
	p, _ := q.publish(plain("y"))
	q.now += 100
	c := []byte("c")
	var wakes knock
	w := Waiter{Waker: &wakes}
	var got []View
	for asked := knock(0); len(got) == 0 && asked < 100; asked++ {
		q.do(func(tx *Tx) {
			got = tx.Deliver(q.name, &Deliver{Consumer: c}, nil)
			if st, _ := tx.Stats(q.name); asked == 0 && (len(got) > 0 || st.Depth == 0) {
				t.Errorf("%d messages after %d of them", len(got), st.Expired)
			}
			if len(got) == 0 && !tx.Park(q.name, c, &w, math.MaxInt64) {
				t.Error("the queue is gone")
			}
		})
		for i := 0; len(got) == 0 && wakes == asked; i++ {
			if next := q.s.Maintain(q.now, 1000); next != q.now || i == 1000 {
				break
			}
		}
	}
	if len(got) != 1 || got[0].ID != p.ID {
		t.Errorf("%+v, woken %d times", got, wakes)
	}
	q.rest()
	checkInvariants(t, q.s)
}
