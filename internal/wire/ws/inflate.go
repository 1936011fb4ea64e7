package ws

import (
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

const (
	// inflateTail is what a sender leaves out (RFC 7692, 7.2.2), and a last block, so that the
	// decompressor sees an end.
	inflateTail = syncMark + "\x01" + syncMark
	// inflateSlack is how many compressed bytes may bring nothing. Beyond it each has to bring
	// half a byte: blocks that are empty take time, and no bound on messages would stop them.
	inflateSlack = 64 << 10
	// leastInflated is the first size of a message's buffer.
	leastInflated = 512
)

// inflater inflates one message after the other.
type inflater struct {
	source source
	flate  io.ReadCloser
}

// source is a message and its tail. It hands out single bytes, so it is never ahead of the
// decompressor.
type source struct {
	in   []byte
	at   int // counts on in the tail
	made int // bytes inflated so far
}

var errNothing = errors.New("compressed data that brings nothing")

// ReadByte is for codes and headers of blocks.
func (s *source) ReadByte() (byte, error) {
	at := s.at
	switch {
	case at > inflateSlack+2*s.made:
		return 0, errNothing
	case at < len(s.in):
		s.at++
		return s.in[at], nil
	case at < len(s.in)+len(inflateTail):
		s.at++
		return inflateTail[at-len(s.in)], nil
	}
	return 0, io.EOF
}

// Read is for blocks that are not compressed.
func (s *source) Read(p []byte) (n int, err error) {
	if s.at < len(s.in) {
		n = copy(p, s.in[s.at:])
	} else if n = copy(p, inflateTail[s.at-len(s.in):]); n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	s.at += n
	return n, nil
}

// inflaters hold about 45 KB each; connections hold none.
var inflaters = sync.Pool{New: func() any {
	i := new(inflater)
	i.flate = flate.NewReader(&i.source)
	return i
}}

// inflate is the message of a compressed payload, in memory of its own of at most most bytes.
func inflate(payload []byte, most int) ([]byte, *Fault) {
	i := inflaters.Get().(*inflater)
	defer inflaters.Put(i)
	i.source = source{in: payload}
	defer func() { i.source.in = nil }()
	if err := i.flate.(flate.Resetter).Reset(&i.source, nil); err != nil {
		return nil, faultDeflate
	}
	out := make([]byte, 0, min(max(3*len(payload), leastInflated), most))
	for {
		room := out[len(out):cap(out)]
		var beyond [1]byte
		if len(out) == most {
			room = beyond[:]
		}
		n, err := i.flate.Read(room)
		switch {
		case len(out)+n > most:
			return nil, faultTooBig
		case err == io.EOF && i.source.whole():
			return out[:len(out)+n], nil
		case err != nil:
			return nil, faultDeflate
		}
		out = out[:len(out)+n]
		i.source.made = len(out)
		if len(out) == cap(out) && len(out) < most {
			bigger := make([]byte, len(out), min(2*len(out), most))
			copy(bigger, out)
			out = bigger
		}
	}
}

// whole says that nothing of the message lies behind the last block. A sender may end it with a
// last block of its own and a byte 0 (RFC 7692, 7.2.3.4).
func (s *source) whole() bool {
	rest := s.in[min(s.at, len(s.in)):]
	return len(rest) == 0 || len(rest) == 1 && rest[0] == 0
}
