package httpwire

import (
	"strings"
	"testing"
)

// visit is a REST request and its answer.
type visit struct {
	method, path, body string
	status             int
	want               string
}

var visits = []visit{
	{"POST", "/kv/set", `{"key":"a/b","value":"x","ttl":60}`, 200,
		`{"success":true,"key":"a/b","written":true}`},
	{"POST", "/kv/set", `{"key":"a/b","value":{"n":1},"nx":true,"get":true}`, 200,
		`{"success":true,"key":"a/b","old_value":"x","written":false}`},
	{"POST", "/kv/set", `{"key":"t","value":"x","expiry":{"type":"unix_seconds",` +
		`"value":1700000009}}`, 200, `{"success":true,"key":"t","written":true}`},
	{"POST", "/kv/set", `{"key":"t","value":"x","expiry":{"type":"days","value":1}}`, 400,
		`{"error":"Invalid TTL: the type of expiry must be seconds, milliseconds, ` +
			`unix_seconds or unix_milliseconds","code":400}`},
	{"POST", "/kv/set", `{"value":1}`, 400,
		`{"error":"Invalid request: Missing 'key' field","code":400}`},
	{"POST", "/kv/set", `[]`, 400,
		`{"error":"Invalid request: the body must be an object, not an array","code":400}`},
	{"POST", "/kv/set", `null`, 400,
		`{"error":"Invalid request: the body must be an object, not null","code":400}`},
	{"GET", "/kv/get/a%2Fb", "", 200, `"x"`},
	{"GET", "/kv/get/t?type=string", "", 200, `"x"`},
	{"GET", "/kv/get/none", "", 200, `{"error":"Key not found"}`},
	{"GET", "/kv/none", "", 404, `{"error":"Key not found: none","code":404}`},
	{"DELETE", "/kv/del/t", "", 200, `{"deleted":true,"key":"t"}`},
	{"DELETE", "/kv/t", "", 200, `{"deleted":false,"key":"t"}`},
	{"POST", "/kv/s/append", `{"value":"Hello"}`, 200, `{"length":5}`},
	{"GET", "/kv/s/getrange?start=0&end=-2", "", 200, `"Hell"`},
	{"GET", "/kv/s/getrange?start=9&end=10", "", 200, `{"error":"Key not found or range empty"}`},
	{"GET", "/kv/s/getrange?start=0", "", 400,
		`{"error":"Invalid request: Missing 'end' field","code":400}`},
	{"GET", "/kv/s/getrange?start=x&end=1", "", 400,
		`{"error":"Invalid request: Field 'start' must be a whole number of 64 bits","code":400}`},
	{"POST", "/kv/s/setrange", `{"offset":1,"value":"E"}`, 200, `{"length":5}`},
	{"GET", "/kv/s/strlen", "", 200, `{"length":5}`},
	{"POST", "/kv/s/getset", `{"value":"new"}`, 200, `"HEllo"`},
	{"POST", "/kv/q/getset", `{"value":"new"}`, 200, `null`},
	{"POST", "/kv/msetnx", `{"pairs":[["m","1"],{"key":"o","value":"2"}]}`, 200,
		`{"success":true}`},
	{"POST", "/kv/msetnx", `{"pairs":[["m","1"]]}`, 200, `{"success":false}`},
	{"GET", "/kv?prefix=a%2F&values=true", "", 200,
		`{"keys":["a/b"],"values":["x"],"count":1,"cursor":null}`},
	{"DELETE", "/kv?prefix=m&dry_run=1", "", 200,
		`{"dry_run":true,"count":1,"more":false,"cursor":null}`},
	{"DELETE", "/kv?prefix=m", "", 200, `{"deleted":1,"more":false}`},
	{"DELETE", "/kv", "", 400, `{"error":"Invalid request: Missing 'prefix' field","code":400}`},
	{"GET", "/key/s/type", "", 200, `{"key":"s","type":"string"}`},
	{"GET", "/key/x/exists", "", 200, `{"key":"x","exists":false}`},
	{"POST", "/key/s/rename", `{"destination":"r"}`, 200,
		`{"success":true,"source":"s","destination":"r"}`},
	{"POST", "/key/s/rename", `{"destination":"r"}`, 404,
		`{"error":"Key not found: s","code":404}`},
	{"POST", "/key/r/renamenx", `{"destination":"q"}`, 400,
		`{"error":"Invalid request: Destination key already exists","code":400}`},
	{"POST", "/key/r/copy", `{"destination":"q"}`, 200,
		`{"success":false,"source":"r","destination":"q"}`},
	{"POST", "/key/r/copy", `{"destination":"q","replace":true}`, 200,
		`{"success":true,"source":"r","destination":"q"}`},
	{"GET", "/memory/none/usage", "", 200, `{"key":"none","bytes":0,"human":"0B"}`},
	{"GET", "/clients", "", 200, `{"clients":[],"count":0}`},
	{"GET", "/info?section=cluster", "", 200, `{"cluster":{"cluster_enabled":0}}`},
	{"POST", "/api/v1/batch", `{"commands":[{"command":"kv.set","payload":` +
		`{"key":"z","value":"x"}}],"atomic":true}`, 200,
		`{"results":[{"success":true,"payload":{"success":true},"error":null,"code":null}]}`},
	{"POST", "/api/v1/batch", `{"commands":[` + strings.Repeat(`7,`, 100) + `7]}`, 413,
		`{"error":"Invalid request: a batch holds at most 100 commands; send it in parts",` +
			`"code":413}`},
	{"GET", "/health", "", 200, `{"status":"healthy","service":"synap","version":"1.2.3"}`},
	{"GET", "/nothing", "", 404, `{"error":"No such route: /nothing","code":404}`},
	{"GET", "/kv/", "", 404, `{"error":"No such route: /kv/","code":404}`},
	{"PUT", "/key/a/type", `{}`, 405, `{"error":"Method not allowed: PUT","code":405}`},
}

func TestRoutesKeepTheContract(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		for _, v := range visits {
			a := b.object(t, v.method, v.path, v.body)
			if a.StatusCode != v.status || a.body != v.want {
				t.Errorf("%s %s %s\n got %d %s\nwant %d %s", v.method, v.path, v.body,
					a.StatusCode, a.body, v.status, v.want)
			}
			if a.StatusCode == 405 && a.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
				t.Errorf("Allow: %q", a.Header.Get("Allow"))
			}
			if a.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s %s: no CORS header", v.method, v.path)
			}
		}
	})
}

func TestABodyThatIsNoJSONIsCalledSo(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		const want = `{"error":"Invalid request: JSON at byte 0: a value was expected","code":400}`
		for _, body := range []string{"not JSON", "nul", "true!", "\"", "x"} {
			a := b.send(t, "POST", "/kv/set", body, "Content-Type: application/json")
			if a.StatusCode != 400 || !strings.Contains(a.body, "Invalid request: JSON at byte ") {
				t.Errorf("%s: %d %s", body, a.StatusCode, a.body)
			}
			if body == "not JSON" && a.body != want {
				t.Error(a.body)
			}
		}
	})
}

func TestRawValuesComeBackByteForByte(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		raw := "\x00\xff\"binary\"\r\n\r\n"
		a := b.send(t, "PUT", "/kv/a%2Fb?ttl=60", raw, "Content-Type: text/html")
		if a.StatusCode != 200 || !strings.Contains(a.body, `"written":true`) {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		a = b.send(t, "GET", "/kv/a%2Fb", "")
		if a.body != raw || a.Header.Get("Content-Type") != typeBytes ||
			a.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q %v", a.body, a.Header)
		}
		a = b.send(t, "GET", "/kv/get/a%2Fb", "")
		if want := `"<binary data: 14 bytes>"`; a.body != want {
			t.Errorf("got %s, want %s", a.body, want)
		}
		a = b.send(t, "GET", "/kv/get/a%2Fb?type=bytes", "")
		if want := "[0,255,34,98,105,110,97,114,121,34,13,10,13,10]"; a.body != want {
			t.Errorf("got %s, want %s", a.body, want)
		}
		if got := b.call(t, "kv.ttl", `{"key":"a/b"}`); got != `{"ttl":60}` {
			t.Error(got)
		}
		b.call(t, "kv.set", `{"key":"j","value":[1]}`)
		a = b.send(t, "GET", "/kv/j", "")
		if a.body != "[1]" || a.Header.Get("Content-Type") != typeJSON {
			t.Errorf("%q %v", a.body, a.Header)
		}
		if a = b.send(t, "PUT", "/kv/empty", ""); a.StatusCode != 200 {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		if got := b.call(t, "kv.strlen", `{"key":"empty"}`); got != `{"length":0}` {
			t.Error(got)
		}
	})
}
