// Package cli is the command line of synap-server.
//
// Receives: arguments, the environment, signals.
// Hands on: a configuration to the assembly; data on stdout, everything else on stderr.
// Never does: serve a request itself.
package cli
