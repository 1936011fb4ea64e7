package roomcmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/room"
)

func publishLines() []*command.Row {
	return []*command.Row{{
		// Of two arguments it is Redis' sharded publish, which has no room.
		Name: "SPUBLISH", Arity: -3, Flags: grows, Words: "<room event data|channel message>",
		FindRoom: func(argv [][]byte) int {
			if len(argv) == publishWords {
				return 1
			}
			return 0
		},
		Summary: "Appends an event to a room and returns its offset; or sends a message to all " +
			"who are subscribed by SSUBSCRIBE.",
		Run: publishLine,
	}, {
		Name: "SMPUBLISH", Arity: -4, Room: 1, Flags: command.Write | command.Grows,
		Words:   "room event data [event data ...]",
		Summary: "Appends many events at once and returns their offsets.",
		Run:     publishManyLine,
	}}
}

// How many words an SPUBLISH has to a room, and to a channel.
const (
	publishWords = 4
	shardWords   = 3
)

var errPublishArity = errs.New(errs.Redis,
	"ERR wrong number of arguments for 'spublish' command")

func publishLine(c *command.Ctx, argv [][]byte) error {
	switch {
	case len(argv) == shardWords && c.Engine.Topics != nil:
		c.Reply.Int(int64(c.PublishShard(argv[1], argv[2])))
		return nil
	case len(argv) != publishWords:
		return errPublishArity
	}
	return publishWord(c, argv[1], argv[2], argv[3], nil, c.Reply.Int)
}

// publishWord publishes an event whose data is a word, expecting an offset unless that is nil, and
// replies its offset.
func publishWord(
	c *command.Ctx, name, event, data []byte, expected *uint64, reply func(int64),
) error {
	if err := checkData(c, data); err != nil {
		return err
	}
	if err := full(c); err != nil {
		return err
	}
	s := borrow()
	defer s.giveBack()
	s.event = room.Event{Name: event, AutoCreate: c.Engine.AutoCreate}
	if expected != nil {
		s.event.Expect, s.event.Expected = true, *expected
	}
	s.event.Data, s.event.Form = dataOf(data, &s.text)
	if err := admit(c, len(data), len(s.event.Data)); err != nil {
		return err
	}
	offset, err := c.Rooms.Publish(name, &s.event)
	if err == nil {
		reply(int64(offset))
	}
	return err
}

// admit asks the journal for more than the words of a line if more bytes are kept: a control
// character becomes six.
func admit(c *command.Ctx, words, kept int) error {
	if kept <= words+quoteBytes {
		return nil
	}
	return c.Engine.Admit(kept + quoteBytes)
}

// quoteBytes is what a record has room for beyond the words of its line.
const quoteBytes = 32

func publishManyLine(c *command.Ctx, argv [][]byte) error {
	pairs := argv[2:]
	if len(pairs)%2 != 0 {
		return errs.New(errs.Redis, "ERR wrong number of arguments for 'smpublish' command")
	}
	s := borrow()
	defer s.giveBack()
	words, kept := 0, 0
	for i := 0; i < len(pairs); i += 2 {
		if err := checkData(c, pairs[i+1]); err != nil {
			return err
		}
		s.event = room.Event{Name: pairs[i]}
		s.event.Data, s.event.Form = dataOf(pairs[i+1], &s.text)
		if err := room.CheckEvent(&s.event); err != nil {
			return err
		}
		words += len(pairs[i+1])
		kept += len(s.event.Data)
	}
	if err := admit(c, words, kept); err != nil {
		return err
	}
	if err := full(c); err != nil {
		return err
	}
	for i := 0; i < len(pairs); i += 2 {
		s.event = room.Event{Name: pairs[i], AutoCreate: c.Engine.AutoCreate}
		s.event.Data, s.event.Form = dataOf(pairs[i+1], &s.text)
		offset, err := c.Rooms.Publish(argv[1], &s.event)
		if err != nil {
			return err
		}
		s.offsets = append(s.offsets, offset)
	}
	s.replyOffsets(c.Reply)
	return nil
}
