package httpwire

import (
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/coder/websocket"
	frames "github.com/gobwas/ws"

	"github.com/synapdb/synap/internal/wire"
)

const (
	offer  = "Sec-WebSocket-Extensions: permessage-deflate"
	chosen = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; " +
		"client_no_context_takeover"
)

// deflating is s with compression allowed.
func deflating(s *socket) *socket {
	s.b.options.SocketCompression = true
	return s
}

// zipped is a client's compressed frame.
func zipped(op frames.OpCode, fin bool, text string) string {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		panic(err)
	}
	frame := []byte(masked(op, fin, strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")))
	frame[0] |= 0x40
	return string(frame)
}

// inflated has a server's compressed frames as they would be without, and says how many they are.
func inflated(t testing.TB, in string) (plain string, compressed int) {
	t.Helper()
	var out bytes.Buffer
	for r := strings.NewReader(in); r.Len() > 0; {
		f, err := frames.ReadFrame(r)
		if err == nil && f.Header.Rsv == 4 {
			compressed++
			f.Header.Rsv = 0
			f.Payload, err = io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(f.Payload),
				strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))))
			f.Header.Length = int64(len(f.Payload))
		}
		if err == nil {
			err = frames.WriteFrame(&out, f)
		}
		if err != nil {
			t.Fatalf("%v in %q", err, in)
		}
	}
	return out.String(), compressed
}

func TestCompressionIsNegotiated(t *testing.T) {
	const path = "/fake/q/ws/me"
	for _, c := range []struct {
		request, want string
		off           bool
	}{
		{request: handshake(path)},
		{request: handshake(path, offer), want: chosen},
		{request: handshake(path, offer), off: true},
		{request: handshake(path, offer+"; client_max_window_bits"), want: chosen},
		{request: handshake(path, offer+"; server_max_window_bits=9"),
			want: chosen + "; server_max_window_bits=9"},
		{request: handshake(path, offer+"; server_max_window_bits=99")},
		{request: handshake(path, offer+";;")},
		{request: handshake(path, offer+";;\r\n"+offer)}, // the first counts
		{request: handshake(path, offer+"\r\n"+offer), want: chosen},
		{request: handshake(path, "sec-websocket-extensions: foo, permessage-deflate"),
			want: chosen},
		{request: handshake(path, "Sec-WebSocket-Extensions:")},
	} {
		s := deflating(newSocket(t))
		s.b.options.SocketCompression = !c.off
		head, rest, _ := strings.Cut(s.feed(c.request), "\r\n\r\n")
		got := strings.TrimPrefix(head, strings.TrimSuffix(switching, "\r\n\r\n"))
		if strings.TrimPrefix(got, "\r\n") != c.want || s.v != wire.Open ||
			len(unframe(t, rest)) != 1 {
			t.Errorf("%q\n got %q, %q\nwant %q", c.request, got, rest, c.want)
		}
	}
}

// TestWhatIsCompressed says the same with and without compression, and compares.
func TestWhatIsCompressed(t *testing.T) {
	long := strings.Repeat("long ", 100)
	say := `{"command":"say","text":"` + long + `","request_id":1}`
	s := deflating(newSocket(t))
	s.feed(handshake("/fake/q/ws/me", offer))
	answer, n := inflated(t, s.feed(zipped(frames.OpText, true, say)+
		masked(frames.OpText, true, `{"command":"ack","message_id":"x"}`))+s.roused())
	s.want(unframe(t, answer),
		`{"type":"say","request_id":1,"success":true,"payload":{"said":"`+long+`"}}`,
		`{"type":"error","error":"Message not found: x","code":"message_not_found",`+
			`"message_id":"x"}`, pushed(long))
	if n != 2 {
		t.Errorf("%d messages were compressed; the short one should not be", n)
	}
	tooMuch := strings.Repeat(" ", maxFeedMessage+1)
	for in, want := range map[string]string{
		zipped(frames.OpPing, true, ""):      "1002 ",
		zipped(frames.OpBinary, true, "b"):   "1003 messages must be text: JSON",
		zipped(frames.OpText, true, "\xff"):  "1007 a text message that is not UTF-8",
		"\xc1\x81\x00\x00\x00\x00\x07":       "1007 compressed data that cannot be inflated",
		zipped(frames.OpText, true, tooMuch): "1009 the message is over the limit",
	} {
		s := deflating(newSocket(t))
		s.feed(handshake("/fake/q/ws/me", offer))
		got := unframe(t, s.feed(in))
		if len(got) != 1 || !strings.HasPrefix(got[0], "close "+want) || s.v != wire.Close {
			t.Errorf("%.20q: %q, want %q", in, got, want)
		}
	}
	s = newSocket(t).open("/fake/q/ws/me")
	if got := unframe(t, s.feed(zipped(frames.OpText, true, "{}"))); len(got) != 1 ||
		!strings.HasPrefix(got[0], "close 1002 ") {
		t.Errorf("without the extension: %q", got)
	}
}

// TestFollowersShareWhatIsCompressed also reads what rooms keep as plain frames.
func TestFollowersShareWhatIsCompressed(t *testing.T) {
	s := deflating(newRoomSocket(t))
	plain := s.b.socket(t)
	others := []*socket{s, s.b.socket(t), s.b.socket(t)}
	const path = "/stream/r/ws/me"
	plain.feed(handshake(path))
	for _, o := range others {
		o.feed(handshake(path, offer))
	}
	for i := range 50 {
		s.b.call(t, "stream.publish", fmt.Sprintf(
			`{"room":"r","event":"e","data":{"n":%d,"text":"%s"}}`, i, strings.Repeat("abc", i*4)))
		want := plain.roused()
		for _, o := range others {
			raw := o.roused()
			got, n := inflated(t, raw)
			long := len(unframe(t, want)[0]) >= 128
			if got != want || n > 0 != long || long && len(raw) >= len(want) {
				t.Fatalf("event %d, %d of it compressed:\n got %q\nwant %q", i, n, got, want)
			}
		}
	}
}

// TestFewBytesDoNotHoldTheLoop sends what becomes very much, again and again.
func TestFewBytesDoNotHoldTheLoop(t *testing.T) {
	s := deflating(newSocket(t))
	s.feed(handshake("/fake/q/ws/me", offer))
	much := zipped(frames.OpText, true, strings.Repeat(" ", maxFeedMessage-100)+
		`{"command":"ack","message_id":"x"}`)
	answer, n := s.feed(strings.Repeat(much, 20)), 0
	if frames := unframe(t, answer); len(frames) != 1 || s.woke == 0 || s.v != wire.Open {
		t.Fatalf("%d messages in one round, woken %d times", len(frames), s.woke)
	}
	for ; s.woke > 0; n++ {
		s.woke = 0
		answer += s.feed("")
	}
	if frames := unframe(t, answer); len(frames) != 20 || n < 19 {
		t.Errorf("%d answers in %d rounds", len(frames), n)
	}
}

func TestAnIdleCompressedSocketHoldsNoMore(t *testing.T) {
	s := deflating(newRoomSocket(t))
	s.feed(handshake("/stream/r/ws/me", offer))
	s.b.publish(t, 0, 100)
	s.roused()
	s.say(`{"command":"x"}`)
	if c := s.conn; c.feed.deflate == 0 || !c.feed.reader.Deflate || c.feed.reader.Unfinished() {
		t.Errorf("%+v", c.feed)
	}
}

// TestCompressionOfAnotherLibrary has a client with and without takeover of context.
func TestCompressionOfAnotherLibrary(t *testing.T) {
	l := serveLive(t, newFakeFeed(), Options{SocketCompression: true})
	for _, mode := range []websocket.CompressionMode{
		websocket.CompressionContextTakeover, websocket.CompressionNoContextTakeover,
		websocket.CompressionDisabled,
	} {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		//nolint:bodyclose // the library says that there is none to close
		c, resp, err := websocket.Dial(ctx, "ws://"+l.address()+"/fake/q/ws/me",
			&websocket.DialOptions{CompressionMode: mode, CompressionThreshold: 1})
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Header.Get("Sec-WebSocket-Extensions"); (got != "") !=
			(mode != websocket.CompressionDisabled) {
			t.Errorf("mode %v: %q", mode, got)
		}
		c.SetReadLimit(1 << 20)
		p := &peer{c, t, ctx}
		p.read()
		for i := range 30 {
			text := strings.Repeat(fmt.Sprint("text ", i), 1+i*i*10)
			p.say(`{"command":"say","text":"` + text + `"}`)
			p.want(pushed(text))
			p.say(`{"command":"ack","message_id":"` + text + `","request_id":1}`)
			p.want(`{"type":"ack","request_id":1,"success":true,"payload":{"by":"me"}}`)
		}
		if err := p.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Error(err)
		}
	}
}

// TestAMultiplexedSocketIsCompressed has it speak both languages.
func TestAMultiplexedSocketIsCompressed(t *testing.T) {
	value := strings.Repeat("value ", 100)
	set := `{"request_id":1,"command":"kv.set","payload":{"key":"k","value":"` + value + `"}}`
	get := `{"request_id":2,"command":"kv.get","payload":{"key":"k"}}`
	for _, pack := range []bool{false, true} {
		s := deflating(newSocket(t))
		protocol, op := protocolJSON, frames.OpText
		text := func(request string) string { return request }
		if pack {
			protocol, op = protocolPack, frames.OpBinary
			text = func(request string) string { return string(packJSON(nil, []byte(request))) }
		}
		answer := s.feed(handshake(muxPath, "Sec-WebSocket-Protocol: "+protocol, offer))
		if !strings.Contains(answer, chosen+"\r\n") || !strings.Contains(answer, protocol) {
			t.Fatalf("%q", answer)
		}
		got, n := inflated(t, s.feed(zipped(op, true, text(set))+masked(op, true, text(get))))
		all := unframe(t, got)
		if len(all) != 2 || !strings.Contains(all[1], value) || n != 1 {
			t.Errorf("%d compressed of %q", n, all)
		}
	}
}
