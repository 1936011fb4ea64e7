package command

import "github.com/synapdb/synap/internal/errs"

// Source is what a RESP connection is sent values of, beside its messages of topics.
type Source interface {
	// Push writes some of the values that have come, about SourceBytes of them or one in any case,
	// and says whether there are more: then it is asked again when others had their turn. Otherwise
	// the Waker of OpenSource asks for it when there are some later. An error ends it; the peer is
	// told, and Close is called.
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

const (
	// MaxSources is how many a connection may have.
	MaxSources = 1024
	// MaxSourceID bounds the id of a source, in bytes.
	MaxSourceID = 512
	// SourceBytes is about what one source pushes at a time, in bytes.
	SourceBytes = 16 << 10
)

// Sources are what one connection is sent values of, by id. Its loop alone uses them.
type Sources struct {
	wakes Wakes[*openSource]
	byID  map[string]*openSource
	woken []*openSource
	// The line of those that may have something: each is asked in turn.
	first, last *openSource
	ending      error // unless nil, all of them end for this
}

type openSource struct {
	Source
	id     string
	waker  Waker
	next   *openSource // in line
	inLine bool
	closed bool
}

var (
	errNoSources = errs.New(errs.Redis, "ERR this connection can't be sent values")
	errSources   = errs.Newf(errs.Redis,
		"ERR this connection follows %d things, the most it may: end some, or connect again",
		MaxSources)
	errSourceID = errs.Newf(errs.Redis,
		"ERR the id of what is followed must have 1..%d bytes", MaxSourceID)
	errServerEnds = errs.New(errs.Aborted, "the server is shutting down: connect again and go on "+
		"behind what came last")
)

// OpenSource makes a source that has values pushed to the connection of s; begin gets the Waker
// that asks for it. It is asked once without: its first values come behind the present command's
// reply. An error of begin, an id that is taken, and a connection that can be sent no values are
// errors.
func (e *Engine) OpenSource(
	s *Session, id string, begin func(Waker) (Source, error),
) error {
	if s.Waker == nil {
		return errNoSources
	}
	if len(id) == 0 || len(id) > MaxSourceID {
		return errSourceID
	}
	all := s.Sources
	if all == nil {
		all = &Sources{byID: map[string]*openSource{}}
		all.wakes.Waker = s.Waker
	}
	if all.byID[id] != nil {
		return errs.Newf(errs.Redis,
			"ERR this connection follows something as '%s' already: choose another id", id)
	}
	if len(all.byID) >= MaxSources {
		return errSources
	}
	o := &openSource{id: id}
	o.waker = all.wakes.Add(o)
	source, err := begin(o.waker)
	if err != nil {
		all.wakes.Forget(o.waker)
		return err
	}
	o.Source = source
	all.byID[id] = o
	s.Sources = all
	s.Info.Sources.Store(int32(len(all.byID)))
	o.waker.Wake()
	return nil
}

// SourceOf is the open source of an id, or nil.
func (s *Session) SourceOf(id string) Source {
	if s.Sources != nil {
		if o := s.Sources.byID[id]; o != nil {
			return o.Source
		}
	}
	return nil
}

// CloseSource ends the source of an id: nothing of it is pushed any more. false: there is none. No
// lock of a store may be held.
func (e *Engine) CloseSource(s *Session, id string) bool {
	if s.Sources == nil {
		return false
	}
	o := s.Sources.byID[id]
	if o == nil {
		return false
	}
	e.closeSource(s, o)
	return true
}

func (e *Engine) closeSource(s *Session, o *openSource) {
	o.closed = true
	delete(s.Sources.byID, o.id)
	s.Sources.wakes.Forget(o.waker)
	o.Close(e, e.now(s))
	s.Info.Sources.Store(int32(len(s.Sources.byID)))
}

// EndSources ends all of them without a word.
func (e *Engine) EndSources(s *Session) {
	if s.Sources == nil {
		return
	}
	for _, o := range s.Sources.byID {
		e.closeSource(s, o)
	}
	s.Sources = nil
}

// GiveUp has all sources end in the next round, and their peer be told. false: there are none.
func (a *Sources) GiveUp() bool {
	if a == nil || len(a.byID) == 0 {
		return false
	}
	a.ending = errServerEnds
	for _, o := range a.byID {
		a.queue(o)
	}
	return true
}

// Stall tells all of them that the peer does not take what it is sent, or does again.
func (a *Sources) Stall(stalled bool) {
	if a != nil {
		for _, o := range a.byID {
			o.Stall(stalled)
		}
	}
}

// Count is how many there are.
func (a *Sources) Count() int {
	if a == nil {
		return 0
	}
	return len(a.byID)
}

// queue puts o at the end of the line, if it is not there.
func (a *Sources) queue(o *openSource) {
	switch {
	case o.inLine || o.closed:
		return
	case a.last == nil:
		a.first = o
	default:
		a.last.next = o
	}
	a.last, o.inLine = o, true
}

// take takes the first out of the line; nil: nobody is there.
func (a *Sources) take() *openSource {
	for o := a.first; o != nil; o = a.first {
		if a.first = o.next; a.first == nil {
			a.last = nil
		}
		o.next, o.inLine = nil, false
		if !o.closed {
			return o
		}
	}
	return nil
}

// ReadySources has sources that were woken come into line. It begins a round.
func (s *Session) ReadySources() {
	if a := s.Sources; a != nil {
		a.woken = a.wakes.Take(a.woken[:0])
		for _, o := range a.woken {
			a.queue(o)
		}
		clear(a.woken)
	}
}

// PushSource has the next source in line push some of its values, and says whether somebody is in
// line behind it. The caller sees to it that they are Shown.
func (e *Engine) PushSource(s *Session, to SourcePusher) (more bool) {
	a := s.Sources
	if a == nil {
		return false
	}
	o := a.take()
	if o == nil {
		return false
	}
	again, err := false, a.ending
	if err == nil {
		again, err = o.Push(e, s, to)
	}
	switch {
	case err != nil:
		to.PushEnded(o.id, err)
		e.closeSource(s, o)
	case again:
		a.queue(o)
	}
	return a.first != nil
}
