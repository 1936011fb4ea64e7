// Package httpwire speaks HTTP: a fast lane that parses plain HTTP/1.1 requests itself, and a
// net/http handler for everything else. Both end in one function, so they answer alike.
//
// Receives: bytes of a connection, or net/http requests.
// Hands on: decoded arguments to the command engine; replies as JSON, MessagePack or raw bytes.
// Never does: touch a socket, start goroutines, or guess at a malformed request.
package httpwire
