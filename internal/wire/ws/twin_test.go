package ws

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	frames "github.com/gobwas/ws"
)

// dumbRead is what the RFC wants of a server that has all that will ever come at hand: the lines
// that read makes of it. It shares no code with Reader.
func dumbRead(in []byte, most int, deflate bool) (lines []string) {
	var message []byte
	kind, packed := byte(0), false
	for {
		f, ok, fault := dumbFrame(in)
		if !ok {
			return lines
		}
		fail := func(code int) []string { return append(lines, fmt.Sprint("fault ", code)) }
		first := f.op == 1 || f.op == 2
		switch {
		case fault, f.rsv&3 != 0, f.rsv == 4 && (!deflate || !first), !f.masked,
			!slices.Contains([]byte{0, 1, 2, 8, 9, 10}, f.op),
			f.op >= 8 && (!f.fin || f.length > 125),
			f.op == 0 && kind == 0, first && kind != 0:
			return fail(1002)
		case f.op < 8 && f.length > uint64(most-len(message)):
			return fail(1009)
		case uint64(len(f.rest)) < f.length:
			return lines
		}
		payload := bytes.Clone(f.rest[:f.length])
		in = f.rest[f.length:]
		for i := range payload {
			payload[i] ^= f.mask[i%4]
		}
		if f.op >= 8 {
			line, code := dumbControl(f.op, payload)
			if code != 0 {
				return fail(code)
			}
			lines = append(lines, line)
			continue
		}
		if first {
			kind, packed = f.op, f.rsv == 4
		}
		message = append(message, payload...)
		if kind == 1 && !packed && !dumbText(message, f.fin) {
			return fail(1007)
		}
		if !f.fin {
			continue
		}
		line, code := dumbMessage(kind, packed, message, most)
		if code != 0 {
			return fail(code)
		}
		lines = append(lines, line)
		message, kind, packed = nil, 0, false
	}
}

type dumbHeader struct {
	fin, masked bool
	rsv, op     byte
	length      uint64
	mask, rest  []byte
}

// dumbFrame reads a header; fault is a length that may not be.
func dumbFrame(in []byte) (f dumbHeader, ok, fault bool) {
	if len(in) < 2 {
		return f, false, false
	}
	f = dumbHeader{fin: in[0] > 127, rsv: in[0] / 16 % 8, op: in[0] % 16, masked: in[1] > 127,
		length: uint64(in[1] % 128)}
	in = in[2:]
	more := map[uint64]int{126: 2, 127: 8}[f.length]
	mask := map[bool]int{true: 4}[f.masked]
	if len(in) < more+mask {
		return f, false, false
	}
	if more > 0 {
		f.length = binary.BigEndian.Uint64(append(make([]byte, 8-more), in[:more]...))
	}
	f.mask, f.rest = in[more:more+mask], in[more+mask:]
	return f, true, f.length >= 1<<63
}

// dumbText says whether message is UTF-8, or could become so.
func dumbText(message []byte, whole bool) bool {
	if whole {
		return utf8.Valid(message)
	}
	for _, more := range []string{"", "\x80", "\x80\x80", "\xa0", "\x90\x80", "\x90\x80\x80",
		"\x80\x80\x80", "\xa0\x80", "\x90"} {
		if utf8.Valid(append(bytes.Clone(message), more...)) {
			return true
		}
	}
	return false
}

func dumbControl(op byte, payload []byte) (line string, code int) {
	switch {
	case op == 9:
		return "ping " + string(payload), 0
	case op == 10:
		return "pong " + string(payload), 0
	case len(payload) == 0:
		return "close 1005 ", 0
	case len(payload) == 1:
		return "", 1002
	}
	said := int(payload[0])*256 + int(payload[1])
	allowed := []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014}
	switch {
	case !slices.Contains(allowed, said) && (said < 3000 || said > 4999):
		return "", 1002
	case !utf8.Valid(payload[2:]):
		return "", 1007
	}
	return fmt.Sprintf("close %d %s", said, payload[2:]), 0
}

func dumbMessage(kind byte, packed bool, message []byte, most int) (line string, code int) {
	if packed {
		if endsEarly(message) {
			return "", -1 // what is right is a matter of taste
		}
		text, err := unzip(message)
		switch {
		case len(text) > most:
			return "", 1009
		case err != nil:
			return "", 1007
		}
		message = text
	}
	switch {
	case kind == 2:
		return fmt.Sprintf("binary %x", message), 0
	case !utf8.Valid(message):
		return "", 1007
	}
	return "text " + string(message), 0
}

// FuzzTwin holds a Reader that gets its bytes in portions to one that gets them all at once and is
// as dumb as can be. Only a fault may come earlier: before the frame that has it is whole.
func FuzzTwin(f *testing.F) {
	for _, c := range append(messageRules(), controlRules()...) {
		f.Add(c.in, byte(3), false)
		f.Add(c.in, byte(0), true)
	}
	for _, code := range []int{999, 1000, 1004, 1010, 1011, 1014, 1015, 2999, 3000, 4999, 5000} {
		f.Add(closeFrame(code, "why"), byte(100), false)
	}
	hello := "\xf2\x48\xcd\xc9\xc9\x07\x00"
	f.Add(join(packed(frames.OpText, false, hello[:2]), client(frames.OpPing, true, ""),
		client(frames.OpContinuation, true, hello[2:])), byte(1), true)
	much := zipped(f, bytes.Repeat([]byte("x"), limit+1))
	f.Add(packed(frames.OpBinary, true, much), byte(9), true)
	f.Fuzz(func(t *testing.T, in []byte, portion byte, deflate bool) {
		want := dumbRead(in, limit, deflate)
		r := &Reader{Most: limit, Deflate: deflate}
		var got []string
		var pending []byte
		for rest := bytes.Clone(in); len(rest) > 0 && !faulty(got); {
			n := min(len(rest), int(portion)+1)
			pending, rest = append(pending, rest[:n]...), rest[n:]
			lines, left := read(r, pending)
			got, pending = append(got, lines...), pending[len(pending)-left:]
		}
		if strings.Join(want, "\n") != strings.Join(got, "\n") &&
			(len(want) == 0 || want[len(want)-1] != "fault -1") {
			t.Fatalf("got %q, the twin reads %q", got, want)
		}
	})
}

func faulty(lines []string) bool {
	return len(lines) > 0 && strings.HasPrefix(lines[len(lines)-1], "fault")
}
