package server

import (
	"context"
	"errors"
	"time"
)

// ErrStillRunning is Drain's when something did not end even after being cut off: what serves
// requests must not be taken away yet.
var ErrStillRunning = errors.New("the server still works on something")

const (
	drainEvery = 10 * time.Millisecond
	// lastWait bounds the end of tasks that were told to stop.
	lastWait = 3 * time.Second
)

// Drain ends the server: no new connections, requests that have arrived are answered, idle
// connections are closed. What is left when ctx ends is cut off. It returns ctx's error if
// something was, ErrStillRunning if even that did not end it, and may be called once.
func (s *Server) Drain(ctx context.Context) error {
	s.draining.Store(true)
	close(s.quit)
	if s.general == nil {
		s.closeListeners()
		return nil // never started
	}
	s.general.SetKeepAlivesEnabled(false)
	s.closeListeners()
	// The loops first: what arrives there may yet be for the general server.
	err := await(ctx, s.emptyLoops)
	if err == nil {
		err = s.general.Shutdown(ctx)
	}
	s.cut.Store(true)
	end := contextWithin(lastWait)
	running := errors.Join(s.tasks.Close(end),
		await(end, func() bool { return s.handlers.Load() == 0 }), s.below.Close(end))
	if running != nil {
		err = errors.Join(err, ErrStillRunning, running)
	}
	return err
}

// emptyLoops closes connections without requests and says whether none is left but the general
// server's.
func (s *Server) emptyLoops() bool {
	s.sweep()
	return s.open.Load() <= s.away.Load()
}

// await asks until done says yes or ctx ends.
func await(ctx context.Context, done func() bool) error {
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	for !done() {
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
