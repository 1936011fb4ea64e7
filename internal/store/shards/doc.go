// Package shards is what the stores have in common, whatever their shards hold.
//
// Receives: numbers of shards, encoded effects, names, moments at which something is due.
// Hands on: which shards a transaction locks and in what order, its record, names in order, turns
// of background work, a checksum that does not depend on how things are spread.
// Never does: take a shard's lock, or know what a shard holds.
package shards
