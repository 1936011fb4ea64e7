package persist

import "github.com/synapdb/synap/internal/effect"

// dumpedRoom is an effect over rooms. Times are ms since the Unix epoch.
type dumpedRoom struct {
	Kind       string         `json:"kind"`
	Room       *string        `json:"room,omitempty"` // absent: only the generation is told
	Room64     string         `json:"room_base64,omitempty"`
	Generation uint64         `json:"generation"`
	Offset     *uint64        `json:"offset,omitempty"`
	First      uint64         `json:"first,omitempty"` // earliest offset kept
	Time       int64          `json:"time_ms,omitempty"`
	Event      *string        `json:"event,omitempty"`
	Event64    string         `json:"event_base64,omitempty"`
	Form       string         `json:"form,omitempty"`
	Data       *string        `json:"data,omitempty"` // JSON text
	Data64     string         `json:"data_base64,omitempty"`
	Metadata   *string        `json:"metadata,omitempty"`
	Metadata64 string         `json:"metadata_base64,omitempty"`
	Consumer   *string        `json:"consumer,omitempty"`
	Consumer64 string         `json:"consumer_base64,omitempty"`
	Forgotten  bool           `json:"forgotten,omitempty"`
	Settings   *dumpedBorders `json:"settings,omitempty"`
}

// dumpedBorders are called as in stream.create; -1 is no bound.
type dumpedBorders struct {
	Created   int64 `json:"created_ms"`
	MaxEvents int64 `json:"max_events"`
	MaxBytes  int64 `json:"max_bytes"`
	MaxAge    int64 `json:"retention_ms"`
}

var roomKindNames = map[effect.Kind]string{
	effect.RoomSet: "room_set", effect.RoomDelete: "room_delete",
	effect.RoomPublish: "room_publish", effect.RoomTrim: "room_trim",
	effect.RoomCursor: "room_cursor",
}

var eventFormNames = [...]string{
	effect.JSONData: "json", effect.TextData: "text", effect.BytesData: "bytes",
}

func dumpRoom(e *effect.Room) dumpedRoom {
	d := dumpedRoom{Kind: roomKindNames[e.Kind], Generation: e.Generation, First: e.First,
		Time: e.Time, Forgotten: e.Gone}
	if len(e.Name) > 0 {
		d.Room, d.Room64 = asText(e.Name)
	}
	switch e.Kind {
	case effect.RoomSet:
		if len(e.Name) > 0 {
			s := &e.Settings
			d.Settings = &dumpedBorders{s.Created, s.MaxEvents, s.MaxBytes, s.MaxAge}
		}
	case effect.RoomPublish:
		d.Offset = &e.Offset
		d.Form = nameOf(eventFormNames[:], e.Form)
		d.Event, d.Event64 = asText(e.Event)
		d.Data, d.Data64 = asText(e.Data)
		if len(e.Metadata) > 0 {
			d.Metadata, d.Metadata64 = asText(e.Metadata)
		}
	case effect.RoomCursor:
		d.Consumer, d.Consumer64 = asText(e.Consumer)
		if !e.Gone {
			d.Offset = &e.Offset
		}
	default: // their kind says it
	}
	return d
}
