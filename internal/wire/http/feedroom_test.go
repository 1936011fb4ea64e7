package httpwire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	frames "github.com/gobwas/ws"

	"github.com/synapdb/synap/internal/wire"
)

// newRoomSocket is a connection to a server with a room r.
func newRoomSocket(t testing.TB) *socket {
	b := newBench(t, Options{})
	b.call(t, "stream.create", `{"room":"r"}`)
	return b.socket(t)
}

// socket is a further connection.
func (b *bench) socket(t testing.TB) *socket {
	s := &socket{t: t, b: b, conn: b.NewConn(b.conn.session)}
	s.conn.SetWaker(s)
	return s
}

// publish publishes events n to m of the room r; their data is their offset.
func (b *bench) publish(t testing.TB, n, m int) {
	t.Helper()
	for i := n; i <= m; i++ {
		b.call(t, "stream.publish", fmt.Sprintf(`{"room":"r","event":"e%d","data":%d}`, i%2, i))
	}
}

// roomEvent is a frame of publish.
func roomEvent(n int) string {
	return fmt.Sprintf(
		`{"type":"event","room":"r","offset":%d,"event":"e%d","data":%d,"timestamp":1700000000}`,
		n, n%2, n)
}

func roomEvents(n, m int) (all []string) {
	for ; n <= m; n++ {
		all = append(all, roomEvent(n))
	}
	return all
}

// follow opens a WebSocket and returns what it says at once, the first frame by itself.
func (s *socket) follow(query string) (first string, rest []string) {
	s.t.Helper()
	answer, ok := strings.CutPrefix(s.feed(handshake("/stream/r/ws/me"+query)), switching)
	if !ok {
		s.t.Fatalf("no handshake: %q", answer)
	}
	all := unframe(s.t, answer+s.roused())
	return all[0], all[1:]
}

func connected(from int) string {
	return fmt.Sprintf(
		`{"type":"connected","room":"r","subscriber_id":"me","from_offset":%d}`, from)
}

func TestAFollowerBeginsWhereItWants(t *testing.T) {
	b := newRoomSocket(t).b
	b.publish(t, 0, 3)
	b.clock.Advance(5000)
	b.call(t, "stream.publish", `{"room":"r","event":"late","data":"x"}`)
	late := `{"type":"event","room":"r","offset":4,"event":"late","data":"x",` +
		`"timestamp":1700000005}`
	for query, from := range map[string]int{
		"": 0, "?from_offset=0": 0, "?from_offset=3": 3, "?from_offset=9": 9, "?last=2": 3,
		"?last=100": 0, "?since=1700000000001": 4, "?since=5": 0, "?new=1": 5, "?new=0": 0,
	} {
		s := b.socket(t)
		first, got := s.follow(query)
		if first != connected(from) {
			t.Errorf("%q: %s", query, first)
		}
		want := roomEvents(from, 3)
		if from <= 4 {
			want = append(want, late)
		}
		s.want(got, want...)
		s.conn.Closed()
	}
	if _, sum := b.engine.Rooms.Totals(); sum.Subscribers != 0 {
		t.Errorf("%d subscribers are left", sum.Subscribers)
	}
}

func TestAFollowerIsTold(t *testing.T) {
	s := newRoomSocket(t)
	s.follow("")
	s.b.publish(t, 0, 1)
	s.want(unframe(t, s.roused()), roomEvents(0, 1)...)
	s.want(s.say("{}")) // what it says means nothing
	s.b.publish(t, 2, 2)
	s.want(unframe(t, s.roused()), roomEvent(2))
	if s.woke != 0 {
		t.Error("it was woken for nothing")
	}
	s.want(unframe(t, s.feed(masked(frames.OpPing, true, "p"))), "pong p")
}

func TestAGapIsTold(t *testing.T) {
	s := newRoomSocket(t)
	s.b.publish(t, 0, 9)
	s.b.call(t, "stream.trim", `{"room":"r","before_offset":7}`)
	_, got := s.follow("?from_offset=2")
	s.want(got, append([]string{`{"type":"gap","from":2,"to":7}`}, roomEvents(7, 9)...)...)
}

func TestADeletedRoomEndsItsFollowers(t *testing.T) {
	s := newRoomSocket(t)
	s.follow("")
	s.b.call(t, "stream.delete", `{"room":"r"}`)
	s.b.call(t, "stream.create", `{"room":"r"}`)
	s.b.publish(t, 0, 0) // these are others' events
	text := `Invalid request: Room 'r' was deleted`
	s.want(unframe(t, s.roused()), `{"type":"error","error":"`+text+`","code":"room_not_found"}`,
		"close 1008 "+text)
	if s.v != wire.Close {
		t.Errorf("verdict %d", s.v)
	}
}

func TestFollowersThatCannotBe(t *testing.T) {
	for path, want := range map[string]string{
		"none/ws/me":                       "Room 'none' not found",
		"r/ws/" + strings.Repeat("x", 513): "subscriber_id is 513 bytes long; the limit is 512",
		"r/ws/me?last=1&new=1": "from_offset, last, since and new exclude each other: " +
			"give one of them",
	} {
		s := newRoomSocket(t)
		got := unframe(t, strings.TrimPrefix(s.feed(handshake("/stream/"+path)), switching))
		want = `{"type":"error","error":"Invalid request: ` + want + `"`
		if len(got) != 2 || !strings.HasPrefix(got[0], want) || s.v != wire.Close {
			t.Errorf("%.40s: %q, verdict %d", path, got, s.v)
		}
	}
}

// A follower far behind gets its events in rounds, so that others have their turn.
func TestCatchingUpTakesRounds(t *testing.T) {
	s := newRoomSocket(t)
	big := strings.Repeat("x", 20_000)
	for range 10 {
		s.b.call(t, "stream.publish", `{"room":"r","event":"e","data":"`+big+`"}`)
	}
	s.b.call(t, "stream.publish", `{"room":"r","event":"e","data":"`+strings.Repeat(big, 10)+`"}`)
	round := s.feed(handshake("/stream/r/ws/me"))
	got := len(round)
	if rounds := 1; got > 2*maxPush || s.woke != 1 {
		t.Errorf("the first round is %d bytes, woken %d times", got, s.woke)
	} else {
		for ; s.woke > 0; rounds++ {
			s.woke = 0
			round += s.feed("")
		}
		if all := unframe(t, strings.TrimPrefix(round, switching)); len(all) != 12 || rounds < 3 {
			t.Errorf("%d frames in %d rounds", len(all), rounds)
		}
	}
}

const eventHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"

// events reads the body of an answer that goes on as far as it came.
func (s *socket) events(answer string) string {
	s.t.Helper()
	if strings.HasPrefix(answer, "HTTP/") {
		if !strings.HasPrefix(answer, eventHead) {
			s.t.Fatalf("no events: %q", answer)
		}
		_, answer, _ = strings.Cut(answer, "\r\n\r\n")
	}
	r := bufio.NewReader(strings.NewReader(answer))
	var body strings.Builder
	for {
		var n int
		if _, err := fmt.Fscanf(r, "%x\r\n", &n); err != nil || n == 0 {
			return body.String()
		}
		if _, err := io.CopyN(&body, r, int64(n)); err != nil {
			s.t.Fatalf("%v in %q", err, answer)
		}
		_, _ = r.Discard(2)
	}
}

func sse(n int) string {
	return fmt.Sprintf("id: 1-%d\nevent: e%d\ndata: %s\n\n", n, n%2, roomEvent(n))
}

const hello = "event: connected\n" +
	`data: {"type":"connected","room":"r","subscriber_id":"events","from_offset":`

func TestServerSentEvents(t *testing.T) {
	s := newRoomSocket(t)
	s.b.publish(t, 0, 2)
	get := func(query string, headers ...string) string {
		return request1("GET /stream/r/events"+query, headers...)
	}
	s.want([]string{s.events(s.feed(get("?from_offset=1") + "anything behind it"))},
		hello+"1}\n\n"+sse(1)+sse(2))
	if len(s.in) != 0 {
		t.Errorf("%q is kept", s.in)
	}
	s.b.publish(t, 3, 3)
	s.want([]string{s.events(s.roused())}, sse(3))
	s.b.clock.Advance(30_000)
	if !s.conn.Keep(start+30_000, start) {
		t.Error("it may be closed as idle")
	}
	s.want([]string{s.events(s.roused())}, ":\n\n")
	if s.conn.Keep(start+59_999, start); s.woke != 0 {
		t.Error("it is told something too early")
	}

	s = s.b.socket(t)
	s.b.call(t, "stream.trim", `{"room":"r","before_offset":2}`)
	s.want([]string{s.events(s.feed(get("?last=1", "Last-Event-ID: 0")))}, hello+"1}\n\n"+
		"event: gap\ndata: {\"type\":\"gap\",\"from\":1,\"to\":2}\n\n"+sse(2)+sse(3))
	s.b.call(t, "stream.delete", `{"room":"r"}`)
	answer := s.roused()
	got := s.events(answer)
	if !strings.HasPrefix(got, "event: _error\ndata: {\"type\":\"error\"") ||
		!strings.HasSuffix(answer, "\r\n0\r\n\r\n") || s.v != wire.Close {
		t.Errorf("%q, verdict %d", answer, s.v)
	}
}

// EventSource's own events are called error and open: no room's may be taken for them, nor for each
// other.
func TestNamesOfEventsAreNotEventSources(t *testing.T) {
	s := newRoomSocket(t)
	want := ""
	for _, c := range [][2]string{{"error", "_error"}, {"open", "_open"}, {"_error", "__error"},
		{"__open", "___open"}, {"message", "message"}, {"Error", "Error"}, {"errors", "errors"},
		{"_", "_"}, {"connected", "connected"},
	} {
		s.b.call(t, "stream.publish", `{"room":"r","event":"`+c[0]+`","data":1}`)
		want += "event: " + c[1] + "\n"
	}
	got := ""
	answer := s.events(s.feed(request1("GET /stream/r/events")))
	for _, line := range strings.SplitAfter(answer, "\n") {
		if strings.HasPrefix(line, "event: ") {
			got += line
		}
	}
	if want = "event: connected\n" + want; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestARecreatedRoomBeginsAnew resumes by what a former room of the name said.
func TestARecreatedRoomBeginsAnew(t *testing.T) {
	s := newRoomSocket(t)
	s.b.publish(t, 0, 5)
	s.b.call(t, "stream.delete", `{"room":"r"}`)
	s.b.call(t, "stream.create", `{"room":"r"}`)
	s.b.publish(t, 0, 3)
	now := func(n int) string { return strings.Replace(sse(n), "id: 1-", "id: 2-", 1) }
	const anew = hello + `0,"recreated":true}` + "\n\n"
	for _, c := range []struct{ query, header, want string }{
		{"", "1-5", anew + now(0) + now(1) + now(2) + now(3)},
		{"", "1-1", anew + now(0) + now(1) + now(2) + now(3)},
		{"", "2-1", hello + "2}\n\n" + now(2) + now(3)},
		{"", "2-3", hello + "4}\n\n"},
		{"", "2-4", anew + now(0) + now(1) + now(2) + now(3)}, // lost with what was not durable
		{"", "2", hello + "3}\n\n" + now(3)},
		{"", "5", anew + now(0) + now(1) + now(2) + now(3)},
		{"?generation=1&from_offset=2", "", anew + now(0) + now(1) + now(2) + now(3)},
		{"?generation=2&from_offset=2", "", hello + "2}\n\n" + now(2) + now(3)},
		{"?from_offset=7", "", hello + "7}\n\n"}, // whoever asks for what is to come, waits
		{"?last=1", "1-5", anew + now(0) + now(1) + now(2) + now(3)},
	} {
		request := request1("GET /stream/r/events" + c.query)
		if c.header != "" {
			request = request1("GET /stream/r/events"+c.query, "Last-Event-ID: "+c.header)
		}
		reader := s.b.socket(t)
		if got := reader.events(reader.feed(request) + reader.roused()); got != c.want {
			t.Errorf("%s %s:\n got %s\nwant %s", c.query, c.header, got, c.want)
		}
		reader.conn.Closed()
	}
	s.b.call(t, "stream.trim", `{"room":"r","before_offset":2}`)
	reader := s.b.socket(t)
	s.want([]string{reader.events(reader.feed(request1("GET /stream/r/events",
		"Last-Event-ID: 1-5")))}, anew+
		"event: gap\ndata: {\"type\":\"gap\",\"from\":0,\"to\":2}\n\n"+now(2)+now(3))
	got := s.b.call(t, "stream.consume",
		`{"room":"r","subscriber_id":"me","from_offset":6,"generation":1,"limit":1}`)
	if !strings.Contains(got, `"id":"2-2"`) {
		t.Errorf("consumed %s", got)
	}
}

func TestNamesOfEventsStayOneLine(t *testing.T) {
	s := newRoomSocket(t)
	s.b.call(t, "stream.publish", `{"room":"r","event":"a \"b\"\\\n\rd","data":null}`)
	got := s.events(s.feed(request1("GET /stream/r/events")))
	if !strings.Contains(got, "id: 1-0\nevent: a \"b\"\\  d\ndata: {\"type\":\"event\"") {
		t.Errorf("%q", got)
	}
}

func TestStreamsAreRefusedAsRequestsAre(t *testing.T) {
	s := newRoomSocket(t)
	const id = "Last-Event-ID must be the id of an event"
	for line, want := range map[string]string{
		"none/events":                                  "Room 'none' not found",
		"r/events?new=1&last=2":                        "exclude each other",
		"r/events?last=x":                              "last",
		"none/history?format=ndjson":                   "Room 'none' not found",
		"r/history?format=ndjson&last=x":               "last",
		"r/history?format=ndjson&last=1&from_offset=1": "exclude each other",
		"r/events|Last-Event-ID: yes":                  id,
		"r/events|Last-Event-ID: 1e99":                 id,
		"r/events|Last-Event-ID: -1":                   id,
		"r/events|Last-Event-ID: 1-":                   id,
		"r/events|Last-Event-ID: 1-2-3":                id,
		"r/events|Last-Event-ID: 9223372036854775807":  id,
	} {
		line, header, _ := strings.Cut("GET /stream/"+line, "|")
		request := request1(line)
		if header != "" {
			request = request1(line, header)
		}
		got := s.feed(request)
		if !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, want) ||
			s.v != wire.Open {
			t.Errorf("%s: verdict %d, %q", line, s.v, got)
		}
	}
	if _, sum := s.b.engine.Rooms.Totals(); sum.Subscribers != 0 {
		t.Errorf("%d subscribers are left", sum.Subscribers)
	}
}

func lines(n, m int) string { return strings.Join(roomEvents(n, m), "\n") + "\n" }

func TestHistoryByLines(t *testing.T) {
	s := newRoomSocket(t)
	s.b.publish(t, 0, 9)
	for query, want := range map[string]string{
		"":                           lines(0, 9),
		"&from_offset=4":             lines(4, 9),
		"&from_offset=-3":            lines(7, 9),
		"&last=2":                    lines(8, 9),
		"&from_offset=20":            "",
		"&from_offset=2&to_offset=4": lines(2, 4),
		"&limit=3":                   lines(0, 2),
		"&limit=2&event=e1":          lines(1, 1) + lines(3, 3),
		"&event=e1&from_offset=6":    lines(7, 7) + lines(9, 9),
		"&event=none":                "",
		"&max_bytes=100":             lines(0, 1),
		"&to_offset=0":               lines(0, 0),
	} {
		raw := request1("GET /stream/r/history?format=ndjson"+query) + request1("GET /livez")
		answer := s.feed(raw) + s.roused()
		in := bufio.NewReader(strings.NewReader(answer))
		for i, want := range []string{want, "OK"} {
			r, err := nethttp.ReadResponse(in, nil)
			if err != nil {
				t.Fatalf("%s: %v in %q", query, err, answer)
			}
			body, err := io.ReadAll(r.Body)
			_ = r.Body.Close()
			if err != nil || i == 0 && string(body) != want || r.StatusCode != 200 {
				t.Errorf("%s: %v, got %q, want %q", query, err, body, want)
			}
		}
	}
	a := s.b.send(t, "GET", "/stream/r/history", "", "Accept: application/json")
	if !strings.HasPrefix(a.body, `{"events":[`) {
		t.Errorf("without lines: %q", a.body)
	}
	a = s.b.slow(t, []byte(request1("GET /stream/r/history?last=1",
		"Accept: text/html;q=0.1, application/x-ndjson")))
	if a.body != lines(9, 9) || a.Header.Get("Content-Type") != types[lineStyle] {
		t.Errorf("on the general lane: %v %q", a.Header, a.body)
	}
}

// A history that takes several rounds leaves the next request alone, and what it reads stays.
func TestALongHistoryTakesItsTime(t *testing.T) {
	s := newRoomSocket(t)
	big := strings.Repeat("x", 30_000)
	for range 20 {
		s.b.call(t, "stream.publish", `{"room":"r","event":"e","data":"`+big+`"}`)
	}
	next := request1("GET /livez")
	answer := s.feed(request1("GET /stream/r/history?format=ndjson") + next)
	if s.v != wire.Park || string(s.in) != next || s.woke != 1 {
		t.Fatalf("verdict %d, woken %d times, %q is left", s.v, s.woke, s.in)
	}
	s.b.call(t, "stream.update", `{"room":"r","max_events":1}`)
	s.b.publish(t, 20, 20) // later than the question
	answer += s.roused()
	r, err := nethttp.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if n := bytes.Count(body, []byte("\n")); err != nil || n != 20 || s.v != wire.Open {
		t.Errorf("%d lines, %v, verdict %d", n, err, s.v)
	}

	s = s.b.socket(t)
	s.b.call(t, "stream.update", `{"room":"r","max_events":100}`)
	for range 20 {
		s.b.call(t, "stream.publish", `{"room":"r","event":"e","data":"`+big+`"}`)
	}
	answer = s.feed(request1("GET /stream/r/history?format=ndjson"))
	s.b.call(t, "stream.delete", `{"room":"r"}`)
	answer += s.roused()
	r, err = nethttp.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	_, err = io.ReadAll(r.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) || s.v != wire.Close {
		t.Errorf("a history that breaks off ends with %v, verdict %d", err, s.v)
	}
}

// Who wants few of many events must not hold up the others of its loop while they are looked for.
func TestAHistoryIsSearchedInRounds(t *testing.T) {
	s := newRoomSocket(t)
	big := strings.Repeat("x", 50_000)
	for range 40 {
		s.b.call(t, "stream.publish", `{"room":"r","event":"e","data":"`+big+`"}`)
	}
	s.b.call(t, "stream.publish", `{"room":"r","event":"rare","data":1}`)
	answer := s.feed(request1("GET /stream/r/history?format=ndjson&event=rare"))
	if s.v != wire.Park || s.woke != 1 || strings.Contains(answer, "rare") {
		t.Errorf("verdict %d, woken %d times: %q", s.v, s.woke, answer)
	}
	answer += s.roused()
	if !strings.Contains(answer, `"offset":40,"event":"rare"`) || s.v != wire.Open {
		t.Errorf("verdict %d: %q", s.v, answer)
	}
}

// An idle follower is a connection, its place in the room, and no more.
func TestAnIdleFollowerIsSmall(t *testing.T) {
	const count, most = 2000, 1024
	b := newRoomSocket(t).b
	conns := make([]*Conn, count)
	for i := range conns {
		conns[i] = b.NewConn(b.conn.session)
		conns[i].SetWaker(new(socket))
	}
	in := handshake("/stream/r/ws/subscriber-1?from_offset=0")
	var out wire.Output
	each := heap(func() {
		for _, c := range conns {
			if _, _, v := c.Feed([]byte(in), &out); v != wire.Open || c.feed == nil {
				t.Fatalf("verdict %d: %q", v, out.Buf)
			}
			out.Reset(1 << 20)
		}
	}) / count
	t.Logf("a follower holds %d bytes more than a connection of HTTP", each)
	if each > most {
		t.Errorf("%d bytes, over %d", each, most)
	}
	runtime.KeepAlive(conns)
}

// flow is a ResponseWriter whose body is read while it is written.
type flow struct {
	*httptest.ResponseRecorder
	*io.PipeWriter
}

func (f flow) Write(b []byte) (int, error) { return f.PipeWriter.Write(b) }

func TestEventsOnTheGeneralLane(t *testing.T) {
	b := newRoomSocket(t).b
	b.publish(t, 0, 1)
	ctx, cancel := context.WithCancel(context.Background())
	in, out := io.Pipe()
	quit := make(chan struct{})
	r := httptest.NewRequestWithContext(wire.WithQuit(ctx, quit), "GET", "/stream/r/events", nil)
	r.Header.Set("Last-Event-ID", "0")
	done := make(chan bool)
	go func() {
		defer func() { done <- recover() != nil }()
		b.ServeHTTP(flow{httptest.NewRecorder(), out}, r)
	}()
	body := bufio.NewReader(in)
	want := func(text string) {
		t.Helper()
		got := make([]byte, len(text))
		if _, err := io.ReadFull(body, got); err != nil || string(got) != text {
			t.Fatalf("%v: got %q, want %q", err, got, text)
		}
	}
	want(hello + "1}\n\n" + sse(1))
	b.publish(t, 2, 2)
	want(sse(2))
	close(quit)
	go func() { _, _ = io.Copy(io.Discard, body) }()
	if <-done {
		t.Error("the end of the server cuts the stream off")
	}
	cancel()
	if _, sum := b.engine.Rooms.Totals(); sum.Subscribers != 0 {
		t.Errorf("%d subscribers are left", sum.Subscribers)
	}
}
