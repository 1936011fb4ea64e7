// Package errs is the one list of the ways a command can fail.
//
// Receives: a kind and the words that explain it.
// Hands on: an error whose text, machine-readable code and HTTP status every wire maps alike.
// Never does: format a reply, log, or know which protocol asked.
package errs
