// Package snapshot keeps the state of a store in files.
//
// Receives: blocks of entries as the store exported them, and a directory.
// Hands on: the same blocks, checked, and a list of what snapshots there are.
// Never does: know what a block holds, choose when to take a snapshot, or use a damaged one.
//
// A snapshot has its name only when it is whole and on the disk: it is written under a temporary
// one, synced, renamed, and the directory synced. So after a crash the newest snapshot is the old
// one or the new one, never half of it.
package snapshot
