package httpwire

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	frames "github.com/gobwas/ws"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

// talker is a peer of a multiplexed WebSocket who writes and reads JSON, whatever is spoken.
type talker struct {
	*socket
	pack bool
}

// talk opens a multiplexed WebSocket.
func (b *bench) talk(t testing.TB, pack bool) *talker {
	t.Helper()
	p := &talker{b.socket(t), pack}
	protocol := protocolJSON
	if pack {
		protocol = protocolPack
	}
	answer := p.feed(handshake(muxPath, "Sec-WebSocket-Protocol: "+protocol))
	want := strings.TrimSuffix(switching, "\r\n") + "Sec-WebSocket-Protocol: " + protocol +
		"\r\n\r\n"
	if answer != want || p.v != wire.Open {
		t.Fatalf("verdict %d: %q", p.v, answer)
	}
	return p
}

// raw is a request as it is sent.
func (p *talker) raw(request string) string {
	if p.pack {
		return masked(frames.OpBinary, true, string(packJSON(nil, []byte(request))))
	}
	return masked(frames.OpText, true, request)
}

// heard are the messages in what was answered.
func (p *talker) heard(in string) []string {
	p.t.Helper()
	all := unframe(p.t, in)
	for i, text := range all {
		if !p.pack || strings.HasPrefix(text, "close ") || strings.HasPrefix(text, "pong ") {
			continue
		}
		src := packSource{buf: []byte(text)}
		b, err := unpack(&src, nil)
		if err == nil {
			err = src.end()
		}
		if err != nil {
			p.t.Fatalf("%v in %q", err, text)
		}
		all[i] = string(b)
	}
	return all
}

// ask sends requests in one piece and returns all that comes back.
func (p *talker) ask(requests ...string) []string {
	p.t.Helper()
	in := ""
	for _, q := range requests {
		in += p.raw(q)
	}
	return p.heard(p.feed(in) + p.roused())
}

// more is what comes unasked.
func (p *talker) more() []string {
	p.t.Helper()
	return p.heard(p.roused())
}

func (p *talker) same(what string, got []string, want ...string) {
	p.t.Helper()
	if !slices.Equal(got, want) {
		p.t.Fatalf("%s\ngot  %s\nwant %s", what, strings.Join(got, "\n     "),
			strings.Join(want, "\n     "))
	}
}

// req is a request with an id that is a number.
func req(id int, name, payload string) string {
	return fmt.Sprintf(`{"request_id":%d,"command":"%s","payload":%s}`, id, name, payload)
}

func done(id int, payload string) string {
	return fmt.Sprintf(`{"success":true,"request_id":%d,"payload":%s,"error":null}`, id, payload)
}

func refused(id, text, code string) string {
	return fmt.Sprintf(`{"success":false,"request_id":%s,"payload":null,"error":"%s","code":"%s"}`,
		id, text, code)
}

// inLine is how many wait for messages of queues.
func (b *bench) inLine() int64 {
	_, sum := b.engine.Queues.Totals()
	return sum.Waiters
}

// onBothProtocols runs a test over a socket of either.
func onBothProtocols(t *testing.T, test func(*testing.T, *talker)) {
	for _, pack := range []bool{false, true} {
		t.Run(fmt.Sprintf("msgpack=%v", pack), func(t *testing.T) {
			test(t, newBench(t, Options{}).talk(t, pack))
		})
	}
}

func TestMuxRequestsAreThoseOfTheEnvelope(t *testing.T) {
	onBothProtocols(t, func(t *testing.T, p *talker) {
		for _, c := range []struct{ request, want string }{
			{req(1, "kv.set", `{"key":"a","value":"x"}`), done(1, `{"success":true}`)},
			{req(2, "kv.get", `{"key":"a"}`), done(2, `"x"`)},
			{`{"command":"kv.get","payload":{"key":"a"},"request_id":"id"}`,
				`{"success":true,"request_id":"id","payload":"x","error":null}`},
			{`{"payload":{"key":"a"},"request_id":[1,{"b":null}],"command":"kv.get"}`,
				`{"success":true,"request_id":[1,{"b":null}],"payload":"x","error":null}`},
			{`{"payload":{"key":"a"},"command":"kv.get"}`,
				`{"success":true,"request_id":null,"payload":"x","error":null}`},
			{`{"request_id":3,"command":"kv.dbsize"}`, done(3, `{"size":1}`)},
			{`{"request_id":3,"command":"kv.get"}`,
				refused("3", "Invalid request: Missing 'key' field", "missing_field")},
			{`{"request_id":4,"command":"kv.get","payload":7}`,
				refused("4", "Invalid request: Missing 'key' field", "missing_field")},
			{req(5, "kv.incr", `{"key":"a"}`), refused("5",
				"Invalid value: Value is not a valid integer", "bad_value")},
			{req(6, "no.such", `{}`), refused("6", "Unknown command: no.such", "unknown_command")},
			{`{"request_id":7,"payload":{}}`, refused("7",
				"Invalid request: missing field `command`, a string", "bad_request")},
			{`{"request_id":8,"command":9,"payload":{}}`, refused("8",
				"Invalid request: missing field `command`, a string", "bad_request")},
			{`[1]`, refused("null", "Invalid request: a message must be an object, not an array",
				"bad_request")},
			{req(9, "batch", `{"commands":[{"command":"kv.get","payload":{"key":"a"}},`+
				`{"command":"kv.incr","payload":{"key":"a"}},{"command":"nope","payload":{}}]}`),
				done(9, `{"results":[`+
					`{"success":true,"payload":"x","error":null,"code":null},`+
					`{"success":false,"payload":null,"error":"Invalid value: Value is not a valid `+
					`integer","code":"bad_value"},`+
					`{"success":false,"payload":null,"error":"Unknown command: nope",`+
					`"code":"unknown_command"}]}`)},
			{req(10, "batch", `{"atomic":true,"commands":[`+
				`{"command":"kv.set","payload":{"key":"b","value":"1"}},`+
				`{"command":"kv.incr","payload":{"key":"a"}}]}`),
				done(10, `{"results":[`+
					`{"success":false,"payload":null,"error":"Aborted: another command of this `+
					`atomic batch failed","code":"aborted"},`+
					`{"success":false,"payload":null,"error":"Invalid value: Value is not a valid `+
					`integer","code":"bad_value"}]}`)},
			{req(11, "kv.exists", `{"key":"b"}`), done(11, `{"exists":false}`)},
			{`{"request_id":12,"command":"kv.get","payload":{"key":"a"},"durability":"memory"}`,
				`{"success":true,"request_id":12,"payload":"x","error":null,` +
					`"durability":"memory"}`},
		} {
			p.same(c.request, p.ask(c.request), c.want)
		}
	})
}

func TestMuxMessagesThatAreNone(t *testing.T) {
	b := newBench(t, Options{})
	text := b.talk(t, false)
	for in, want := range map[string]string{
		`{"request_id":1,"command":"kv.get"`: refused("1",
			"Invalid request: JSON at byte 34: ',' or '}' was expected", "bad_request"),
		`{"request_id":1}x`: refused("1",
			"Invalid request: JSON at byte 16: unexpected bytes after the value", "bad_request"),
		``: refused("null", "Invalid request: JSON at byte 0: unexpected end; a value was expected",
			"bad_request"),
		`hello`: refused("null", "Invalid request: JSON at byte 0: a value was expected",
			"bad_request"),
	} {
		text.same(in, text.say(in), want)
	}
	pack := b.talk(t, true)
	for in, want := range map[string]string{
		"\xc1": "MessagePack at byte 0: extension types are not supported",
		"\x82": "MessagePack at byte 0: a length beyond the end of the body",
		"":     "MessagePack at byte 0: unexpected end; a value was expected",
	} {
		got := pack.heard(pack.feed(masked(frames.OpBinary, true, in)))
		pack.same(in, got, refused("null", "Invalid request: "+want, "bad_request"))
	}
}

func TestMuxProtocols(t *testing.T) {
	b := newBench(t, Options{})
	for asked, chosen := range map[string]string{
		"":                               "",
		"synap.json":                     "synap.json",
		"chat, synap.msgpack,synap.json": "synap.msgpack",
		"chat, superchat":                "",
		"SYNAP.MSGPACK":                  "",
	} {
		var header []string
		if asked != "" {
			header = []string{"Sec-WebSocket-Protocol: " + asked}
		}
		s := b.socket(t)
		want := switching
		if chosen != "" {
			want = strings.TrimSuffix(switching, "\r\n") + "Sec-WebSocket-Protocol: " + chosen +
				"\r\n\r\n"
		}
		if got := s.feed(handshake(muxPath, header...)); got != want {
			t.Errorf("asked for %q: %q", asked, got)
		}
		p := &talker{s, chosen == protocolPack}
		p.same(asked, p.ask(req(1, "kv.dbsize", `{}`)), done(1, `{"size":0}`))
	}
}

func TestMuxHandshakesThatAreNone(t *testing.T) {
	b := newBench(t, Options{})
	for _, fast := range []bool{true, false} {
		b.fast = fast
		if got := b.send(t, "GET", muxPath, ""); got.StatusCode != 426 {
			t.Errorf("fast=%v: a plain GET is answered %d", fast, got.StatusCode)
		}
		if got := b.send(t, "POST", muxPath, ""); got.StatusCode != 405 {
			t.Errorf("fast=%v: POST is answered %d", fast, got.StatusCode)
		}
		bad := b.send(t, "GET", muxPath, "", "Connection: Upgrade", "Upgrade: websocket",
			"Sec-WebSocket-Version: 12", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
		if bad.StatusCode != 426 {
			t.Errorf("fast=%v: a handshake of version 12 is answered %d", fast, bad.StatusCode)
		}
	}
	odd := b.send(t, "GET", muxPath, "", "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
	if odd.StatusCode != 400 { // off the loops, as other feeds
		t.Errorf("off the loops a handshake is answered %d", odd.StatusCode)
	}
}

func TestMuxCloseCodesSayWhy(t *testing.T) {
	const limit = 1000
	for _, c := range []struct {
		pack bool
		in   string
		want string
	}{
		{false, masked(frames.OpBinary, true, "{}"),
			"close 1003 this socket speaks synap.json: messages must be text"},
		{true, masked(frames.OpText, true, "{}"),
			"close 1003 this socket speaks synap.msgpack: messages must be binary"},
		{false, masked(frames.OpText, true, strings.Repeat("x", limit+1)),
			"close 1009 the message is over the limit"},
		{false, masked(frames.OpText, true, "\xff"), "close 1007 a text message that is not UTF-8"},
		{false, masked(frames.OpClose, true, "\x0f\xa0bye"), "close 4000 "},
	} {
		p := newBench(t, Options{MaxBody: limit}).talk(t, c.pack)
		p.same(c.in, p.heard(p.feed(c.in)), c.want)
		if p.v != wire.Close {
			t.Errorf("%s: the verdict is %d", c.want, p.v)
		}
	}
	p := newBench(t, Options{MaxBody: limit}).talk(t, false)
	fits := fmt.Sprintf(`{"command":"kv.dbsize","request_id":"%s"}`, strings.Repeat("x", 900))
	if got := p.ask(fits); len(got) != 1 || !strings.Contains(got[0], `{"size":0}`) {
		t.Errorf("a message within the limit: %.80q", got)
	}
}

func TestMuxPongsFollowWhatWasThere(t *testing.T) {
	onBothProtocols(t, func(t *testing.T, p *talker) {
		p.same("ping", p.heard(p.feed(p.raw(req(1, "kv.dbsize", `{}`))+
			masked(frames.OpPing, true, "hi"))), done(1, `{"size":0}`), "pong hi")
	})
}

// A request that waits holds up neither those behind it nor those that come later.
func TestMuxRequestsWaitByThemselves(t *testing.T) {
	onBothProtocols(t, func(t *testing.T, p *talker) {
		b := p.b
		b.call(t, "queue.create", `{"name":"q"}`)
		b.call(t, "stream.create", `{"room":"r"}`)
		p.same("waiting", p.ask(
			req(1, "queue.consume", `{"queue":"q","consumer_id":"c","wait_ms":1000}`),
			req(2, "stream.consume", `{"room":"r","subscriber_id":"s","wait_ms":1000}`),
			req(3, "kv.set", `{"key":"a","value":1}`),
			req(4, "queue.consume", `{"queue":"q","consumer_id":"d","wait_ms":2000}`),
			req(5, "kv.get", `{"key":"a"}`)),
			done(3, `{"success":true}`), done(5, `"1"`))
		b.call(t, "stream.publish", `{"room":"r","event":"e","data":1}`)
		got := p.more()
		if len(got) != 1 || !strings.HasPrefix(got[0], `{"success":true,"request_id":2,`) {
			t.Fatalf("got %q", got)
		}
		b.call(t, "queue.publish", `{"queue":"q","payload":[1]}`)
		got = p.more()
		if len(got) != 1 || !strings.HasPrefix(got[0], `{"success":true,"request_id":1,`) ||
			!strings.Contains(got[0], `"payload":[1]`) {
			t.Fatalf("got %q", got)
		}
		b.clock.Advance(2001)
		b.engine.Queues.Maintain(b.clock.Now(), 1000)
		p.same("time is up", p.more(), done(4, `{"message":null}`))
		if m := p.conn.feed.mux; len(m.waits) != 0 {
			t.Errorf("%d requests still wait", len(m.waits))
		}
	})
}

func TestMuxBoundsWhatWaits(t *testing.T) {
	p := newBench(t, Options{}).talk(t, false)
	b := p.b
	b.call(t, "queue.create", `{"name":"q"}`)
	wait := func(id int, pad string) string {
		return req(id, "queue.consume",
			`{"queue":"q","consumer_id":"c","wait_ms":1000,"pad":"`+pad+`"}`)
	}
	p.same("too long", p.ask(wait(0, strings.Repeat("x", maxWaitingBytes))), refused("0",
		"Invalid request: a request that waits may have at most 16384 bytes", "too_large"))
	for i := range maxWaiting {
		p.same("waits", p.ask(wait(i, "")))
	}
	full := refused("65", "Invalid request: 64 requests of this socket wait already; use "+
		"another one, or subscribe", "too_large")
	p.same("65th", p.ask(wait(65, ""), req(66, "kv.dbsize", `{}`)), full, done(66, `{"size":0}`))
	if n := b.inLine(); n != maxWaiting {
		t.Errorf("%d are in line", n)
	}
	b.call(t, "queue.publish", `{"queue":"q","payload":[1]}`)
	if got := p.more(); len(got) != 1 || !strings.Contains(got[0], `"request_id":0,`) {
		t.Fatalf("got %q", got)
	}
	p.same("room for one", p.ask(wait(67, "")))
	p.conn.Closed()
	if n := b.inLine(); n != 0 {
		t.Errorf("%d are still in line", n)
	}
}

// What the server waits for at its end is answered, then the socket is closed.
func TestMuxAtTheEndOfTheServer(t *testing.T) {
	onBothProtocols(t, func(t *testing.T, p *talker) {
		p.b.call(t, "queue.create", `{"name":"q"}`)
		p.same("waits", p.ask(
			req(1, "queue.consume", `{"queue":"q","consumer_id":"c","wait_ms":1000}`),
			req(2, "subscribe", `{"to":"queue","queue":"q","consumer_id":"d"}`),
			req(3, "queue.consume", `{"queue":"q","consumer_id":"c","wait_ms":1000}`)),
			done(2, `{"subscription":"s1","queue":"q","consumer_id":"d"}`))
		if !p.conn.GiveUp() {
			t.Fatal("nothing to say")
		}
		p.same("end", p.heard(p.feed("")), done(1, `{"message":null}`), done(3, `{"message":null}`),
			"close 1001 the server shuts down")
		if p.v != wire.Close {
			t.Errorf("the verdict is %d", p.v)
		}
		p.conn.Closed()
		if n := p.b.inLine(); n != 0 {
			t.Errorf("%d are still in line", n)
		}
	})
}

// blocks is a table whose command blocks holds up whoever runs it.
func blocks(ran *int) func(*command.Engine) {
	return func(e *command.Engine) {
		e.Table = command.NewTable(e.Table.Rows(), []*command.Row{{
			Name: "blocks", Flags: command.SelfLocking | command.Blocking,
			Fields: []command.Field{{Name: "n", Type: command.IntField}},
			Call: func(c *command.Ctx, a *command.Args) error {
				*ran++
				c.Reply.Int(a.Int(0, 0))
				return nil
			},
		}})
	}
}

// A request that may hold up the loop is answered in Wait, before those behind it.
func TestMuxRequestsThatBlock(t *testing.T) {
	for _, pack := range []bool{false, true} {
		ran := 0
		p := newBench(t, Options{}, blocks(&ran)).talk(t, pack)
		before := p.feed(p.raw(req(1, "kv.dbsize", `{}`)) + p.raw(req(2, "blocks", `{"n":7}`)) +
			p.raw(req(3, "kv.dbsize", `{}`)))
		p.same("before", p.heard(before), done(1, `{"size":0}`))
		if p.v != wire.Wait || ran != 0 || len(p.in) == 0 {
			t.Fatalf("verdict %d, ran %d, %d bytes left", p.v, ran, len(p.in))
		}
		p.conn.Wait(&p.out)
		p.same("waited", p.heard(string(p.out.Buf)), done(2, "7"))
		p.out.Reset(0)
		p.same("behind", p.heard(p.feed("")), done(3, `{"size":0}`))
		if p.v != wire.Open || ran != 1 {
			t.Errorf("verdict %d, ran %d times", p.v, ran)
		}
	}
}

// TestAnIdleMuxIsSmall counts what a socket holds between rounds that has asked, waited and
// subscribed, but does not any more; and what a subscription adds.
func TestAnIdleMuxIsSmall(t *testing.T) {
	const count, most, mostEach = 1000, 1536, 1024
	b := newBench(t, Options{})
	b.call(t, "queue.create", `{"name":"q"}`)
	b.call(t, "stream.create", `{"room":"r"}`)
	all := make([]*talker, count)
	for i := range all {
		all[i] = &talker{b.socket(t), false}
	}
	in := handshake(muxPath) + all[0].raw(req(1, "kv.dbsize", `{}`)) +
		all[0].raw(req(2, "subscribe", `{"to":"room","room":"r","subscription":"a"}`)) +
		all[0].raw(req(3, "unsubscribe", `{"subscription":"a"}`))
	sub := all[0].raw(req(4, "subscribe", `{"to":"room","room":"r"}`))
	feed := func(in string) func() {
		return func() {
			for _, p := range all {
				p.feed(in)
				p.in = nil
			}
		}
	}
	socket := heap(feed(in)) / count
	each := heap(feed(strings.Repeat(sub, 10))) / count / 10
	t.Logf("a multiplexed WebSocket holds %d bytes more than a connection of HTTP, a "+
		"subscription %d", socket, each)
	if socket > most || each > mostEach {
		t.Errorf("over %d or %d", most, mostEach)
	}
	runtime.KeepAlive(all)
}
