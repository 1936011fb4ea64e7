// Package run owns every goroutine of the server.
//
// Receives: named functions, each with a stop beside it.
// Hands on: the first failure; an orderly end in reverse order of the start.
// Never does: anything of its own.
package run

import (
	"context"
	"fmt"
	"sync"
)

// Group starts goroutines and ends them in reverse order. Its zero value is not usable: see New.
type Group struct {
	mu struct {
		sync.Mutex
		tasks  []*task
		closed bool
	}
	failed chan error
}

type task struct {
	name string
	stop func()
	done chan struct{}
}

// New makes an empty group.
func New() *Group { return &Group{failed: make(chan error, 1)} }

// Go starts work in its own goroutine. stop must make work return; it is called once, from Close.
// A task started after Close is not run.
func (g *Group) Go(name string, work func() error, stop func()) {
	t := &task{name: name, stop: stop, done: make(chan struct{})}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mu.closed {
		return
	}
	g.mu.tasks = append(g.mu.tasks, t)
	go func() {
		defer close(t.done)
		if err := work(); err != nil {
			select {
			case g.failed <- fmt.Errorf("%s: %w", name, err):
			default: // only the first failure is reported
			}
		}
	}()
}

// Loop is Go for a function that ends when its context does.
func (g *Group) Loop(name string, work func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	g.Go(name, func() error { return work(ctx) }, cancel)
}

// Failed yields the first error a task returned.
func (g *Group) Failed() <-chan error { return g.failed }

// Close stops the tasks, last started first, and waits for each until ctx ends. It returns
// ctx's error, naming the task that did not stop, or nil. It may be called more than once.
func (g *Group) Close(ctx context.Context) error {
	g.mu.Lock()
	tasks := g.mu.tasks
	g.mu.tasks, g.mu.closed = nil, true
	g.mu.Unlock()
	for i := len(tasks) - 1; i >= 0; i-- {
		tasks[i].stop()
		select {
		case <-tasks[i].done:
		case <-ctx.Done():
			return fmt.Errorf("%s did not stop: %w", tasks[i].name, ctx.Err())
		}
	}
	return nil
}
