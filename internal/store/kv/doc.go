// Package kv holds keys and their values.
//
// Receives: declared keys to lock, then effects to apply.
// Hands on: entries, valid while their locks are held, and ordered scans.
// Never does: use the network or files, ask the time, or start goroutines: time is an argument.
package kv
