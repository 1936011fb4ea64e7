package httpwire

import (
	nethttp "net/http"
	"time"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

// laneSession is a session of the net/http lane, where a request that waits has a goroutine.
type laneSession struct {
	command.Session
	woken chan struct{} // holds one wake, which may be a former request's
}

func newLane(c *command.Counters) *laneSession {
	s := &laneSession{woken: make(chan struct{}, 1)}
	s.Counters = c
	return s
}

// Wake has the present request attempted again: see queue.Waker.
func (s *laneSession) Wake() {
	select {
	case s.woken <- struct{}{}:
	default: // it is awake already
	}
}

// attend answers a request as serve does, waiting if its command waits. false: the peer left.
func (h *Handler) attend(
	x *exchange, e *endpoint, s *laneSession, w nethttp.ResponseWriter, r *nethttp.Request,
) (answered bool) {
	s.Waker = s
	for !h.attempt(x, e) {
		// The deadline was the body's, and net/http watches for the peer's end by reading. A
		// connection without deadlines is a test's.
		_ = nethttp.NewResponseController(w).SetReadDeadline(time.Time{})
		select {
		case <-s.woken:
		case <-r.Context().Done():
		case <-wire.Quit(r.Context()):
			h.engine.Leave(s.Parking)
			s.Parking, s.Waker = nil, nil // the next attempt answers
			continue
		}
		if r.Context().Err() != nil { // awake or not: nobody would read what it is given
			h.engine.Leave(s.Parking)
			return false
		}
	}
	return true
}
