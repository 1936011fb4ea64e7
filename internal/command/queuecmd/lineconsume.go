package queuecmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/queue"
)

const (
	consumeWords = "name [consumer|CONSUMER consumer] [COUNT count] [WAIT milliseconds] " +
		"[DEADLINE milliseconds] [FULL]"
	peekWords = "name [COUNT count] [STATE <ready|delayed|leased|dead>] [AFTER id]"
)

// anyConsumer is the consumer of lines that name none.
var anyConsumer = []byte("resp3")

func consumeLines() []*command.Row {
	return []*command.Row{{
		Name: "QCONSUME", Arity: -2, Queue: 1, Flags: writes, Words: consumeWords,
		Summary: "Leases the next message, or up to COUNT; waits for one if wanted.",
		Run:     consumeLine,
	}, {
		Name: "QPEEK", Arity: -2, Queue: 1, Flags: command.Read, Words: peekWords,
		Summary: "Shows messages without leasing them, in the order of delivery.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			l := line{lines.Reader{Words: argv[2:], Row: "QPEEK", Usage: peekWords}}
			return peekLine(c, argv[1], &l, effect.Ready)
		},
	}}
}

// takeLine is a QCONSUME.
type takeLine struct {
	wanted
	counted, full bool
}

// read reads the words behind the queue. The first of them is the consumer unless it is an option:
// then CONSUMER goes before. Alone, that is a name, too.
func (t *takeLine) read(words [][]byte) error {
	l := line{lines.Reader{Words: words, Row: "QCONSUME", Usage: consumeWords}}
	t.consumer, t.count, t.bytes = anyConsumer, 1, maxAnswerBytes
	for first := true; l.More(); first = false {
		switch {
		case l.Is("COUNT"):
			t.count, t.counted = l.Count("COUNT"), true
		case l.Is("WAIT"):
			t.wait = l.Number("WAIT")
		case l.Is("DEADLINE"):
			t.deadline = l.Number("DEADLINE")
		case l.Is("FULL"):
			t.full = true
		case len(l.Words) > 1 && l.Is("CONSUMER"):
			t.consumer = l.Word()
		case first:
			t.consumer = l.Word()
		default:
			l.Bad()
		}
	}
	switch {
	case l.Err != nil:
		return l.Err
	case t.wait > maxWait:
		return errWait
	case t.deadline > mostMillis:
		return errLongLease
	}
	return nil
}

func consumeLine(c *command.Ctx, argv [][]byte) error {
	t := takeLine{wanted: wanted{name: argv[1]}}
	if err := t.read(argv[2:]); err != nil {
		return err
	}
	s := borrow()
	defer s.giveBack()
	if parked, err := t.take(c, s); parked || err != nil {
		return err
	}
	switch {
	case t.counted:
		c.Reply.Array(len(s.views))
		for i := range s.views {
			s.taken(c.Reply, &s.views[i], t.full)
		}
	case len(s.views) == 0:
		c.Reply.Null()
	default:
		s.taken(c.Reply, &s.views[0], t.full)
	}
	return nil
}

func (s *scratch) taken(r command.Reply, v *queue.View, full bool) {
	if full {
		s.whole(r, v)
	} else {
		s.four(r, v)
	}
}

// four writes a message as the contract has it: id, payload, priority, retry_count.
func (s *scratch) four(r command.Reply, v *queue.View) {
	r.Array(4)
	s.replyID(r, v.ID)
	r.Bytes(v.Payload)
	r.Int(int64(v.Priority))
	r.Int(int64(v.Retries))
}

// whole writes all of a message that was leased. There are no JSON values on this wire.
func (s *scratch) whole(r command.Reply, v *queue.View) {
	r.Map(9)
	r.Str("id")
	s.replyID(r, v.ID)
	pairPayload(r, v)
	pairInt(r, "priority", int64(v.Priority))
	pairInt(r, "retry_count", int64(v.Retries))
	pairInt(r, "max_retries", int64(v.MaxRetries))
	r.Str("token")
	s.replyToken(r, v.Token)
	pairInt(r, "deadline", v.Due)
	pairInt(r, "timestamp", v.Created/1000)
	pairHeaders(r, v)
}

// peekLine answers an array of maps.
func peekLine(c *command.Ctx, name []byte, l *line, state effect.MessageState) error {
	limit, after := int64(defaultPeek), []byte(nil)
	for l.More() {
		switch {
		case l.Is("COUNT"):
			limit = l.Count("COUNT")
		case l.Is("AFTER"):
			after = l.Word()
		case state != effect.DeadLetter && l.Is("STATE"):
			if word := l.Word(); l.Err == nil {
				state, l.Err = parseState(word)
			}
		default:
			l.Bad()
		}
	}
	if l.Err != nil {
		return l.Err
	}
	s := borrow()
	defer s.giveBack()
	if err := s.peek(c, name, state, after, int(min(limit, maxPeek))); err != nil {
		return err
	}
	n := fitting(s.views)
	c.Reply.Array(n)
	for i := range n {
		s.seen(c.Reply, commandID, &s.views[i])
	}
	return nil
}
