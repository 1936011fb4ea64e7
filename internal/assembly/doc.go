// Package assembly builds the server out of its rooms.
//
// Receives: a checked configuration.
// Hands on: a running instance: store, command table, codecs, doors, upkeep.
// Never does: read flags or files, decide what a command means.
package assembly
