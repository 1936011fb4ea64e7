package assembly

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// watching is a WebSocket of kv.watch.
type watching struct {
	t   *testing.T
	ctx context.Context
	*websocket.Conn
}

// watch opens one; the first frame is read.
func (in *Instance) watch(t *testing.T, query string) (w *watching, first string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	t.Cleanup(cancel)
	//nolint:bodyclose // the library says that there is none to close
	ws, _, err := websocket.Dial(ctx, fmt.Sprint("ws://127.0.0.1:", in.HTTPPort(), "/kv/ws?",
		query), nil)
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(1 << 24)
	t.Cleanup(func() { _ = ws.CloseNow() })
	w = &watching{t, ctx, ws}
	return w, w.next()
}

func (w *watching) next() string {
	w.t.Helper()
	_, b, err := w.Read(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

// want reads one frame for each payload.
func (w *watching) want(payloads ...string) {
	w.t.Helper()
	for _, p := range payloads {
		if got := w.next(); !strings.Contains(got, `"payload":`+p+`,"metadata":null`) {
			w.t.Fatalf("got %s, want %s", got, p)
		}
	}
}

func (in *Instance) served(t *testing.T) *Instance {
	t.Helper()
	if err := in.serve(context.Background()); err != nil {
		t.Fatal(err)
	}
	return in
}

// events is an answer of server-sent events.
type events struct {
	t     *testing.T
	lines *bufio.Scanner
}

func (in *Instance) events(t *testing.T, query, last string) (status int, e *events) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		fmt.Sprint("http://127.0.0.1:", in.HTTPPort(), "/kv/events?", query), nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Body.Close() })
	return r.StatusCode, &events{t, bufio.NewScanner(r.Body)}
}

// next is the id, name and data of the next event.
func (e *events) next() (id, name, data string) {
	e.t.Helper()
	for e.lines.Scan() {
		switch key, value, _ := strings.Cut(e.lines.Text(), ": "); key {
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			data = value
		case "":
			if data != "" {
				return id, name, data
			}
		default:
			e.t.Fatalf("no line of an event: %q", e.lines.Text())
		}
	}
	e.t.Fatal("the events end: ", e.lines.Err())
	return
}

// What one connection writes, others see at once through every door, in the same words.
func TestKeysAreWatchedThroughEveryDoor(t *testing.T) {
	in := housed(t, t.TempDir()).served(t)
	defer in.end(t)
	w, first := in.watch(t, "keys=user:*,exact")
	if !strings.HasPrefix(first, `{"type":"connected","subscriber_id":"`) ||
		!strings.Contains(first, `"topics":["__watch@0__:user:*","__watch@0__:exact"],`+
			`"subscription_count":2,"lsn":`) {
		t.Fatal(first)
	}
	_, e := in.events(t, "keys=user:*", "")
	id, name, _ := e.next()
	if id == "" || name != "connected" {
		t.Errorf("the first event is %q %q", id, name)
	}
	resp := in.listener(t)
	resp.say("KV.WATCH user:*", "*8", "$13", "subscriber_id")
	resp.lines.Scan()
	resp.lines.Scan()
	mine := resp.lines.Text()
	resp.say("", "$7", "channel", "$18", "__watch@0__:user:*", "$4", "mode", "$5", "value",
		"$3", "lsn")
	resp.lines.Scan()
	last := strings.TrimPrefix(resp.lines.Text(), ":")
	var lsn int
	if _, err := fmt.Sscan(last, &lsn); err != nil {
		t.Fatal(err)
	}
	in.ask(t, "SET other 1", "SET user:1 ada", "SET user.1 no", "SET exact e", "DEL user:1")
	set := fmt.Sprintf(`{"key":"user:1","event":"set","version":1,"value":"ada","lsn":%d}`, lsn+2)
	exact := fmt.Sprintf(`{"key":"exact","event":"set","version":1,"value":"e","lsn":%d}`, lsn+4)
	del := fmt.Sprintf(`{"key":"user:1","event":"del","version":0,"lsn":%d}`, lsn+5)
	w.want(set, exact, del)
	for i, want := range []string{set, del} {
		id, name, data := e.next()
		if id != fmt.Sprintf("%d-0", []int{lsn + 2, lsn + 5}[i]) || name != "message" ||
			!strings.Contains(data, `"payload":`+want) {
			t.Errorf("%s %s %s, want %s", id, name, data, want)
		}
		resp.say("", "*3", "$7", "message", "$18", "__watch@0__:user:1",
			fmt.Sprint("$", len(want)), want)
	}
	resp.say("KV.UNWATCH "+mine+" other", ":0")
	resp.say("KV.UNWATCH "+mine+" other user:*", ":1")
	resp.say("KV.UNWATCH "+mine, ":0")
	resp.say("KV.WATCH user:* loud", "-ERR unknown watch mode 'loud' (value|notify)")
	resp.say("KV.WATCH user:* NOTIFY FROM "+last, "*8", "$13", "subscriber_id")
	for range 9 {
		resp.lines.Scan()
	}
	bare := strings.Replace(set, `"value":"ada",`, "", 1)
	for _, want := range []string{bare, del} {
		for resp.lines.Text() != "__watch@0__:user:1" {
			resp.lines.Scan()
		}
		resp.say("", fmt.Sprint("$", len(want)), want)
	}
	in.ask(t, "FLUSHALL")
	w.want(fmt.Sprintf(`{"key":"","event":"flush","version":0,"lsn":%d}`, lsn+6))
}
