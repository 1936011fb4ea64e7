package room

import (
	"encoding/binary"
	"strconv"

	"github.com/synapdb/synap/internal/effect"
)

// A frame is a text message of a server that is no fragment, and the JSON text in it:
//
//	0x81 | length: 1, 3 or 9 bytes | {"type":"event","room":r,"offset":n,"event":e,"data":d,
//	                                  "timestamp":seconds[,"metadata":m]}
//
// Everything in it but data, metadata and the event's name has a length that follows from the room
// and the offset, so the index needs two lengths to find all three.
const (
	beforeRoom     = `{"type":"event","room":`
	beforeOffset   = `,"offset":`
	beforeEvent    = `,"event":`
	beforeData     = `,"data":`
	beforeTime     = `,"timestamp":`
	beforeMetadata = `,"metadata":`

	textFrame   = 0x81 // final, text
	twoBytes    = 126  // in place of a length: it follows in 2 bytes
	eightBytes  = 127
	mostHeader  = 10
	frameAround = mostHeader + len(beforeEvent) + len(beforeData) + len(beforeTime) +
		len(beforeMetadata) + 20 + 13 + 1 // the most that a frame has beyond texts
)

// prefixOf is the beginning of every frame of a room, up to the offset.
func prefixOf(name string) []byte {
	b := make([]byte, 0, len(beforeRoom)+len(name)+2+len(beforeOffset))
	b = appendQuoted(append(b, beforeRoom...), name)
	return append(b, beforeOffset...)
}

// draft is an event on its way into a frame.
type draft struct {
	offset                 uint64
	time                   int64
	quoted, data, metadata []byte // quoted is the name as JSON string
	escaped                bool   // the name has escapes
	form                   effect.EventForm
}

// payload is the length of the JSON text of d in a room with such a prefix.
func (d *draft) payload(prefix int) int {
	n := prefix + digits(d.offset) + len(beforeEvent) + len(d.quoted) + len(beforeData) +
		len(d.data) + len(beforeTime) + digits(uint64(d.time/1000)) + 1
	if len(d.metadata) > 0 {
		n += len(beforeMetadata) + len(d.metadata)
	}
	return n
}

// headerOf is the length of the header before so many bytes.
func headerOf(payload int) int {
	switch {
	case payload < twoBytes:
		return 2
	case payload <= 0xffff:
		return 4
	}
	return mostHeader
}

// appendFrame appends the frame of d, whose JSON text is so long.
func appendFrame(dst, prefix []byte, d *draft, payload int) []byte {
	switch headerOf(payload) {
	case 2:
		dst = append(dst, textFrame, byte(payload))
	case 4:
		dst = binary.BigEndian.AppendUint16(append(dst, textFrame, twoBytes), uint16(payload))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, textFrame, eightBytes), uint64(payload))
	}
	dst = append(dst, prefix...)
	dst = strconv.AppendUint(dst, d.offset, 10)
	dst = append(dst, beforeEvent...)
	dst = append(dst, d.quoted...)
	dst = append(dst, beforeData...)
	dst = append(dst, d.data...)
	dst = append(dst, beforeTime...)
	dst = strconv.AppendInt(dst, d.time/1000, 10)
	if len(d.metadata) > 0 {
		dst = append(dst, beforeMetadata...)
		dst = append(dst, d.metadata...)
	}
	return append(dst, '}')
}

// quotedAt is where the name, as JSON string, begins in a frame.
func quotedAt(frame []byte, prefix int, offset uint64) int {
	header := 2
	switch frame[1] {
	case twoBytes:
		header = 4
	case eightBytes:
		header = mostHeader
	}
	return header + prefix + digits(offset) + len(beforeEvent)
}

// view finds the parts of a frame. A name with escapes is decoded into memory of its own.
func (e *entry) view(frame []byte, prefix int, offset uint64, time int64) View {
	v := View{Offset: offset, Time: time, Form: e.form()}
	at := quotedAt(frame, prefix, offset)
	if v.Name = frame[at+1 : at+e.quoted()-1]; e.escaped() {
		v.Name = unquoted(v.Name)
	}
	at += e.quoted() + len(beforeData)
	end := len(frame) - 1
	if e.metadata > 0 {
		v.Metadata = frame[end-int(e.metadata) : end : end]
		end -= len(beforeMetadata) + int(e.metadata)
	}
	end -= len(beforeTime) + digits(uint64(time/1000))
	v.Data = frame[at:end:end]
	return v
}

func digits(n uint64) int {
	d := 1
	for ; n >= 10_000; n /= 10_000 {
		d += 4
	}
	for ; n >= 10; n /= 10 {
		d++
	}
	return d
}

// plain says whether a name needs no escapes in JSON text.
func plain[T string | []byte](name T) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// appendQuoted appends a name, which is UTF-8, as JSON string. Escapes are those that JSON demands,
// and of them as few kinds as can be: unquoted knows no others.
func appendQuoted[T string | []byte](dst []byte, name T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	if plain(name) {
		return append(append(dst, name...), '"')
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// unquoted is what appendQuoted was given; text comes without the quotes.
func unquoted(text []byte) []byte {
	name := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' {
			i++
			if c = text[i]; c == 'u' {
				c = unhex(text[i+3])<<4 | unhex(text[i+4])
				i += 4
			}
		}
		name = append(name, c)
	}
	return name
}

func unhex(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}
