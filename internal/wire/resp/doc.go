// Package resp speaks the Redis protocol, versions 2 and 3.
//
// Receives: a connection's bytes as they were read, whole commands or parts of one.
// Hands on: command lines to the engine as views into the input; replies as bytes.
// Never does: touch a socket, copy an argument, allocate by a length a client declared.
package resp
