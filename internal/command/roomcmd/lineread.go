package roomcmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/store/room"
)

const (
	readWords    = "room subscriber from-offset [limit] [COUNT count] [BLOCK milliseconds]"
	historyWords = "room [FROM offset|LAST count|SINCE unix-time-milliseconds] [TO offset] " +
		"[EVENT event] [COUNT count] [BYTES bytes]"
)

func readLines() []*command.Row {
	return []*command.Row{{
		Name: "SREAD", Arity: -4, Room: 1, Flags: command.Read, Words: readWords,
		Summary: "Returns events from an offset on; waits for one if wanted.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			return readLine(c, "SREAD", argv, func(s *scratch, p *page) {
				s.replyLines(c.Reply, p)
			})
		},
	}, {
		Name: "SCONSUME", Arity: -4, Room: 1, Flags: command.Read, Words: readWords,
		Summary: "Returns events from an offset on, and the next offset; waits if wanted.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			return readLine(c, "SCONSUME", argv, func(s *scratch, p *page) {
				c.Reply.Map(2)
				c.Reply.Str("events")
				s.replyLines(c.Reply, p)
				pairOffset(c.Reply, "next_offset", p.next)
			})
		},
	}, {
		Name: "SHISTORY", Arity: -2, Room: 1, Flags: command.Read, Words: historyWords,
		Summary: "Returns past events: from an offset or a moment on, the newest, of one type.",
		Run:     historyLine,
	}}
}

// readLine reads the words of SREAD and SCONSUME.
func readLine(
	c *command.Ctx, row string, argv [][]byte, reply func(*scratch, *page),
) error {
	s := borrow()
	defer s.giveBack()
	l := lines.Reader{Words: argv[3:], Row: row, Usage: readWords}
	from, wait := l.Number("from-offset"), int64(0)
	if l.IsNumber() {
		s.query.Limit = count(l.Number("limit"))
	}
	for l.More() {
		switch {
		case l.Is("COUNT"):
			s.query.Limit = count(l.Count("COUNT"))
		case l.Is("BLOCK"):
			wait = block(&l)
		default:
			l.Bad()
		}
	}
	if l.Err != nil {
		return l.Err
	}
	p, parked, err := s.follow(c, argv[1], argv[2], room.At(uint64(from)), wait)
	if parked || err != nil {
		return err
	}
	reply(s, &p)
	return nil
}

// forever is as long as BLOCK 0 waits, in ms.
const forever = 365 * 24 * 3_600_000

// block takes how long to wait, in ms.
func block(l *lines.Reader) int64 {
	n := l.Number("BLOCK")
	if n == 0 {
		return forever
	}
	return min(n, forever)
}

func historyLine(c *command.Ctx, argv [][]byte) error {
	s := borrow()
	defer s.giveBack()
	q := &s.query
	q.From = earliest
	l := lines.Reader{Words: argv[2:], Row: "SHISTORY", Usage: historyWords}
	for begun := false; l.More(); {
		switch {
		case !begun && l.Is("FROM"):
			q.From, begun = room.At(uint64(l.Number("FROM"))), true
		case !begun && l.Is("LAST"):
			q.From, begun = room.Last(uint64(l.Number("LAST"))), true
		case !begun && l.Is("SINCE"):
			q.From, begun = room.Since(l.Number("SINCE")), true
		case l.Is("TO"):
			until, err := behind(l.Number("TO"))
			if q.Until = until; err != nil {
				l.Fail(err)
			}
		case l.Is("EVENT"):
			q.Event = l.Word()
		case l.Is("COUNT"):
			q.Limit = count(l.Count("COUNT"))
		case l.Is("BYTES"):
			q.Bytes = count(l.Count("BYTES"))
		default:
			l.Bad()
		}
	}
	if l.Err != nil {
		return l.Err
	}
	p, err := s.read(c, argv[1])
	if err != nil {
		return err
	}
	c.Reply.Map(3)
	c.Reply.Str("events")
	s.replyLines(c.Reply, &p)
	pairOffset(c.Reply, "next_offset", p.next)
	pairBool(c.Reply, "more", p.more)
	return nil
}

// replyLines writes events as the contract has them on this wire: data as it was brought, and
// metadata if there are some.
func (s *scratch) replyLines(r command.Reply, p *page) {
	r.Array(len(s.views))
	for i := range s.views {
		v := &s.views[i]
		pairs := 5
		if len(v.Metadata) > 0 {
			pairs++
		}
		r.Map(pairs)
		r.Str("id")
		s.replyID(r, p, v.Offset)
		pairOffset(r, "offset", v.Offset)
		pairText(r, "event", v.Name)
		r.Str("data")
		r.Bytes(given(v.Data, v.Form, &s.text))
		pairInt(r, "timestamp", v.Time/1000)
		if len(v.Metadata) > 0 {
			r.Str("metadata")
			r.Bytes(v.Metadata)
		}
	}
}
