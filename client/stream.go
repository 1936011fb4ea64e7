package synap

import (
	"context"
	"encoding/json"
	"time"
)

// Stream is an event room by its name.
type Stream struct {
	c    *Client
	name string
}

// Stream names a room; it need not exist yet.
func (c *Client) Stream(name string) *Stream { return &Stream{c, name} }

// StreamOptions say what a room keeps; zeros are the server's defaults, -1 is no bound.
type StreamOptions struct {
	MaxEvents int64
	MaxBytes  int64
	Retention time.Duration
}

// Create makes the room; one that exists is ErrConflict.
func (s *Stream) Create(ctx context.Context, o StreamOptions) error {
	r := &request{command: "stream.create", fields: []field{{"room", s.name}}}
	if o == (StreamOptions{}) {
		r.line = []any{"SCREATE", s.name}
	}
	for _, f := range []field{{"max_events", o.MaxEvents}, {"max_bytes", o.MaxBytes},
		{"retention_ms", o.Retention.Milliseconds()}} {
		if f.value != int64(0) {
			r.fields = append(r.fields, f)
		}
	}
	_, err := s.c.call(ctx, r)
	return err
}

// Delete removes the room with all its events.
func (s *Stream) Delete(ctx context.Context) error {
	_, err := s.c.call(ctx, &request{command: "stream.delete", line: []any{"SDELETE", s.name},
		fields: []field{{"room", s.name}}})
	return err
}

// Publish appends an event, whose data is JSON text, and returns its offset.
func (s *Stream) Publish(
	ctx context.Context, event string, data json.RawMessage,
) (offset int64, err error) {
	v, err := s.c.call(ctx, Append(s.name, event, data).r)
	return number(v, "offset"), err
}

// Append, as a command of a Batch, adds an event to a room.
func Append(room, event string, data json.RawMessage) Command {
	return Command{&request{command: "stream.publish",
		line:   []any{"SPUBLISH", room, event, []byte(data)},
		fields: []field{{"room", room}, {"event", event}, {"data", data}}}}
}

// NewEvent is an event on its way into a room. Data is JSON text.
type NewEvent struct {
	Name string
	Data json.RawMessage
}

// PublishBatch appends events, all of them or none, and returns their offsets.
func (s *Stream) PublishBatch(ctx context.Context, events []NewEvent) (offsets []int64, err error) {
	if len(events) == 0 {
		return nil, nil
	}
	line := []any{"SMPUBLISH", s.name}
	list := make([]any, len(events))
	for i, e := range events {
		line = append(line, e.Name, []byte(e.Data))
		list[i] = map[string]any{"event": e.Name, "data": e.Data}
	}
	v, err := s.c.call(ctx, &request{command: "stream.publish_batch", line: line,
		fields: []field{{"room", s.name}, {"events", list}}})
	if err != nil {
		return nil, err
	}
	if m := member(v, "offsets"); m != nil {
		v = m
	}
	for _, offset := range toList(v) {
		offsets = append(offsets, toInt(offset))
	}
	return offsets, nil
}

// Event is one event of a room.
type Event struct {
	Room, Name string
	Offset     int64
	Data       json.RawMessage
	Time       time.Time // as exact as seconds
	// Gap is how many events before this one were gone before they could be read.
	Gap int64
}

// History returns up to limit events from an offset on; where the room begins later, from there.
func (s *Stream) History(ctx context.Context, from int64, limit int) ([]Event, error) {
	v, err := s.c.call(ctx, &request{command: "stream.history", read: true,
		line:   []any{"SHISTORY", s.name, "FROM", from, "COUNT", int64(limit)},
		fields: []field{{"room", s.name}, {"from_offset", from}, {"limit", limit}}})
	if err != nil {
		return nil, err
	}
	list := toList(member(v, "events"))
	events := make([]Event, 0, len(list))
	for _, item := range list {
		events = append(events, s.event(item, toBytes(member(item, "data"))))
	}
	return events, nil
}

func (s *Stream) event(v any, data []byte) Event {
	return Event{Room: s.name, Name: toText(member(v, "event")), Data: data,
		Offset: toInt(member(v, "offset")),
		Time:   time.Unix(toInt(member(v, "timestamp")), 0)}
}
