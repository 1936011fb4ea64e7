package roomcmd

import (
	"strconv"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/room"
)

// Positions of the fields of stream.consume.
const (
	consumeRoom = iota
	consumeWho
	consumeFrom
	consumeLimit
	consumeBytes
	consumeWait
	consumeLast
	consumeSince
	consumeNew
	consumeGeneration
)

// Positions of the fields of stream.history.
const (
	historyRoom = iota
	historyFrom
	historyTo
	historyLast
	historySince
	historyEvent
	historyLimit
	historyBytes
	historyFormat
)

func readRows() []*command.Row {
	return []*command.Row{{
		Name: "stream.consume", Flags: command.Read,
		Summary: "Returns events from an offset on, which stay; waits for one if wanted.",
		Fields: []command.Field{roomField,
			text("subscriber_id", "The reader's name, 1 to 512 bytes; only those of server-sent "+
				"events need none."),
			number("from_offset", "The first offset wanted; 0 when absent."),
			limitField, bytesField,
			number("wait_ms", "Milliseconds to wait when there is none, 3600000 at most."),
			number("last", "Begin with the newest so many instead."),
			number("since", "Begin at this moment instead, in ms since the Unix epoch."),
			{Name: "new", Type: command.BoolField, Doc: "Begin with what is published next."},
			number("generation", "Which room from_offset is of: if that was deleted and made anew "+
				"since, begin with the earliest event there is."),
		},
		Call: consume,
		Feed: followFeed(),
		Routes: []command.Route{
			{Method: "GET", Path: "/stream/{room}/consume/{subscriber_id}"},
		},
	}, {
		Name: "stream.history", Flags: command.Read,
		Summary: "Returns past events: from an offset or a moment on, the newest, of one type.",
		Fields: []command.Field{roomField,
			{Name: "from_offset", Type: command.IntField,
				Doc: "The first offset wanted, or -N for the newest N; absent: the earliest."},
			number("to_offset", "The last offset wanted."),
			number("last", "The newest so many."),
			number("from_time", "Events from this moment on, in ms since the Unix epoch."),
			text("event", "Only events of this type."),
			limitField, bytesField,
			text("format", "ndjson for lines of JSON over HTTP, without bounds unless given."),
		},
		Call: history,
		Routes: []command.Route{
			{Method: "GET", Path: "/stream/{room}/history", Lines: historyLines()},
		},
	}}
}

// page is events of a room as they are answered.
type page struct {
	room       []byte
	generation uint64
	next       uint64
	more       bool
}

// read reads what s.query wants into s.views. Limit and Bytes of 0 are the defaults.
func (s *scratch) read(c *command.Ctx, name []byte) (p page, err error) {
	q := &s.query
	if q.Limit <= 0 {
		q.Limit = defaultEvents
	}
	if q.Bytes <= 0 {
		q.Bytes = maxAnswerBytes
	}
	q.Limit, q.Bytes = min(q.Limit, maxEvents), min(q.Bytes, maxAnswerBytes)
	read, err := c.Rooms.Read(name, q, s.views)
	if err != nil {
		return p, err
	}
	s.views = read.Events
	p = page{room: name, next: read.Next, more: read.More}
	if n := fitting(s.views, q.Bytes); n < len(s.views) {
		p.next, p.more = s.views[n].Offset, true
		clear(s.views[n:])
		s.views = s.views[:n]
	}
	p.generation, _, err = c.Rooms.Identity(name)
	return p, err
}

// fitting is how many of the events may be answered at once, at least one if there are some.
func fitting(views []room.View, most int) int {
	bytes := 0
	for i := range views {
		v := &views[i]
		if bytes >= most {
			return i
		}
		bytes += len(v.Data) + len(v.Metadata) + len(v.Name)
	}
	return len(views)
}

// follow reads from some place on, or parks; parked means that there is no answer yet.
func (s *scratch) follow(c *command.Ctx, name, who []byte, from room.Start, wait int64) (
	p page, parked bool, err error,
) {
	if err := checkSubscriber(who); err != nil {
		return p, false, err
	}
	s.query.From = from
	if p, err = s.read(c, name); err != nil || len(s.views) > 0 || wait <= 0 {
		return p, false, err
	}
	return p, c.ParkInRoom(name, who, p.next, wait), nil
}

// consume answers {events, next_offset}.
func consume(c *command.Ctx, a *command.Args) error {
	wait := a.Int(consumeWait, 0)
	if wait > maxWait {
		return errWait
	}
	if !a.Has(consumeWho) {
		return errs.Missing("subscriber_id")
	}
	from, err := startOf(a)
	if err != nil {
		return err
	}
	if anew, earliest, err := recreated(c, a); err != nil {
		return err
	} else if anew {
		from = room.At(earliest)
	}
	if next, ok := c.Awaited(); ok {
		from = room.At(next) // the newest events were others when it began to wait
	}
	s := borrow()
	defer s.giveBack()
	s.query.Limit, s.query.Bytes = count(a.Int(consumeLimit, 0)), count(a.Int(consumeBytes, 0))
	p, parked, err := s.follow(c, a.Bytes(consumeRoom), a.Bytes(consumeWho), from, wait)
	if parked || err != nil {
		return err
	}
	c.Reply.Map(2)
	s.replyEvents(c.Reply, &p)
	pairOffset(c.Reply, "next_offset", p.next)
	return nil
}

// count makes a number of a caller, 0 or more, one that arithmetic can't overflow.
func count(n int64) int { return int(min(n, maxAnswerBytes)) }

// history answers {events, next_offset, more}.
func history(c *command.Ctx, a *command.Args) error {
	s := borrow()
	defer s.giveBack()
	from, err := begin(a)
	if err != nil {
		return err
	}
	s.query = room.Query{
		From: from, Event: a.Bytes(historyEvent), Limit: count(a.Int(historyLimit, 0)),
		Bytes: count(a.Int(historyBytes, 0)),
	}
	if a.Has(historyTo) {
		if s.query.Until, err = behind(a.Int(historyTo, 0)); err != nil {
			return err
		}
	}
	p, err := s.read(c, a.Bytes(historyRoom))
	if err != nil {
		return err
	}
	c.Reply.Map(3)
	s.replyEvents(c.Reply, &p)
	pairOffset(c.Reply, "next_offset", p.next)
	pairBool(c.Reply, "more", p.more)
	return nil
}

// earliest begins with the first event that there is.
var earliest = room.Last(1 << 62)

// begin is where a history begins.
func begin(a *command.Args) (room.Start, error) {
	given := 0
	for _, field := range [...]int{historyFrom, historyLast, historySince} {
		if a.Has(field) {
			given++
		}
	}
	from := a.Int(historyFrom, 0)
	switch {
	case given > 1:
		return room.Start{}, errStarts
	case a.Has(historyLast):
		return room.Last(uint64(a.Int(historyLast, 0))), nil
	case a.Has(historySince):
		return room.Since(a.Int(historySince, 0)), nil
	case given == 0:
		return earliest, nil
	case from < 0:
		return room.Last(-uint64(from)), nil
	}
	return room.At(uint64(from)), nil
}

// behind is the offset behind the last one wanted.
func behind(last int64) (uint64, error) {
	if last == 1<<63-1 {
		return 0, errEnd
	}
	return uint64(last) + 1, nil
}

func (s *scratch) replyEvents(r command.Reply, p *page) {
	r.Str("events")
	r.Array(len(s.views))
	for i := range s.views {
		s.whole(r, p, &s.views[i])
	}
}

// replyID writes an event's id.
func (s *scratch) replyID(r command.Reply, p *page, offset uint64) {
	id := strconv.AppendUint(s.id[:0], p.generation, 10)
	id = strconv.AppendUint(append(id, '-'), offset, 10)
	r.Text(id)
}

// whole writes an event as the contract has it, and its value.
func (s *scratch) whole(r command.Reply, p *page, v *room.View) {
	pairs := 9
	if v.Form == effect.BytesData {
		pairs++
	}
	r.Map(pairs)
	r.Str("id")
	s.replyID(r, p, v.Offset)
	pairOffset(r, "offset", v.Offset)
	pairText(r, "room", p.room)
	pairText(r, "event", v.Name)
	r.Str("data")
	r.Bytes(v.Data)
	pairInt(r, "timestamp", v.Time/1000)
	r.Str("metadata")
	if len(v.Metadata) == 0 {
		r.Map(0)
	} else {
		r.JSON(v.Metadata)
	}
	pairInt(r, "timestamp_ms", v.Time)
	r.Str("value")
	r.JSON(v.Data)
	if v.Form == effect.BytesData {
		pairStr(r, "encoding", "base64")
	}
}
