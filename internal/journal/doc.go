// Package journal turns records into durable bytes in one order, and back.
//
// Receives: payloads of bytes and their time; the wish that they be written or synced.
// Hands on: log sequence numbers; after a crash, every whole record in order; to replicas, the
// records as they are written.
// Never does: interpret a payload, ask for the time, delete what no snapshot covers, or mend
// damage on its own.
package journal
