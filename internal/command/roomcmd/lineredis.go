package roomcmd

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/command/listing"
	"github.com/synapdb/synap/internal/store/room"
)

const (
	xreadWords  = "[COUNT count] [BLOCK milliseconds] STREAMS room offset"
	xgroupWords = "GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] " +
		"STREAMS room offset"
	xrangeWords = "room start end [COUNT count]"
	xreadCount  = 10
	xreader     = "xread" // the subscriber that an XREAD is
)

// redisLines are Redis' commands over streams, as far as rooms can be such.
func redisLines() []*command.Row {
	return []*command.Row{{
		Name: "XADD", Arity: 5, Room: 1, Flags: grows, Words: "room <*|offset> field data",
		Summary: "Appends an event to a room, at an offset if one is given; returns its offset.",
		Run:     xadd,
	}, {
		Name: "XREAD", Arity: -4, FindRoom: streamsAt, Flags: command.Read, Words: xreadWords,
		Summary: "Returns events from an offset on; waits for one if wanted.",
		Run:     func(c *command.Ctx, argv [][]byte) error { return xread(c, argv[1:], nil) },
	}, {
		Name: "XREADGROUP", Arity: -7, FindRoom: streamsAt, Flags: command.Write,
		Words:   xgroupWords,
		Summary: "Returns events that nobody of a group got yet, or those from an offset on.",
		Run: func(c *command.Ctx, argv [][]byte) error {
			l := lines.Reader{Words: argv[1:], Row: "XREADGROUP", Usage: xgroupWords}
			if !l.Is("GROUP") {
				l.Bad()
				return l.Err
			}
			return xread(c, argv[4:], argv[2:4])
		},
	}, {
		Name: "XRANGE", Arity: -4, Room: 1, Flags: command.Read, Words: xrangeWords,
		Summary: "Returns events from an offset to another, both included.",
		Run:     xrange,
	}, {
		Name: "XDEL", Arity: -3, Room: 1, Flags: command.Read | command.Fast,
		Words:   "room offset [offset ...]",
		Summary: "Answers 0: events go by the bounds of their room, or by STRIM.",
		Run: func(c *command.Ctx, _ [][]byte) error {
			c.Reply.Int(0)
			return nil
		},
	}, {
		Name: "XACK", Arity: -4, Room: 1, Flags: command.Read | command.Fast,
		Words:   "room group offset [offset ...]",
		Summary: "Counts those of the offsets that a group has got: they need no acknowledgement.",
		Run:     xack,
	}}
}

// streamsAt finds the word behind STREAMS.
func streamsAt(argv [][]byte) int {
	from := 1
	if lines.Is(argv[0], "XREADGROUP") {
		from = 4 // what stands before are names
	}
	for i := from; i < len(argv)-1; i++ {
		if lines.Is(argv[i], "STREAMS") {
			return i + 1
		}
	}
	return 0
}

// offsetOf reads an offset, which may be written n-m.
func offsetOf(word []byte) (uint64, error) {
	n, m, _ := bytes.Cut(word, []byte("-"))
	offset, fine := lines.Natural(n)
	if len(m) > 0 && fine {
		_, fine = lines.Natural(m)
	}
	if !fine {
		return 0, errID
	}
	return uint64(offset), nil
}

func xadd(c *command.Ctx, argv [][]byte) error {
	var expected *uint64
	if string(argv[2]) != "*" {
		offset, err := offsetOf(argv[2])
		if err != nil {
			return err
		}
		expected = &offset
	}
	return publishWord(c, argv[1], argv[3], argv[4], expected, func(offset int64) {
		c.Reply.Text(strconv.AppendInt(nil, offset, 10))
	})
}

// xreading is an XREAD, or XREADGROUP.
type xreading struct {
	name, start []byte
	group       []byte // empty: none
	who         []byte
	wait        int64
}

// read reads the words behind those of the group.
func (x *xreading) read(words [][]byte, group [][]byte, q *room.Query) error {
	l := lines.Reader{Words: words, Row: "XREAD", Usage: xreadWords}
	x.who = []byte(xreader)
	if group != nil {
		l.Row, l.Usage = "XREADGROUP", xgroupWords
		x.group, x.who = group[0], group[1]
	}
	q.Limit = xreadCount
	for l.Err == nil && !l.Is("STREAMS") {
		switch {
		case l.Is("COUNT"):
			q.Limit = count(l.Count("COUNT"))
		case l.Is("BLOCK"):
			x.wait = block(&l)
		case group != nil && l.Is("NOACK"):
		default:
			l.Bad()
		}
	}
	x.name, x.start = l.Word(), l.Word()
	return l.End()
}

// begin is the offset from which on x reads.
func (x *xreading) begin(c *command.Ctx) (uint64, error) {
	next, waited := c.Awaited()
	switch {
	case waited && string(x.start) == "$":
		return next, nil
	case string(x.start) == "$", string(x.start) == ">" && x.group != nil:
	default:
		return offsetOf(x.start)
	}
	st, err := c.Rooms.Stats(x.name)
	if err != nil || string(x.start) == "$" {
		return st.Next, err
	}
	next, _, err = c.Rooms.Cursor(x.name, x.group)
	return max(next, st.Min), err
}

func xread(c *command.Ctx, words, group [][]byte) error {
	s := borrow()
	defer s.giveBack()
	var x xreading
	if err := x.read(words, group, &s.query); err != nil {
		return err
	}
	from, err := x.begin(c)
	if err != nil {
		return err
	}
	p, parked, err := s.follow(c, x.name, x.who, room.At(from), x.wait)
	switch {
	case parked || err != nil:
		return err
	case len(s.views) == 0:
		c.Reply.NullArray()
		return nil
	}
	if string(x.start) == ">" {
		if err := c.Rooms.Commit(x.name, x.group, p.next); err != nil {
			return err
		}
	}
	s.replyX(c.Reply)
	return nil
}

// replyX writes events as [[offset, [event, data]], …].
func (s *scratch) replyX(r command.Reply) {
	r.Array(len(s.views))
	for i := range s.views {
		v := &s.views[i]
		r.Array(2)
		r.Text(strconv.AppendUint(s.id[:0], v.Offset, 10))
		r.Array(2)
		r.Text(v.Name)
		r.Bytes(given(v.Data, v.Form, &s.text))
	}
}

func xrange(c *command.Ctx, argv [][]byte) error {
	s := borrow()
	defer s.giveBack()
	l := lines.Reader{Words: argv[4:], Row: "XRANGE", Usage: xrangeWords}
	if l.Is("COUNT") {
		s.query.Limit = count(l.Count("COUNT"))
	}
	if err := l.End(); err != nil {
		return err
	}
	first, err := limitOf(argv[2], true)
	if err != nil {
		return err
	}
	last, err := limitOf(argv[3], false)
	if err != nil {
		return err
	}
	st, err := c.Rooms.Stats(argv[1])
	if err != nil {
		return err
	}
	first = max(first, st.Min)
	if last == 0 || first >= last {
		c.Reply.Array(0)
		return nil
	}
	s.query.From, s.query.Until = room.At(first), last
	if _, err := s.read(c, argv[1]); err != nil {
		return err
	}
	s.replyX(c.Reply)
	return nil
}

// limitOf reads a bound of a range: a lower one as the first offset within it, an upper one as the
// first behind it. A parenthesis leaves the offset itself out.
func limitOf(word []byte, lower bool) (uint64, error) {
	switch string(word) {
	case "-":
		return 0, nil
	case "+":
		return math.MaxInt64, nil
	}
	word, open := bytes.CutPrefix(word, []byte("("))
	offset, err := offsetOf(word)
	if err != nil {
		return 0, err
	}
	if open == lower {
		offset++
	}
	return offset, nil
}

func xack(c *command.Ctx, argv [][]byte) error {
	next, _, err := c.Rooms.Cursor(argv[1], argv[2])
	if err != nil {
		return err
	}
	got := int64(0)
	for _, word := range argv[3:] {
		offset, err := offsetOf(word)
		if err != nil {
			return err
		}
		if offset < next {
			got++
		}
	}
	c.Reply.Int(got)
	return nil
}

// describeLine is XINFO.
func describeLine() *command.Row {
	row := &command.Row{
		Name: "XINFO", Arity: -2, Flags: command.Lockless, Summary: "Commands about rooms.",
	}
	row.Subcommands = []*command.Row{{
		Name: "ROOMS", Arity: 2, Flags: command.Read | command.SelfLocking,
		Summary: "Names the rooms in byte order.",
		Run: func(c *command.Ctx, _ [][]byte) error {
			listing.All(c.Reply, c.Engine.Rooms)
			return nil
		},
	}, {
		Name: "STREAM", Arity: 3, Room: 2, Flags: command.Read | command.Fast, Words: "room",
		Summary: "Returns a room's figures, as Redis calls them.",
		Run:     xinfo,
	}, {
		Name: "HELP", Arity: 2, Flags: command.Lockless | command.Fast,
		Summary: "Prints this help.",
		Run: func(c *command.Ctx, _ [][]byte) error {
			c.Reply.Array(2 * len(row.Subcommands))
			for _, sub := range row.Subcommands {
				c.Reply.Status(strings.TrimSpace("XINFO " + sub.Name + " " + sub.Words))
				c.Reply.Status("    " + sub.Summary)
			}
			return nil
		},
	}}
	return row
}

func xinfo(c *command.Ctx, argv [][]byte) error {
	st, err := c.Rooms.Stats(argv[2])
	if err != nil {
		return err
	}
	r := c.Reply
	r.Map(5)
	pairInt(r, "length", st.Messages)
	pairStr(r, "last-generated-id", strconv.FormatUint(st.Max, 10))
	pairInt(r, "entries-added", st.Published)
	pairStr(r, "recorded-first-entry-id", strconv.FormatUint(st.Min, 10))
	pairInt(r, "groups", 0)
	return nil
}
