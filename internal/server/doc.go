// Package server owns the sockets: listening, event loops, limits, hand-over and shutdown.
//
// Receives: connections.
// Hands on: byte slices to the codecs; whole connections to the general HTTP server.
// Never does: parse a protocol (it looks at one byte to choose a codec), or run a command.
//
// A connection lives on one event loop. Three things take it off: a peer that does not read its
// replies (the slow lane writes them and brings the connection back), an end that the peer must
// be able to read (the slow lane lingers), and a request for the general HTTP server. One whose
// command waits stays on its loop, costing nothing but what it has sent, until somebody wakes it.
package server
