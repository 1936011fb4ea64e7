package httpwire

import (
	"bytes"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	frames "github.com/gobwas/ws"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/pubsubcmd"
	"github.com/synapdb/synap/internal/command/synapcmd"
	"github.com/synapdb/synap/internal/wire"
)

// handshake is a WebSocket handshake. An override "Name: value" replaces a header, "Name:" drops
// it.
func handshake(path string, override ...string) string {
	headers := []string{"Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
	for _, o := range override {
		name, value, _ := strings.Cut(o, ":")
		found := false
		for i, h := range headers {
			if strings.HasPrefix(h, name+":") {
				headers[i], found = o, true
				if value == "" {
					headers = append(headers[:i], headers[i+1:]...)
				}
				break
			}
		}
		if !found {
			headers = append(headers, o)
		}
	}
	return request1("GET "+path, headers...)
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
	"Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

// socket drives a Conn as a server's loop does, without a server.
type socket struct {
	t    testing.TB
	b    *bench
	conn *Conn
	fake *fakeFeed
	in   []byte // not consumed yet
	out  wire.Output
	v    wire.Verdict
	woke int // wakes that no Feed followed yet
}

// Wake makes socket a wire.Waker.
func (s *socket) Wake() { s.woke++ }

func withFake(f *fakeFeed) func(*command.Engine) {
	return func(e *command.Engine) {
		e.Table = command.NewTable(synapcmd.Rows(synapcmd.Options{}), pubsubcmd.Rows(), f.rows())
	}
}

func newSocket(t testing.TB, change ...func(*command.Engine)) *socket {
	s := &socket{t: t, fake: newFakeFeed()}
	s.b = newBench(t, Options{}, append(change, withFake(s.fake))...)
	s.conn = s.b.conn
	s.conn.SetWaker(s)
	return s
}

// feed gives the codec bytes and returns what it answers.
func (s *socket) feed(in string) string {
	s.t.Helper()
	s.in = append(s.in, in...)
	n, _, v := s.conn.Feed(s.in, &s.out)
	s.in, s.v = s.in[n:], v
	answer := string(s.out.Buf)
	s.out.Reset(0)
	return answer
}

// open shakes hands and drops the first frame.
func (s *socket) open(path string) *socket {
	s.t.Helper()
	answer := s.feed(handshake(path))
	if !strings.HasPrefix(answer, switching) || s.v != wire.Open {
		s.t.Fatalf("verdict %d: %q", s.v, answer)
	}
	return s
}

// roused feeds nothing as long as somebody wakes the connection.
func (s *socket) roused() (answer string) {
	s.t.Helper()
	for s.woke > 0 {
		s.woke = 0
		answer += s.feed("")
	}
	return answer
}

// say sends a text message and returns the frames that come back.
func (s *socket) say(message string) []string {
	s.t.Helper()
	return unframe(s.t, s.feed(masked(frames.OpText, true, message))+s.roused())
}

// masked is a client's frame.
func masked(op frames.OpCode, fin bool, payload string) string {
	f := frames.MaskFrameInPlaceWith(frames.NewFrame(op, fin, []byte(payload)), [4]byte{1, 2, 3, 4})
	b, err := frames.CompileFrame(f)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// unframe reads a server's frames, each as its payload; others than text say what they are.
func unframe(t testing.TB, in string) (all []string) {
	t.Helper()
	for r := strings.NewReader(in); r.Len() > 0; {
		f, err := frames.ReadFrame(r)
		if err != nil || frames.CheckHeader(f.Header, frames.StateClientSide) != nil {
			t.Fatalf("%v: bad frame %+v in %q", err, f.Header, in)
		}
		text := string(f.Payload)
		switch f.Header.OpCode {
		case frames.OpClose:
			code, reason := frames.ParseCloseFrameData(f.Payload)
			text = fmt.Sprintf("close %d %s", code, reason)
		case frames.OpPing:
			text = "ping " + text
		case frames.OpPong:
			text = "pong " + text
		}
		all = append(all, text)
	}
	return all
}

func (s *socket) want(got []string, want ...string) {
	s.t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		s.t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (s *socket) wantState(want string) {
	s.t.Helper()
	if got := s.fake.state(); got != want {
		s.t.Errorf("got %s, want %s", got, want)
	}
}

// pushed is the frame of a message.
func pushed(id string) string { return `{"type":"message","message_id":"` + id + `"}` }

func TestAFeedSaysHelloAndPushes(t *testing.T) {
	s := newSocket(t)
	answer := s.feed(handshake("/fake/a%20b/ws/me?window=2", "Connection: keep-alive, Upgrade",
		"Origin: https://elsewhere.example", "Sec-WebSocket-Extensions: permessage-deflate",
		"Sec-WebSocket-Protocol: chat"))
	if !strings.HasPrefix(answer, switching) {
		t.Fatalf("got %q", answer)
	}
	s.want(unframe(t, answer[len(switching):]),
		`{"type":"connected","name":"a b","consumer_id":"me"}`)
	s.fake.add("1", "2", "3")
	s.want(unframe(t, s.roused()), pushed("1"), pushed("2")) // the window
	s.want(s.say(`{"command":"ack","message_id":"1"}`), pushed("3"))
	s.conn.Closed()
	s.conn.Closed()
	s.wantState("[2 3], 0 held, 1 opened, 1 closed")
}

func TestFramesRightBehindTheHandshakeAreRead(t *testing.T) {
	s := newSocket(t)
	s.fake.add("1")
	answer := s.feed(handshake("/fake/a/ws/me") + masked(frames.OpPing, true, "x") +
		masked(frames.OpText, true, `{"command":"say","text":"2"}`))
	s.want(unframe(t, answer[len(switching):]),
		`{"type":"connected","name":"a","consumer_id":"me"}`, pushed("1"), "pong x", pushed("2"))
}

func TestCommandsOfTheSocket(t *testing.T) {
	const knows = `; this socket knows ack, say","code":`
	for _, c := range []struct{ say, want string }{
		{`{"command":"say","text":"x"}`, pushed("x")},
		{`{"command":"say","text":"x","request_id":"7"}`,
			`{"type":"say","request_id":"7","success":true,"payload":{"said":"x"}}` + pushed("x")},
		{`{"request_id":7,"text":{"a": 1},"command":"say"}`,
			`{"type":"say","request_id":7,"success":true,"payload":{"said":"{\"a\":1}"}}` +
				`{"type":"message","message_id":"{\"a\":1}"}`},
		{`{"command":"ack","message_id":"m","request_id":null}`, ``},
		{`{"command":"ack","message_id":"m","request_id":1,"consumer_id":"other","name":"other"}`,
			`{"type":"ack","request_id":1,"success":true,"payload":{"by":"me"}}`},
		{`{"command":"ack","message_id":"y"}`, `{"type":"error","error":"Message not found: y",` +
			`"code":"message_not_found","message_id":"y"}`},
		{`{"command":"ack","message_id":"y","request_id":"\u00e9"}`,
			`{"type":"error","error":"Message not found: y","code":"message_not_found",` +
				`"request_id":"\u00e9","message_id":"y"}`},
		{`{"command":"ack"}`, `{"type":"error","error":"Invalid request: Missing 'message_id' ` +
			`field","code":"missing_field"}`},
		{`{"command":"ack","message_id":1}`, `{"type":"error","error":"Invalid request: Missing ` +
			`'message_id' field: it must be a string, not a number","code":"bad_request",` +
			`"message_id":1}`},
		{`{"command":"kv.get","key":"k"}`, `{"type":"error","error":"Unknown command: kv.get` +
			knows + `"unknown_command"}`},
		{`{"request_id":"r"}`, `{"type":"error","error":"Invalid request: Missing 'command' ` +
			`field: it must be a string` + knows + `"missing_field","request_id":"r"}`},
		{`{"command":`, `{"type":"error","error":"Invalid request: JSON at byte 11: unexpected ` +
			`end; a value was expected","code":"bad_request"}`},
		{`ping`, `{"type":"error","error":"Invalid request: JSON at byte 0: a value was ` +
			`expected","code":"bad_request"}`},
		{`[]`, `{"type":"error","error":"Invalid request: a frame must be an object, not an ` +
			`array","code":"bad_request"}`},
		{`{"command":"say","text":"x"} {}`, `{"type":"error","error":"Invalid request: JSON at ` +
			`byte 29: unexpected bytes after the value","code":"bad_request"}`},
	} {
		s := newSocket(t).open("/fake/q/ws/me")
		s.fake.add("m")
		s.want(unframe(t, s.roused()), pushed("m"))
		if got := strings.Join(s.say(c.say), ""); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.say, got, c.want)
		}
		if s.v != wire.Open {
			t.Errorf("%s ended the connection", c.say)
		}
	}
}

func TestFramesOfTheProtocol(t *testing.T) {
	const cont = frames.OpContinuation
	ack := `{"command":"ack","message_id":"m"}`
	for name, c := range map[string]struct {
		in, want string
		v        wire.Verdict
	}{
		"fragments with a ping between": {masked(frames.OpText, false, ack[:9]) +
			masked(frames.OpPing, true, "p") + masked(cont, true, ack[9:]), "pong p", wire.Open},
		"a pong":       {masked(frames.OpPong, true, "p"), "", wire.Open},
		"half a frame": {masked(frames.OpPing, true, "p")[:4], "", wire.Open},
		"close": {masked(frames.OpClose, true, "\x03\xe8bye"), "close 1000 ",
			wire.Close},
		"close without a code": {masked(frames.OpClose, true, ""), "close 0 ", wire.Close},
		"nothing after a close": {masked(frames.OpClose, true, "\x0f\xa0") +
			masked(frames.OpPing, true, "p"), "close 4000 ", wire.Close},
		"binary": {masked(frames.OpBinary, true, "b"), "close 1003 messages must be text: JSON",
			wire.Close},
		"not masked": {"\x81\x01x",
			"close 1002 frames from client to server must be masked", wire.Close},
		"not UTF-8": {masked(frames.OpText, true, "\xff"),
			"close 1007 a text message that is not UTF-8", wire.Close},
		"too big": {"\x81\xff\x00\x00\x00\x00\x7f\xff\xff\xff\x00\x00\x00\x00",
			"close 1009 the message is over the limit", wire.Close},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSocket(t).open("/fake/q/ws/me")
			s.fake.add("m")
			s.roused()
			got := unframe(t, s.feed(c.in))
			if strings.Join(got, "\n") != c.want || s.v != c.v {
				t.Errorf("verdict %d: %q, want %q", s.v, got, c.want)
			}
			closed := 0
			if c.v == wire.Close {
				closed = 1
			}
			if s.conn.feed.ended != (c.v == wire.Close) || s.fake.closed != closed {
				t.Error("what it held was not given back at once")
			}
		})
	}
}

// TestHandshakesAreJudged has what is no handshake answered, and what is not ours handed over.
func TestHandshakesAreJudged(t *testing.T) {
	const path = "/fake/q/ws/me"
	for _, c := range []struct{ request, want string }{
		{handshake(path, "Sec-WebSocket-Version: 12"), "426 Sec-WebSocket-Version must be 13"},
		{handshake(path, "Sec-WebSocket-Version:"), "426 Sec-WebSocket-Version must be 13"},
		{handshake(path, "Sec-WebSocket-Key:"), "400 Sec-WebSocket-Key must be"},
		{handshake(path, "Sec-WebSocket-Key: c2hvcnQ="), "400 Sec-WebSocket-Key must be"},
		{handshake(path, "Connection: keep-alive"), "400 the Connection header must contain"},
		{handshake(path, "Content-Length: 1") + "x", "400 the request must have no body"},
		{strings.Replace(handshake(path, "Content-Length: 0"), "GET", "POST", 1), "handed over"},
		{request1("GET " + path), "426 connect with a WebSocket client"},
		{handshake(path + "?" + strings.Repeat("x", maxFeedTarget)), "400 path and query are too"},
		{handshake("/fake/q/ws/me?window=-1"), "400 Field 'window' must not be negative"},
		{handshake("/fake/q/ws/me?window=x"), "400 Field 'window' must be a whole number"},
		{handshake("/fake/%zz/ws/me"), "handed over"},
		{handshake("/kv/a"), "handed over"},
		{handshake("/nothing"), "handed over"},
		{handshake(path, "Upgrade: h2c"), "handed over"},
		{handshake(path, "Upgrade: websocket, h2c"), "handed over"},
		{handshake(path, "Upgrade:"), "handed over"},
		{handshake(path, "Connection: upgrade, HTTP2-Settings"), "handed over"},
		{handshake(path, "X-A: 1", "X-B: 1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
			"handed over"},
	} {
		s := newSocket(t)
		answer := s.feed(c.request)
		status, text, _ := strings.Cut(c.want, " ")
		switch {
		case c.want == "handed over":
			if s.v != wire.HandOver || answer != "" || len(s.in) != len(c.request) {
				t.Errorf("%q: verdict %d, %q", c.request, s.v, answer)
			}
		case !strings.HasPrefix(answer, "HTTP/1.1 "+status) || !strings.Contains(answer, text):
			t.Errorf("%q\n got %q\nwant %s", c.request, answer, c.want)
		case s.conn.feed != nil || s.fake.opened > 0:
			t.Errorf("%q opened the feed", c.request)
		}
	}
}

// TestOddHandshakesAreRefusedWithAText is about what went to net/http.
func TestOddHandshakesAreRefusedWithAText(t *testing.T) {
	s := newSocket(t)
	s.b.fast = false
	odd := []string{"Connection: Upgrade", "Upgrade: websocket", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
	for _, c := range []struct {
		path    string
		headers []string
		want    string
	}{
		{"/fake/q/ws/me", odd, "400 Bad WebSocket handshake: it must be a plain HTTP/1.1 request"},
		{"/fake/q/ws/me", odd[:4], "400 Bad WebSocket handshake: Sec-WebSocket-Key"},
		{"/fake/q/ws/me", nil, "426 This is a live endpoint"},
		{"/kv/none", odd, `404 {"error":"Key not found: none"`},
	} {
		a := s.b.send(t, "GET", c.path, "", c.headers...)
		if got := fmt.Sprintf("%d %s", a.StatusCode, a.body); !strings.HasPrefix(got, c.want) {
			t.Errorf("got %s, want %s", got, c.want)
		}
		if shut := a.Header.Get("Connection") == "close"; shut != (a.StatusCode == 400) {
			t.Errorf("%s: whether the connection ends: %v; frames may follow", c.want, shut)
		}
	}
}

// HTTP/2 knows no Upgrade, and clients fail streams that mention it.
func TestAFeedIsNoUpgradeOverHTTP2(t *testing.T) {
	s := newSocket(t)
	r := httptest.NewRequest("GET", "/fake/q/ws/me", nil)
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
	w := httptest.NewRecorder()
	s.b.ServeHTTP(w, r)
	if h := w.Header(); w.Code != 426 || h.Get("Upgrade") != "" || h.Get("Connection") != "" {
		t.Errorf("%d %v", w.Code, h)
	}
}

func TestAFeedThatCannotBeOpenedSaysWhyAndEnds(t *testing.T) {
	s := newSocket(t)
	answer := s.feed(handshake("/fake/closed/ws/me"))
	s.want(unframe(t, answer[len(switching):]),
		`{"type":"error","error":"Feed not found: closed","code":"queue_not_found"}`,
		"close 1008 Feed not found: closed")
	if s.v != wire.Close {
		t.Error("the connection stays open")
	}
	s.conn.Closed()
	s.wantState("[], 0 held, 1 opened, 1 closed")
}

func TestAFailureEndsTheFeed(t *testing.T) {
	s := newSocket(t).open("/fake/q/ws/me")
	s.fake.add("1", "bad", "2")
	s.want(unframe(t, s.roused()), pushed("1"),
		`{"type":"error","error":"this one is bad","code":"internal"}`,
		"close 1011 this one is bad")
	s.wantState("[1 2], 0 held, 1 opened, 1 closed")
}

func TestWhileDataIsRecoveredThereIsNoFeed(t *testing.T) {
	s := newSocket(t, func(e *command.Engine) { e.Loading.Store(true) })
	answer := s.feed(handshake("/fake/q/ws/me"))
	s.want(unframe(t, answer[len(switching):]),
		`{"type":"error","error":"LOADING Synap is loading the dataset in memory",`+
			`"code":"loading"}`, "close 1013 LOADING Synap is loading the dataset in memory")
}

func TestCommandsWaitForDurability(t *testing.T) {
	s := newSocket(t)
	p := s.b.persist()
	s.open("/fake/q/ws/me")
	s.b.taken()
	s.say(`{"command":"say","text":"x"}`)
	if level, wrote := s.b.taken(); level != p.Level() || !wrote {
		t.Errorf("the answer waits for level %v, wrote %v", level, wrote)
	}
	s.feed("")
	if _, wrote := s.b.taken(); wrote {
		t.Error("an empty round waits for a write")
	}
}

// TestAFullOutputGoesOnByItself also bounds what one connection takes of a round.
func TestAFullOutputGoesOnByItself(t *testing.T) {
	s := newSocket(t)
	s.fake.window = 1 << 20
	s.open("/fake/q/ws/me")
	long := strings.Repeat("x", 1000)
	want := 0
	for i := range 500 {
		want += len(pushed(fmt.Sprint(i, long))) + 4
		s.fake.add(fmt.Sprint(i, long))
	}
	got, rounds := 0, 0
	for s.woke > 0 {
		s.woke, rounds = 0, rounds+1
		n := len(s.feed(""))
		if n > maxPush+2000 {
			t.Fatalf("%d bytes in one round", n)
		}
		got += n
	}
	if got != want || rounds < 500*1000/maxPush {
		t.Errorf("%d of %d bytes in %d rounds", got, want, rounds)
	}
}

func TestSilentPeersArePingedAndGivenUp(t *testing.T) {
	const second = 1000
	s := newSocket(t)
	if s.conn.Keep(start, start) {
		t.Error("a connection that speaks HTTP is kept")
	}
	s.open("/fake/q/ws/me")
	heard := int64(start)
	keep := func(after int64, want ...string) {
		t.Helper()
		if !s.conn.Keep(heard+after*second, heard) {
			t.Error("not kept")
		}
		s.want(unframe(t, s.roused()), want...)
	}
	keep(29)
	keep(30, "ping ")
	keep(59)
	s.feed(masked(frames.OpPong, true, ""))
	heard += 59 * second
	keep(29)
	keep(31, "ping ")
	keep(32)
	heard += 100 * second // it was on the slow lane meanwhile
	keep(1)
	keep(90, "ping ") // late, but then it gets its time
	keep(91)
	keep(120, "close 1001 no answer")
	s.wantState("[], 0 held, 1 opened, 1 closed")
}

func TestAMessageMayNotTakeForEver(t *testing.T) {
	s := newSocket(t).open("/fake/q/ws/me")
	s.feed(masked(frames.OpText, false, "{"))
	s.conn.Keep(start+30_000, start+30_000)
	s.want(unframe(t, s.roused()))
	s.conn.Keep(start+60_000, start+60_000)
	s.want(unframe(t, s.roused()), "close 1008 a message took too long")
}

func TestNobodyIsPingedIfSoWanted(t *testing.T) {
	s := newSocket(t).open("/fake/q/ws/me")
	s.b.options.PingEvery = NeverPing
	if !s.conn.Keep(start+1e9, start) {
		t.Error("a silent peer is not kept")
	}
	s.want(unframe(t, s.roused()))
	s.feed(masked(frames.OpText, false, "{"))
	s.conn.Keep(start+60_000, start+60_000)
	s.want(unframe(t, s.roused()), "close 1008 a message took too long")
}

// TestNobodyIsPingedOffTheLoopsIfSoWanted is about peers of the net/http lane.
func TestNobodyIsPingedOffTheLoopsIfSoWanted(t *testing.T) {
	never, stop := pings(NeverPing)
	defer stop()
	soon, stop := pings(time.Microsecond)
	defer stop()
	<-soon
	if never != nil {
		t.Error("somebody is pinged")
	}
}

func TestAServerThatEndsSaysSo(t *testing.T) {
	s := newSocket(t)
	if s.conn.GiveUp() {
		t.Error("a connection that speaks HTTP wants to say something")
	}
	s = newSocket(t).open("/fake/q/ws/me")
	s.fake.add("1")
	s.roused()
	if !s.conn.GiveUp() {
		t.Error("nothing is to be said")
	}
	s.want(unframe(t, s.feed("")), "close 1001 the server shuts down")
	s.wantState("[1], 0 held, 1 opened, 1 closed")
}

// FuzzSocket feeds any bytes in any portions to an open feed: what comes back are whole frames,
// nothing behind a close frame, and what was held is given back.
func FuzzSocket(f *testing.F) {
	f.Add([]byte(masked(frames.OpText, true,
		`{"command":"say","text":[1,"x"],"request_id":1}`)), byte(2))
	f.Add([]byte(masked(frames.OpText, false, `{"command":"ack",`)+
		masked(frames.OpPing, true, "")+
		masked(frames.OpContinuation, true, `"message_id":"x"}`)), byte(200))
	f.Add([]byte(masked(frames.OpClose, true, "\x03\xe8")), byte(0))
	s := newSocket(f)
	f.Fuzz(func(t *testing.T, in []byte, portion byte) {
		s := &socket{t: t, b: s.b, fake: s.fake, conn: s.b.NewConn(&command.Session{})}
		s.conn.SetWaker(s)
		s.open("/fake/q/ws/me")
		var answer bytes.Buffer
		for len(in) > 0 && s.v == wire.Open {
			n := min(len(in), int(portion)+1)
			answer.WriteString(s.feed(string(in[:n])) + s.roused())
			in = in[n:]
		}
		got := unframe(t, answer.String())
		for i, frame := range got {
			if strings.HasPrefix(frame, "close ") && (s.v != wire.Close || i < len(got)-1) {
				t.Fatalf("verdict %d after %q", s.v, got)
			}
		}
		s.conn.Closed()
		if s.fake.closed != s.fake.opened || len(s.fake.held) > 0 {
			t.Fatal(s.fake.state())
		}
		s.fake.ready, s.fake.parked = nil, nil
	})
}

func TestContradictoryFeedsAreFoundAtTheStart(t *testing.T) {
	for _, target := range []string{"no.such", "snapshot"} {
		fake := newFakeFeed()
		rows := fake.rows()
		rows[0].Feed.Commands["x"] = target
		err := func() (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = errors.New(fmt.Sprint(p))
				}
			}()
			newBench(t, Options{}, func(e *command.Engine) {
				e.Table = command.NewTable(synapcmd.Rows(synapcmd.Options{}), rows)
			})
			return nil
		}()
		if err == nil {
			t.Errorf("a feed with the command %s was accepted", target)
		}
	}
}

// What a feed holds is given back when it ends, or could not be opened; its last words may still be
// on their way to a slow peer.
func TestEndedFeedsAreNotToldOfSlowPeers(t *testing.T) {
	s := newSocket(t).open("/fake/a/ws/me")
	s.conn.Stall(true)
	s.conn.Stall(false)
	if s.fake.stalls != 2 {
		t.Fatalf("told %d times of 2", s.fake.stalls)
	}
	s.feed(masked(frames.OpClose, true, ""))
	s.conn.Stall(true)
	s.conn.Stall(false)
	if s.fake.stalls != 2 {
		t.Error("told after its end")
	}
	s = newSocket(t)
	s.feed(handshake("/fake/closed/ws/me"))
	s.conn.Stall(true)
	if s.v != wire.Close || s.fake.stalls != 0 {
		t.Errorf("verdict %d; told %d times though it could not be opened", s.v, s.fake.stalls)
	}
}
