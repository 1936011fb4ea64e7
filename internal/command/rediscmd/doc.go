// Package rediscmd holds the rows of the Redis dialect over keys, strings and bitmaps: Redis 7.0
// to the letter. What differs is listed in test/redisdiff, each with its reason.
//
// Receives: command lines whose arity is checked and whose keys are locked.
// Hands on: effects through the transaction, and replies.
// Never does: know RESP, decide what the Synap dialect decides too (that is in plan).
package rediscmd
