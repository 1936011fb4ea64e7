package pubsub

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"sync/atomic"

	"github.com/synapdb/synap/internal/effect"
)

// Dialects is how many ways there are to encode a message: 0 to Dialects-1. Which is which the
// wires agree on among themselves.
const Dialects = 8

// Message is what was published. Once it is, nobody may change it: all subscribers share it.
type Message struct {
	Topic   []byte
	Payload []byte
	Form    effect.PayloadForm // how Payload was given
	// Metadata is the text of a JSON object; nil: none.
	Metadata []byte
	Time     int64 // ms since the Unix epoch
	// Origin and Number make the id: see AppendID. Hub.Stamp sets them.
	Origin, Number uint64
	// Recorded says that the message tells of a record of the journal: that with the number Origin,
	// as its part Number.
	Recorded bool
	// About is what the message tells of, where those who encode it make its text; else nil.
	// Payload is then only what of it takes room.
	About any

	frames [Dialects]atomic.Pointer[[]byte]
}

// Frame is m in a dialect, made by encode when it is asked for the first time. What encode returns
// is kept and shared, and must not be changed. Two loops that ask at the same moment may both
// encode; all get the same bytes. encode should be a plain function: one that captures variables
// costs an allocation in every call.
func (m *Message) Frame(dialect int, encode func(*Message) []byte) []byte {
	slot := &m.frames[dialect]
	if kept := slot.Load(); kept != nil {
		return *kept
	}
	made := encode(m)
	if !slot.CompareAndSwap(nil, &made) {
		return *slot.Load()
	}
	return made
}

// Size is about how many bytes m holds, frames not counted.
func (m *Message) Size() int {
	return len(m.Topic) + len(m.Payload) + len(m.Metadata)
}

// AppendID appends the id of m, a UUID of version 8 in 36 characters: 48 bits of Origin, then 62 of
// Number. That of one Recorded is both in decimal, with a dash between.
func (m *Message) AppendID(dst []byte) []byte {
	if m.Recorded {
		dst = append(strconv.AppendUint(dst, m.Origin, 10), '-')
		return strconv.AppendUint(dst, m.Number, 10)
	}
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], m.Origin<<16|0x8000)
	binary.BigEndian.PutUint64(raw[8:], m.Number&(1<<62-1)|1<<63)
	from := 0
	for _, to := range [...]int{4, 6, 8, 10} {
		dst = append(hex.AppendEncode(dst, raw[from:to]), '-')
		from = to
	}
	return hex.AppendEncode(dst, raw[from:])
}
