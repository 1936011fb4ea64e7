package server

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

// Dialect says which protocols a door understands.
type Dialect uint8

const (
	// RESPDoor speaks the Redis protocol only.
	RESPDoor Dialect = iota
	// HTTPDoor speaks HTTP, and the Redis protocol to a peer whose first byte is '*'.
	HTTPDoor
)

// Door is one listening port.
type Door struct {
	Name    string // for messages, e.g. "HTTP"
	Host    string
	Port    int // 0 = any free port
	Dialect Dialect
	// Choose tells a person how to choose another port, e.g. "--port"; for messages.
	Choose string
}

// Options bound what the outside may cost. Zero values mean the defaults named beside them.
type Options struct {
	Doors []Door
	// Loops is the number of event loops; 0 = one per core.
	Loops int
	// MaxConnections bounds open connections, handed-over ones included; 0 = 100000.
	MaxConnections int
	// MaxPerAddress bounds open connections of one peer address; 0 = no bound of its own.
	MaxPerAddress int
	// ConnectionTimeout bounds silence before the first request, half a request (plus a second
	// for each 64 KiB of it), and a slow reader's pause; 0 = 60 s.
	ConnectionTimeout time.Duration
	// IdleTimeout closes connections without requests; 0 = never.
	IdleTimeout time.Duration
	// OutputBytes bounds unsent replies per connection; 0 = 64 MiB. Values sent by reference
	// are not buffered and not counted.
	OutputBytes int
	// InputBytes bounds an unfinished request; 0 = 513 MiB. Codecs have tighter bounds, and behind
	// a command that waits less is read, where the engine can stop reading.
	InputBytes int
	// AllowRemote serves peers that are not on this machine.
	AllowRemote bool
	HTTP2       HTTP2
	// MaxHeaderBytes bounds the headers of a handed-over request; 0 = 1 MiB.
	MaxHeaderBytes int
	Clock          clock.Clock  // nil = the machine's
	Log            *slog.Logger // nil = none
}

// HTTP2 configures the general HTTP server.
type HTTP2 struct {
	Enabled bool
	// MaxStreams bounds concurrent streams per connection.
	MaxStreams int
	// Window is the flow-control window per stream and connection, in bytes.
	Window int
}

// Protocols are the rooms behind the doors.
type Protocols struct {
	// RESP and HTTP make the codec of a new connection. A RESP session is the connection's own;
	// an HTTP session is shared by the connections of a loop.
	RESP func(*command.Session) wire.Conn
	HTTP func(*command.Session) wire.Conn
	// General serves what the HTTP codec hands over.
	General http.Handler
	// Commit makes what was executed so far as safe as the level says, or fails. It is called
	// once per round, before the replies leave, if they have to wait for a level.
	Commit func(command.Level) error
	// Sessions lists RESP sessions.
	Sessions *command.Registry
	// Counters makes the command counters of one loop.
	Counters func() *command.Counters
	// Group, unless nil, makes the group of one loop's connections among those that listen; post
	// has a function run on that loop soon.
	Group func(post func(func()) bool) *command.Group
	// Rows is the number of rows of the command table.
	Rows int
}

func (o *Options) setDefaults() {
	set := func(n *int, def int) {
		if *n <= 0 {
			*n = def
		}
	}
	set(&o.MaxConnections, 100_000)
	set(&o.OutputBytes, 64<<20)
	set(&o.InputBytes, 513<<20)
	set(&o.MaxHeaderBytes, 1<<20)
	set(&o.HTTP2.MaxStreams, 1000)
	set(&o.HTTP2.Window, 1<<20)
	if o.ConnectionTimeout <= 0 {
		o.ConnectionTimeout = time.Minute
	}
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}
