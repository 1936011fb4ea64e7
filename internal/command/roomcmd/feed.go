package roomcmd

import (
	"strconv"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/store/room"
)

// follower is a connection that is sent a room's events.
type follower struct {
	sub  room.Subscriber
	gap  room.Gap
	gone bool
	// history, unless nil, is what is wanted of events that were there when it began.
	history *room.Selection
	next    uint64
	// generation of the room, which is part of its events' ids.
	generation uint64
}

// followFeed pushes events as they are published, after those that are wanted of the past.
func followFeed() *command.Feed {
	return &command.Feed{
		Path: "/stream/{room}/ws/{subscriber_id}", Events: "/stream/{room}/events",
		Open: openFollow, Frames: followed, Next: noticed, Closed: unfollow,
		Label: label, Resume: resume,
	}
}

// openFollow subscribes and says from where on.
func openFollow(c *command.Ctx, a *command.Args, s *command.Subscription) error {
	start, err := startOf(a)
	if err != nil {
		return err
	}
	name, who := a.Bytes(consumeRoom), a.Bytes(consumeWho)
	if a.Has(consumeWho) {
		if err := checkSubscriber(who); err != nil {
			return err
		}
	} else {
		who = []byte("events") // an EventSource has no name
	}
	anew, _, err := recreated(c, a)
	if err != nil {
		return err
	}
	if anew {
		start = room.At(0) // events that are gone already are told as a gap
	}
	f := new(follower)
	f.sub.Waker = s.Waker
	if f.generation, _, err = c.Rooms.Identity(name); err != nil {
		return err
	}
	next, err := c.Rooms.Subscribe(name, who, start, &f.sub)
	if err != nil {
		return err
	}
	s.State = f
	pairs := 4
	if anew {
		pairs++
	}
	c.Reply.Map(pairs)
	pairStr(c.Reply, "type", "connected")
	pairText(c.Reply, "room", name)
	pairText(c.Reply, "subscriber_id", who)
	pairOffset(c.Reply, "from_offset", next)
	if anew {
		c.Reply.Str("recreated")
		c.Reply.Bool(true)
	}
	return nil
}

// recreated says whether a reader that names the room's generation means another room than there
// is now, and which event of this one is the earliest. Who has read further than the room goes
// means another one, too; generation 0 is one that is not known.
func recreated(c *command.Ctx, a *command.Args) (anew bool, earliest uint64, err error) {
	if !a.Has(consumeGeneration) {
		return false, 0, nil
	}
	name := a.Bytes(consumeRoom)
	generation, _, err := c.Rooms.Identity(name)
	if err != nil {
		return false, 0, err
	}
	stats, err := c.Rooms.Stats(name)
	asked := uint64(a.Int(consumeGeneration, 0))
	anew = asked != 0 && asked != generation || uint64(a.Int(consumeFrom, 0)) > stats.Next
	return anew, stats.Min, err
}

// startOf is where a follower begins.
func startOf(a *command.Args) (room.Start, error) {
	given := 0
	for _, field := range [...]int{consumeFrom, consumeLast, consumeSince} {
		if a.Has(field) {
			given++
		}
	}
	if a.Bool(consumeNew) {
		given++
	}
	switch {
	case given > 1:
		return room.Start{}, errFollow
	case a.Has(consumeLast):
		return room.Last(uint64(a.Int(consumeLast, 0))), nil
	case a.Has(consumeSince):
		return room.Since(a.Int(consumeSince, 0)), nil
	case a.Bool(consumeNew):
		return room.Tail(), nil
	}
	return room.At(uint64(a.Int(consumeFrom, 0))), nil
}

// resume lets a follower begin behind the event of an id, or of an offset in whatever room had it.
func resume(a *command.Args, id []byte) error {
	room, offset, found := strings.Cut(string(id), "-")
	if !found {
		room, offset = "0", room
	}
	generation, err := strconv.ParseUint(room, 10, 62)
	last, err2 := strconv.ParseUint(offset, 10, 62)
	if err != nil || err2 != nil {
		return errEventID
	}
	a.Vals[consumeGeneration] = command.Value{Set: true, Int: int64(generation)}
	for _, field := range [...]int{consumeLast, consumeSince, consumeNew} {
		a.Vals[field] = command.Value{}
	}
	a.Vals[consumeFrom] = command.Value{Set: true, Int: int64(last) + 1}
	return nil
}

// followed appends the frames that a follower has not got yet.
func followed(
	e *command.Engine, s *command.Subscription, most int, dst []byte,
) ([]byte, command.Then) {
	f, _ := s.State.(*follower)
	from := len(dst)
	p, ok := e.Rooms.Pull(&f.sub, most, dst)
	switch {
	case !ok:
		f.gone = true
		return dst, command.ThenNext
	case p.Gap.Exists():
		f.gap = p.Gap
		f.next = p.Next
		return dst, command.ThenNext
	case f.history != nil:
		dst = p.Bytes[:from+len(f.history.Take(p.Bytes[from:], f.next))]
		if f.next = p.Next; f.history.Done() {
			return dst, command.ThenEnd
		}
	default:
		dst = p.Bytes
	}
	if p.More {
		return dst, command.ThenMore
	}
	return dst, command.ThenWait
}

// noticed says what no event does: that some are missing, or that the room is gone.
func noticed(c *command.Ctx, a *command.Args, s *command.Subscription) (bool, error) {
	f, _ := s.State.(*follower)
	if f.gone {
		return false, errDeleted(a.Bytes(consumeRoom))
	}
	c.Reply.Map(3)
	pairStr(c.Reply, "type", "gap")
	pairOffset(c.Reply, "from", f.gap.Asked)
	pairOffset(c.Reply, "to", f.gap.Earliest)
	return true, nil
}

func unfollow(e *command.Engine, _ *command.Args, s *command.Subscription, now int64) {
	if f, ok := s.State.(*follower); ok {
		e.Rooms.Unsubscribe(&f.sub, now)
	}
}

// label appends an event's id, which is that of stream.consume, and finds its name.
func label(dst, text []byte, s *command.Subscription) (withID, name []byte) {
	f, _ := s.State.(*follower)
	offset, name := room.Label(text)
	if f == nil || len(offset) == 0 {
		return dst, name
	}
	dst = append(strconv.AppendUint(dst, f.generation, 10), '-')
	return append(dst, offset...), name
}

// historyLines is a history, as long as it may be, of which no page has to be held: the events are
// sent as the peer reads, and kept meanwhile as for any subscriber.
func historyLines() *command.Feed {
	return &command.Feed{Open: openHistory, Frames: followed, Next: noticed, Closed: unfollow}
}

// openHistory checks what is wanted, as stream.history does. What is published later is not.
func openHistory(c *command.Ctx, a *command.Args, s *command.Subscription) error {
	start, err := begin(a)
	if err != nil {
		return err
	}
	name := a.Bytes(historyRoom)
	stats, err := c.Rooms.Stats(name)
	if err != nil {
		return err
	}
	wanted := &room.Selection{Until: stats.Next, Events: count(a.Int(historyLimit, 0)),
		Bytes: int(min(a.Int(historyBytes, 0), 1<<62))}
	if a.Has(historyTo) {
		until, err := behind(a.Int(historyTo, 0))
		if err != nil {
			return err
		}
		wanted.Until = min(wanted.Until, until)
	}
	if event := a.Bytes(historyEvent); len(event) > 0 {
		wanted.Name = room.Inside(event)
	}
	if _, err := c.Rooms.Read(name, &room.Query{From: start, Limit: 1}, nil); err != nil {
		return err
	}
	f := &follower{history: wanted}
	f.sub.Waker = s.Waker
	f.next, err = c.Rooms.Subscribe(name, []byte("history"), start, &f.sub)
	s.State = f
	return err
}
