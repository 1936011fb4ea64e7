package queue

import (
	"github.com/synapdb/synap/internal/effect"
)

// Limits of names and messages.
const (
	// MaxNameBytes bounds the name of a queue and of a consumer.
	MaxNameBytes = 512
	// MaxDedupBytes bounds a deduplication id.
	MaxDedupBytes = 512
	// MaxHeaderBytes bounds the JSON text of a message's headers.
	MaxHeaderBytes = 64 << 10
	// Priorities are 0..Priorities-1, the highest is served first.
	Priorities = 10
)

// Settings are a queue's lasting properties; see effect.QueueSettings for units.
type Settings = effect.QueueSettings

// ID names a message. Ids of a queue that was deleted and made anew differ.
type ID struct {
	Queue  uint64 // the queue's incarnation
	Number uint64
}

// Message is what a producer brings. Slices are only borrowed.
type Message struct {
	Payload []byte
	Form    effect.PayloadForm
	Headers []byte // JSON text of an object; empty = none
	// Priority is 0..9, higher counts as 9; negative = the queue's default.
	Priority int
	// MaxRetries is how many failed deliveries a message survives; negative = the queue's default.
	MaxRetries int
	DeliverAt  int64  // ms since the Unix epoch; 0 or past = at once
	TTL        int64  // ms; 0 = the queue's default
	Dedup      []byte // empty = none
}

// Published says what became of a message.
type Published struct {
	ID ID
	// Duplicate says that a message with its Dedup came within the window: ID is that one's.
	Duplicate bool
}

// View is a message as readers see it. Slices are valid until Unlock.
type View struct {
	ID               ID
	Payload, Headers []byte
	Form             effect.PayloadForm
	State            effect.MessageState
	Reason           effect.Reason // why it is a dead letter, or came back last
	Priority         int
	Retries          int // failed deliveries so far
	MaxRetries       int
	Created          int64 // ms since the Unix epoch, like Due and Expires
	Due              int64 // when a lease ends or a delay is over; 0 otherwise
	Expires          int64 // 0 = never
	Token            uint64
	Consumer         string // who holds the lease
}

// Deliver says who takes messages, and how many.
type Deliver struct {
	Consumer []byte
	// Deadline is how long the leases last, in ms; 0 = the queue's.
	Deadline int64
	Count    int // at most so many messages; at least 1
	// Bytes ends it: no more messages once payloads and headers are so many; 0 = no bound.
	Bytes int
	// Conn, unless 0, ties the leases to a push connection: Detach gives them back.
	Conn uint64
	// Window, unless 0, bounds the leases of Conn beside the queue's prefetch limit.
	Window int
}

// Lease says which delivery a consumer speaks of. A zero Token and a nil Consumer match any.
type Lease struct {
	ID       ID
	Token    uint64
	Consumer []byte
}

// Nack says what becomes of a message that was not processed.
type Nack struct {
	// Requeue makes it ready again unless its retries are used up. Otherwise it goes to the
	// dead-letter queue, or is dropped if there is none with room.
	Requeue bool
	// Delay is ms until it is ready again; negative = by the queue's back-off.
	Delay int64
}

// Stats are counters since the start of the process, and present sizes.
type Stats struct {
	Depth     int64 // ready messages
	Delayed   int64
	Leased    int64
	Dead      int64 // dead letters kept with the queue
	Consumers int64 // that hold leases
	Waiters   int64 // parked
	Bytes     int64 // of memory of its messages

	Published, Consumed, Acked, Nacked, DeadLettered      int64
	Expired, Dropped, Duplicates, LeasesExpired, Returned int64
}

// Info is everything about a queue.
type Info struct {
	Name string
	Settings
	Stats
	// Oldest is when the oldest message was made of those that head a priority, ms since the Unix
	// epoch; 0 = none is ready. Those that came back once stand further behind.
	Oldest    int64
	Active    string
	Consumers []ConsumerInfo // by name, at most 1000
}

// ConsumerInfo is one consumer that holds leases or waits.
type ConsumerInfo struct {
	Name    string
	Leased  int64
	Waiting bool
}

// Waker is told that a parked consumer should try again.
type Waker interface {
	// Wake is called from any goroutine, without locks of the store, at most once per Park.
	// It must not block.
	Wake()
}
