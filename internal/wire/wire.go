// Package wire is what the codecs of all protocols share: how a connection's bytes become
// requests, and where replies are gathered.
//
// Receives: byte slices as they were read.
// Hands on: replies as byte slices, and a verdict on the connection.
// Never does: touch a socket.
package wire

import (
	"context"

	"github.com/synapdb/synap/internal/store/kv"
)

// Verdict is what should happen to a connection after Feed.
type Verdict uint8

// The verdicts.
const (
	// Open: read on.
	Open Verdict = iota
	// Close: send what is in out, then close.
	Close
	// HandOver: send what is in out, then give the connection with all unconsumed bytes to the
	// general HTTP server.
	HandOver
	// Park: send what is in out, then keep the unconsumed bytes and feed them again, with what came
	// since, only after Waker.Wake. Only a Sleeper says so.
	Park
	// Wait: send what is in out, then call the Conn's Wait off the loop, then read on. Only a
	// Waiter says so.
	Wait
)

// Waiter is a Conn that may have to do something that takes long.
type Waiter interface {
	// Wait does what the last Feed left undone and appends the reply to out. No other method is
	// called meanwhile. It must not use a session that it shares with its loop, and commits what it
	// does in one of its own.
	Wait(out *Output)
}

// Waker has a connection fed soon, from any goroutine, even if no byte has come: with what it left
// unconsumed, which may be nothing. It does not block. Wakes that come before the Feed are one, and
// one that comes after its cause is gone is harmless.
type Waker interface{ Wake() }

// Sleeper is a Conn that can make use of being woken.
type Sleeper interface {
	// SetWaker is called once, before the first Feed.
	SetWaker(w Waker)
	// GiveUp is called at most once, when the server ends: from now on nothing waits. true asks
	// for a Feed at once, to answer what waits now or to say goodbye. A connection with nothing
	// unconsumed is closed soon afterwards in any case.
	GiveUp() bool
}

// Keeper is a Conn that may live on while its peer says nothing.
type Keeper interface {
	// Keep is called on the loop about once a second. heard is when the peer last said something,
	// or the server began to listen again (both in ms since the Unix epoch). true: the connection
	// is not idle, and looks after its peer itself; what it has to say waits for Feed.
	Keep(now, heard int64) bool
}

// Pusher is a Conn that says things unasked, and gathers them where they wait.
type Pusher interface {
	// Stall is called on the loop when the peer does not take what it was sent (true), and when it
	// has taken it.
	Stall(stalled bool)
}

// Conn is the protocol state of one connection.
type Conn interface {
	// Feed executes every whole request in in and appends the replies to out. It returns the
	// bytes consumed, and need: how many bytes (counted from the first unconsumed one) must be
	// there before another Feed can get further; 0 means any one more. in is only borrowed; what is
	// consumed of it may have been written to.
	Feed(in []byte, out *Output) (consumed, need int, v Verdict)
	// Closed is called once when the connection is gone.
	Closed()
}

// quitKey is where a context has the channel of WithQuit.
type quitKey struct{}

// WithQuit gives requests off the loops a channel that is closed when the server ends: from then
// on nothing waits. Their context itself lives on, so that they can be answered.
func WithQuit(ctx context.Context, quit <-chan struct{}) context.Context {
	return context.WithValue(ctx, quitKey{}, quit)
}

// Quit is the channel of WithQuit, or nil.
func Quit(ctx context.Context) <-chan struct{} {
	quit, _ := ctx.Value(quitKey{}).(<-chan struct{})
	return quit
}

// Output gathers the replies of one round. It is reused between connections of a loop.
type Output struct {
	Buf []byte
	// Splices are large values to be sent in the middle of Buf, by ascending position.
	Splices []Splice
}

// Splice is a retained value that belongs before Buf[At:].
type Splice struct {
	At    int
	Value *kv.Large
}

// FullBytes is where Output is full: enough for a gathered write, little enough for every
// connection of a loop to afford it.
const FullBytes = 1 << 20

// Full asks Feed to stop between two requests, as if the input ended there: the replies so far
// are sent first. Without it a few pipelined kilobytes could ask for gigabytes of replies.
func (o *Output) Full() bool { return len(o.Buf) >= FullBytes || len(o.Splices) >= maxSplices }

// maxSplices keeps the segments of a round well below the 1024 of one writev.
const maxSplices = 256

// Reset empties o and releases what it retains. Buffers over keep bytes are given back.
func (o *Output) Reset(keep int) {
	for i := range o.Splices {
		if v := o.Splices[i].Value; v != nil { // nil: somebody took it over
			v.Release()
			o.Splices[i].Value = nil
		}
	}
	o.Splices = o.Splices[:0]
	if cap(o.Buf) > keep {
		o.Buf = nil
	}
	o.Buf = o.Buf[:0]
}

// Segments appends the pieces of o to dst in sending order.
func (o *Output) Segments(dst [][]byte) [][]byte {
	from := 0
	for _, s := range o.Splices {
		if s.At > from {
			dst = append(dst, o.Buf[from:s.At])
			from = s.At
		}
		dst = append(dst, s.Value.Bytes())
	}
	if from < len(o.Buf) {
		dst = append(dst, o.Buf[from:])
	}
	return dst
}
