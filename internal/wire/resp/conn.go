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
	argv    [][]byte
	reply   Writer
	ended   bool
	waiting [][]byte // a command that may block: Wait runs it
}

var (
	_ wire.Conn   = (*Conn)(nil)
	_ wire.Waiter = (*Conn)(nil)
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
	c.reply.out = out
	for consumed < len(in) && !c.ended && c.waiting == nil && !out.Full() {
		rest := in[consumed:]
		size, more, err := c.parser.next(rest)
		if err != "" {
			c.refuse(err)
			break
		}
		if size == 0 {
			need = more
			break
		}
		consumed += size
		if len(c.parser.words) == 0 {
			continue
		}
		if c.parser.inline {
			rest = c.parser.scratch
		}
		c.ended = !c.run(rest)
	}
	if c.ended {
		return len(in), 0, wire.Close
	}
	if c.waiting != nil {
		return consumed, 0, wire.Wait
	}
	return consumed, need, wire.Open
}

// run executes the command whose words lie in from; false means that the connection must close.
func (c *Conn) run(from []byte) bool {
	argv := c.argv[:0]
	for _, w := range c.parser.words {
		argv = append(argv, from[w.from:w.to:w.to])
	}
	c.argv = argv
	if crossProtocol(argv[0]) {
		return false
	}
	open := c.exec(argv)
	if cap(argv) > keepWords {
		c.argv, c.parser.words = nil, nil
	}
	if cap(c.parser.scratch) > keepScratch {
		c.parser.scratch = nil
	}
	return open
}

// exec executes a command line; false means that the connection must close.
func (c *Conn) exec(argv [][]byte) bool {
	s := c.session
	if s.Mute == command.MuteNext {
		s.Mute = command.MuteThis
	}
	mark := c.reply.Mark()
	c.reply.most, c.reply.over = mark.Len+c.parser.limits.ReplyBytes, false
	c.engine.Exec(s, argv, &c.reply)
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
		c.reply.Rewind(mark)
		if s.Mute == command.MuteThis {
			s.Mute = command.MuteOff
		}
	}
	return !s.Closing
}

// Wait runs the command that Feed left alone because it may block: see wire.Waiter.
func (c *Conn) Wait(out *wire.Output) {
	c.reply.out = out
	c.session.MayBlock = true
	c.exec(c.waiting)
	c.session.MayBlock, c.waiting = false, nil
}

// refuse says what broke the protocol; the connection ends after it.
func (c *Conn) refuse(err protocolError) {
	c.ended = true
	if c.session.Mute == command.MuteOff {
		c.reply.Error(errs.New(errs.Redis, "ERR Protocol error: "+string(err)))
	}
}

// Closed forgets the transaction and the watched keys.
func (c *Conn) Closed() {
	c.ended = true
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
