package command

import (
	"container/heap"
	"sync"
)

// Waits are the moments at which commands that wait for events give up. The store of rooms knows no
// such moments, and nothing polls. It is safe for concurrent use; its zero value is ready.
type Waits struct {
	// Alarm, unless nil, is called when Maintain is to be called earlier than it said last. It must
	// not block.
	Alarm func()

	mu       sync.Mutex
	line     waitHeap
	promised int64 // when Maintain is to be called, ms since the Unix epoch; 0 = never
}

// add notes when w gives up, and whom to wake then.
func (s *Waits) add(w *roomWait, waker Waker, until int64) {
	s.mu.Lock()
	w.waker, w.until = waker, until
	if w.place != 0 {
		heap.Fix(&s.line, w.place-1)
	} else {
		heap.Push(&s.line, w)
	}
	// Who waits again and again waits longer each time: mostly nothing is to be said.
	earlier := s.promised == 0 || until < s.promised
	if earlier {
		s.promised = until
	}
	s.mu.Unlock()
	if earlier && s.Alarm != nil {
		s.Alarm()
	}
}

func (s *Waits) remove(w *roomWait) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.place != 0 {
		heap.Remove(&s.line, w.place-1)
	}
}

// Count is how many commands wait.
func (s *Waits) Count() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.line))
}

// Maintain wakes whose time is up at now (ms since the Unix epoch), and returns when it is to be
// called again; 0 = when somebody waits.
func (s *Waits) Maintain(now, _ int64) (next int64) {
	var due []Waker
	s.mu.Lock()
	for len(s.line) > 0 && s.line[0].until <= now {
		due = append(due, s.line[0].waker)
		heap.Pop(&s.line)
	}
	if len(s.line) > 0 {
		next = s.line[0].until
	}
	s.promised = next
	s.mu.Unlock()
	for _, w := range due {
		w.Wake()
	}
	return next
}

// waitHeap is a heap by until.
type waitHeap []*roomWait

func (h waitHeap) Len() int { return len(h) }

func (h waitHeap) Less(i, j int) bool { return h[i].until < h[j].until }

func (h waitHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i+1, j+1
}

// Push is part of heap.Interface.
func (h *waitHeap) Push(x any) {
	w, _ := x.(*roomWait)
	*h = append(*h, w)
	w.place = len(*h)
}

// Pop is part of heap.Interface.
func (h *waitHeap) Pop() any {
	last := len(*h) - 1
	w := (*h)[last]
	w.place = 0
	(*h)[last] = nil
	*h = (*h)[:last]
	return w
}
