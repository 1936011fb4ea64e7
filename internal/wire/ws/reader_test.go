package ws

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	frames "github.com/gobwas/ws"
)

// client is a frame as a client sends it.
func client(op frames.OpCode, fin bool, payload string) []byte {
	f := frames.NewFrame(op, fin, []byte(payload))
	return raw(frames.MaskFrameInPlaceWith(f, [4]byte{1, 2, 0xf3, 0}))
}

func raw(f frames.Frame) []byte {
	b, err := frames.CompileFrame(f)
	if err != nil {
		panic(err)
	}
	return b
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// closeFrame is a client's close frame.
func closeFrame(code int, reason string) []byte {
	return client(frames.OpClose, true, string([]byte{byte(code >> 8), byte(code)})+reason)
}

// read feeds in until it is used up, and returns what came out of it, one line each.
func read(r *Reader, in []byte) (lines []string, rest int) {
	for len(in) > 0 {
		e, n, _, fault := r.Next(in)
		if fault != nil {
			return append(lines, fmt.Sprintf("fault %d", fault.Code)), 0
		}
		if n == 0 {
			return lines, len(in)
		}
		in = in[n:]
		if e.Kind != Nothing {
			lines = append(lines, word(e))
		}
	}
	return lines, 0
}

const limit = 1000

type rule struct {
	name string
	in   []byte
	want string // lines, joined by "; "
}

func messageRules() []rule {
	const t, b, c = frames.OpText, frames.OpBinary, frames.OpContinuation
	euro := "\u20ac" // three bytes
	return []rule{
		{"text", client(t, true, "hello"), "text hello"},
		{"empty text", client(t, true, ""), "text "},
		{"binary", client(b, true, "\xff\x00"), "binary ff00"},
		{"two in one read", join(client(t, true, "a"), client(t, true, "b")), "text a; text b"},
		{"126 bytes", client(t, true, strings.Repeat("x", 126)),
			"text " + strings.Repeat("x", 126)},
		{"at the limit", client(t, true, strings.Repeat("x", limit)),
			"text " + strings.Repeat("x", limit)},
		{"over the limit", client(t, true, strings.Repeat("x", limit+1)), "fault 1009"},
		{"fragments", join(client(t, false, "a"), client(c, false, ""), client(c, true, "b")),
			"text ab"},
		{"binary fragments", join(client(b, false, "\xff"), client(c, true, "\xfe")),
			"binary fffe"},
		{"control frames between fragments", join(client(t, false, "a"),
			client(frames.OpPing, true, "1"), client(frames.OpPong, true, "2"),
			client(c, true, "b"), client(t, true, "c")), "ping 1; pong 2; text ab; text c"},
		{"fragments over the limit", join(client(t, false, strings.Repeat("x", limit)),
			client(c, true, "y")), "fault 1009"},
		{"a character over fragments", join(client(t, false, euro[:1]),
			client(c, false, euro[1:2]), client(c, true, euro[2:])), "text " + euro},
		{"half a character at the end", client(t, true, euro[:2]), "fault 1007"},
		{"half a character at the last fragment's end", join(client(t, false, "a"),
			client(c, true, euro[:2])), "fault 1007"},
		{"not UTF-8", client(t, true, "\xc0\xaf"), "fault 1007"},
		{"a surrogate", client(t, true, "\xed\xa0\x80"), "fault 1007"},
		{"not UTF-8, told by the first fragment", client(t, false, "a\xffb"), "fault 1007"},
		{"never to become UTF-8", client(t, false, "\xf4\x90"), "fault 1007"},
		{"a message within a message", join(client(t, false, "a"), client(t, true, "b")),
			"fault 1002"},
		{"a continuation of nothing", client(c, true, "a"), "fault 1002"},
		{"a continuation of what is complete", join(client(t, true, "a"), client(c, true, "b")),
			"text a; fault 1002"},
	}
}

func controlRules() []rule {
	with := func(change func(*frames.Header)) []byte {
		f := frames.NewTextFrame([]byte("abc"))
		f.Header.Masked = true
		change(&f.Header)
		return raw(f)
	}
	return []rule{
		{"ping", client(frames.OpPing, true, "are you there"), "ping are you there"},
		{"empty pong", client(frames.OpPong, true, ""), "pong "},
		{"a large ping", client(frames.OpPing, true, strings.Repeat("p", 125)),
			"ping " + strings.Repeat("p", 125)},
		{"too large a ping", client(frames.OpPing, true, strings.Repeat("p", 126)), "fault 1002"},
		{"a fragmented ping", client(frames.OpPing, false, "p"), "fault 1002"},
		{"close", closeFrame(1000, "bye"), "close 1000 bye"},
		{"close with a code only", closeFrame(3999, ""), "close 3999 "},
		{"close without a code", client(frames.OpClose, true, ""), "close 1005 "},
		{"close of one byte", client(frames.OpClose, true, "\x03"), "fault 1002"},
		{"close with bad text", closeFrame(1000, "\xff"), "fault 1007"},
		{"not masked", raw(frames.NewTextFrame([]byte("abc"))), "fault 1002"},
		{"rsv1", with(func(h *frames.Header) { h.Rsv = 4 }), "fault 1002"},
		{"rsv3", with(func(h *frames.Header) { h.Rsv = 1 }), "fault 1002"},
		{"opcode 3", with(func(h *frames.Header) { h.OpCode = 3 }), "fault 1002"},
		{"opcode 15", with(func(h *frames.Header) { h.OpCode = 15 }), "fault 1002"},
		{"top bit of the length", join([]byte{0x81, 0xff, 0x80}, make([]byte, 11)), "fault 1002"},
		{"all the length there is",
			join([]byte{0x81, 0xff, 0x7f}, bytes.Repeat([]byte{0xff}, 11)), "fault 1009"},
		{"a length longer than need be",
			join([]byte{0x81, 0xfe, 0, 1, 0, 0, 0, 0}, []byte("x")), "text x"},
	}
}

// TestTheRulesOfTheRFC reads every case whole, and byte by byte.
func TestTheRulesOfTheRFC(t *testing.T) {
	rules := append(messageRules(), controlRules()...)
	for code, want := range map[int]string{
		0: "fault 1002", 999: "fault 1002", 1004: "fault 1002", 1005: "fault 1002",
		1006: "fault 1002", 1015: "fault 1002", 1016: "fault 1002", 2999: "fault 1002",
		5000: "fault 1002", 65535: "fault 1002", 1001: "close 1001 ", 1003: "close 1003 ",
		1007: "close 1007 ", 1011: "close 1011 ", 1012: "close 1012 ", 1014: "close 1014 ",
		3000: "close 3000 ", 4999: "close 4999 ",
	} {
		rules = append(rules, rule{fmt.Sprint("code ", code), closeFrame(code, ""), want})
	}
	for _, c := range rules {
		t.Run(c.name, func(t *testing.T) {
			got, rest := read(&Reader{Most: limit}, bytes.Clone(c.in))
			if text := strings.Join(got, "; "); text != c.want || rest > 0 {
				t.Errorf("got %q and %d bytes are left, want %q", text, rest, c.want)
			}
			if text := strings.Join(byteByByte(t, c.in), "; "); text != c.want {
				t.Errorf("byte by byte: got %q, want %q", text, c.want)
			}
		})
	}
}

// byteByByte feeds in as an event loop would: what is not consumed comes again, with a byte more.
// It checks that need is the truth as far as it goes.
func byteByByte(t *testing.T, in []byte) (lines []string) {
	r := &Reader{Most: limit}
	var pending []byte
	least := 0
	for _, b := range in {
		pending = append(pending, b)
		e, n, need, fault := r.Next(bytes.Clone(pending))
		if (n > 0 || fault != nil) && len(pending) < least {
			t.Fatalf("%d bytes were said to be needed, %d sufficed", least, len(pending))
		}
		if fault != nil {
			return append(lines, fmt.Sprintf("fault %d", fault.Code))
		}
		if n == 0 {
			if least = need; need <= len(pending) {
				t.Fatalf("%d of %d needed bytes are there", len(pending), need)
			}
			continue
		}
		if n != len(pending) {
			t.Fatalf("consumed %d of %d bytes", n, len(pending))
		}
		pending, least = nil, 0
		if e.Kind != Nothing {
			lines = append(lines, word(e))
		}
	}
	return lines
}

func word(e Event) string {
	switch e.Kind {
	case Text:
		return "text " + string(e.Data)
	case Binary:
		return fmt.Sprintf("binary %x", e.Data)
	case Ping:
		return "ping " + string(e.Data)
	case Pong:
		return "pong " + string(e.Data)
	}
	return fmt.Sprintf("close %d %s", e.Code, e.Data)
}

func TestAHugeLengthIsRefusedBeforeItsBytesCome(t *testing.T) {
	header := binary.BigEndian.AppendUint64([]byte{0x82, 0xff}, 1<<40)
	r := &Reader{Most: limit}
	if _, _, _, fault := r.Next(append(header, 1, 2, 3, 4)); fault == nil ||
		fault.Code != CodeTooBig {
		t.Errorf("got %v", fault)
	}
}

func TestNothingIsKeptBetweenMessages(t *testing.T) {
	r := &Reader{Most: limit}
	if _, rest := read(r, client(frames.OpText, false, "a")); rest > 0 || !r.Unfinished() {
		t.Fatal("the fragment was not taken")
	}
	read(r, client(frames.OpContinuation, true, "b"))
	if r.Unfinished() || r.parts != nil {
		t.Errorf("%d bytes are kept", cap(r.parts))
	}
}

func TestReadingAMessageAllocatesNothing(t *testing.T) {
	r := &Reader{Most: limit}
	frame := client(frames.OpText, true, `{"command":"ack","message_id":"x"}`)
	in := make([]byte, len(frame))
	if n := testing.AllocsPerRun(100, func() {
		copy(in, frame)
		if e, _, _, fault := r.Next(in); e.Kind != Text || fault != nil {
			t.Error("not read")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
