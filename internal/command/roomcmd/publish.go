package roomcmd

import (
	"slices"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/room"
)

// Positions of the fields of an event; those of stream.publish stand behind the room.
const (
	putEvent = iota
	putData
	putMetadata

	putFields
)

// Positions of the fields of stream.publish and stream.publish_batch.
const (
	publishRoom     = 0
	publishEvent    = 1
	publishExpected = publishEvent + putFields
	publishCreate   = publishExpected + 1

	batchEvents   = 1
	batchExpected = 2
	batchCreate   = 3
)

func publishRows() []*command.Row {
	event := []command.Field{
		{Name: "event", Type: command.StringField, Required: true,
			Doc: "The event's type, 1 to 512 bytes."},
		{Name: "data", Type: command.JSONField, Required: true, Doc: "Any JSON value."},
		{Name: "metadata", Aliases: []string{"headers"}, Type: command.ObjectField,
			Doc: "An object that goes with it, at most 65535 bytes."},
	}
	expected := number("expected_offset", "Only if the (first) event gets this offset: otherwise "+
		"another writer came first.")
	auto := command.Field{Name: "auto_create", Type: command.BoolField,
		Doc: "Whether to make the room if there is none; absent: the server's setting."}
	return []*command.Row{{
		Name: "stream.publish", Flags: grows,
		Summary: "Appends an event to a room and returns its offset.",
		Fields:  slices.Concat([]command.Field{roomField}, event, []command.Field{expected, auto}),
		Call:    publish,
		Routes:  []command.Route{{Method: "POST", Path: "/stream/{room}/publish"}},
	}, {
		Name: "stream.publish_batch", Flags: command.Write | command.Grows,
		Summary: "Appends many events at once; none if one of them is wrong.",
		Fields: []command.Field{roomField, {
			Name: "events", Type: command.ObjectListField, Required: true,
			Doc:  "Objects of event, data and metadata.",
			Item: &command.Row{Name: "event", Fields: event},
		}, expected, auto},
		Call:   publishBatch,
		Routes: []command.Route{{Method: "POST", Path: "/stream/{room}/publish_batch"}},
	}}
}

// bring reads the fields of an event, which begin at field first.
func (s *scratch) bring(a *command.Args, first int) {
	data := &a.Vals[first+putData]
	s.event = room.Event{
		Name: a.Bytes(first + putEvent), Data: data.B, Metadata: a.Bytes(first + putMetadata),
	}
	if data.Form == effect.BytesForm {
		s.event.Form = effect.BytesData
	}
	if string(s.event.Metadata) == "{}" {
		s.event.Metadata = nil
	}
}

// autoCreate says whether a missing room is to be made, by a field.
func autoCreate(c *command.Ctx, a *command.Args, field int) bool {
	if a.Has(field) {
		return a.Bool(field)
	}
	return c.Engine.AutoCreate
}

func publish(c *command.Ctx, a *command.Args) error {
	s := borrow()
	defer s.giveBack()
	s.bring(a, publishEvent)
	s.event.Expect = a.Has(publishExpected)
	s.event.Expected = uint64(a.Int(publishExpected, 0))
	s.event.AutoCreate = autoCreate(c, a, publishCreate)
	if err := full(c); err != nil {
		return err
	}
	name := a.Bytes(publishRoom)
	offset, err := c.Rooms.Publish(name, &s.event)
	if err != nil {
		return err
	}
	c.Reply.Map(2)
	pairOffset(c.Reply, "offset", offset)
	pairText(c.Reply, "room", name)
	return nil
}

// publishBatch checks what can be wrong with an event before the first is there.
func publishBatch(c *command.Ctx, a *command.Args) error {
	s := borrow()
	defer s.giveBack()
	items := a.Vals[batchEvents].Commands
	for i := range items {
		s.bring(&items[i].Args, 0)
		if err := room.CheckEvent(&s.event); err != nil {
			return command.InItem(err, "events", i)
		}
	}
	if err := full(c); err != nil {
		return err
	}
	name := a.Bytes(publishRoom)
	if len(items) == 0 { // the room must be there all the same
		if _, err := c.Rooms.Stats(name); err != nil {
			return err
		}
	}
	for i := range items {
		s.bring(&items[i].Args, 0)
		if i == 0 {
			s.event.Expect = a.Has(batchExpected)
			s.event.Expected = uint64(a.Int(batchExpected, 0))
			s.event.AutoCreate = autoCreate(c, a, batchCreate)
		}
		offset, err := c.Rooms.Publish(name, &s.event)
		if err != nil {
			return err
		}
		s.offsets = append(s.offsets, offset)
	}
	c.Reply.Map(3)
	c.Reply.Str("offsets")
	s.replyOffsets(c.Reply)
	pairInt(c.Reply, "published", int64(len(s.offsets)))
	pairText(c.Reply, "room", name)
	return nil
}

func (s *scratch) replyOffsets(r command.Reply) {
	r.Array(len(s.offsets))
	for _, offset := range s.offsets {
		r.Int(int64(offset))
	}
}
