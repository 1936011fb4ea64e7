package ws

import (
	"crypto/sha1"
	"encoding/base64"
)

// Version is the only version of the protocol, as Sec-WebSocket-Version names it.
const Version = "13"

const (
	keyBytes = 16 // of a Sec-WebSocket-Key, decoded
	// keySalt shows that the answer comes from somebody who knows the protocol (RFC 6455, 1.3).
	keySalt = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
)

// ValidKey says whether key is a Sec-WebSocket-Key: 16 bytes in base64.
func ValidKey(key []byte) bool {
	var raw [keyBytes + 2]byte // Decode may write whole groups of three
	if len(key) != base64.StdEncoding.EncodedLen(keyBytes) {
		return false
	}
	n, err := base64.StdEncoding.Decode(raw[:], key)
	return err == nil && n == keyBytes
}

// AppendAccept appends the Sec-WebSocket-Accept that answers a valid key.
func AppendAccept(dst, key []byte) []byte {
	var salted [24 + len(keySalt)]byte
	n := copy(salted[:], key)
	sum := sha1.Sum(salted[:n+copy(salted[n:], keySalt)])
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}
