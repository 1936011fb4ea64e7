package command

// Feed is a live endpoint: after a WebSocket upgrade of GET Path the server pushes values as they
// come, and the peer may send commands. Each value written is one text frame.
//
// The functions run on the connection's event loop, with the queues and keys locked that the
// row's fields name (Args are those of path and query), and are journaled like commands.
type Feed struct {
	Path string // braces name fields of the row
	// Open writes the first frame. An error is answered by a frame {"type":"error","error":text}
	// and ends the connection.
	Open func(c *Ctx, a *Args, s *Subscription) error
	// Next writes the next frame and says that it did. When there is none it parks s.Waiter and
	// writes nothing. An error ends the connection like one of Open.
	Next func(c *Ctx, a *Args, s *Subscription) (more bool, err error)
	// Closed gives back what the connection holds. It runs without locks.
	Closed func(e *Engine, a *Args, s *Subscription, now int64)
	// Commands are the rows that a frame {"command": name, …} of the peer stands for. The frame's
	// other members are the row's fields; fields of Path are filled from it.
	Commands map[string]string
}

// Subscription is the state of one connection of a Feed.
type Subscription struct {
	Parking
	// Conn is unlike that of any other connection since the process began, and not 0.
	Conn uint64
	// Window bounds what is pushed and not yet settled; Open sets it.
	Window int
}
