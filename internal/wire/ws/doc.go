// Package ws frames WebSocket messages (RFC 6455) for event loops: from and to byte slices, with
// no goroutine and, between messages, no buffer.
//
// Receives: bytes as they came from a client, messages for it.
// Hands on: whole messages, unmasked and checked; frames as byte slices; the answer to a handshake.
// Never does: touch a socket, keep a buffer while idle, or read what a message says.
package ws
