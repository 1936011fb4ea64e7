// Package command is the one table of all commands and the engine that runs them.
//
// Receives: a row and its arguments, whatever wire they came over.
// Hands on: effects to the stores, and a reply through the caller's Reply.
// Never does: know which protocol asked, touch a socket, start goroutines.
package command
