package command

import (
	"sync/atomic"

	"github.com/synapdb/synap/internal/store"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/queue"
)

// Session is the state of one connection. HTTP requests share one stateless session per loop.
// Only its connection's loop uses it, except for the fields behind Info.
type Session struct {
	ID   int64
	DB   uint8
	Resp int // protocol version HELLO chose: 2 or 3; 0 on other wires
	// Closing asks the connection to close once the reply is sent.
	Closing bool
	// MayBlock allows commands marked Blocking. Where it is not set they are not run but set
	// Blocked, and the caller sees to it that they run where they may.
	MayBlock, Blocked bool
	// Parking, unless nil, lets the present command wait; see Ctx.Park. It is made when needed
	// first if there is a Waker: most connections never wait.
	Parking *Parking
	Waker   queue.Waker
	// Group, unless nil, is that of the connection's loop among those that listen.
	Group *Group
	// Listening is what the connection is subscribed to by Redis' commands; nil before the first.
	Listening *Listening
	// Sources are what else the connection is sent values of; nil before the first.
	Sources *Sources
	// Pushed says that what the present command wrote is no reply but pushes: Mute leaves them.
	Pushed bool
	// Crowded asks the connection to let others have a turn: its messages wait for subscribers.
	Crowded bool
	// Mute drops replies: CLIENT REPLY.
	Mute MuteMode
	// Multi holds the queued commands between MULTI and EXEC; nil outside.
	Multi *Multi
	// Watched are the keys of WATCH.
	Watched kv.Watcher
	// Counters is where this session's commands are counted; one per loop, so it is uncontended.
	Counters *Counters
	// Now is the time of the present round in ms since the Unix epoch; 0 means ask the clock. The
	// server sets it once per round, so that pipelined commands don't each read the clock.
	Now int64
	// Executed counts the session's commands. Only its loop reads it.
	Executed uint64
	// Level is what SYNAP.DURABILITY, or one HTTP request, wants instead of the configured level.
	Level Level
	// Info is what other sessions may see of this one.
	Info Info

	required Level // see Require
	wrote    bool

	ctx Ctx
	tx  store.Tx
}

// MuteMode is the state of CLIENT REPLY.
type MuteMode uint8

// The states of CLIENT REPLY.
const (
	MuteOff  MuteMode = iota // replies are sent
	MuteOn                   // no replies
	MuteNext                 // the next command's reply is dropped: it runs as MuteThis
	MuteThis                 // this command's reply is dropped, then MuteOff
)

// Multi is a transaction being queued.
type Multi struct {
	Queue [][][]byte // command lines, copied
	Bytes int        // of all queued words, headers included
	Dirty bool       // a command was refused while queueing: EXEC aborts
}

// Info is the public face of a session, readable from any goroutine.
type Info struct {
	Addr, LocalAddr string // set once, before the session is registered
	Created         int64  // ms since the Unix epoch
	Name            atomic.Pointer[string]
	LibName, LibVer atomic.Pointer[string]
	LastCommand     atomic.Pointer[Row]
	LastActive      atomic.Int64 // ms since the Unix epoch
	DB, Resp        atomic.Int32
	Multi           atomic.Int32 // queued commands, -1 outside MULTI
	// Channels, Globs and Shards count subscriptions; Sources what else is pushed.
	Channels, Globs, Shards, Sources atomic.Int32
	// Kill closes the connection from any goroutine.
	Kill func()
}

// Counters counts commands by row. One loop writes, everybody reads.
type Counters struct {
	Calls    []atomic.Uint64 // by Row.ID
	Failures []atomic.Uint64 // by Row.ID
}

// NewCounters makes counters for the rows of t and their subcommands.
func NewCounters(t *Table) *Counters {
	return &Counters{Calls: make([]atomic.Uint64, t.ids), Failures: make([]atomic.Uint64, t.ids)}
}
