// Package ws frames WebSocket messages (RFC 6455) for event loops, and compresses them (RFC 7692):
// from and to byte slices, with no goroutine and, between messages, no buffer.
//
// Receives: bytes as they came from a client, messages for it.
// Hands on: whole messages, inflated, unmasked and checked; frames as byte slices; the answer to a
// handshake.
// Never does: touch a socket, keep a buffer while idle, or read what a message says.
//
// # Compression
//
// Neither direction keeps anything from one message to the next, so a connection costs nothing
// for it, and a message is the same bytes for all its readers. A Deflater compresses it once and
// hands out copies: the 50 followers of a room cost 5 µs and 50 copies, not 50 times 5 µs
// (go test -bench Deflate).
//
// Rejected:
//   - Context takeover: messages of 200 bytes would become a third smaller, for 32 KiB and more of
//     history on each side of every connection, and each reader would need bytes of its own.
//   - A pooled flate.Writer, at any level: no faster, not 2 % smaller for JSON of 0.1 to 16 KB, and
//     several hundred KB each. StatelessDeflate has its table on the stack.
//   - Compressed frames kept in rooms beside plain ones: memory for every event, whether or not
//     anybody who reads compressed ever comes.
package ws
