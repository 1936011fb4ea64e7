package command

import (
	"crypto/rand"
	"encoding/hex"
)

// NewID makes a random UUID, in 36 characters: the id of a subscriber that brought none.
func NewID() []byte {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails: see crypto/rand
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	id := make([]byte, 0, 36)
	from := 0
	for _, to := range [...]int{4, 6, 8, 10} {
		id = append(hex.AppendEncode(id, raw[from:to]), '-')
		from = to
	}
	return hex.AppendEncode(id, raw[from:])
}
