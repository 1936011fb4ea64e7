package ws

import (
	"bytes"
	"testing"
	"unicode/utf8"

	frames "github.com/gobwas/ws"
)

// FuzzReader feeds any bytes in any portions: it must not panic, keep more than the bound, accept
// text that is none, or go on behind a frame that gobwas refuses.
func FuzzReader(f *testing.F) {
	for _, c := range append(messageRules(), controlRules()...) {
		f.Add(c.in, byte(3))
	}
	f.Fuzz(func(t *testing.T, in []byte, portion byte) {
		r := &Reader{Most: limit}
		pending := []byte{}
		for twin := bytes.NewReader(bytes.Clone(in)); len(in) > 0; {
			n := min(len(in), int(portion)+1)
			pending, in = append(pending, in[:n]...), in[n:]
			for {
				unfinished := r.Unfinished()
				e, n, need, fault := r.Next(pending)
				if cap(r.parts) > limit {
					t.Fatalf("%d bytes are kept", cap(r.parts))
				}
				if fault != nil {
					if !validCode(fault.Code) || len(fault.Reason) > MaxReason {
						t.Fatalf("the fault cannot be sent: %+v", fault)
					}
					return
				}
				if n == 0 {
					if need <= len(pending) {
						t.Fatalf("%d bytes needed, %d are there", need, len(pending))
					}
					break
				}
				compare(t, twin, &e, unfinished)
				pending = pending[n:]
			}
		}
	})
}

// compare reads the same frame with gobwas.
func compare(t *testing.T, twin *bytes.Reader, e *Event, unfinished bool) {
	state := frames.StateServerSide
	if unfinished {
		state |= frames.StateFragmented
	}
	want, err := frames.ReadFrame(twin)
	if err != nil || frames.CheckHeader(want.Header, state) != nil {
		t.Fatalf("gobwas refuses what was read: %v, %+v", err, want.Header)
	}
	want = frames.UnmaskFrameInPlace(want)
	got := e.Data
	if e.Kind == Text && !utf8.Valid(got) {
		t.Fatal("accepted text that is not UTF-8")
	}
	if e.Kind == Nothing || unfinished && want.Header.OpCode == frames.OpContinuation {
		return // a part of a message
	}
	if e.Kind == Closing && len(want.Payload) > 1 {
		want.Payload = want.Payload[2:]
	}
	if !bytes.Equal(got, want.Payload) {
		t.Fatalf("read %q, gobwas reads %q", got, want.Payload)
	}
}

// FuzzRoundTrip cuts a message into fragments with pings between them, as a client of gobwas
// writes them: the same message must come back.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("gr\u00fc\u00dfe \u20ac \U0001f600"), []byte{1, 0, 3}, uint32(7))
	f.Add([]byte{0xff, 0}, []byte{}, uint32(0))
	f.Fuzz(func(t *testing.T, message, cuts []byte, mask uint32) {
		message = message[:min(len(message), limit)]
		op, kind := frames.OpText, Text
		if !utf8.Valid(message) {
			op, kind = frames.OpBinary, Binary
		}
		key := [4]byte{byte(mask), byte(mask >> 8), byte(mask >> 16), byte(mask >> 24)}
		var in []byte
		write := func(op frames.OpCode, fin bool, p []byte) {
			in = append(in, raw(frames.MaskFrameWith(frames.NewFrame(op, fin, p), key))...)
		}
		rest, pings := message, 0
		for _, c := range cuts {
			n := min(int(c), len(rest))
			write(op, false, rest[:n])
			write(frames.OpPing, true, rest[:min(n, 125)])
			op, rest, pings = frames.OpContinuation, rest[n:], pings+1
		}
		write(op, true, rest)
		r := &Reader{Most: limit}
		for len(in) > 0 {
			e, n, _, fault := r.Next(in)
			if fault != nil || n == 0 {
				t.Fatalf("refused: %v", fault)
			}
			in = in[n:]
			switch {
			case e.Kind == Ping:
				pings--
			case e.Kind == kind && !bytes.Equal(e.Data, message):
				t.Fatalf("%q became %q", message, e.Data)
			}
		}
		if pings != 0 || r.Unfinished() {
			t.Fatalf("%d pings are missing", pings)
		}
	})
}
