// Package load drives connections and measures what they do.
//
// Receives: a Plan, and something that makes the Work of one connection.
// Hands on: latencies, rates and CPU time by kind of operation, as result.Test.
// Never does: know which server, protocol or workload it drives.
package load

import (
	"context"
	"time"
)

// Plan is how much, how fast and for how long.
type Plan struct {
	Connections int
	// Pipeline is how many operations a connection has on the way at once; at least 1.
	Pipeline int
	// Operations ends the run when so many were begun, Duration when it is over; 0 = it does not.
	Operations int64
	Duration   time.Duration
	// Warmup comes before, and is not measured.
	Warmup time.Duration
	// Rate is operations a second over all connections, due at even distances whatever the server
	// does (open loop): latency then counts from when one was due. 0 = one after the other.
	Rate float64
	Seed uint64
}

// Work is what one connection does. One goroutine uses it.
type Work interface {
	// Do begins n operations together, waits for their answers and records each. An error is a
	// broken connection or a server that is gone: the run ends. Failures of single operations are
	// recorded.
	Do(ctx context.Context, n int, r *Recorder) error
	Close() error
}

// Finisher is a Work that has something to do when no operation is left to begin: the others may
// wait for what it has in hand.
type Finisher interface {
	Finish(ctx context.Context, r *Recorder) error
}

// Kind is a kind of operation of a workload: an index of the names given to Run.
type Kind uint8
