// Package persist keeps the stores in a data directory: journal, snapshots, recovery, backups.
//
// Receives: stores, a file system, a directory and what the settings say.
// Hands on: recovered stores that write their journal, snapshots on time and on demand.
// Never does: decide what a command means, or answer a client.
//
// A data directory:
//
//	LOCK                      held by the one process that uses the directory
//	META.json                 format version, node id, history id, hash seed
//	journal/journal-*.log     every change, in order
//	snapshots/snapshot-*.snap all stores as of some place in the journal
package persist
