package httpwire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	nethttp "net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/effect"
)

// FuzzRequest holds the fast lane against net/http: what the lane takes, net/http takes with the
// same meaning and length; so what net/http refuses, the lane never takes.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		plainRequest("/api/v1/command", hot["set"]),
		request1("GET /kv/a%2Fb?type=bytes", "Accept: */*", "Accept-Encoding: gzip, zstd;q=0"),
		request1("DELETE /kv/x", "Connection: close", "X-Odd!#$%&'*+-.^_`|~: \t v \t"),
		request1("PUT /kv/x", "Content-Length: 3", "Content-Encoding: identity") + "abc",
		request1("POST /kv/x", "Content-Length: 1", "Transfer-Encoding: chunked") + "0",
		request1("GET /kv/x", "Content-Length : 1"), request1("GET /a", "X: \xff"),
		request1("GET /kv/x", "Content-Length: 01") + "1", request1("GET /?%zz"),
		"GET /kv/x HTTP/1.1\nHost: h\n\n", request1("GET /kv/x", " folded"),
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", request1("GET http://h/a"),
		request1("GET /a", "X: \x7f"),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var got request
		n, need, l := got.parse(in)
		if l != laneFast {
			if n != 0 || l == laneMore && need != 0 && need <= len(in) {
				t.Fatalf("lane %d consumed %d, needs %d of %d", l, n, need, len(in))
			}
			return
		}
		compareRequest(t, in, &got, n)
	})
}

func compareRequest(t *testing.T, in []byte, got *request, n int) {
	reader := bufio.NewReader(bytes.NewReader(in))
	want, err := nethttp.ReadRequest(reader)
	if err != nil {
		t.Fatalf("net/http refuses it: %v", err)
	}
	body, err := io.ReadAll(want.Body)
	if err != nil {
		t.Fatalf("net/http refuses the body: %v", err)
	}
	rest, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	target := string(got.path)
	if got.query != nil {
		target += "?" + string(got.query)
	}
	decoded, ok := percentDecode(nil, got.path, false)
	if !ok || string(decoded) != want.URL.Path || target != want.RequestURI &&
		target+"?" != want.RequestURI || string(got.query) != want.URL.RawQuery {
		t.Errorf("target %q, want %q", target, want.RequestURI)
	}
	for _, pair := range [][2]string{
		{got.method, want.Method},
		{string(got.body), string(body)},
		{string(got.contentType), want.Header.Get("Content-Type")},
		{string(got.contentEncoding), want.Header.Get("Content-Encoding")},
		{string(got.accept), want.Header.Get("Accept")},
		{string(got.acceptEncoding), want.Header.Get("Accept-Encoding")},
	} {
		if pair[0] != pair[1] {
			t.Errorf("got %q, net/http reads %q", pair[0], pair[1])
		}
	}
	if got.close != want.Close || n != len(in)-len(rest) || len(want.TransferEncoding) > 0 {
		t.Errorf("close %v, length %d; net/http: %v, %d", got.close, n, want.Close,
			len(in)-len(rest))
	}
}

// decodeEnvelope is what FuzzEnvelope and FuzzMsgpack drive.
func decodeEnvelope(b *bench, body []byte, e encoding) (x *exchange, c call, err error) {
	x = b.pool.Get().(*exchange)
	x.begin()
	x.req.body = body
	src := x.source(e)
	k, err := src.kind()
	if err == nil && k == kindObject {
		c, err = x.dec.call(src, &x.args)
	} else if err == nil {
		err = src.skip()
	}
	if err == nil {
		err = src.end()
	}
	return x, c, err
}

// FuzzEnvelope holds the scanner against encoding/json: what the scanner takes, encoding/json
// takes with the same meaning; what it refuses, encoding/json refuses too, except for invalid
// UTF-8, lone surrogates and deep nesting, where that package is laxer on purpose.
func FuzzEnvelope(f *testing.F) {
	for _, seed := range []string{
		hot["set"], hot["get"],
		`{"command":"kv.set","request_id":"1","payload":{"key":"\u00e9\ud83d\ude00","value":` +
			`{"a" : [1, -0.5e+3, true, false, null, "\n"]}, "ttl": 1e3}}`,
		`{"command":"kv.mset","request_id":"1","payload":{"pairs":[{"key":"a","value":1},` +
			`["b","2"]]}}`,
		`{"payload":{"keys":["a","b"]},"command":"kv.mget","request_id":"x"}`,
		`{"command":"batch","request_id":"1","payload":{"atomic":true,"commands":[{"command":` +
			`"kv.get","payload":{"key":"a"}},{"command":"batch","payload":{"commands":[]}}]}}`,
		`{"command":"queue.publish","request_id":"1","payload":{"queue":"q","payload":[0,255],` +
			`"headers":{"a":1},"if_version":{"key":"k","version":0}}}`,
		`{"command":"queue.publish_batch","request_id":"1","payload":{"queue":"q","messages":[` +
			`{"payload":[1,256]},{"payload":[ 1 , 2 ],"priority":9},7]}}`,
		`[1,2,{"a":{}}]`, `"\ud800"`, `{"a":01}`, `{"a":1,}`, `[1 2]`, "\"\xff\"", `-`, `1.`, `1e`,
		` { } `, `{"command":1}`, `nul`, `"\x"`, `{"a"}`, strings.Repeat("[", 200),
	} {
		f.Add([]byte(seed))
	}
	b := newBench(f, Options{})
	f.Fuzz(func(t *testing.T, body []byte) {
		x, c, err := decodeEnvelope(b, body, encodingJSON)
		defer b.release(x)
		var bad *syntaxError
		if err != nil {
			laxer := strings.Contains(err.Error(), "UTF-8") ||
				strings.Contains(err.Error(), "surrogate") || strings.Contains(err.Error(), "deep")
			if !errors.As(err, &bad) || json.Valid(body) && !laxer {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatal("encoding/json refuses it")
		}
		compareEnvelope(t, body, x, &c)
	})
}

// comparePayload holds the payload of a queue.publish against encoding/json.
func comparePayload(t *testing.T, payload map[string]json.RawMessage, v *command.Value) {
	var numbers []json.Number
	var text string
	var compact bytes.Buffer
	switch {
	case !v.Set:
		return
	case v.Form == effect.BytesForm:
		if err := json.Unmarshal(payload["payload"], &numbers); err != nil ||
			len(numbers) != len(v.B) {
			t.Fatalf("%s became %d bytes: %v", payload["payload"], len(v.B), err)
		}
		for i, n := range numbers {
			if n.String() != strconv.Itoa(int(v.B[i])) {
				t.Errorf("byte %d of %s is %d", i, payload["payload"], v.B[i])
			}
		}
	case v.Form == effect.TextForm:
		if json.Unmarshal(payload["payload"], &text) != nil || text != string(v.B) {
			t.Errorf("%s became %q", payload["payload"], v.B)
		}
	default:
		if json.Compact(&compact, payload["payload"]) != nil || compact.String() != string(v.B) {
			t.Errorf("%s became %s", payload["payload"], v.B)
		}
	}
}

func compareEnvelope(t *testing.T, body []byte, x *exchange, c *call) {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil || c.incomplete(kindObject) != "" {
		return
	}
	text := func(raw json.RawMessage) (s string) {
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if text(members["command"]) != string(c.name) || text(members["request_id"]) != string(c.id) {
		t.Errorf("command %q, request_id %q", c.name, c.id)
	}
	if c.row == nil || x.dec.fault != nil {
		return
	}
	var payload map[string]json.RawMessage
	if json.Unmarshal(members["payload"], &payload) != nil {
		return
	}
	if c.row.Name == "queue.publish" {
		comparePayload(t, payload, &x.args.Vals[c.row.Index([]byte("payload"))])
	}
	if c.row.Name != "kv.set" {
		return
	}
	if x.args.Has(0) && text(payload["key"]) != string(x.args.Bytes(0)) {
		t.Errorf("key %q", x.args.Bytes(0))
	}
	if !x.args.Has(1) {
		return
	}
	if !x.args.Vals[1].JSON {
		if text(payload["value"]) != string(x.args.Bytes(1)) {
			t.Errorf("value %q", x.args.Bytes(1))
		}
		return
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, payload["value"]); err != nil ||
		compact.String() != string(x.args.Bytes(1)) {
		t.Errorf("value %s, want %s", x.args.Bytes(1), compact.String())
	}
}

// FuzzMsgpack checks that no body makes the reader fail otherwise than by an error, and that
// what it takes survives the way to JSON and back.
func FuzzMsgpack(f *testing.F) {
	for _, seed := range []string{
		string(packJSON(nil, []byte(hot["set"]))),
		string(packJSON(nil, []byte(`{"command":"batch","request_id":"1","payload":{"commands":`+
			`[{"command":"kv.get","payload":{"key":"a"}}]}}`))),
		"\x83\xa7command\xa6kv.set\xaarequest_id\xa1i\xa7payload\x82\xa3key\xa1k" +
			"\xa5value\xca\x7f\x80\x00\x00",
		"\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff", "\xc1",
		"\xd4\x01\x02",
		strings.Repeat("\x91", 300), "\x81\x01\x02", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "\xd9",
	} {
		f.Add([]byte(seed))
	}
	b := newBench(f, Options{})
	f.Fuzz(func(t *testing.T, body []byte) {
		x, _, err := decodeEnvelope(b, body, encodingPack)
		b.release(x)
		var bad *syntaxError
		if err != nil && !errors.As(err, &bad) {
			t.Fatalf("%T: %v", err, err)
		}
		src := packSource{buf: body}
		text, err := src.text(nil)
		if err != nil {
			return
		}
		if !json.Valid(text) || !utf8.Valid(text) {
			t.Fatalf("not JSON: %q", text)
		}
		roundTrip(t, text)
	})
}

// roundTrip checks JSON → MessagePack → JSON by meaning.
func roundTrip(t *testing.T, text []byte) {
	again := packSource{buf: packJSON(nil, text)}
	back, err := again.text(nil)
	if err != nil || again.end() != nil {
		t.Fatalf("%v in the way back of %s", err, text)
	}
	var was, is any
	if json.Unmarshal(text, &was) != nil || json.Unmarshal(back, &is) != nil {
		return // numbers beyond the range of doubles
	}
	if !reflect.DeepEqual(was, is) {
		t.Errorf("%s became %s", text, back)
	}
}

func TestWholeNumbersAreReadExactly(t *testing.T) {
	cases := map[string]struct {
		want int64
		ok   bool
	}{
		"0": {0, true}, "-0": {0, true}, "9223372036854775807": {math.MaxInt64, true},
		"-9223372036854775808": {math.MinInt64, true}, "9223372036854775808": {0, false},
		"-9223372036854775809": {0, false}, "99999999999999999999": {0, false}, "1e3": {1000, true},
		"12.0": {12, true}, "12.5": {0, false}, "": {0, false}, "-": {0, false}, "x": {0, false},
		"1e30": {0, false}, "NaN": {0, false}, "Inf": {0, false},
	}
	for text, c := range cases {
		if got, ok := wholeNumber([]byte(text)); ok != c.ok || ok && got != c.want {
			t.Errorf("%q: %d, %v", text, got, ok)
		}
	}
}
