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
