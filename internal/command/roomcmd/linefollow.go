package roomcmd

import (
	"strconv"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/room"
)

const followWords = "room [FROM offset|LAST count|SINCE unix-time-milliseconds|NEW] " +
	"[ID subscriber]"

var errRESP3 = errs.New(errs.Redis, "ERR SFOLLOW pushes events between replies, which needs "+
	"RESP3: send HELLO 3 first, or read with SCONSUME and BLOCK")

func followLines() []*command.Row {
	return []*command.Row{{
		Name: "SFOLLOW", Arity: -2, Room: 1, Flags: command.Read | command.NoMulti,
		Words:   followWords,
		Summary: "Has the events of a room pushed to the connection, in order; needs RESP3.",
		Run:     followLine,
	}, {
		Name: "SUNFOLLOW", Arity: 2, Words: "subscriber",
		Flags:   command.Lockless | command.NoMulti | command.WhileListening,
		Summary: "Ends what SFOLLOW began; returns 0 if the connection has no such subscriber.",
		Run:     unfollowLine,
	}}
}

// following is a room whose events are pushed to a RESP connection.
type following struct {
	sub  room.Subscriber
	name []byte
}

var _ command.Source = (*following)(nil)

// followLine answers what the first message of a WebSocket says.
func followLine(c *command.Ctx, argv [][]byte) error {
	if c.Session.Resp != 3 {
		return errRESP3
	}
	start, id, err := readFollow(argv[2:])
	if err != nil {
		return err
	}
	if id == nil {
		id = command.NewID()
	}
	if err := checkSubscriber(id); err != nil {
		return err
	}
	f := &following{name: append([]byte(nil), argv[1]...)}
	var next uint64
	err = c.Engine.OpenSource(c.Session, string(id), func(w command.Waker) (command.Source, error) {
		f.sub.Waker = w
		var err error
		next, err = c.Rooms.Subscribe(f.name, id, start, &f.sub)
		return f, err
	})
	if err != nil {
		return err
	}
	c.Reply.Map(3)
	pairText(c.Reply, "subscriber_id", id)
	pairText(c.Reply, "room", f.name)
	pairOffset(c.Reply, "from_offset", next)
	return nil
}

// readFollow reads where a follower begins, from the first event there ever was unless said, and
// its id, nil if none is given.
func readFollow(words [][]byte) (start room.Start, id []byte, err error) {
	l := lines.Reader{Words: words, Row: "SFOLLOW", Usage: followWords}
	start = room.At(0)
	for begun := false; l.More(); {
		switch {
		case !begun && l.Is("FROM"):
			start, begun = room.At(uint64(l.Number("FROM"))), true
		case !begun && l.Is("LAST"):
			start, begun = room.Last(uint64(l.Number("LAST"))), true
		case !begun && l.Is("SINCE"):
			start, begun = room.Since(l.Number("SINCE")), true
		case !begun && l.Is("NEW"):
			start, begun = room.Tail(), true
		case id == nil && l.Is("ID"):
			id = l.Word()
		default:
			l.Bad()
		}
	}
	return start, id, l.Err
}

// unfollowLine leaves alone what is followed by other commands.
func unfollowLine(c *command.Ctx, argv [][]byte) error {
	id := string(argv[1])
	ended := int64(0)
	if _, ok := c.Session.SourceOf(id).(*following); ok && c.Engine.CloseSource(c.Session, id) {
		ended = 1
	}
	c.Reply.Int(ended)
	return nil
}

// Push is part of command.Source.
func (f *following) Push(
	e *command.Engine, _ *command.Session, to command.SourcePusher,
) (more bool, err error) {
	s := borrow()
	defer s.giveBack()
	p, ok := e.Rooms.Pull(&f.sub, command.SourceBytes, s.text[:0])
	if !ok {
		return false, errDeleted(f.name)
	}
	s.text = p.Bytes
	if p.Gap.Exists() {
		var notice [96]byte
		to.PushEvent(f.name, appendGap(notice[:0], p.Gap))
	}
	for rest := p.Bytes; len(rest) > 0; {
		var text []byte
		text, rest = room.Text(rest)
		to.PushEvent(f.name, text)
	}
	return p.More, nil
}

// appendGap is the notice that noticed writes.
func appendGap(dst []byte, gap room.Gap) []byte {
	dst = strconv.AppendUint(append(dst, `{"type":"gap","from":`...), gap.Asked, 10)
	dst = strconv.AppendUint(append(dst, `,"to":`...), gap.Earliest, 10)
	return append(dst, '}')
}

// Stall is part of command.Source. Events wait in their room: a slow peer is told of a gap.
func (f *following) Stall(bool) {}

// Close is part of command.Source.
func (f *following) Close(e *command.Engine, now int64) { e.Rooms.Unsubscribe(&f.sub, now) }
