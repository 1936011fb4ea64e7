package command

import "github.com/synapdb/synap/internal/errs"

// Source is what a RESP connection is sent values of, beside its messages of topics.
type Source interface {
	// Push writes some of the values that have come, and says whether there are more. It asks for
	// the connection by the Waker of Sources.Open when there are some later. An error ends it; the
	// peer is told.
	Push(e *Engine, s *Session, to SourcePusher) (more bool, err error)
	// Stall: see Listening.Stall.
	Stall(stalled bool)
	// Close gives back what it holds. It is called once, without locks.
	Close(e *Engine, now int64)
}

// SourcePusher is a Reply that values of sources can be pushed to.
type SourcePusher interface {
	Pusher
	// PushEvent writes the JSON text of an event of a room, or a notice about it.
	PushEvent(room, text []byte)
	// PushEnded says that the source called id sends nothing more, and why.
	PushEnded(id string, why error)
}

// MaxSources is how many a connection may have.
const MaxSources = 1024

// Sources are what one connection is sent values of, by id.
type Sources struct {
	wakes Wakes[string]
	byID  map[string]*openSource
	woken []string
}

type openSource struct {
	Source
	waker Waker
}

// OpenSource makes a source that has values pushed to the connection of s; begin gets the Waker
// that asks for it. An error of begin, an id that is taken, and a connection that can be sent no
// values are errors.
func (e *Engine) OpenSource(
	s *Session, id string, begin func(Waker) (Source, error),
) error {
	return errNoSources
}

// CloseSource ends the source of an id; false: there is none.
func (e *Engine) CloseSource(s *Session, id string) bool { return false }

var errNoSources = errs.New(errs.Redis, "ERR this connection can't be sent values")
