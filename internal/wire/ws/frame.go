package ws

import (
	"encoding/binary"
	"unicode/utf8"

	frames "github.com/gobwas/ws"
)

// Close codes (RFC 6455, 7.4.1, and IANA's registry).
const (
	CodeNormal      = 1000
	CodeGoingAway   = 1001
	CodeProtocol    = 1002
	CodeUnsupported = 1003
	CodeNone        = 1005 // no code was sent; never on the wire
	CodeText        = 1007 // not UTF-8
	CodePolicy      = 1008
	CodeTooBig      = 1009
	CodeInternal    = 1011
	CodeTryAgain    = 1013
)

// maxControl bounds the payload of a control frame, in bytes.
const maxControl = frames.MaxControlFramePayloadSize

// MaxReason bounds the reason in a close frame, in bytes: two more are the code's.
const MaxReason = maxControl - 2

// parseHeader reads a frame's header:
//
//	FIN RSV1-3 opcode | MASK length (7 bits) | 16 or 64 bits more of length | 4 bytes of mask
//
// size is its length in bytes, as far as it can be told: header is valid if in holds as many.
// overflow says that the length has its top bit set.
func parseHeader(in []byte) (h frames.Header, size int, overflow bool) {
	if len(in) < 2 {
		return h, 2, false
	}
	h.Fin, h.Rsv, h.OpCode = in[0]&0x80 != 0, in[0]>>4&7, frames.OpCode(in[0]&0xf)
	h.Masked = in[1]&0x80 != 0
	h.Length = int64(in[1] & 0x7f)
	size = 2
	switch h.Length {
	case 126:
		size = 4
	case 127:
		size = 10
	}
	mask := size
	if h.Masked {
		size += len(h.Mask)
	}
	if len(in) < size {
		return h, size, false
	}
	switch mask {
	case 4:
		h.Length = int64(binary.BigEndian.Uint16(in[2:]))
	case 10:
		length := binary.BigEndian.Uint64(in[2:])
		h.Length, overflow = int64(length&(1<<63-1)), length>>63 != 0
	}
	copy(h.Mask[:], in[mask:size])
	return h, size, overflow
}

// AppendMessage appends a whole message of Text, which must be UTF-8, or Binary, as one frame.
func AppendMessage(dst []byte, kind Kind, payload []byte) []byte {
	return append(appendHeader(dst, opcode(kind), len(payload)), payload...)
}

// opcode is that of a message.
func opcode(kind Kind) frames.OpCode {
	if kind == Binary {
		return frames.OpBinary
	}
	return frames.OpText
}

// AppendPing appends a ping of at most 125 bytes; more are cut off.
func AppendPing(dst, payload []byte) []byte {
	return appendControl(dst, frames.OpPing, payload)
}

// AppendPong appends a pong of at most 125 bytes; more are cut off.
func AppendPong(dst, payload []byte) []byte {
	return appendControl(dst, frames.OpPong, payload)
}

func appendControl(dst []byte, op frames.OpCode, payload []byte) []byte {
	payload = payload[:min(len(payload), maxControl)]
	return append(appendHeader(dst, op, len(payload)), payload...)
}

// AppendClose appends a close frame. CodeNone sends no code. A reason over MaxReason bytes is cut
// at a character; what is not UTF-8 in it is not sent.
func AppendClose(dst []byte, code int, reason string) []byte {
	if code == CodeNone {
		return appendHeader(dst, frames.OpClose, 0)
	}
	if !utf8.ValidString(reason) {
		reason = ""
	}
	if len(reason) > MaxReason {
		cut := MaxReason
		for !utf8.RuneStart(reason[cut]) {
			cut--
		}
		reason = reason[:cut]
	}
	dst = appendHeader(dst, frames.OpClose, 2+len(reason))
	return append(append(dst, byte(code>>8), byte(code)), reason...)
}

// appendHeader appends the header of a final frame of a server, in the shortest form.
func appendHeader(dst []byte, op frames.OpCode, length int) []byte {
	dst = append(dst, 0x80|byte(op))
	switch {
	case length <= 125:
		return append(dst, byte(length))
	case length <= 0xffff:
		return binary.BigEndian.AppendUint16(append(dst, 126), uint16(length))
	}
	return binary.BigEndian.AppendUint64(append(dst, 127), uint64(length))
}

// validCode says whether a peer may send code. IANA has given out 1012 to 1014 since the RFC.
func validCode(code int) bool {
	switch {
	case code < CodeNormal, code == 1004, code == CodeNone, code == 1006:
		return false
	case code <= 1014:
		return true
	}
	return 3000 <= code && code < 5000
}

// Cut splits the first of whole unmasked frames off: its payload.
func Cut(in []byte) (payload, rest []byte) {
	h, size, _ := parseHeader(in)
	end := size + int(h.Length)
	return in[size:end:end], in[end:]
}
