package ws

import (
	"encoding/binary"
	"unicode/utf8"

	frames "github.com/gobwas/ws"
)

// Kind is what a Reader found.
type Kind uint8

// The kinds.
const (
	// Nothing: a part of a message, kept until the rest comes; or no whole frame.
	Nothing Kind = iota
	// Text is a message of UTF-8.
	Text
	// Binary is a message of bytes.
	Binary
	// Ping wants its Data back in a pong.
	Ping
	// Pong answers a ping, or none.
	Pong
	// Closing ends the peer's messages: it wants a close frame back, with the same code.
	Closing
)

// Event is one message or control frame of the peer.
type Event struct {
	Kind Kind
	// Data is the message, a control frame's payload or the reason of Closing. It is part of the
	// bytes that were read or of memory of its own; the Reader does not use it again.
	Data []byte
	Code int // of Closing; CodeNone if there was none
}

// Fault is why a connection has to fail: the close frame that says so.
type Fault struct {
	Code   int
	Reason string
}

// Error is the reason.
func (f *Fault) Error() string { return f.Reason }

// Reader reads the frames of one client. Its zero value but for Most is ready.
type Reader struct {
	// Most bounds a message, in bytes.
	Most int
	// Deflate says that compressed messages were negotiated. Most bounds them before and after.
	Deflate bool
	// parts are the fragments of an unfinished message; nil between messages.
	parts []byte
	// valid are the bytes of parts that were found to be UTF-8.
	valid   int
	message frames.OpCode // of the unfinished message, 0 when there is none
	packed  bool          // the unfinished message is compressed
}

// Unfinished says that fragments wait for the rest of their message. Control frames may come
// between them.
func (r *Reader) Unfinished() bool { return r.message != 0 }

// Faults of a peer.
var (
	faultLength    = &Fault{CodeProtocol, "the length of a frame has its top bit set"}
	faultCloseSize = &Fault{CodeProtocol, "a close frame of one byte"}
	faultCloseCode = &Fault{CodeProtocol, "a close code that may not be sent"}
	faultText      = &Fault{CodeText, "a text message that is not UTF-8"}
	faultReason    = &Fault{CodeText, "a close reason that is not UTF-8"}
	faultTooBig    = &Fault{CodeTooBig, "the message is over the limit"}
	faultDeflate   = &Fault{CodeText, "compressed data that cannot be inflated"}
)

// Next reads the frame at the start of in, unmasking it in place. n are the bytes consumed; when
// it is 0 and there is no fault, the frame is not whole and need says how many bytes it will have,
// as far as that is known. After a fault the Reader must not be used again.
func (r *Reader) Next(in []byte) (e Event, n, need int, fault *Fault) {
	h, size, overflow := parseHeader(in)
	if len(in) < size {
		return e, 0, size, nil
	}
	packed := r.unpacked(&h)
	if fault = r.check(&h, overflow); fault != nil {
		return e, 0, 0, fault
	}
	n = size + int(h.Length)
	if len(in) < n {
		return e, 0, n, nil
	}
	// The capacity ends with the frame: who appends to Data must not write into the next one.
	payload := in[size:n:n]
	frames.Cipher(payload, h.Mask, 0)
	switch h.OpCode {
	case frames.OpPing:
		return Event{Kind: Ping, Data: payload}, n, 0, nil
	case frames.OpPong:
		return Event{Kind: Pong, Data: payload}, n, 0, nil
	case frames.OpClose:
		e, fault = closing(payload)
	default:
		e, fault = r.data(&h, payload, packed)
	}
	return e, n, 0, fault
}

// unpacked says whether h begins a compressed message, and takes the mark off it. Elsewhere the
// mark stays, to be refused.
func (r *Reader) unpacked(h *frames.Header) (packed bool) {
	if !r.Deflate || h.Rsv != rsv1>>4 || h.OpCode != frames.OpText && h.OpCode != frames.OpBinary {
		return false
	}
	h.Rsv = 0
	return true
}

// check applies what a header may not say, before any byte of the payload is waited for.
func (r *Reader) check(h *frames.Header, overflow bool) *Fault {
	state := frames.StateServerSide
	if r.Unfinished() {
		state |= frames.StateFragmented
	}
	switch err := frames.CheckHeader(*h, state); {
	case overflow:
		return faultLength
	case err != nil:
		return &Fault{CodeProtocol, err.Error()}
	case h.OpCode.IsData() && h.Length > int64(r.Most-len(r.parts)):
		return faultTooBig
	}
	return nil
}

// data takes the payload of a data frame.
func (r *Reader) data(h *frames.Header, payload []byte, packed bool) (e Event, f *Fault) {
	if h.Fin && !r.Unfinished() { // nearly all
		return r.whole(h.OpCode, payload, packed, 0)
	}
	if h.OpCode != frames.OpContinuation {
		r.message, r.packed = h.OpCode, packed
	}
	r.keep(payload)
	if r.message == frames.OpText && !r.packed && !r.checkText() {
		return e, faultText
	}
	if !h.Fin {
		return e, nil
	}
	e, f = r.whole(r.message, r.parts, r.packed, r.valid)
	r.parts, r.valid, r.message, r.packed = nil, 0, 0, false
	return e, f
}

// whole is a message, of which the first valid bytes are known to be UTF-8.
func (r *Reader) whole(
	op frames.OpCode, payload []byte, packed bool, valid int,
) (e Event, f *Fault) {
	if packed {
		if payload, f = inflate(payload, r.Most); f != nil {
			return e, f
		}
	}
	switch {
	case op == frames.OpBinary:
		return Event{Kind: Binary, Data: payload}, nil
	case !utf8.Valid(payload[valid:]):
		return e, faultText
	}
	return Event{Kind: Text, Data: payload}, nil
}

// keep adds a fragment. The buffer doubles with what arrives, and never beyond Most.
func (r *Reader) keep(part []byte) {
	if total := len(r.parts) + len(part); total > cap(r.parts) {
		bigger := make([]byte, len(r.parts), max(min(2*cap(r.parts), r.Most), total))
		copy(bigger, r.parts)
		r.parts = bigger
	}
	r.parts = append(r.parts, part...)
}

// checkText says whether the fragments so far can be the beginning of UTF-8 text.
func (r *Reader) checkText() bool {
	fresh := r.parts[r.valid:]
	fresh = fresh[:len(fresh)-unfinishedRune(fresh)]
	r.valid += len(fresh)
	return utf8.Valid(fresh)
}

// unfinishedRune is the length of a beginning of a character at the end of b, at most three bytes.
func unfinishedRune(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// closing reads the payload of a close frame: nothing, or a code and a reason.
func closing(payload []byte) (e Event, f *Fault) {
	e = Event{Kind: Closing, Code: CodeNone}
	switch {
	case len(payload) == 0:
		return e, nil
	case len(payload) == 1:
		return Event{}, faultCloseSize
	}
	e.Code, e.Data = int(binary.BigEndian.Uint16(payload)), payload[2:]
	switch {
	case !validCode(e.Code):
		return Event{}, faultCloseCode
	case !utf8.Valid(e.Data):
		return Event{}, faultReason
	}
	return e, nil
}
