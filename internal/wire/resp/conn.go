package resp

import (
	"bytes"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/wire"
)

// Conn is the protocol state of one connection. It is not safe for concurrent use.
type Conn struct {
	engine  *command.Engine
	session *command.Session
	parser  parser
	argv    [][]byte // words of the gathered commands
	lines   []line
	keys    [][]byte
	reply   Writer
	ended   bool
	parked  bool     // the first unconsumed command waits to be woken
	waiting [][]byte // a command that may block: Wait runs it
}

var (
	_ wire.Conn    = (*Conn)(nil)
	_ wire.Waiter  = (*Conn)(nil)
	_ wire.Sleeper = (*Conn)(nil)
	_ wire.Keeper  = (*Conn)(nil)
	_ wire.Pusher  = (*Conn)(nil)
)

// NewConn starts a connection that speaks RESP2 until HELLO says otherwise. The session is used
// by this connection alone; listing it in the engine's registry is the caller's business.
func NewConn(e *command.Engine, s *command.Session, l Limits) *Conn {
	s.Resp = 2
	s.Info.Resp.Store(2)
	s.Info.Multi.Store(-1)
	return &Conn{
		engine: e, session: s,
		parser: parser{limits: l.withDefaults()},
		reply:  Writer{session: s},
	}
}

// errReply refuses a reply over Limits.ReplyBytes. A write among its commands has happened.
var errReply = errs.New(errs.Redis, "ERR the reply would be too large; ask for less at once")

// Feed executes every whole command in in and appends the replies to out; see wire.Conn. The
// unconsumed bytes must come again, followed by new ones, in the next Feed.
func (c *Conn) Feed(in []byte, out *wire.Output) (consumed, need int, v wire.Verdict) {
	c.reply.out, c.parked = out, false
	c.push()
	for consumed < len(in) && !c.halted() && !out.Full() {
		more, err := c.gather(in[consumed:])
		consumed += c.runGathered(out)
		if c.halted() || out.Full() {
			break
		}
		if err != "" {
			c.refuse(err)
		} else if more >= 0 {
			need = more
			break
		}
	}
	c.trim()
	if c.session.Crowded {
		c.session.Crowded = false
		c.again()
	}
	if c.ended {
		return len(in), 0, wire.Close
	}
	if c.waiting != nil {
		return consumed, 0, wire.Wait
	}
	if c.parked {
		return consumed, 0, wire.Park
	}
	return consumed, need, wire.Open
}

// halted says that no further command may run now.
func (c *Conn) halted() bool {
	return c.ended || c.parked || c.waiting != nil || c.session.Crowded
}

// line is a gathered command: where its words end in argv, and its bytes in the input.
type line struct{ words, bytes int }

// gatherMost is how many pipelined commands are looked at before the first of them runs.
const gatherMost = 16

// gather reads commands from the start of in until there is none whole, or enough. need is -1 if
// more may be whole, otherwise what parser.next says.
func (c *Conn) gather(in []byte) (need int, err protocolError) {
	c.lines, c.argv = c.lines[:0], c.argv[:0]
	at := 0
	for at < len(in) && len(c.lines) < gatherMost && len(c.argv) < keepWords {
		rest := in[at:]
		size, more, err := c.parser.next(rest)
		if size == 0 || err != "" {
			return more, err
		}
		at += size
		inline := c.parser.inline
		if inline {
			rest = c.parser.scratch
		}
		for _, w := range c.parser.words {
			c.argv = append(c.argv, rest[w.from:w.to:w.to])
		}
		c.lines = append(c.lines, line{len(c.argv), at})
		if inline {
			return -1, "" // the next one would overwrite scratch
		}
	}
	return -1, ""
}

// runGathered executes the gathered commands until one halts the connection or out is full, and
// returns the bytes of those it executed; one that parked is not among them. Pipelined commands
// are announced to the store first: it fetches what they will look for all at once.
func (c *Conn) runGathered(out *wire.Output) (bytes int) {
	if len(c.lines) > 1 {
		c.keys = c.keys[:0]
		from := 0
		for _, l := range c.lines {
			if l.words-from > 1 {
				c.keys = append(c.keys, c.argv[from+1]) // of most commands the first key
			}
			from = l.words
		}
		c.engine.Warm(c.session, c.keys)
	}
	from := 0
	for _, l := range c.lines {
		argv := c.argv[from:l.words:l.words]
		from = l.words
		if len(argv) > 0 {
			c.ended = !c.run(argv)
		}
		if c.parked {
			break
		}
		bytes = l.bytes
		if c.halted() || out.Full() {
			break
		}
	}
	if n := len(c.lines); n > 0 && bytes < c.lines[n-1].bytes {
		c.parser.restart() // the rest comes again
	}
	// Between rounds nothing borrows from the input, or a huge request would be kept from the
	// collector.
	clear(c.argv)
	clear(c.keys)
	return bytes
}

// run executes one command; false means that the connection must close.
func (c *Conn) run(argv [][]byte) bool {
	if crossProtocol(argv[0]) {
		return false
	}
	s := c.session
	if s.Mute == command.MuteNext {
		s.Mute = command.MuteThis
	}
	mark := c.reply.Mark()
	c.reply.most, c.reply.over = mark.Len+c.parser.limits.ReplyBytes, false
	if s.Parking != nil {
		s.Parking.Parked = false
	}
	c.engine.Exec(s, argv, &c.reply)
	if c.parked = !c.engine.Answered(s); c.parked {
		return true
	}
	if s.Blocked {
		s.Blocked = false
		for _, word := range argv {
			c.waiting = append(c.waiting, bytes.Clone(word))
		}
		return true
	}
	if c.reply.over {
		c.reply.Rewind(mark)
		c.reply.Error(errReply)
	}
	if s.Mute != command.MuteOff {
		if !s.Pushed {
			c.reply.Rewind(mark)
		}
		if s.Mute == command.MuteThis {
			s.Mute = command.MuteOff
		}
	}
	s.Pushed = false
	s.Crowded = s.Crowded && s.Waker != nil // otherwise nobody would come back to the rest
	return !s.Closing
}

// trim lets go of what an unusual round needed.
func (c *Conn) trim() {
	if cap(c.argv) > 2*keepWords {
		c.argv, c.parser.words = nil, nil
	}
	if cap(c.parser.scratch) > keepScratch {
		c.parser.scratch = nil
	}
}

// Wait runs the command that Feed left alone because it may block: see wire.Waiter.
func (c *Conn) Wait(out *wire.Output) {
	c.reply.out = out
	c.session.MayBlock = true
	c.run(c.waiting)
	c.session.MayBlock, c.waiting = false, nil
}

// refuse says what broke the protocol; the connection ends after it.
func (c *Conn) refuse(err protocolError) {
	c.ended = true
	if c.session.Mute == command.MuteOff {
		c.reply.Error(errs.New(errs.Redis, "ERR Protocol error: "+string(err)))
	}
}

// SetWaker lets commands wait: see wire.Sleeper.
func (c *Conn) SetWaker(w wire.Waker) { c.session.Waker = w }

// GiveUp has a command that waits answer at once, and lets none wait any more. Sources end.
func (c *Conn) GiveUp() bool {
	c.leave()
	return c.session.Sources.GiveUp() || c.parked
}

func (c *Conn) leave() {
	if p := c.session.Parking; p != nil {
		c.engine.Leave(p)
	}
	c.session.Parking, c.session.Waker = nil, nil
}

// Closed forgets the transaction and the watched keys, leaves the line it waits in, and ends what
// has been pushed to it.
func (c *Conn) Closed() {
	c.ended = true
	c.leave()
	c.engine.EndListening(c.session)
	c.engine.EndMulti(c.session)
}

// crossProtocol recognises an HTTP request that a web page made a browser send here: the body
// could hold commands, so nothing after it may run.
func crossProtocol(word []byte) bool {
	switch len(word) {
	case 4:
		return word[0]|0x20 == 'p' && bytes.EqualFold(word, []byte("post"))
	case 5:
		return word[0]|0x20 == 'h' && bytes.EqualFold(word, []byte("host:"))
	}
	return false
}
