package workload_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/target"
	"github.com/synapdb/synap/internal/benchmark/workload"
)

// town is a server of rooms and topics in memory that does wrong what a test wants.
type town struct {
	space target.Space
	// tamper, unless nil, says what an ear is given instead of the nth message it should get; nil
	// error: none of it ends the ear.
	tamper func(e *ear, nth int, event target.Event) ([]target.Event, error)
	// answer, unless nil, changes what a publisher is told of the nth message of all.
	answer func(nth int, p *target.Post)
	// hole is an offset that no event of any room gets; 0: none.
	hole int64
	// window is how many messages may be on their way; 0: many.
	window int64

	mu sync.Mutex
	// backlog is how many messages waited for one ear at most.
	backlog int
	past    map[string][]target.Event
	ears    []*ear
	posts   int
}

var errCut = errors.New("too slow")

func (*town) About(context.Context) (result.Server, error) { return result.Server{}, nil }
func (*town) PID() int                                     { return 0 }
func (*town) Close() error                                 { return nil }
func (*town) KV(context.Context) (target.KV, error)        { return nil, target.ErrUnsupported }

func (t *town) Publisher(context.Context, target.Space) (target.Publisher, error) {
	return &crier{t}, nil
}

func (t *town) Subscriber(
	_ context.Context, _ target.Space, o target.Subscription,
) (target.Subscriber, error) {
	e := &ear{town: t, wants: o.Names[0], more: make(chan struct{}, 1)}
	t.mu.Lock()
	defer t.mu.Unlock()
	e.index = len(t.ears)
	t.ears = append(t.ears, e)
	if o.Replay {
		for _, event := range t.past[e.wants] {
			e.give(event)
		}
	}
	return e, nil
}

// crier is a publisher of a town.
type crier struct{ *town }

func (c *crier) Publish(_ context.Context, posts []target.Post) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range posts {
		p := &posts[i]
		p.Matched, p.Offset, p.Err = -1, -1, nil
		c.posts++
		event := target.Event{Name: p.Name, Offset: -1, Payload: slices.Clone(p.Payload)}
		if c.space == target.Topics {
			p.Matched = 0
		}
		if c.answer != nil {
			if c.answer(c.posts, p); p.Err != nil {
				continue
			}
		}
		if c.space == target.Rooms {
			p.Offset = int64(len(c.past[p.Name]))
			if c.hole > 0 && p.Offset >= c.hole {
				p.Offset++
			}
			event.Offset = p.Offset
			c.past[p.Name] = append(c.past[p.Name], event)
		}
		for _, e := range c.ears {
			if workload.TopicMatches(e.wants, p.Name) {
				if c.space == target.Topics {
					p.Matched++
				}
				e.give(event)
			}
		}
	}
	return nil
}

// ear is a subscriber of a town. The town's lock guards it.
type ear struct {
	*town
	index int
	wants string
	nth   int // messages that it should have got
	taken int // and those it took
	queue []target.Event
	held  []target.Event
	end   error
	more  chan struct{}
}

// give tells the ear of an event, or what is told instead. Who calls it holds the lock.
func (e *ear) give(event target.Event) {
	e.nth++
	e.backlog = max(e.backlog, e.nth-e.taken)
	events := []target.Event{event}
	if e.end != nil {
		return
	}
	if e.tamper != nil {
		events, e.end = e.tamper(e, e.nth, event)
	}
	e.queue = append(e.queue, events...)
	e.wake()
}

func (e *ear) wake() {
	select {
	case e.more <- struct{}{}:
	default:
	}
}

func (e *ear) Next(context.Context) (target.Event, error) {
	for {
		e.mu.Lock()
		if len(e.queue) > 0 {
			event := e.queue[0]
			e.queue = e.queue[1:]
			e.taken++
			e.mu.Unlock()
			return event, nil
		}
		end := e.end
		e.mu.Unlock()
		if end != nil {
			return target.Event{}, end
		}
		<-e.more
	}
}

func (e *ear) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.end == nil {
		e.end = errors.New("closed")
	}
	e.wake()
	return nil
}

func (*town) Queue(context.Context, string, string) (target.Queue, error) {
	return nil, target.ErrUnsupported
}

func (t *town) Prepare(context.Context, target.Space, []string, time.Duration) error { return nil }
func (t *town) Remove(context.Context, target.Space, []string) error                 { return nil }
