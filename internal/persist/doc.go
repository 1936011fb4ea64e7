// Package persist keeps the store in a data directory: journal, snapshots, recovery, backups.
//
// Receives: a store, a file system, a directory and what the settings say.
// Hands on: a recovered store that writes its journal, snapshots on time and on demand.
// Never does: decide what a command means, or answer a client.
//
// A data directory:
//
//	LOCK                      held by the one process that uses the directory
//	META.json                 format version, node id, history id, hash seed
//	journal/journal-*.log     every change, in order
//	snapshots/snapshot-*.snap the whole store as of some place in the journal
package persist
