package effect

import (
	"encoding/binary"
	"fmt"
)

// The bytes of an effect over rooms; see codec.go for what holds them. v is an unsigned varint, s a
// signed one, what stands in brackets is there if bits say so.
//
//	RoomSet     | kind 1 | nameLen v | name | generation v | created s | first v | maxEvents s |
//	            | maxBytes s | maxAge s |
//	RoomDelete  | kind 1 | nameLen v | name | generation v |
//	RoomPublish | kind 1 | nameLen v | name | generation v | bits 1 | offset v | time s |
//	            | [kept v] | eventLen v | dataLen v | [metadataLen v] | event | [metadata] |
//	            | data |
//	RoomTrim    | kind 1 | nameLen v | name | generation v | first v |
//	RoomCursor  | kind 1 | nameLen v | name | generation v | bits 1 | consumerLen v | consumer |
//	            | [offset v] |
//
//	bits of RoomPublish: 0-1 form, 2 has metadata, 3 has kept
//	bits of RoomCursor:  0 gone, and then without an offset
//
// Kept is how many events there are with the new one: from First to Offset. A RoomPublish takes
// about 16 bytes beyond names, data and metadata, two more in a room that is full.

const (
	formBits     = 3
	metadataBit  = 2
	keptBit      = 3
	knownPublish = 0xF
)

// AppendRoom appends the bytes of e, whose kind must be one over rooms, to dst. It keeps nothing of
// e, and leaves out fields that e.Kind does not use.
func AppendRoom(dst []byte, e *Room) []byte {
	dst = append(dst, byte(e.Kind))
	dst = appendBytes(dst, e.Name)
	dst = binary.AppendUvarint(dst, e.Generation)
	switch e.Kind {
	case RoomSet:
		dst = binary.AppendVarint(dst, e.Settings.Created)
		dst = binary.AppendUvarint(dst, e.First)
		dst = binary.AppendVarint(dst, e.Settings.MaxEvents)
		dst = binary.AppendVarint(dst, e.Settings.MaxBytes)
		return binary.AppendVarint(dst, e.Settings.MaxAge)
	case RoomPublish:
		return appendPublish(dst, e)
	case RoomTrim:
		return binary.AppendUvarint(dst, e.First)
	case RoomCursor:
		dst = append(dst, bit(e.Gone, 0))
		dst = appendBytes(dst, e.Consumer)
		if !e.Gone {
			dst = binary.AppendUvarint(dst, e.Offset)
		}
	}
	return dst // RoomDelete
}

func appendPublish(dst []byte, e *Room) []byte {
	dst = append(dst, byte(e.Form)&formBits|bit(len(e.Metadata) > 0, metadataBit)|
		bit(e.First > 0, keptBit))
	dst = binary.AppendUvarint(dst, e.Offset)
	dst = binary.AppendVarint(dst, e.Time)
	if e.First > 0 {
		dst = binary.AppendUvarint(dst, e.Offset+1-e.First)
	}
	dst = binary.AppendUvarint(dst, uint64(len(e.Event)))
	dst = binary.AppendUvarint(dst, uint64(len(e.Data)))
	if len(e.Metadata) > 0 {
		dst = binary.AppendUvarint(dst, uint64(len(e.Metadata)))
	}
	dst = append(dst, e.Event...)
	dst = append(dst, e.Metadata...)
	return append(dst, e.Data...)
}

// DecodeRoom reads the first effect of b, which must be one over rooms; rest is what follows it.
// Slices are views of b. Any b is safe; what it may name (sizes, times) is for the store to check.
// The error is ErrMalformed.
func DecodeRoom(b []byte) (e Room, rest []byte, err error) {
	r := reader{b: b}
	e.Kind = Kind(r.byte())
	e.Name = r.bytes(r.number())
	e.Generation = r.whole()
	switch e.Kind {
	case RoomSet:
		e.Settings.Created = r.signed()
		e.First = r.whole()
		e.Settings.MaxEvents = r.signed()
		e.Settings.MaxBytes = r.signed()
		e.Settings.MaxAge = r.signed()
	case RoomDelete:
	case RoomPublish:
		r.publish(&e)
	case RoomTrim:
		e.First = r.whole()
	case RoomCursor:
		e.Gone = r.flags(1) != 0
		e.Consumer = r.bytes(r.number())
		if !e.Gone {
			e.Offset = r.whole()
		}
	default:
		r.bad = true
	}
	if r.bad {
		return Room{}, nil, fmt.Errorf("%w: kind %d, %d bytes", ErrMalformed, e.Kind, len(b))
	}
	return e, r.b, nil
}

func (r *reader) publish(e *Room) {
	bits := r.flags(knownPublish)
	e.Form = EventForm(bits & formBits)
	e.Offset = r.whole()
	e.Time = r.signed()
	if bits&(1<<keptBit) != 0 {
		kept := r.whole()
		if kept == 0 || kept > e.Offset { // First would be 0, or above Offset
			r.bad = true
			return
		}
		e.First = e.Offset + 1 - kept
	}
	event, data, metadata := r.number(), r.number(), 0
	if bits&(1<<metadataBit) != 0 {
		metadata = r.number()
	}
	e.Event = r.bytes(event)
	e.Metadata = r.bytes(metadata)
	e.Data = r.bytes(data)
}
