package run

import "sync"

// Set is a changing number of short tasks of one kind inside a Group, such as one per slow
// connection. Unlike a Group it forgets a task that has ended.
type Set struct {
	mu struct {
		sync.Mutex
		stops  map[*func()]struct{}
		closed bool
	}
	ended sync.WaitGroup
	quit  chan struct{}
}

// Set makes an empty set called name, stopped with the group: every task's stop is called, then
// all tasks are waited for.
func (g *Group) Set(name string) *Set {
	s := &Set{quit: make(chan struct{})}
	s.mu.stops = map[*func()]struct{}{}
	g.Go(name, func() error { <-s.quit; s.ended.Wait(); return nil }, s.stopAll)
	return s
}

// Go starts work in its own goroutine and says whether it did: a stopped set starts nothing.
// stop, called at most once and only when the set stops first, must make work return.
func (s *Set) Go(work, stop func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return false
	}
	id := &stop
	s.mu.stops[id] = struct{}{}
	s.ended.Add(1)
	go func() {
		defer s.ended.Done()
		defer s.forget(id)
		work()
	}()
	return true
}

// Len is the number of running tasks.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mu.stops)
}

func (s *Set) forget(id *func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.mu.stops, id)
}

func (s *Set) stopAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.closed = true
	for stop := range s.mu.stops {
		(*stop)()
	}
	close(s.quit)
}
