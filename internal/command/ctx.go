package command

import (
	"math"
	"unicode/utf8"

	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/store/room"
)

// Ctx is what a running command sees. It is valid only during the call.
type Ctx struct {
	Reply   Reply
	Tx      *kv.Tx    // holds the locks of the command's keys
	Queues  *queue.Tx // holds the locks of the command's queues
	Rooms   *room.Tx  // holds the locks of the command's rooms
	Store   *kv.Store
	Session *Session // the connection's state; never nil
	Engine  *Engine
	DB      uint8 // the session's database
	Now     int64 // ms since the Unix epoch
	// InExec says that the command runs as part of EXEC: keys of other commands are locked.
	InExec bool
	// Atomic says that the command is part of an atomic batch: what it could do in part only is a
	// failure.
	Atomic bool
}

// Cut ends what the command did so far, as a record of its own, and goes on: others have their turn
// at the queue, which is all that the command has locked. false: what it does must be one whole.
func (c *Ctx) Cut(queue []byte) bool {
	if c.Whole() {
		return false
	}
	tx := &c.Session.tx
	tx.Unlock()
	tx.Begin(c.Engine.stores(), c.Now)
	tx.DeclareQueue(queue)
	tx.Lock()
	return true
}

// Whole says that the command is part of a transaction or an atomic batch.
func (c *Ctx) Whole() bool { return c.InExec || c.Atomic }

// roomy is a Reply that keeps to a size.
type roomy interface {
	// Room is how many more bytes may be written.
	Room() int
}

// Room is about how many bytes the reply can still take. Commands ask it that would hand out what
// nobody gets if the reply is refused.
func (c *Ctx) Room() int {
	if r, ok := c.Reply.(roomy); ok {
		return r.Room()
	}
	return math.MaxInt
}

// CheckKey refuses keys that the store cannot hold.
func CheckKey(key []byte) error {
	if len(key) > kv.MaxKeyBytes {
		return errs.Newf(errs.TooLarge,
			"Invalid request: key is %d bytes long; the limit is %d", len(key), kv.MaxKeyBytes)
	}
	return nil
}

// CheckQueue refuses names that no queue can have.
func CheckQueue(name []byte) error {
	switch {
	case len(name) == 0:
		return errs.Request("the name of a queue must not be empty")
	case len(name) > queue.MaxNameBytes:
		return errs.Newf(errs.TooLarge, "Invalid request: the name of a queue is %d bytes long; "+
			"the limit is %d", len(name), queue.MaxNameBytes)
	}
	return nil
}

// CheckRoom refuses names that no room can have.
func CheckRoom(name []byte) error {
	switch {
	case len(name) == 0:
		return errs.Request("the name of a room must not be empty")
	case len(name) > room.MaxNameBytes:
		return errs.Newf(errs.TooLarge, "Invalid request: the name of a room is %d bytes long; "+
			"the limit is %d", len(name), room.MaxNameBytes)
	case !utf8.Valid(name):
		return errs.Request("the name of a room must be UTF-8")
	}
	return nil
}

// Warm announces keys that the next commands of s are likely to name, so that looking for them
// waits for memory once, not once each. It changes nothing but the time they take.
func (e *Engine) Warm(s *Session, keys [][]byte) {
	e.context(s, nil).Tx.Warm(s.DB, keys)
}
