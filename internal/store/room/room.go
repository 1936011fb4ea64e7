package room

import "github.com/synapdb/synap/internal/effect"

// Limits of names and events, in bytes.
const (
	// MaxNameBytes bounds the names of a room, of an event, of a subscriber and of a consumer.
	MaxNameBytes = 512
	// MaxDataBytes bounds the JSON text of an event.
	MaxDataBytes = 16 << 20
	// MaxMetadataBytes bounds the JSON text of an event's metadata.
	MaxMetadataBytes = 1<<16 - 1
	// MaxConsumers bounds the consumers of one room that have cursors.
	MaxConsumers = 10_000
)

// None as a bound of Settings means that there is no bound.
const None = -1

// Settings are a room's lasting properties; see effect.RoomSettings for units. Zero means the
// default, or in Update what it was.
type Settings = effect.RoomSettings

// Event is what a publisher brings. Slices are only borrowed.
type Event struct {
	Name []byte // its type, UTF-8
	// Data is JSON text, and Metadata that of an object. Neither is checked: text that is not
	// JSON breaks the frames of the event. Empty data is null, empty metadata none.
	Data, Metadata []byte
	Form           effect.EventForm // kept beside Data
	// Expect refuses the event unless its offset becomes Expected: another writer came first.
	Expect   bool
	Expected uint64
	// AutoCreate makes a room, with the default settings, if there is none.
	AutoCreate bool
}

// View is an event as readers see it. Slices are valid until Unlock.
type View struct {
	Offset         uint64
	Name           []byte
	Data, Metadata []byte // as in Event
	Form           effect.EventForm
	Time           int64 // ms since the Unix epoch, never lower than that of the event before
}

// Start says where reading begins: see At, Last, Since and Tail. The zero value is At(0).
type Start struct {
	kind   startKind
	offset uint64
	time   int64
}

type startKind uint8

const (
	startAt startKind = iota
	startLast
	startSince
	startTail
)

// At begins with the event of that offset.
func At(offset uint64) Start { return Start{kind: startAt, offset: offset} }

// Last begins so that the newest n events are read.
func Last(n uint64) Start { return Start{kind: startLast, offset: n} }

// Since begins with the first event at or after time, in ms since the Unix epoch.
func Since(time int64) Start { return Start{kind: startSince, time: time} }

// Tail begins with the next event that is published.
func Tail() Start { return Start{kind: startTail} }

// Query says what to read.
type Query struct {
	From  Start
	Until uint64 // no event of this offset or above; 0 = no bound
	Limit int    // events at most; 0 = 100
	Bytes int    // no more events once names, data and metadata are so many; 0 = no bound
	Event []byte // only events of this name; empty = all
}

// Page is what was read.
type Page struct {
	Events []View
	// Next is where to read on: above the last event that was looked at. If there was none it is
	// where reading began.
	Next uint64
	// More says that there are events from Next on, within the query.
	More bool
}

// Gap says that events were wanted which the room keeps no longer: from Asked up to Earliest.
type Gap struct{ Asked, Earliest uint64 }

// Exists says whether g is a gap at all.
func (g Gap) Exists() bool { return g.Asked < g.Earliest }

// Frames is what a subscriber gets: whole WebSocket frames, appended to the caller's bytes.
type Frames struct {
	Bytes  []byte
	Events int
	Next   uint64 // where to go on
	Gap    Gap    // if it exists there are no frames yet, and Next is the earliest event
	More   bool   // there are events from Next on
}

// Stats are counters and present sizes.
type Stats struct {
	Messages    int64  // events kept
	Bytes       int64  // of their frames
	Min         uint64 // offset of the earliest event kept
	Max         uint64 // offset of the newest event ever; 0 if there was none, too
	Next        uint64 // offset of the next event
	Subscribers int64  // connected now
	Published   int64  // since the room was created
	Consumed    int64  // handed to readers and subscribers since the process began
	Dropped     int64  // removed by bounds of settings since the process began
}

// Info is everything about a room.
type Info struct {
	Name       string
	Generation uint64 // higher than that of any room created before, over restarts too
	Settings
	Stats
	Active int64 // when somebody last used it, ms since the Unix epoch
	Oldest int64 // time of the earliest event kept, ms since the Unix epoch; 0 = none
	// Consumers are those that have cursors, by name; Connected the subscribers, in no order. Of
	// either at most 1000 are listed.
	Consumers []ConsumerInfo
	Connected []SubscriberInfo
}

// ConsumerInfo is how far a consumer has said that it came.
type ConsumerInfo struct {
	Name   string
	Offset uint64 // that it wants next
}

// SubscriberInfo is how far a connected subscriber has read.
type SubscriberInfo struct {
	ID   string
	Next uint64
}

// Waker is told that a subscriber may read on.
type Waker interface {
	// Wake is called from any goroutine, without locks of the store, once after a subscriber was
	// told that there is no more. It must not block. Subscribers of a room may share a waker: one
	// call may then stand for several of them. So wakers are compared; they should be pointers.
	Wake()
}
