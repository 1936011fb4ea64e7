package assembly

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

// anyValues are what fields are drawn from, as JSON, by their types.
var (
	anyKeys = []string{`"k"`, `"k"`, `"n"`, `"json"`, `"large"`, `"soon"`, `"late"`, `"new"`, `""`,
		`"\u0000é"`, `"` + strings.Repeat("k", 65_535) + `"`,
		`"` + strings.Repeat("k", 65_536) + `"`}
	anyQueues = []string{`"q"`, `"q"`, `"q"`, `"k"`, `"full"`, `"new"`, `""`, `"\u0000é"`,
		`"` + strings.Repeat("q", 512) + `"`, `"` + strings.Repeat("q", 513) + `"`}
	anyRooms = []string{`"r"`, `"r"`, `"r"`, `"k"`, `"small"`, `"new"`, `""`, `"\u0000é"`,
		`"` + strings.Repeat("r", 512) + `"`, `"` + strings.Repeat("r", 513) + `"`}
	anyPayload = []string{`[]`, `[0,255]`, `[256]`, `"text"`, `{"a":[1,"é"]}`, `7`, `true`,
		`"` + strings.Repeat("p", 2000) + `"`}
	anyText = []string{`""`, `"k"`, `"bytes"`, `"string"`, `"all"`, `"keyspace"`, `"*"`, `"["`,
		`"aw"`, `"====="`, `"` + strings.Repeat("*?", 300) + `"`}
	anyJSON = []string{`""`, `"1"`, `1`, `-1.5e3`, `null`, `true`, `[]`, `{"a":[1,"é"]}`, `"é"`,
		`{"type":"seconds","value":1}`, `{"type":"unix_seconds","value":1}`,
		`{"type":"milliseconds","value":9223372036854775807}`, `{"type":"x"}`,
		`"` + strings.Repeat("v", 70_000) + `"`, `"` + strings.Repeat("v", 100_001) + `"`}
	anyNumber = []string{`-9223372036854775808`, `-1`, `0`, `1`, `2`, `99999`, `1e3`,
		`4294967296`, `9223372036854775807`, `9223372036854775808`, `1.5`, `"7"`}
)

// field draws a value of type f, or now and then something else.
func (r *rig) field(f *command.Field) string {
	if r.random.IntN(12) == 0 {
		return r.pick(anyJSON)
	}
	if f.Name == "wait_ms" { // nobody would wake who waits here
		return r.pick([]string{`0`, `-1`, `3600001`})
	}
	switch f.Type {
	case command.KeyField:
		return r.pick(anyKeys)
	case command.QueueField:
		return r.pick(anyQueues)
	case command.RoomField:
		return r.pick(anyRooms)
	case command.PayloadField, command.JSONField:
		return r.pick(anyPayload)
	case command.ObjectField:
		return r.pick([]string{`{}`, `{"a":1,"b":"é"}`, `{"a":{}}`})
	case command.GuardField:
		return `{"key":` + r.pick(anyKeys) + `,"version":` + r.pick(anyNumber) + `}`
	case command.StringField:
		return r.string()
	case command.StringListField:
		return r.list(r.string)
	case command.IntField, command.UintField:
		return r.pick(anyNumber)
	case command.BoolField:
		return r.pick([]string{"true", "false"})
	case command.KeyListField:
		return r.list(func() string { return r.pick(anyKeys) })
	case command.PairListField:
		return r.list(func() string {
			if r.random.IntN(2) == 0 {
				return `[` + r.pick(anyKeys) + `,` + r.pick(anyJSON) + `]`
			}
			return `{"key":` + r.pick(anyKeys) + `,"value":` + r.pick(anyJSON) + `}`
		})
	case command.CommandListField:
		return r.list(func() string { return r.item(r.anyRow()) })
	case command.ObjectListField:
		return r.list(func() string { return r.payload(f.Item) })
	default:
		return r.pick(anyJSON)
	}
}

// string draws a text, now and then the id or token of a message.
func (r *rig) string() string {
	if r.random.IntN(3) == 0 {
		return `"` + r.leased[r.random.IntN(len(r.leased))] + `"`
	}
	return r.pick(anyText)
}

func (r *rig) list(element func() string) string {
	var elements []string
	for range r.random.IntN(5) {
		elements = append(elements, element())
	}
	return "[" + strings.Join(elements, ",") + "]"
}

// payload draws the fields of a row, under their names or aliases; most are given.
func (r *rig) payload(row *command.Row) string {
	var members []string
	for i := range row.Fields {
		f := &row.Fields[i]
		if !f.Required && r.random.IntN(2) == 0 || r.random.IntN(20) == 0 {
			continue
		}
		name := r.pick(append([]string{f.Name}, f.Aliases...))
		members = append(members, fmt.Sprintf("%q:%s", name, r.field(f)))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (r *rig) item(row *command.Row) string {
	name := r.pick(append([]string{row.Name}, row.Aliases...))
	return fmt.Sprintf(`{"command":%q,"payload":%s}`, name, r.payload(row))
}

// callRows are the rows of the Synap dialect.
func (r *rig) callRows() []*command.Row {
	return slices.DeleteFunc(slices.Clone(r.Table.Rows()),
		func(row *command.Row) bool { return row.Call == nil })
}

func (r *rig) anyRow() *command.Row {
	rows := r.callRows()
	return rows[r.random.IntN(len(rows))]
}

// web sends one request, and fails unless exactly one well-formed answer comes back.
func (r *rig) web(method, path, body string) (status int, answer string) {
	r.Helper()
	request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n\r\n%s", method, path, len(body), body)
	var reply *http.Response
	var whole []byte
	r.guard(request, func() {
		text, verdict := feed(r.http, request)
		if verdict == wire.HandOver {
			text = r.slow(request)
		}
		in := bufio.NewReader(strings.NewReader(text))
		var err error
		if reply, err = http.ReadResponse(in, nil); err != nil {
			r.Errorf("%.300q got %.300q", request, text)
			return
		}
		defer func() { _ = reply.Body.Close() }()
		if whole, err = io.ReadAll(reply.Body); err != nil || in.Buffered() > 0 {
			r.Errorf("%.300q got %.300q", request, text)
		}
	})
	if r.Failed() {
		r.FailNow()
	}
	if reply.Header.Get("Content-Type") == "application/json" && !json.Valid(whole) {
		r.Fatalf("%.300q got %.300q", request, whole)
	}
	if reply.StatusCode == 500 {
		r.Fatalf("%.300q failed by the server's fault: %.300q", request, whole)
	}
	return reply.StatusCode, string(whole)
}

// slow is the net/http lane, to which the fast one leaves unusual requests.
func (r *rig) slow(request string) string {
	in, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request)))
	if err != nil {
		return err.Error()
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, in)
	var text strings.Builder
	_ = w.Result().Write(&text)
	return text.String()
}

// envelope is what every command answers.
type envelope struct {
	Success *bool           `json:"success"`
	Payload json.RawMessage `json:"payload"`
	Error   *string         `json:"error"`
	Code    *string         `json:"code"`
}

// sound says whether success and error go together.
func (e *envelope) sound() bool {
	return e.Success != nil && e.Payload != nil && *e.Success == (e.Error == nil) &&
		*e.Success == (e.Code == nil) && (e.Code == nil || *e.Code != "internal")
}

func (r *rig) call(item string) (e envelope) {
	r.Helper()
	status, answer := r.web("POST", "/api/v1/command",
		strings.Replace(item, `{`, `{"request_id":"é\u0041",`, 1))
	if err := json.Unmarshal([]byte(answer), &e); err != nil || status != 200 || !e.sound() ||
		!strings.Contains(answer, `"request_id":"é\u0041"`) {
		r.Fatalf("%.300q got %d %.300q", item, status, answer)
	}
	return e
}

func TestEveryCommandGetsOneAnswer(t *testing.T) {
	r := newRig(t)
	for range 20 {
		for _, row := range r.callRows() {
			r.round()
			r.fill()
			r.call(r.item(row))
			for i := range row.Routes {
				route := &row.Routes[i]
				r.web(route.Method, r.path(row, route.Path), r.payload(row))
			}
		}
		r.free("a round of commands")
	}
}

// path fills a route's braces, and adds fields as a query.
func (r *rig) path(row *command.Row, path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			segments[i] = url.PathEscape(r.word())
		}
	}
	query := url.Values{}
	for i := range row.Fields {
		if f := &row.Fields[i]; r.random.IntN(3) == 0 && !strings.Contains(path, "{"+f.Name) &&
			f.Name != "wait_ms" {
			query.Add(f.Name, r.word())
		}
	}
	return strings.Join(segments, "/") + "?" + query.Encode()
}

func TestEveryBatchIsWholeAndAtomicOnesAreAllOrNothing(t *testing.T) {
	r := newRig(t)
	for range 400 {
		r.fill()
		r.round()
		limit := int64(smallStore)
		if r.random.IntN(8) == 0 {
			limit = 1 // too little for anything
		}
		r.Store.SetMemoryLimit(limit, 0) // what is evicted does not come back
		var items []string
		for range 1 + r.random.IntN(4) {
			items = append(items, r.item(r.anyRow()))
		}
		atomic := r.random.IntN(3) > 0
		body := fmt.Sprintf(`{"command":"batch","payload":{"commands":[%s],"atomic":%v}}`,
			strings.Join(items, ","), atomic)
		before := r.dump()
		answer := r.call(body)
		changed := before != r.dump()
		if !*answer.Success {
			if atomic && changed {
				t.Fatalf("%.500s failed, and changed the store", body)
			}
			continue
		}
		failed := r.results(answer, len(items), body)
		if atomic && failed != 0 && (failed != len(items) || changed) {
			t.Fatalf("%.500s\n%.500s\nfailed in part; changed: %v", body, answer.Payload, changed)
		}
	}
	r.free("the batches")
}

// results checks the answers to the items of a batch and counts the failures.
func (r *rig) results(answer envelope, items int, body string) (failed int) {
	r.Helper()
	var payload struct{ Results []envelope }
	if json.Unmarshal(answer.Payload, &payload) != nil || len(payload.Results) != items {
		r.Fatalf("%.500s got %.500s", body, answer.Payload)
	}
	for i := range payload.Results {
		if !payload.Results[i].sound() {
			r.Fatalf("%.500s got %.500s", body, answer.Payload)
		}
		if !*payload.Results[i].Success {
			failed++
		}
	}
	return failed
}
