package watchcmd

import (
	"bytes"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/pubsub"
)

var errSyntax = errs.New(errs.Redis,
	"ERR syntax error; usage: KV.WATCH pattern [value|notify] [FROM lsn]")

func lineRows() []*command.Row {
	const flags = command.Lockless | command.NoMulti | command.WhileListening
	return []*command.Row{{
		Name: "KV.WATCH", Group: "generic", Arity: -2, Flags: flags,
		Words:   "pattern [value|notify] [FROM lsn]",
		Summary: "Has the connection be sent how the keys of a pattern change.",
		Run:     watch,
	}, {
		Name: "KV.UNWATCH", Group: "generic", Arity: -2, Flags: flags,
		Words:   "subscriber_id [pattern ...]",
		Summary: "Ends a watch of KV.WATCH, and says how many patterns that were.",
		Run:     unwatch,
	}}
}

// source is a watch of a connection of lines.
type source struct {
	KeyWatch
	pattern []byte
}

// Push is part of command.Source.
func (s *source) Push(
	e *command.Engine, _ *command.Session, to command.SourcePusher,
) (more bool, err error) {
	return s.Pull(e, command.SourceBytes, func(m *pubsub.Message) {
		to.PushMessage(pubsub.Delivery{Message: m}, false)
	})
}

// Close is part of command.Source.
func (s *source) Close(e *command.Engine, _ int64) { s.KeyWatch.Close(e) }

// watch answers {subscriber_id, channel, mode, lsn?}.
func watch(c *command.Ctx, argv [][]byte) error {
	o, mode, err := readOptions(argv[2:])
	if err != nil {
		return err
	}
	pattern := bytes.Clone(argv[1])
	o.DB, o.Patterns = c.DB, [][]byte{pattern}
	id, lsn := string(command.NewID()), uint64(0)
	err = c.Engine.OpenSource(c.Session, id, func(w command.Waker) (command.Source, error) {
		s := &source{pattern: pattern}
		o.Waker = w
		var err error
		if lsn, err = s.Open(c.Engine, &o, c.Now); err != nil {
			s.KeyWatch.Close(c.Engine)
			return nil, err
		}
		return s, nil
	})
	if err != nil {
		return err
	}
	r, journaled := c.Reply, c.Engine.Persistence != nil
	if journaled {
		r.Map(4)
	} else {
		r.Map(3)
	}
	r.Str("subscriber_id")
	r.Str(id)
	r.Str("channel")
	r.Text(command.AppendWatchTopic(nil, c.DB, pattern))
	r.Str("mode")
	r.Str(mode)
	if journaled {
		r.Str("lsn")
		r.Int(int64(lsn))
	}
	return nil
}

// readOptions reads the words behind the pattern.
func readOptions(words [][]byte) (o Options, mode string, err error) {
	mode = "value"
	if len(words)%2 == 1 {
		mode = strings.ToLower(string(words[0]))
		if o.Bare, err = bareMode([]byte(mode)); err != nil || mode == "" {
			return o, mode, errs.Newf(errs.Redis, "ERR unknown watch mode '%s' (value|notify)",
				words[0][:min(len(words[0]), 128)])
		}
		words = words[1:]
	}
	if len(words) == 0 {
		return o, mode, nil
	}
	if len(words) > 2 || !strings.EqualFold(string(words[0]), "FROM") {
		return o, mode, errSyntax
	}
	from, err := ParsePosition(words[1])
	o.From = &from
	return o, mode, err
}

// unwatch ends a watch, if one of the patterns is its own, or none is named.
func unwatch(c *command.Ctx, argv [][]byte) error {
	id := string(argv[1])
	s, ok := c.Session.SourceOf(id).(*source)
	named := len(argv) == 2
	for _, pattern := range argv[2:] {
		named = named || ok && bytes.Equal(pattern, s.pattern)
	}
	if ok && named && c.Engine.CloseSource(c.Session, id) {
		c.Reply.Int(1)
	} else {
		c.Reply.Int(0)
	}
	return nil
}
