package command

import "sync"

// Wakes lets several things wait on one connection: each has a Waker of its own, which remembers
// who was woken and wakes the connection. Set Waker before the first Add.
type Wakes[T any] struct {
	Waker Waker

	mu    sync.Mutex
	woken []*wake[T]
	spare []*wake[T] // places for woken, none of them in use
}

// keepWakes is how many places for those woken are kept when there is nobody woken.
const keepWakes = 16

// wake is the Waker of one of them.
type wake[T any] struct {
	all  *Wakes[T]
	of   T
	in   bool // woken, and not taken since
	gone bool
}

// Add makes the Waker of v. Forget it in the end.
func (w *Wakes[T]) Add(v T) Waker { return &wake[T]{all: w, of: v} }

// Wake may be called from any goroutine: see Waker.
func (k *wake[T]) Wake() {
	w := k.all
	w.mu.Lock()
	first := !k.in && !k.gone
	if first {
		k.in = true
		w.woken = append(w.woken, k)
	}
	w.mu.Unlock()
	if first {
		w.Waker.Wake()
	}
}

// Take appends those woken since the last Take to dst, in that order, each once.
func (w *Wakes[T]) Take(dst []T) []T {
	w.mu.Lock()
	woken := w.woken
	w.woken, w.spare = w.spare, nil
	for _, k := range woken {
		if k.in = false; !k.gone {
			dst = append(dst, k.of)
		}
	}
	if cap(woken) <= keepWakes {
		clear(woken)
		w.spare = woken[:0]
	}
	w.mu.Unlock()
	return dst
}

// Forget has a Waker of Add do nothing any more.
func (w *Wakes[T]) Forget(k Waker) {
	if own, ok := k.(*wake[T]); ok {
		w.mu.Lock()
		own.gone = true
		w.mu.Unlock()
	}
}
