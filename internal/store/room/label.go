package room

import (
	"bytes"
	"encoding/binary"
)

// Text splits the first of whole frames, as Frames and Pull append them, off: its JSON text.
func Text(frames []byte) (text, rest []byte) {
	size, length := 2, int(frames[1])
	switch length {
	case twoBytes:
		size, length = 4, int(binary.BigEndian.Uint16(frames[2:]))
	case eightBytes:
		size, length = mostHeader, int(binary.BigEndian.Uint64(frames[2:]))
	}
	return frames[size : size+length], frames[size+length:]
}

// Label finds an event's offset, in decimal digits, and its name, the inside of a JSON string, in
// the JSON text of its frame. Of other text it finds nothing.
func Label(text []byte) (offset, name []byte) {
	rest, ok := bytes.CutPrefix(text, []byte(beforeRoom))
	if !ok {
		return nil, nil
	}
	_, rest = cutQuoted(rest)
	if rest, ok = bytes.CutPrefix(rest, []byte(beforeOffset)); !ok {
		return nil, nil
	}
	end := bytes.IndexByte(rest, ',')
	if end < 0 {
		return nil, nil
	}
	offset = rest[:end]
	if rest, ok = bytes.CutPrefix(rest[end:], []byte(beforeEvent)); !ok {
		return nil, nil
	}
	name, _ = cutQuoted(rest)
	return offset, name
}

// cutQuoted splits a JSON string off, and returns its inside.
func cutQuoted(text []byte) (inside, rest []byte) {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[1:i], text[i+1:]
		}
	}
	return nil, nil
}

// Selection is what of a room's frames is wanted.
type Selection struct {
	Until  uint64 // no event of this offset or above
	Name   []byte // only events of this name, as the inside of a JSON string; nil = all
	Events int    // so many at most; 0 = no bound
	Bytes  int    // no more events once their texts are so many bytes; 0 = no bound
	done   bool
	events int
	bytes  int
}

// Done says that nothing more will be taken.
func (s *Selection) Done() bool { return s.done }

// Take keeps of whole frames, the first of which is that of the event at offset, those that are
// wanted: it moves them to the front.
func (s *Selection) Take(frames []byte, offset uint64) []byte {
	kept := frames[:0]
	for len(frames) > 0 && !s.done {
		if offset >= s.Until {
			s.done = true
			break
		}
		text, rest := Text(frames)
		if s.wants(text) {
			kept = append(kept, frames[:len(frames)-len(rest)]...)
			s.events++
			s.bytes += len(text)
			s.done = s.events == s.Events || s.Bytes > 0 && s.bytes >= s.Bytes
		}
		frames = rest
		offset++
	}
	s.done = s.done || offset >= s.Until
	return kept
}

func (s *Selection) wants(text []byte) bool {
	if s.Name == nil {
		return true
	}
	_, name := Label(text)
	return bytes.Equal(name, s.Name)
}

// Inside is a name as the inside of a JSON string: see Selection.
func Inside(name []byte) []byte {
	quoted := appendQuoted(nil, name)
	return quoted[1 : len(quoted)-1]
}
