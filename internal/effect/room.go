package effect

// The kinds of effect over rooms. In a record they follow those over keys and queues. Each names
// the generation of its room: about a room of another generation it says nothing, so that what was
// written before a room was deleted can't get into the one made after it. Applied once more, or to
// a state that is already later, effects lead to the same end, so that snapshots may be taken while
// rooms are in use.
const (
	// RoomSet makes a room, or gives it these settings. A room of a lower generation is replaced.
	// One without a name only says how high generations have come.
	RoomSet Kind = iota + FirstRoom
	// RoomDelete removes a room with its events and cursors.
	RoomDelete
	// RoomPublish appends an event, and removes those that are too many with it.
	RoomPublish
	// RoomTrim removes events up to an offset.
	RoomTrim
	// RoomCursor remembers how far a consumer came, or forgets it.
	RoomCursor
)

// FirstRoom is the lowest kind over rooms.
const FirstRoom = 32

// Room is one change of a room. Kind says which fields count; codec and meanings stand beside
// AppendRoom. Slices are only borrowed.
type Room struct {
	Kind       Kind
	Name       []byte
	Generation uint64
	// Offset is the event's (RoomPublish), or the one that the consumer wants next (RoomCursor).
	Offset uint64
	// First is the earliest offset that is kept: RoomSet, RoomTrim, and RoomPublish, where 0 means
	// that nothing is removed.
	First    uint64
	Time     int64 // of the event, ms since the Unix epoch
	Form     EventForm
	Event    []byte // its name, which is its type
	Data     []byte // JSON text
	Metadata []byte // JSON text; empty = none
	Consumer []byte
	Gone     bool // RoomCursor: the consumer is forgotten
	Settings RoomSettings
}

// EventForm is how the data of an event was given. Stored: append-only, at most four.
type EventForm uint8

// The forms of data.
const (
	JSONData  EventForm = iota // a JSON value: Data is its text
	TextData                   // text that is no JSON: Data is a JSON string of it
	BytesData                  // binary: what Data is of it the publisher's door knows
)

// RoomSettings are a room's lasting properties. A bound of -1 is none.
type RoomSettings struct {
	Created   int64 // ms since the Unix epoch
	MaxEvents int64 // events kept; more while a subscriber has not read them
	MaxBytes  int64 // bytes of frames kept
	MaxAge    int64 // ms that an event is kept
}
