// Package synap is the Go client of Synap: keys, queues, rooms and topics over HTTP, WebSocket or
// RESP.
//
// New does no I/O: connections are opened when they are needed, kept in a bounded pool, and given
// up when something went wrong on them, so that an answer never reaches the wrong caller. Every
// call has a deadline (WithTimeout) that covers all its attempts; see Retry for what is tried
// again. A key that is absent is no error. Errors are *Error and can be told apart by errors.Is
// with ErrNotFound, ErrConflict and the like.
//
// A Client may be used by any number of goroutines.
package synap
