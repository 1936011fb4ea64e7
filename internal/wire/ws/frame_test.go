package ws

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	frames "github.com/gobwas/ws"
)

// TestFramesAreReadByAnotherLibrary holds the append functions to gobwas' reader.
func TestFramesAreReadByAnotherLibrary(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 127, 0xffff, 0x10000, 1 << 20} {
		payload := bytes.Repeat([]byte("x"), size)
		check(t, AppendMessage(nil, Text, payload), frames.OpText, payload)
		check(t, AppendMessage(nil, Binary, payload), frames.OpBinary, payload)
		short := payload[:min(size, 125)]
		check(t, AppendPing(nil, payload), frames.OpPing, short)
		check(t, AppendPong(nil, payload), frames.OpPong, short)
	}
}

func check(t *testing.T, frame []byte, op frames.OpCode, payload []byte) {
	t.Helper()
	in := bytes.NewReader(frame)
	f, err := frames.ReadFrame(in)
	if err != nil || in.Len() > 0 || frames.CheckHeader(f.Header, frames.StateClientSide) != nil ||
		f.Header.OpCode != op || !f.Header.Fin || !bytes.Equal(f.Payload, payload) {
		t.Errorf("%d bytes with opcode %d: %v, %d bytes left, %+v", len(payload), op, err,
			in.Len(), f.Header)
	}
}

func TestCloseFramesFitAndAreText(t *testing.T) {
	for reason, want := range map[string]string{
		"":                                 "",
		"going away":                       "going away",
		strings.Repeat("r", 123):           strings.Repeat("r", 123),
		strings.Repeat("r", 124):           strings.Repeat("r", 123),
		strings.Repeat("\u20ac", 60):       strings.Repeat("\u20ac", 41), // 3 bytes each
		"r" + strings.Repeat("\u20ac", 60): "r" + strings.Repeat("\u20ac", 40),
		"\xff":                             "",
	} {
		f, err := frames.ReadFrame(bytes.NewReader(AppendClose(nil, CodeTryAgain, reason)))
		if err != nil {
			t.Fatal(err)
		}
		code, got := frames.ParseCloseFrameData(f.Payload)
		if code != CodeTryAgain || got != want || len(f.Payload) > 125 || !utf8.ValidString(got) {
			t.Errorf("%q became %d %q", reason, code, got)
		}
	}
	if got := AppendClose(nil, CodeNone, "x"); !bytes.Equal(got, []byte{0x88, 0}) {
		t.Errorf("no code: %x", got)
	}
}

// TestHandshake has the example of RFC 6455, 1.3.
func TestHandshake(t *testing.T) {
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	if got := AppendAccept([]byte("> "), []byte(key)); string(got) !=
		"> s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("got %q", got)
	}
	for text, want := range map[string]bool{
		key: true, "AAAAAAAAAAAAAAAAAAAAAA==": true, "": false, "dGhlIHNhbXBsZSBub25jZQ": false,
		"dGhlIHNhbXBsZSBub25jZSE=": false, "dGhlIHNhbXBsZSBub25j": false,
		"!GhlIHNhbXBsZSBub25jZQ==": false, "dGhlIHNhbXBsZSBub25jZ===": false,
	} {
		if ValidKey([]byte(text)) != want {
			t.Errorf("key %q: not %v", text, want)
		}
	}
}
