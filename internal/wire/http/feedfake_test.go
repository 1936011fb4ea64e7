package httpwire

import (
	"errors"
	"fmt"
	"sync"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/queue"
)

// fakeFeed is a live endpoint over one list of numbered messages, as plain as can be: they are
// pushed in order, up to the window, until they are acknowledged. A feed called "closed" can't be
// opened; a message "bad" fails.
type fakeFeed struct {
	sync.Mutex
	ready  []string
	held   map[uint64][]string // by connection
	parked []queue.Waker
	opened int
	closed int
	stalls int // how often a peer was said to take nothing, or to take it again
	window int
}

const (
	fakeName = iota
	fakeConsumer
	fakeWindow
)

const (
	fakeAckName = iota
	fakeAckMessage
	fakeAckConsumer
)

func newFakeFeed() *fakeFeed { return &fakeFeed{held: map[uint64][]string{}, window: 3} }

func (f *fakeFeed) rows() []*command.Row {
	return []*command.Row{{
		Name: "fake.watch", Flags: command.Read | command.SelfLocking,
		Fields: []command.Field{
			{Name: "name", Type: command.StringField, Required: true},
			{Name: "consumer_id", Type: command.StringField, Required: true},
			{Name: "window", Type: command.UintField},
		},
		Call: func(c *command.Ctx, _ *command.Args) error { c.Reply.Null(); return nil },
		Feed: &command.Feed{
			Path: "/fake/{name}/ws/{consumer_id}", Open: f.open, Next: f.next, Closed: f.gone,
			Stalled:  func(*command.Subscription, bool) { f.stalls++ },
			Commands: map[string]string{"ack": "fake.ack", "say": "fake.say"},
		},
	}, {
		Name: "fake.ack", Flags: command.Write | command.SelfLocking,
		Fields: []command.Field{
			{Name: "name", Type: command.StringField, Required: true},
			{Name: "message_id", Type: command.StringField, Required: true},
			{Name: "consumer_id", Type: command.StringField},
		},
		Call: f.ack,
	}, {
		Name: "fake.say", Flags: command.Write | command.SelfLocking,
		Fields: []command.Field{{Name: "text", Type: command.ValueField, Required: true}},
		Call: func(c *command.Ctx, a *command.Args) error {
			f.add(string(a.Bytes(0)))
			c.Reply.Map(1)
			c.Reply.Str("said")
			c.Reply.Text(a.Bytes(0))
			return nil
		},
	}}
}

func (f *fakeFeed) open(c *command.Ctx, a *command.Args, s *command.Subscription) error {
	f.Lock()
	defer f.Unlock()
	f.opened++
	if string(a.Bytes(fakeName)) == "closed" {
		return errs.New(errs.QueueNotFound, "Feed not found: closed")
	}
	s.Window = int(a.Int(fakeWindow, int64(f.window)))
	c.Reply.Map(3)
	c.Reply.Str("type")
	c.Reply.Str("connected")
	c.Reply.Str("name")
	c.Reply.Text(a.Bytes(fakeName))
	c.Reply.Str("consumer_id")
	c.Reply.Text(a.Bytes(fakeConsumer))
	return nil
}

func (f *fakeFeed) next(c *command.Ctx, _ *command.Args, s *command.Subscription) (bool, error) {
	f.Lock()
	defer f.Unlock()
	if len(f.ready) == 0 || len(f.held[s.Conn]) >= s.Window {
		f.parked = append(f.parked, s.Waker)
		s.Parked = true
		return false, nil
	}
	m := f.ready[0]
	f.ready = f.ready[1:]
	if m == "bad" {
		return false, errors.New("this one is bad")
	}
	f.held[s.Conn] = append(f.held[s.Conn], m)
	c.Reply.Map(2)
	c.Reply.Str("type")
	c.Reply.Str("message")
	c.Reply.Str("message_id")
	c.Reply.Str(m)
	return true, nil
}

func (f *fakeFeed) gone(_ *command.Engine, a *command.Args, s *command.Subscription, _ int64) {
	f.Lock()
	defer f.Unlock()
	if len(a.Bytes(fakeConsumer)) == 0 || !s.Parked {
		panic("closed with other arguments than opened")
	}
	f.closed++
	f.ready = append(f.held[s.Conn], f.ready...)
	delete(f.held, s.Conn)
}

func (f *fakeFeed) ack(c *command.Ctx, a *command.Args) error {
	f.Lock()
	defer f.Unlock()
	id := string(a.Bytes(fakeAckMessage))
	for conn, held := range f.held {
		for i, m := range held {
			if m == id {
				f.held[conn] = append(held[:i:i], held[i+1:]...)
				c.Reply.Map(1)
				c.Reply.Str("by")
				c.Reply.Text(a.Bytes(fakeAckConsumer))
				return nil
			}
		}
	}
	return errs.Newf(errs.MessageNotFound, "Message not found: %s", id)
}

// add makes messages ready and wakes everybody.
func (f *fakeFeed) add(messages ...string) {
	f.Lock()
	f.ready = append(f.ready, messages...)
	wake := f.parked
	f.parked = nil
	f.Unlock()
	for _, w := range wake {
		w.Wake()
	}
}

// state is what is ready and held, and how many feeds were opened and closed.
func (f *fakeFeed) state() string {
	f.Lock()
	defer f.Unlock()
	held := 0
	for _, h := range f.held {
		held += len(h)
	}
	return fmt.Sprintf("%v, %d held, %d opened, %d closed", f.ready, held, f.opened, f.closed)
}
