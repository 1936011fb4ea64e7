package ws

import (
	"bytes"
	"hash/maphash"

	"github.com/klauspost/compress/flate"
)

// Bounds of what is compressed, in bytes of a message.
const (
	// leastDeflated is where JSON begins to become a third smaller.
	leastDeflated = 128
	// mostDeflated bounds the time that one message takes on its loop: about 3 ms.
	mostDeflated = 1 << 20
	// mostShared is the longest message that is remembered for its next reader.
	mostShared = 32 << 10
	// generationBytes is when a Deflater begins to forget.
	generationBytes = 256 << 10
)

// rsv1 marks the first frame of a compressed message, in the first byte of its header.
const rsv1 = 0x40

// syncMark ends what a compressor flushes, and is not sent (RFC 7692, 7.2.1).
const syncMark = "\x00\x00\xff\xff"

// Deflater compresses messages, each by itself, and remembers the latest ones, because a message
// often has many readers. It holds at most about 2 MiB. The zero value is ready.
type Deflater struct {
	seed       maphash.Seed
	fresh, old generation
	out        sink
}

// generation holds messages of about the same time.
type generation struct {
	index map[uint64]shared
	bytes []byte
}

// shared is a message in generation.bytes: its text at at, and behind it what it became.
type shared struct {
	at, text, zip int
	bits          uint8 // of the window
}

// sink is a slice to append to.
type sink struct{ b []byte }

// Write appends p.
func (s *sink) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

// Append appends a message as one frame, compressed with a window of 1<<bits bytes if that makes
// it smaller; bits as Negotiate says, 0 = not at all.
func (d *Deflater) Append(dst []byte, kind Kind, bits uint8, payload []byte) []byte {
	zip := d.deflated(bits, payload)
	if len(zip) == 0 {
		return AppendMessage(dst, kind, payload)
	}
	from := len(dst)
	dst = appendHeader(dst, opcode(kind), len(zip))
	dst[from] |= rsv1
	return append(dst, zip...)
}

// Recode appends what stands in whole uncompressed frames of text messages, compressed as Append
// does.
func (d *Deflater) Recode(dst []byte, bits uint8, plain []byte) []byte {
	for len(plain) > 0 {
		var payload []byte
		payload, plain = Cut(plain)
		dst = d.Append(dst, Text, bits, payload)
	}
	return dst
}

// deflated is payload compressed, or nothing if that is not worth it. It is valid until the next
// call.
func (d *Deflater) deflated(bits uint8, payload []byte) []byte {
	switch {
	case bits == 0 || len(payload) < leastDeflated || len(payload) > mostDeflated:
		return nil
	case len(payload) > mostShared:
		return d.compress(bits, payload)
	case d.fresh.index == nil:
		d.seed = maphash.MakeSeed()
		d.fresh.index, d.old.index = map[uint64]shared{}, map[uint64]shared{}
	}
	key := maphash.Bytes(d.seed, payload)
	if zip, ok := d.fresh.find(key, bits, payload); ok {
		return zip
	}
	zip, ok := d.old.find(key, bits, payload)
	if !ok {
		zip = d.compress(bits, payload)
	}
	if len(d.fresh.bytes)+len(payload)+len(zip) > generationBytes {
		d.fresh, d.old = d.old, d.fresh
		zip = append(d.out.b[:0], zip...) // it may be in what is forgotten now
		d.out.b = zip
		clear(d.fresh.index)
		d.fresh.bytes = d.fresh.bytes[:0]
	}
	return d.fresh.add(key, bits, payload, zip)
}

func (g *generation) find(key uint64, bits uint8, payload []byte) (zip []byte, ok bool) {
	s, ok := g.index[key]
	if !ok || s.bits != bits || !bytes.Equal(g.bytes[s.at:s.at+s.text], payload) {
		return nil, false
	}
	from := s.at + s.text
	return g.bytes[from : from+s.zip], true
}

func (g *generation) add(key uint64, bits uint8, payload, zip []byte) []byte {
	s := shared{at: len(g.bytes), text: len(payload), zip: len(zip), bits: bits}
	g.bytes = append(append(g.bytes, payload...), zip...)
	g.index[key] = s
	return g.bytes[len(g.bytes)-len(zip):]
}

// compress is payload compressed, or nothing. A smaller window is kept by compressing pieces of its
// size, each without a look at those before.
func (d *Deflater) compress(bits uint8, payload []byte) []byte {
	piece := len(payload)
	if bits < maxWindowBits {
		piece = 1 << bits
	}
	d.out.b = d.out.b[:0]
	for rest := payload; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
		err := flate.StatelessDeflate(&d.out, rest[:min(piece, len(rest))], false, nil)
		if err != nil { // a sink takes everything
			return nil
		}
	}
	zip := bytes.TrimSuffix(d.out.b, []byte(syncMark))
	if len(zip) == len(d.out.b) || len(zip) >= len(payload) {
		return nil
	}
	return zip
}
