// Package target is how servers of all sorts are spoken to under load: one interface for each
// workload, one file for each server.
//
// Receives: operations of a workload.
// Hands on: answers, by connection.
// Never does: measure, decide what to send, or start a server.
package target

import (
	"context"
	"errors"
	"time"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// Errors that workloads tell apart.
var (
	// ErrUnsupported: this server, or this protocol of it, can't do that workload.
	ErrUnsupported = errors.New("this target can't do that")
	// ErrUnreachable: nobody answers there, or not any more.
	ErrUnreachable = errors.New("no server answers")
)

// Server opens connections to one server. Its methods are ErrUnsupported where it has no such
// thing.
type Server interface {
	// About asks the server what it is.
	About(ctx context.Context) (result.Server, error)
	// PID is its process if it runs here, else 0.
	PID() int
	KV(ctx context.Context) (KV, error)
	// Queue opens a connection for a queue that was prepared, as a worker of that name.
	Queue(ctx context.Context, queue, worker string) (Queue, error)
	// Publisher and Subscriber are of rooms (replayable) or topics.
	Publisher(ctx context.Context, s Space) (Publisher, error)
	Subscriber(ctx context.Context, s Space, o Subscription) (Subscriber, error)
	// Prepare makes queues or rooms; Remove deletes what a run made. Leases of queues end after
	// deadline, if the server has such a thing.
	Prepare(ctx context.Context, s Space, names []string, deadline time.Duration) error
	Remove(ctx context.Context, s Space, names []string) error
	Close() error
}

// Space is where messages go.
type Space uint8

// The spaces.
const (
	Queues Space = iota
	Rooms
	Topics
	Keys
)

// OpKind is what an operation on a key does.
type OpKind uint8

// The operations. Scan reads the keys that begin with a prefix, one page of them; a server that
// would have to walk through all keys for it refuses it with ErrUnsupported.
const (
	Get OpKind = iota
	Set
	Incr
	Scan
)

// Op is one operation on a key. Answer fields are filled in by Exec.
type Op struct {
	Kind  OpKind
	Key   []byte // of a scan: how its keys begin
	Value []byte // of a set
	Limit int    // of a scan: keys at most

	Found  bool   // get
	Answer []byte // get; valid until the next Exec
	Number int64  // incr: the sum; scan: how many keys came
	Err    error  // what the server refused
	Done   time.Time
}

// KV is one connection to a key-value store.
type KV interface {
	// Exec sends all of ops at once and reads all answers.
	Exec(ctx context.Context, ops []Op) error
	Close() error
}

// Message is one message of a queue.
type Message struct {
	Payload  []byte
	Priority int // 0 to 9, 9 first
}

// Delivery is a message that was handed out.
type Delivery struct {
	Payload []byte // valid until the next Consume
	Retries int
	Handle  any // for Ack
}

// Queue is one connection to a queue.
type Queue interface {
	// Publish sends all of msgs at once and returns when all are confirmed.
	Publish(ctx context.Context, msgs []Message) error
	// Consume returns one message to most, waiting up to wait for the first; none: there was none.
	Consume(ctx context.Context, most int, wait time.Duration) ([]Delivery, error)
	// Ack acknowledges all of ds and returns when that is confirmed, where the protocol does.
	Ack(ctx context.Context, ds []Delivery) error
	Close() error
}

// Post is one message for a room or topic. Answer fields are filled in by Publish.
type Post struct {
	Name    string
	Payload []byte // printable ASCII without quotes and backslashes, as it stands in JSON

	Matched int   // how many subscribers got it; -1 where the server does not say
	Offset  int64 // of a room; -1 without
	Err     error // what the server refused
	Done    time.Time
}

// Publisher is one connection that publishes.
type Publisher interface {
	// Publish sends all of posts at once, and returns when they are confirmed where the protocol
	// confirms.
	Publish(ctx context.Context, posts []Post) error
	Close() error
}

// Subscription is what a subscriber wants.
type Subscription struct {
	Names []string // one room; or topics, or patterns with * and # in Synap's sense
	// Replay begins with what the room has; otherwise with what is published from now on.
	Replay bool
	ID     string
}

// Event is what a subscriber got.
type Event struct {
	Name    string
	Offset  int64  // of a room; -1 without
	Payload []byte // valid until the next Next
	// Trimmed, unless 0, says that this is no event: the room has forgotten so many before they
	// could be read; Offset is that of the next.
	Trimmed int64
}

// Subscriber is one connection that listens. It is subscribed when Server.Subscriber returns.
type Subscriber interface {
	// Next waits for the next event. An error ends it.
	Next(ctx context.Context) (Event, error)
	// Close ends it, also when another goroutine waits in Next.
	Close() error
}
