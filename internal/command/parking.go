package command

import "github.com/synapdb/synap/internal/store/queue"

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
}

// Waker tells a connection that what it waits for may have come.
type Waker = queue.Waker

// Park waits in the line of a queue for up to wait ms, counted from the command's first run. false
// means that the command must answer now: it may not wait here, or has waited long enough, or
// there is no such queue. After true it returns without a reply.
func (c *Ctx) Park(name, consumer []byte, wait int64) bool {
	if c.InExec || c.Session.MayBlock || wait <= 0 {
		return false
	}
	p := c.Session.parking()
	if p == nil {
		return false
	}
	if p.Until == 0 {
		p.Until = c.Now + wait
	}
	if c.Now >= p.Until || !c.Queues.Park(name, consumer, &p.Waiter, p.Until) {
		return false
	}
	p.Parked = true
	return true
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
	if p.Parked || p.Until != 0 {
		e.Queues.Unpark(&p.Waiter)
		p.Parked, p.Until = false, 0
	}
}
