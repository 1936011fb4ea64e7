package server

import (
	"context"
	"errors"
	"time"
)

const (
	drainEvery = 10 * time.Millisecond
	// lastWait bounds the end of tasks that were told to stop.
	lastWait = 3 * time.Second
)

// Drain ends the server: no new connections, requests that have arrived are answered, idle
// connections are closed. What is left when ctx ends is cut off. It returns ctx's error if
// something was, and may be called once.
func (s *Server) Drain(ctx context.Context) error {
	s.draining.Store(true)
	close(s.quit)
	s.closeListeners()
	if s.general == nil {
		return nil // never started
	}
	err := s.general.Shutdown(ctx)
	if err == nil {
		err = s.emptyLoops(ctx)
	}
	end := contextWithin(lastWait)
	return errors.Join(err, s.tasks.Close(end), s.below.Close(end))
}

// emptyLoops waits until every connection has been answered and closed.
func (s *Server) emptyLoops(ctx context.Context) error {
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	for s.sweep(); s.open.Load() > 0; s.sweep() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// contextWithin ends by itself after d.
func contextWithin(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	context.AfterFunc(ctx, cancel)
	return ctx
}
