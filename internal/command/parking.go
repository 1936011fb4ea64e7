package command

import (
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/store/room"
)

// Parking lets a command of one connection wait without holding up anybody: one that finds nothing
// parks, writes no reply, and is run again, whole, when it is woken. It belongs to the connection,
// whose door sets Waiter.Waker; its zero value is ready.
type Parking struct {
	queue.Waiter
	// Parked says that the last run parked. The door clears it before each run.
	Parked bool
	// Until is when to give up, ms since the Unix epoch; 0 before the first run. The door clears
	// it when the command has answered. Setting it to 1 makes the next run give up.
	Until int64

	room *roomWait // nil until it first waits for an event
}

// roomWait is a command that waits for an event.
type roomWait struct {
	sub  room.Subscriber
	on   bool   // it was subscribed, and not yet unsubscribed
	next uint64 // the offset it waits for

	// These belong to Waits.
	waker Waker
	until int64
	place int // from 1; 0 = not there
}

// Waker tells a connection that what it waits for may have come.
type Waker = queue.Waker

// Park waits in the line of a queue for up to wait ms, counted from the command's first run. false
// means that the command must answer now: it may not wait here, or has waited long enough, or
// there is no such queue. After true it returns without a reply.
func (c *Ctx) Park(name, consumer []byte, wait int64) bool {
	p := c.patience(wait)
	if p == nil || !c.Queues.Park(name, consumer, &p.Waiter, p.Until) {
		return false
	}
	p.Parked = true
	return true
}

// ParkInRoom waits likewise until a room has an event from offset next on, where it has none yet.
// Meanwhile the command counts as a subscriber called id.
func (c *Ctx) ParkInRoom(name, id []byte, next uint64, wait int64) bool {
	p := c.patience(wait)
	if p == nil {
		return false
	}
	if p.room == nil {
		p.room = new(roomWait)
	}
	w := p.room
	w.next = next
	if !w.listen(c.Rooms) {
		w.sub.Waker = p.Waker
		if _, err := c.Rooms.Subscribe(name, id, room.At(next), &w.sub); err != nil {
			return false
		}
		w.on = true
		w.listen(c.Rooms)
	}
	c.Engine.Waits.add(w, p.Waker, p.Until)
	p.Parked = true
	return true
}

// Yield has the command run again, whole, when others had their turn. false means that it must
// answer now. After true it returns without a reply; pushes that it wrote stay.
func (c *Ctx) Yield() bool {
	s := c.Session
	if c.InExec || s.MayBlock || s.Waker == nil {
		return false
	}
	p := s.parking()
	p.Parked = true
	s.Waker.Wake()
	return true
}

// listen has w woken by the next event. false: it follows no room, or that is gone.
func (w *roomWait) listen(t *room.Tx) bool {
	if !w.on {
		return false
	}
	w.on = t.Await(&w.sub, w.next)
	return w.on
}

// Awaited is the offset that the command has been waiting for; false if this is its first run. What
// counts from the newest event must not be counted anew.
func (c *Ctx) Awaited() (next uint64, ok bool) {
	p := c.Session.Parking
	if p == nil || p.Until == 0 || p.room == nil || !p.room.on || !c.Rooms.Follows(&p.room.sub) {
		return 0, false // offsets of a room that is gone mean nothing in one called like it
	}
	return p.room.next, true
}

// patience is where the command may wait for up to wait ms, counted from its first run, or nil.
func (c *Ctx) patience(wait int64) *Parking {
	if c.InExec || c.Session.MayBlock || wait <= 0 {
		return nil
	}
	p := c.Session.parking()
	if p == nil {
		return nil
	}
	if p.Until == 0 {
		p.Until = c.Now + wait
	}
	if c.Now >= p.Until {
		return nil
	}
	return p
}

// parking is where the present command may wait, or nil.
func (s *Session) parking() *Parking {
	if s.Parking == nil && s.Waker != nil {
		s.Parking = &Parking{Waiter: queue.Waiter{Waker: s.Waker}}
	}
	return s.Parking
}

// Parked says whether the last run parked: there is no reply.
func (s *Session) Parked() bool { return s.Parking != nil && s.Parking.Parked }

// Answered ends a run: false means that the command parked and is to be run again. One that has
// answered after all gives its place in line up.
func (e *Engine) Answered(s *Session) bool { return s.Parking == nil || e.settled(s.Parking) }

func (e *Engine) settled(p *Parking) bool {
	if !p.Parked {
		e.Leave(p)
	}
	return !p.Parked
}

// Leave gives up a place in line: the connection is gone, or its command will not be run again.
func (e *Engine) Leave(p *Parking) {
	if !p.Parked && p.Until == 0 {
		return
	}
	e.Queues.Unpark(&p.Waiter)
	if w := p.room; w != nil {
		if w.on {
			w.on = false
			e.Rooms.Unsubscribe(&w.sub, e.Clock.Now())
		}
		e.Waits.remove(w)
	}
	p.Parked, p.Until = false, 0
}
