package command

// Feed is a live endpoint: the server pushes values as they come, as text messages of a WebSocket
// opened at Path, or as server-sent events of GET Events. Over a WebSocket the peer may send
// commands.
//
// Open and Next run on the connection's event loop, with the queues, rooms and keys locked that the
// row's fields name (Args are those of path and query), and are journaled like commands. Off the
// loops, over HTTP/2 for example, a goroutine does the same.
type Feed struct {
	Path   string // braces name fields of the row; empty: there are no WebSockets
	Events string // likewise; empty: there are no server-sent events
	// Open writes the first value. An error ends the connection; a WebSocket is told by a message
	// {"type":"error","error":text}, other peers by the status of the answer.
	Open func(c *Ctx, a *Args, s *Subscription) error
	// Next writes the next value and says that it did. When there is none it parks s.Waiter and
	// writes nothing. An error ends the connection like one of Open.
	Next func(c *Ctx, a *Args, s *Subscription) (more bool, err error)
	// Frames, unless nil, is asked before Next, without locks: it appends values that are frames of
	// a WebSocket server already, whole text messages that are no fragments, of most bytes together
	// or one in any case, and says what follows.
	Frames func(e *Engine, s *Subscription, most int, dst []byte) ([]byte, Then)
	// Label says what server-sent events tell beside the text of a value: it appends the value's
	// id, of digits, letters and punctuation, to dst, and finds a name, which is the inside of a
	// JSON string. There may be neither, and no Label.
	Label func(dst, text []byte, s *Subscription) (withID, name []byte)
	// Resume changes a so that Open begins behind the event of that id, or says what is wrong with
	// it. Nil: ids mean nothing.
	Resume func(a *Args, id []byte) error
	// Closed gives back what the connection holds. It runs without locks, also after a failed Open.
	Closed func(e *Engine, a *Args, s *Subscription, now int64)
	// Stalled, unless nil, is told when the peer does not take what it was sent (true), and when it
	// does again. It runs without locks.
	Stalled func(s *Subscription, stalled bool)
	// Commands are the rows that a frame {"command": name, …} of the peer stands for. The frame's
	// other members are the row's fields; fields of Path are filled from it.
	Commands map[string]string
}

// Then says what follows the frames of a Feed.
type Then uint8

// What may follow.
const (
	// ThenWait: nothing yet; the Waker is called when something does.
	ThenWait Then = iota
	// ThenMore: more frames.
	ThenMore
	// ThenNext: a value that Next writes, or its error.
	ThenNext
	// ThenEnd: nothing ever; the feed is complete.
	ThenEnd
)

// Subscription is the state of one connection of a Feed.
type Subscription struct {
	Parking
	// Conn is unlike that of any other connection since the process began, and not 0.
	Conn uint64
	// Lists says that the fields came as JSON or MessagePack, which have lists: no text stands for
	// one.
	Lists bool
	// Window bounds what is pushed and not yet settled; Open sets it.
	Window int
	// State is the feed's own.
	State any
}

// Shown notes that s was shown what others may have written just now: it must not leave before
// that is as safe as the session wants it.
func (e *Engine) Shown(s *Session) {
	if e.Persistence != nil {
		s.Require(e.LevelOf(s), false)
	}
}
