package httpwire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/clock"
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/pubsubcmd"
	"github.com/synapdb/synap/internal/command/queuecmd"
	"github.com/synapdb/synap/internal/command/roomcmd"
	"github.com/synapdb/synap/internal/command/synapcmd"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/pubsub"
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/store/room"
	"github.com/synapdb/synap/internal/wire"
)

// start is the moment at which test servers begin, in ms since the Unix epoch.
const start = 1_700_000_000_000

// bench is a handler over an empty store and a clock that stands still.
type bench struct {
	*Handler
	clock *clock.Manual
	conn  *Conn
	fast  bool // requests go through the fast lane
	pack  bool // bodies are MessagePack
}

func newBench(t testing.TB, o Options, change ...func(*command.Engine)) *bench {
	t.Helper()
	store, err := kv.New(kv.Options{Shards: 4, Seed: 1, MaxMemory: 24 << 20})
	if err != nil {
		t.Fatal(err)
	}
	queues, err := queue.New(queue.Options{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	rooms, err := room.New(room.Options{Shards: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(store.Close(), queues.Close(), rooms.Close()); err != nil {
			t.Error(err)
		}
	})
	b := &bench{clock: clock.NewManual(start), fast: true}
	e := &command.Engine{
		Table: command.NewTable(synapcmd.Rows(synapcmd.Options{}), queuecmd.Rows(),
			roomcmd.Rows(), pubsubcmd.Rows()),
		Store: store, Queues: queues, Rooms: rooms, Clock: b.clock,
		Topics:   command.NewTopics(pubsub.Options{}),
		Sessions: command.NewRegistry(), Settings: &command.Settings{},
		Server: command.ServerInfo{Version: "1.2.3", RunID: strings.Repeat("a", 40)},
		Limits: command.Limits{BatchItems: 100, BatchBytes: 1 << 20, ValueBytes: 1 << 20},
	}
	for _, f := range change {
		f(e)
	}
	b.Handler = NewHandler(e, o)
	b.conn = b.NewConn(&command.Session{})
	return b
}

// onEveryLane runs a test over both lanes and both encodings.
func onEveryLane(t *testing.T, o Options, test func(*testing.T, *bench)) {
	for _, fast := range []bool{true, false} {
		for _, pack := range []bool{false, true} {
			name := fmt.Sprintf("fast=%v,msgpack=%v", fast, pack)
			t.Run(name, func(t *testing.T) {
				b := newBench(t, o)
				b.fast, b.pack = fast, pack
				test(t, b)
			})
		}
	}
}

// answer is a response whose body is at hand.
type answer struct {
	*nethttp.Response
	body string
}

// send makes a request. Header lines are "Name: value".
func (b *bench) send(t testing.TB, method, path, body string, headers ...string) answer {
	t.Helper()
	var raw strings.Builder
	fmt.Fprintf(&raw, "%s %s HTTP/1.1\r\nHost: test\r\n", method, path)
	for _, h := range headers {
		raw.WriteString(h + "\r\n")
	}
	if body != "" {
		fmt.Fprintf(&raw, "Content-Length: %d\r\n", len(body))
	}
	raw.WriteString("\r\n" + body)
	if !b.fast {
		return b.slow(t, []byte(raw.String()))
	}
	var out wire.Output
	n, _, v := b.conn.Feed([]byte(raw.String()), &out)
	if v == wire.HandOver {
		return b.slow(t, []byte(raw.String())[n:])
	}
	if n != raw.Len() {
		t.Fatalf("Feed consumed %d of %d bytes of %q", n, raw.Len(), raw.String())
	}
	return read(t, &out)
}

// slow serves one request through net/http.
func (b *bench) slow(t testing.TB, raw []byte) answer {
	t.Helper()
	r, err := nethttp.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return finish(t, w.Result())
}

// read parses what the fast lane wrote, as a client would.
func read(t testing.TB, out *wire.Output) answer {
	t.Helper()
	whole := bytes.Join(out.Segments(nil), nil)
	in := bufio.NewReader(bytes.NewReader(whole))
	resp, err := nethttp.ReadResponse(in, nil)
	if err != nil {
		t.Fatalf("%v in %q", err, whole)
	}
	defer func() { _ = resp.Body.Close() }()
	a := finish(t, resp)
	if in.Buffered() > 0 {
		t.Fatalf("bytes after the response: %q", whole)
	}
	out.Reset(1 << 20)
	return a
}

func finish(t testing.TB, resp *nethttp.Response) answer {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp, string(body)}
}

// object sends a body given as JSON, in the encoding of the bench, and returns the answer as JSON.
func (b *bench) object(t testing.TB, method, path, body string) answer {
	t.Helper()
	if !b.pack {
		if body == "" {
			return b.send(t, method, path, "")
		}
		return b.send(t, method, path, body, "Content-Type: application/json")
	}
	headers := []string{"Accept: application/msgpack"}
	if body != "" {
		headers = append(headers, "Content-Type: application/msgpack")
		body = string(packJSON(nil, []byte(body)))
	}
	a := b.send(t, method, path, body, headers...)
	if a.Header.Get("Content-Type") == typePack {
		src := packSource{buf: []byte(a.body)}
		text, err := unpack(&src, nil)
		if err == nil {
			err = src.end()
		}
		if err != nil {
			t.Fatalf("%v in %q", err, a.body)
		}
		a.body = string(text)
	}
	return a
}

// unpack appends the next value of an answer as the JSON that another client would get: binary as
// numbers.
func unpack(src *packSource, dst []byte) ([]byte, error) {
	k, err := src.kind()
	if err != nil || k != kindBinary && k != kindArray && k != kindObject {
		return src.text(dst)
	}
	if k == kindBinary {
		b, err := src.str()
		return appendNumbers(dst, b), err
	}
	brackets := "[]"
	if k == kindObject {
		brackets = "{}"
	}
	n, err := src.enter()
	dst = append(dst, brackets[0])
	for i := 0; i < n && err == nil; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		if k == kindObject {
			key, _, keyErr := src.key(i, n)
			if keyErr != nil {
				return nil, keyErr
			}
			dst = append(appendQuoted(dst, key), ':')
		}
		dst, err = unpack(src, dst)
	}
	return append(dst, brackets[1]), err
}

// call runs a command by the envelope. A failure is its text behind an exclamation mark.
func (b *bench) call(t testing.TB, name, payload string) string {
	t.Helper()
	a := b.object(t, "POST", "/api/v1/command",
		`{"command":"`+name+`","request_id":"id-1","payload":`+payload+`}`)
	if a.StatusCode != 200 {
		return fmt.Sprintf("!%d %s", a.StatusCode, a.body)
	}
	const ok, bad = `{"success":true,"request_id":"id-1","payload":`,
		`{"success":false,"request_id":"id-1","payload":null,"error":"`
	if rest, found := strings.CutPrefix(a.body, ok); found {
		return strings.TrimSuffix(rest, `,"error":null}`)
	}
	rest, found := strings.CutPrefix(a.body, bad)
	if !found {
		t.Fatalf("not an envelope: %s", a.body)
	}
	text, _, _ := strings.Cut(rest, `","code":"`)
	return "!" + text
}
