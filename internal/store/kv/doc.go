// Package kv holds keys and their values.
//
// Receives: declared keys to lock, then effects to apply.
// Hands on: entries, valid while their locks are held, and ordered scans.
// Never does: use the network or files, ask the time, or start goroutines: time is an argument.
//
// The way of a SET, file by file: tx.go locks the key's shard; apply.go finds what the effect is
// about and decides its version, journal.go records it; write.go, patch.go and large.go
// change the entry (entry.go draws it) in its space (space.go), where the hash index (index.go)
// finds it and the order (package order, fed by delta.go) keeps it for scans (scan.go). wheel.go
// remembers deadlines, undo.go takes groups back, watch.go tells watchers, evict.go and sample.go
// make room, maintain.go does what can wait.
//
// The way back: export.go hands the entries on while they change, import.go takes them in,
// replay.go applies what the journal recorded since, digest.go tells whether it is the same.
//
// Locks: shards by ascending index, then the lock of one shard's heap of large values, or the
// journal's own. What Count, DB, Stats and MakeRoom's first look need is atomic, so they may be
// called under any lock.
package kv
