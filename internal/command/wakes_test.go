package command

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// bell is a connection: it counts how often it was woken.
type bell struct{ rings atomic.Int64 }

func (b *bell) Wake() { b.rings.Add(1) }

// TestWakesAgainstAModel has one goroutine do anything: each woken one is taken once, in the order
// of the first wakes, and the forgotten never.
func TestWakesAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b bell
		w := Wakes[int]{Waker: &b}
		var all []Waker
		gone := map[int]bool{}
		var want []int
		rings := int64(0)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(*rapid.T) { all = append(all, w.Add(len(all))) },
			"wake": func(t *rapid.T) {
				if len(all) == 0 {
					return
				}
				i := rapid.IntRange(0, len(all)-1).Draw(t, "which")
				all[i].Wake()
				if !gone[i] && !slices.Contains(want, i) {
					want = append(want, i)
					rings++
				}
			},
			"forget": func(t *rapid.T) {
				if len(all) == 0 {
					return
				}
				i := rapid.IntRange(0, len(all)-1).Draw(t, "which")
				w.Forget(all[i])
				gone[i] = true
				want = slices.DeleteFunc(want, func(j int) bool { return i == j })
			},
			"take": func(t *rapid.T) {
				if got := w.Take([]int{-1}); !slices.Equal(got, append([]int{-1}, want...)) {
					t.Fatalf("took %v, want %v", got, want)
				}
				want = nil
			},
			"": func(t *rapid.T) {
				if got := b.rings.Load(); got != rings {
					t.Fatalf("%d wakes of the connection, want %d", got, rings)
				}
			},
		})
	})
}

// TestNoWakeIsLostOrDoubled has many goroutines hand over work as connections do: first the work,
// then the wake. A connection that takes only when it was woken must find all of it, and whoever is
// taken must have been woken since he was last taken.
func TestNoWakeIsLostOrDoubled(t *testing.T) {
	const wakers, each = 8, 5000
	come := make(chan struct{}, 1)
	type task struct {
		work, wakes atomic.Int64
		done, taken int64
	}
	tasks := make([]task, wakers)
	w := Wakes[int]{Waker: wakeFunc(func() {
		select {
		case come <- struct{}{}:
		default:
		}
	})}
	var all sync.WaitGroup
	for i := range tasks {
		waker := w.Add(i)
		for range 2 { // a queue and a timer, say
			all.Go(func() {
				for range each {
					tasks[i].work.Add(1)
					tasks[i].wakes.Add(1)
					waker.Wake()
				}
			})
		}
	}
	var total int64
	var taken []int
	for total < wakers*2*each {
		<-come // a lost wake hangs here
		taken = w.Take(taken[:0])
		seen := map[int]bool{}
		for _, i := range taken {
			k := &tasks[i]
			if k.taken++; seen[i] || k.taken > k.wakes.Load() {
				t.Fatalf("task %d was taken %d times, woken %d times", i, k.taken, k.wakes.Load())
			}
			seen[i] = true
			n := k.work.Swap(0)
			k.done += n
			total += n
		}
	}
	all.Wait()
	if rest := w.Take(nil); len(rest) > wakers {
		t.Errorf("%d wakes are left of %d", len(rest), wakers)
	}
	if rest := w.Take(nil); len(rest) != 0 {
		t.Errorf("taken twice: %v", rest)
	}
}

type wakeFunc func()

func (f wakeFunc) Wake() { f() }

// After a burst nobody pays for the places of those who were woken.
func TestWakesKeepNoPlaces(t *testing.T) {
	var b bell
	w := Wakes[int]{Waker: &b}
	for range 3 {
		for i := range 1000 {
			w.Add(i).Wake()
		}
		if got := w.Take(nil); len(got) != 1000 {
			t.Fatalf("took %d", len(got))
		}
		if cap(w.woken)+cap(w.spare) > 2*keepWakes {
			t.Fatalf("%d and %d places are kept", cap(w.woken), cap(w.spare))
		}
	}
}
