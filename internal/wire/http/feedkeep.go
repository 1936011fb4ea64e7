package httpwire

import (
	"time"

	"github.com/synapdb/synap/internal/wire/ws"
)

// silence watches for peers that are gone without a word. Times are ms since the Unix epoch.
type silence struct {
	begun     int64 // the first fragment of an unfinished message; 0 = there is none
	pinged    int64 // the last ping
	pingedFor int64 // when the peer had last been heard then
	say       remark
}

// remark is what the next round has to say unasked.
type remark uint8

const (
	sayNothing remark = iota
	sayPing
	sayNoAnswer
	sayTooSlow
)

// unfinished notes whether a message is, at now.
func (s *silence) unfinished(is bool, now int64) {
	if !is {
		s.begun = 0
	} else if s.begun == 0 {
		s.begun = now
	}
}

// judge decides what to say at now to a peer last heard at heard: a ping after every of silence,
// and an end after as much more. A message may take as long as both.
func (s *silence) judge(now, heard int64, every time.Duration) remark {
	patience := every.Milliseconds()
	if every < 0 {
		patience = DefaultPing.Milliseconds()
	}
	switch {
	case s.begun != 0 && now-s.begun >= 2*patience:
		return sayTooSlow
	case every < 0, now-heard < patience:
	case s.pingedFor != heard:
		s.pinged, s.pingedFor = now, heard
		return sayPing
	case now-s.pinged >= patience:
		return sayNoAnswer
	}
	return sayNothing
}

// Keep pings silent peers: see wire.Keeper.
func (c *Conn) Keep(now, heard int64) bool {
	f := c.feed
	if f == nil {
		return false
	}
	every := c.handler.options.PingEvery
	if f.style == socketStyle {
		f.say = f.judge(now, heard, every)
	} else if every > 0 && now-max(f.pinged, heard) >= every.Milliseconds() {
		f.pinged, f.say = now, sayPing // it can't answer, and is told all the same
	}
	if f.say != sayNothing {
		c.waker.Wake()
	}
	return true
}

// attend says what Keep found. heard: the peer was, meanwhile.
func (r *feedRound) attend(heard bool) {
	say := r.say
	r.say = sayNothing
	switch {
	case say == sayTooSlow:
		r.end(ws.CodePolicy, "a message took too long")
	case heard:
	case say == sayPing:
		r.ping()
	case say == sayNoAnswer:
		r.end(ws.CodeGoingAway, "no answer")
	}
}
