// Package redisdiff compares Synap's Redis dialect with a real redis-server: random command
// sequences, replies byte for byte, in RESP2 and RESP3.
//
// Receives: the rows of the Redis dialect, a redis-server 7.0.
// Hands on: the one table of what may differ, and why.
// Never does: serve; everything but the table is test code.
//
// SYNAP_DIFF_CHECKS sets the number of sequences per test (default 500).
package redisdiff
