package httpwire

import (
	"encoding/json"
	"fmt"
	"io"
	nethttp "net/http"
	"strings"
	"testing"

	frames "github.com/gobwas/ws"
)

// exchanged is what a peer sends and what it gets back, over a connection of its own. Where the
// last frame is a close frame, nothing may come behind it but the end of the connection.
type exchanged struct{ name, send, want string }

const saying = `{"command":"say","request_id":1,"text":"`

// said is the answer to a message {"command":"say",…}, and what is pushed because of it.
func said(text string) string {
	quoted, _ := json.Marshal(text)
	return `{"type":"say","request_id":1,"success":true,"payload":{"said":` + string(quoted) +
		"}}\n" + strings.Replace(pushed("x"), `"x"`, string(quoted), 1)
}

// answered is said where the connection ends before anything is pushed.
func answered(text string) string {
	answer, _, _ := strings.Cut(said(text), "\n")
	return answer
}

// header is a client's frame in bytes: the first two, the rest of the length, mask and payload.
func header(first, second byte, length string, payload string) string {
	b := []byte(payload)
	for i := range b {
		b[i] ^= "mask"[i%4]
	}
	return string([]byte{first, second}) + length + "mask" + string(b)
}

// reserved are bits and opcodes that mean nothing here (RFC 6455, 5.2).
func reserved() (all []exchanged) {
	for bit, name := range map[byte]string{0x40: "RSV1", 0x20: "RSV2", 0x10: "RSV3", 0x70: "all"} {
		all = append(all,
			exchanged{name, header(0x81|bit, 0x81, "", "x"), "close 1002"},
			exchanged{name + " of a ping", header(0x89|bit, 0x80, "", ""), "close 1002"},
			exchanged{name + " of a continuation", masked(frames.OpText, false, "x") +
				header(0x80|bit, 0x81, "", "x"), "close 1002"})
	}
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		all = append(all,
			exchanged{fmt.Sprint("opcode ", op), header(0x80|op, 0x81, "", "x"), "close 1002"},
			exchanged{fmt.Sprint("opcode ", op, " in fragments"), header(op, 0x81, "", "x"),
				"close 1002"})
	}
	return all
}

// lengths are about 5.2 and 5.5. Lengths in more bytes than need be are a sender's fault that does
// no harm, as other servers have it.
func lengths() []exchanged {
	text := saying + `x"}`
	n := byte(len(text))
	spaces := func(total int) string { return text + strings.Repeat(" ", total-len(text)) }
	whole := func(size int) string { return masked(frames.OpText, true, spaces(size)) }
	return []exchanged{
		{"of 125 bytes", whole(125), said("x")},
		{"of 126 bytes", whole(126), said("x")},
		{"of 65 535 bytes", whole(65_535), said("x")},
		{"of 65 536 bytes", whole(65_536), said("x")},
		{"of the limit", whole(maxFeedMessage), said("x")},
		{"over the limit", whole(maxFeedMessage + 1)[:20], "close 1009"},
		{"16 bits for what fits into 7", header(0x81, 0xfe, "\x00"+string(n), text), said("x")},
		{"64 bits for what fits into 7",
			header(0x81, 0xff, "\x00\x00\x00\x00\x00\x00\x00"+string(n), text), said("x")},
		{"64 bits, the top one set",
			header(0x81, 0xff, "\x80\x00\x00\x00\x00\x00\x00"+string(n), text), "close 1002"},
		{"64 bits, all set", header(0x81, 0xff, "\xff\xff\xff\xff\xff\xff\xff\xff", ""),
			"close 1002"},
		{"63 bits, all set", header(0x81, 0xff, "\x7f\xff\xff\xff\xff\xff\xff\xff", ""),
			"close 1009"},
		{"64 bits, the top one set, of a ping",
			header(0x89, 0xff, "\x80\x00\x00\x00\x00\x00\x00\x00", ""), "close 1002"},
		{"a ping of 125 bytes", masked(frames.OpPing, true, strings.Repeat("p", 125)),
			"pong " + strings.Repeat("p", 125)},
		{"a ping of 126 bytes", header(0x89, 0xfe, "\x00\x7e", ""), "close 1002"},
		{"a ping whose short length is written long", header(0x89, 0xfe, "\x00\x01", "p"),
			"pong p"},
		{"a pong of 126 bytes", header(0x8a, 0xfe, "\x00\x7e", ""), "close 1002"},
		{"a close frame of 126 bytes", header(0x88, 0xfe, "\x00\x7e", ""), "close 1002"},
		{"text without a mask", "\x81\x01x", "close 1002"},
		{"a ping without a mask", "\x89\x00", "close 1002"},
		{"a close frame without a mask", "\x88\x02\x03\xe8", "close 1002"},
		{"a continuation without a mask", masked(frames.OpText, false, "x") + "\x80\x01x",
			"close 1002"},
	}
}

// fragments are about 5.4 and 8.1.
func fragments() []exchanged {
	const txt, cont, ping = frames.OpText, frames.OpContinuation, frames.OpPing
	euro := saying + "\u20ac\"}"
	at := strings.IndexByte(euro, 0xe2)
	everyByte := ""
	for i, op := 0, txt; i < len(euro); i, op = i+1, cont {
		everyByte += masked(op, i == len(euro)-1, euro[i:i+1]) + masked(ping, true, euro[:i])
	}
	pongs := ""
	for i := range len(euro) - 1 {
		pongs += "pong " + euro[:i] + "\n"
	}
	text := func(t string) string { return masked(txt, true, t) }
	return []exchanged{
		{"a byte each, with pings between", everyByte,
			pongs + said("\u20ac") + "\npong " + euro[:len(euro)-1]},
		{"empty ones", masked(txt, false, "") + masked(cont, false, "") +
			masked(cont, false, euro) + masked(cont, true, ""), said("\u20ac")},
		{"a pong between", masked(txt, false, euro[:at]) + masked(frames.OpPong, true, "unasked") +
			masked(cont, true, euro[at:]), said("\u20ac")},
		{"a character in three", masked(txt, false, euro[:at+1]) +
			masked(cont, false, euro[at+1:at+2]) + masked(cont, true, euro[at+2:]), said("\u20ac")},
		{"a close frame between", masked(txt, false, "x") +
			masked(frames.OpClose, true, "\x03\xe8"), "close 1000"},
		{"a message between", masked(txt, false, "x") + text("y"), "close 1002"},
		{"binary between", masked(txt, false, "x") + masked(frames.OpBinary, true, "y"),
			"close 1002"},
		{"a continuation of nothing", masked(cont, true, "x"), "close 1002"},
		{"a first continuation of nothing", masked(cont, false, "x"), "close 1002"},
		{"a continuation of a whole message", text(saying+`x"}`) + masked(cont, true, "x"),
			answered("x") + "\nclose 1002"},
		{"of a ping", masked(ping, false, "x"), "close 1002"},
		{"of a pong", masked(frames.OpPong, false, "x"), "close 1002"},
		{"of a close frame", masked(frames.OpClose, false, "\x03\xe8"), "close 1002"},
		{"over the limit together", masked(txt, false, strings.Repeat(" ", maxFeedMessage)) +
			masked(cont, false, "x"), "close 1009"},
		{"no UTF-8", text("\xff"), "close 1007"},
		{"an overlong character", text("\xc0\xaf"), "close 1007"},
		{"half of a surrogate", text("\xed\xa0\x80"), "close 1007"},
		{"beyond Unicode", text("\xf4\x90\x80\x80"), "close 1007"},
		{"half a character at the end", text(euro[:at+2]), "close 1007"},
		{"half a character, and another", masked(txt, false, "\xe2\x82") + masked(cont, true, "x"),
			"close 1007"},
		{"no UTF-8 in what is not finished", masked(txt, false, "x\xff"), "close 1007"},
		{"never to be UTF-8", masked(txt, false, "\xf4\x90"), "close 1007"},
	}
}

// closes are about 5.5.1 and 7.4.
func closes() (all []exchanged) {
	code := func(n int, reason string) string {
		return masked(frames.OpClose, true, string([]byte{byte(n >> 8), byte(n)})+reason)
	}
	for _, n := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
		3000, 3999, 4000, 4999} {
		all = append(all,
			exchanged{fmt.Sprint("code ", n), code(n, "why"), fmt.Sprint("close ", n)})
	}
	for _, n := range []int{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535} {
		all = append(all, exchanged{fmt.Sprint("code ", n), code(n, ""), "close 1002"})
	}
	return append(all, []exchanged{
		{"no code", masked(frames.OpClose, true, ""), "close 0"},
		{"one byte", masked(frames.OpClose, true, "\x03"), "close 1002"},
		{"a reason of 123 bytes", code(1000, strings.Repeat("r", 123)), "close 1000"},
		{"a reason of 124 bytes", code(1000, strings.Repeat("r", 124))[:8], "close 1002"},
		{"a reason that is not UTF-8", code(1000, "\xff"), "close 1007"},
		{"half a character as reason", code(1000, "\xe2\x82"), "close 1007"},
		{"nothing counts behind it", code(1000, "") + masked(frames.OpPing, true, "p") +
			masked(frames.OpText, true, saying+`y"}`), "close 1000"},
		{"twice", code(1000, "") + code(1001, ""), "close 1000"},
		{"after a message", masked(frames.OpText, true, saying+`x"}`) + code(1000, ""),
			answered("x") + "\nclose 1000"},
	}...)
}

// TestRFC6455OverTheWire sends every case at once, and again in two halves, the first of which is
// known to have arrived.
func TestRFC6455OverTheWire(t *testing.T) {
	for group, cases := range map[string][]exchanged{"reserved": reserved(), "lengths": lengths(),
		"fragments": fragments(), "closing": closes()} {
		t.Run(group, func(t *testing.T) {
			l := serveLive(t, newFakeFeed())
			for i, c := range cases {
				whole := l.raw(fmt.Sprintf("/fake/q/ws/whole-%d", i))
				whole.send(c.send)
				whole.wants(c)
				whole.leave(l)
				half := l.raw(fmt.Sprintf("/fake/q/ws/half-%d", i))
				half.send(masked(frames.OpPing, true, "here") + c.send[:len(c.send)/2])
				half.want("pong here")
				half.send(c.send[len(c.send)/2:])
				half.wants(c)
				half.leave(l)
			}
		})
	}
}

// wants reads the frames of a case.
func (r *raw) wants(c exchanged) {
	r.t.Helper()
	for _, want := range strings.Split(c.want, "\n") {
		got := r.frame()
		if !strings.HasPrefix(want, "close ") {
			if got != want {
				r.t.Fatalf("%s: got %.200q, want %.200q", c.name, got, want)
			}
			continue
		}
		if !strings.HasPrefix(got+" ", want+" ") {
			r.t.Fatalf("%s: got %.200q, want %q", c.name, got, want)
		}
		if rest, err := io.ReadAll(r.Reader); err != nil || len(rest) > 0 {
			r.t.Fatalf("%s: %d bytes behind the close frame: %v", c.name, len(rest), err)
		}
	}
}

// leave ends the connection, and forgets what its peer was sent.
func (r *raw) leave(l *live) {
	_ = r.Close()
	l.until("all are gone", func() bool {
		l.fake.Lock()
		defer l.fake.Unlock()
		l.fake.ready = nil
		return l.fake.closed == l.fake.opened
	})
}

// TestOnePortSpeaksAll has HTTP/2, HTTP/1.1 and WebSockets on one port at the same time.
func TestOnePortSpeaksAll(t *testing.T) {
	l := serveLive(t, newFakeFeed())
	socket := l.raw("/fake/q/ws/me")
	clients := map[string]*nethttp.Client{}
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		tr := &nethttp.Transport{Protocols: new(nethttp.Protocols)}
		tr.Protocols.SetHTTP1(proto == "HTTP/1.1")
		tr.Protocols.SetUnencryptedHTTP2(proto == "HTTP/2.0")
		defer tr.CloseIdleConnections()
		clients[proto] = &nethttp.Client{Transport: tr, Timeout: patient}
	}
	do := func(proto, method, path, body string) string {
		t.Helper()
		r, err := nethttp.NewRequestWithContext(t.Context(), method, "http://"+l.address()+path,
			strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		reply, err := clients[proto].Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = reply.Body.Close() }()
		b, err := io.ReadAll(reply.Body)
		if err != nil || reply.Proto != proto {
			t.Fatalf("%v, %s", err, reply.Proto)
		}
		return fmt.Sprint(reply.StatusCode, " ", string(b))
	}
	for proto, other := range map[string]string{"HTTP/2.0": "HTTP/1.1", "HTTP/1.1": "HTTP/2.0"} {
		set := do(proto, "POST", "/api/v1/command", `{"command":"kv.set","request_id":"`+proto+
			`","payload":{"key":"k","value":"by `+proto+`"}}`)
		if !strings.HasPrefix(set, "200 ") || !strings.Contains(set, `"request_id":"`+proto+`"`) {
			t.Errorf("%s: %s", proto, set)
		}
		if got := do(other, "GET", "/kv/k", ""); !strings.Contains(got, "by "+proto) {
			t.Errorf("what %s set is %s over %s", proto, got, other)
		}
		socket.send(masked(frames.OpPing, true, proto))
		socket.want("pong " + proto)
	}
	if got := do("HTTP/2.0", "GET", "/fake/q/ws/me", ""); !strings.HasPrefix(got, "426 ") {
		t.Errorf("a WebSocket over HTTP/2: %s", got)
	}
	reply, err := clients["HTTP/2.0"].Get("http://" + l.address() + "/pubsub/events?topics=t")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reply.Body.Close() }()
	const connected = "event: connected\n"
	first := make([]byte, len(connected))
	if _, err = io.ReadFull(reply.Body, first); err != nil || string(first) != connected {
		t.Errorf("server-sent events over HTTP/2: %v, %q", err, first)
	}
}
