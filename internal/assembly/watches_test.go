package assembly

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
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

// lsns are what an event says of the journal, whose records are not all of keys.
var lsns = regexp.MustCompile(`,"lsn":[0-9]+`)

// want reads one frame for each payload, whose lsns don't matter.
func (w *watching) want(payloads ...string) {
	w.t.Helper()
	for _, p := range payloads {
		got := w.next()
		if !strings.Contains(lsns.ReplaceAllString(got, ""), `"payload":`+p+`,"metadata":null`) {
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
	in.ask(t, "SET other 1", "SET user:1 ada", "SET user.1 no", "SET exact e", "DEL user:1")
	w.want(`{"key":"user:1","event":"set","version":1,"value":"ada"}`,
		`{"key":"exact","event":"set","version":1,"value":"e"}`,
		`{"key":"user:1","event":"del","version":0}`)
	var texts []string
	for _, want := range []string{`{"key":"user:1","event":"set","version":1,"value":"ada","lsn":`,
		`{"key":"user:1","event":"del","version":0,"lsn":`} {
		id, name, data := e.next()
		_, text, _ := strings.Cut(data, `"payload":`)
		text, _, _ = strings.Cut(text, `,"metadata"`)
		if name != "message" || text != want+strings.TrimSuffix(id, "-0")+"}" {
			t.Errorf("%s %s %s, want %s", id, name, data, want)
		}
		resp.say("", "*3", "$7", "message", "$18", "__watch@0__:user:1",
			fmt.Sprint("$", len(text)), text)
		texts = append(texts, text)
	}
	resp.say("KV.UNWATCH "+mine+" other", ":0")
	resp.say("KV.UNWATCH "+mine+" other user:*", ":1")
	resp.say("KV.UNWATCH "+mine, ":0")
	resp.say("KV.WATCH user:* loud", "-ERR unknown watch mode 'loud' (value|notify)")
	resp.say("KV.WATCH user:* NOTIFY FROM "+last, "*8", "$13", "subscriber_id")
	texts[0] = strings.Replace(texts[0], `"value":"ada",`, "", 1)
	for _, want := range texts {
		for resp.lines.Text() != "__watch@0__:user:1" {
			resp.lines.Scan()
		}
		resp.say("", fmt.Sprint("$", len(want)), want)
	}
	in.ask(t, "FLUSHALL")
	w.want(`{"key":"","event":"flush","version":0}`)
}

// post sends an object to a path and returns the answer.
func (in *Instance) post(t *testing.T, path, body string) string {
	t.Helper()
	client := &http.Client{Timeout: patient, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Post(fmt.Sprint("http://127.0.0.1:", in.HTTPPort(), path),
		"application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Without a journal events have no lsn, and nothing says that one could go back.
func TestEveryEventHasItsName(t *testing.T) {
	in := open(t, nil)
	w, first := in.watch(t, "keys=%23")
	if strings.Contains(first, "lsn") || !strings.Contains(first, `"__watch@0__:#"`) {
		t.Fatal(first)
	}
	in.ask(t, "SET a 1", "INCR a", "DECRBY a 5", "APPEND a x", "SETRANGE a 1 yz", "SETBIT a 1 1",
		"EXPIRE a 100", "PERSIST a", "RENAME a b.c", "COPY b.c d", "MOVE d 1", "SELECT 1",
		"SET other 1", "SELECT 0", "INCRBYFLOAT f 1.5", "GETDEL f", "SET t 1 PX 1")
	w.want(`{"key":"a","event":"set","version":1,"value":"1"}`,
		`{"key":"a","event":"incrby","version":2,"value":"2"}`,
		`{"key":"a","event":"decrby","version":3,"value":"-3"}`,
		`{"key":"a","event":"append","version":4,"value":"-3x"}`,
		`{"key":"a","event":"setrange","version":5,"value":"-yz"}`,
		`{"key":"a","event":"setrange","version":6,"value":"myz"}`,
		`{"key":"a","event":"expire","version":7}`,
		`{"key":"a","event":"persist","version":8}`)
	renamed := []string{w.next(), w.next()}
	all := strings.Join(renamed, "")
	contains(t, all, `{"key":"a","event":"del","version":0}`,
		`{"key":"b.c","event":"set","version":1,"value":"myz"}`)
	w.want(`{"key":"d","event":"set","version":1,"value":"myz"}`,
		`{"key":"d","event":"del","version":0}`,
		`{"key":"f","event":"set","version":1,"value":"1.5"}`,
		`{"key":"f","event":"del","version":0}`,
		`{"key":"t","event":"set","version":1,"value":"1"}`,
		`{"key":"t","event":"expired","version":0}`)
	in.ask(t, "SWAPDB 1 2", "SWAPDB 2 0", "FLUSHDB", "SELECT 3", "FLUSHDB", "FLUSHALL")
	w.want(`{"key":"","event":"swap","version":0}`, `{"key":"","event":"flush","version":0}`,
		`{"key":"","event":"flush","version":0}`)
	if in.engine.Watches.Watchers() != 1 {
		t.Errorf("%d watchers", in.engine.Watches.Watchers())
	}
	_ = w.Close(websocket.StatusNormalClosure, "")
	until(t, "the store is observed for nobody", func() bool {
		return !in.engine.Store.Observed()
	})
}

func TestEvictedKeysAreTold(t *testing.T) {
	in := open(t, map[string]string{"kv_store.max_memory_mb": "8",
		"kv_store.eviction_policy": "allkeys-random"})
	w, _ := in.watch(t, "keys=first:*&mode=notify")
	in.ask(t, "SET first:1 1")
	w.want(`{"key":"first:1","event":"set","version":1}`)
	value := strings.Repeat("v", 20_000)
	for i := 0; in.engine.Store.Count(0) > 0; i++ {
		if in.ask(t, "EXISTS first:1") == ":0\r\n" {
			break
		}
		var more []string
		for n := range 100 {
			more = append(more, fmt.Sprintf("SET key:%d:%d %s", i, n, value))
		}
		in.ask(t, more...)
	}
	w.want(`{"key":"first:1","event":"evicted","version":0}`)
}

func TestLongAndBinaryValuesAreTruncated(t *testing.T) {
	in := housed(t, t.TempDir()).served(t)
	defer in.end(t)
	w, first := in.watch(t, "keys=%23")
	long := strings.Repeat("v", 65_536)
	in.post(t, "/kv/set", `{"key":"k","value":"`+long+`"}`) // too long for a line
	in.ask(t, "APPEND k v", "SET k \"\\xff\"", "SET \"\\xffk\" v", "SET k \"\"",
		`SET k "a\"\n"`)
	_, lsn, _ := strings.Cut(strings.TrimSuffix(first, "}"), `"lsn":`)
	for _, live := range []bool{true, false} {
		if !live {
			w, _ = in.watch(t, "keys=%23&from_lsn="+lsn)
		}
		for _, want := range []string{
			`{"key":"k","event":"set","version":1,"value":"` + long + `",`,
			`{"key":"k","event":"append","version":2,"truncated":true,`,
			`{"key":"k","event":"set","version":3,"truncated":true,`,
			"{\"key\":\"\uFFFDk\",\"event\":\"set\",\"version\":1,\"value\":\"v\",",
			`{"key":"k","event":"set","version":4,"value":"",`,
			`{"key":"k","event":"set","version":5,"value":"a\"\u000a",`} {
			if got := w.next(); !strings.Contains(got, `"payload":`+want) {
				t.Fatalf("live %v: %.300s, want %.300s", live, got, want)
			}
		}
	}
}

// All of a batch that holds is told, in order and as one record; of one that does not, nothing.
func TestBatchesAreToldWhole(t *testing.T) {
	in := housed(t, t.TempDir()).served(t)
	defer in.end(t)
	w, _ := in.watch(t, "keys=a,b,c")
	batch := func(atomic bool, commands string) {
		in.post(t, "/api/v1/command", fmt.Sprintf(`{"command":"batch","request_id":"1","payload":`+
			`{"atomic":%v,"commands":[%s]}}`, atomic, commands))
	}
	set := func(key, value string) string {
		return fmt.Sprintf(`{"command":"kv.set","payload":{"key":"%s","value":"%s"}}`, key, value)
	}
	fails := `{"command":"kv.incr","payload":{"key":"a"}}`
	batch(true, set("a", "x")+","+set("b", "1")+","+fails)
	batch(true, set("a", "y")+","+set("x", "1")+","+set("b", "2"))
	batch(false, set("a", "z")+","+fails+","+set("b", "3"))
	in.ask(t, "MULTI", "SET a m", "SET c m", "EXEC", "MULTI", "SET a d", "DISCARD", "SET c last")
	var ids []string
	for _, want := range []string{`"key":"a","event":"set","version":1,"value":"y"`,
		`"key":"b","event":"set","version":1,"value":"2"`,
		`"key":"a","event":"set","version":2,"value":"z"`,
		`"key":"b","event":"set","version":2,"value":"3"`,
		`"key":"a","event":"set","version":3,"value":"m"`,
		`"key":"c","event":"set","version":1,"value":"m"`,
		`"key":"c","event":"set","version":2,"value":"last"`} {
		got := w.next()
		if !strings.Contains(got, want) {
			t.Fatalf("got %s, want %s", got, want)
		}
		_, rest, _ := strings.Cut(got, `"message_id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		ids = append(ids, id)
	}
	record := func(id string) string { return id[:strings.IndexByte(id, '-')] }
	if ids[1] != record(ids[0])+"-2" || ids[0] != record(ids[0])+"-0" ||
		ids[5] != record(ids[4])+"-1" || record(ids[2]) == record(ids[3]) {
		t.Errorf("the ids are %q", ids)
	}
	// In the middle of one it can be resumed: x stands between a and b.
	for _, resumed := range []string{ids[0], record(ids[0]) + "-1"} {
		status, e := in.events(t, "keys=a,b,c", resumed)
		_, name, _ := e.next()
		id, _, data := e.next()
		if status != 200 || name != "connected" || id != ids[1] ||
			!strings.Contains(data, `"value":"2"`) {
			t.Errorf("behind %s: %d, %s, %s %s", resumed, status, name, id, data)
		}
		if id, _, _ := e.next(); id != ids[2] {
			t.Errorf("then %s", id)
		}
	}
}

func TestAWatchThatCannotBeginSaysWhy(t *testing.T) {
	in := open(t, nil)
	for query, want := range map[string]string{
		"keys=a&from_lsn=1": "to watch from a place in the journal needs persistence, which is off",
		"keys=":             "Missing 'keys' field",
		"keys=,":            "name at least one",
		"keys=a.%23.b":      "'#' must be the last segment",
		"keys=a&mode=loud":  "unknown watch mode 'loud' (value|notify)",
		"keys=a&from_lsn=x": "must be the lsn of a list of keys, or the message_id of an event",
	} {
		if status, text := in.web(t, "/kv/events?"+query); status != 400 ||
			!strings.Contains(text, want) {
			t.Errorf("%s: %d %s", query, status, text)
		}
	}
	if status, _ := in.events(t, "keys=a", "17-2"); status != 400 {
		t.Errorf("an id without a journal: %d", status)
	}
	if _, text := in.watch(t, "keys=a&from_lsn=1"); !strings.Contains(text, `"type":"error"`) {
		t.Error(text)
	}
	contains(t, in.ask(t, "KV.WATCH a FROM 1"), "needs persistence, which is off")
	contains(t, in.ask(t, "KV.WATCH a TO 1"), "-ERR syntax error")
	contains(t, in.post(t, "/api/v1/command",
		`{"command":"kv.watch","request_id":"1","payload":{"keys":["a"]}}`), "/kv/ws")
	if _, text := in.web(t, "/kv?limit=1"); strings.Contains(text, "lsn") {
		t.Errorf("a list without a journal: %s", text)
	}
}

// LSNs go on over a restart: who was away meanwhile goes on, too.
func TestWatchesGoOnOverARestart(t *testing.T) {
	dir := t.TempDir()
	in := housed(t, dir).served(t)
	w, first := in.watch(t, "keys=k")
	_, lsn, _ := strings.Cut(strings.TrimSuffix(first, "}"), `"lsn":`)
	in.ask(t, "SET k 1")
	w.want(`{"key":"k","event":"set","version":1,"value":"1"}`)
	in.end(t)
	in = housed(t, dir).served(t)
	defer in.end(t)
	in.ask(t, "SET k 2")
	w, _ = in.watch(t, "keys=k&from_lsn="+lsn)
	w.want(`{"key":"k","event":"set","version":1,"value":"1"}`,
		`{"key":"k","event":"set","version":2,"value":"2"}`)
}

// Who lists keys and then watches from the list's lsn has, in the end, what the store has.
func TestAMirrorOfTheStore(t *testing.T) {
	in := housed(t, t.TempDir()).served(t)
	defer in.end(t)
	var writing sync.WaitGroup
	for i := range 4 {
		writing.Go(func() { in.scribble(t, i) })
	}
	mirror := map[string]string{}
	status, text := in.web(t, "/kv?limit=1000&values=true")
	var list struct {
		Keys   []string
		Values []any
		LSN    uint64
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil || status != 200 {
		t.Fatal(err, text)
	}
	for i, key := range list.Keys {
		mirror[key] = fmt.Sprint(list.Values[i])
	}
	w, _ := in.watch(t, fmt.Sprint("keys=%23&from_lsn=", list.LSN))
	writing.Wait()
	in.ask(t, "SET end 1")
	for mirror["end"] == "" {
		in.reflect(t, mirror, w.next())
	}
	if in.engine.Store.Count(0) != int64(len(mirror)) {
		t.Errorf("the store has %d keys, the mirror %d", in.engine.Store.Count(0), len(mirror))
	}
	for key, value := range mirror {
		want := fmt.Sprintf("$%d\r\n%s\r\n", len(value), value)
		if got := in.ask(t, "GET "+key); got != want {
			t.Errorf("%s is %q, in the mirror %q", key, got, value)
		}
	}
}

// scribble writes keys that others write, too.
func (in *Instance) scribble(t *testing.T, i int) {
	var commands []string
	for n := range 400 {
		key := fmt.Sprint("key:", (n*7+i)%60)
		switch n % 9 {
		case 3:
			commands = append(commands, "DEL "+key)
		case 5:
			commands = append(commands, "APPEND "+key+" x")
		case 7:
			commands = append(commands, "MULTI", "INCR n:1", "SET "+key+" m", "EXEC")
		default:
			commands = append(commands, fmt.Sprint("SET ", key, " ", i, ".", n))
		}
		if n%50 == 0 {
			in.ask(t, commands...)
			commands = nil
		}
	}
	in.ask(t, commands...)
}

// reflect does to the mirror what an event says.
func (in *Instance) reflect(t *testing.T, mirror map[string]string, frame string) {
	t.Helper()
	var m struct {
		Payload struct {
			Key, Event, Value string
			Truncated         bool
		}
	}
	if err := json.Unmarshal([]byte(frame), &m); err != nil {
		t.Fatal(err)
	}
	switch p := m.Payload; {
	case p.Event == "del":
		delete(mirror, p.Key)
	case p.Truncated: // to be read: later events may change it again
		_, text := in.web(t, "/kv/get/"+p.Key)
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err, text)
		}
		mirror[p.Key] = fmt.Sprint(value)
		if strings.Contains(text, `"error"`) {
			delete(mirror, p.Key)
		}
	default:
		mirror[p.Key] = p.Value
	}
}
