// Package shards is what the stores have in common, whatever their shards hold: which of them a
// transaction locks, its record, the names in order, when and how background work is done, and a
// checksum that does not depend on how things are spread.
//
// None of it takes a shard's lock: the stores do.
package shards
