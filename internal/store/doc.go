// Package store joins the stores: one transaction, one record, one recovery over all of them.
//
// Receives: what a transaction will touch, records of the journal, blocks of snapshots.
// Hands on: locked transactions over each store; their effects as one record.
// Never does: know what a command means, use files or the network, or ask the time.
//
// Lock order: shards of keys by index, shards of queues by index, shards of rooms by index, then
// the journal's own.
package store
