// Package plan holds the decisions that the Redis dialect and the Synap dialect share.
//
// Receives: a transaction whose shards are locked, keys and decoded arguments.
// Hands on: effects applied through the transaction, and results without wire or wording.
// Never does: parse a command line, write a reply, word an error for a client, ask the time.
//
// Each function needs the shards of the keys it names to be locked. An entry that the caller
// found before a call is invalid after it, if the call may have changed that key. Keys that may
// be created are not checked against kv.MaxKeyBytes here: a dialect does that once, beforehand.
package plan
