package httpwire

import (
	"strings"
	"testing"
)

const jsonType = "Content-Type: application/json"

func TestEnvelopeFailuresHaveTheirStatus(t *testing.T) {
	cases := []struct {
		body, ctype string
		status      int
		says        string
	}{
		{`{"command":"kv.dbsize","request_id":"1","payload":{}}`, "", 415, "application/json"},
		{`{"command":"kv.dbsize","request_id":"1","payload":{}}`, "text/plain", 415, ""},
		{`{"command":"kv.dbsize","request_id":"1","payload":{}}`, "application/x+json", 200, ""},
		{`{"command":"kv.dbsize","request_id":"1","payload":{}}`,
			"application/JSON ; charset=utf-8", 200, ""},
		{``, "application/json", 400, "unexpected end"},
		{`{"command":`, "application/json", 400, "byte 11"},
		{`{"command":"kv.dbsize","request_id":"1","payload":{}} x`, "application/json", 400,
			"after the value"},
		{`{"command":"kv.set","request_id":"1","payload":{"key":"` + "\xff" + `"}}`,
			"application/json", 400, "invalid UTF-8"},
		{`{"command":"kv.set","request_id":"1","payload":{"key":"\ud800"}}`,
			"application/json", 400, "lone surrogate"},
		{`{"command":"kv.set","request_id":"1","payload":` + strings.Repeat("[", 200) + `}`,
			"application/json", 400, "nested too deeply"},
		{`[]`, "application/json", 422, "must be an object, not an array"},
		{`{"request_id":"1","payload":{}}`, "application/json", 422, "`command`"},
		{`{"command":"kv.dbsize","payload":{}}`, "application/json", 422, "`request_id`"},
		{`{"command":"kv.dbsize","request_id":"1"}`, "application/json", 422, "`payload`"},
		{`{"command":1,"request_id":"1","payload":{}}`, "application/json", 422,
			"`command` must be a string"},
		{`{"command":"kv.dbsize","request_id":7,"payload":{}}`, "application/json", 422,
			"`request_id` must be a string"},
	}
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		for _, c := range cases {
			headers := []string{"Accept: application/json"}
			if c.ctype != "" {
				headers = append(headers, "Content-Type: "+c.ctype)
			}
			a := b.send(t, "POST", "/api/v1/command", c.body, headers...)
			if a.StatusCode != c.status || !strings.Contains(a.body, c.says) {
				t.Errorf("%s (%s)\n got %d %s\nwant %d …%s…", c.body, c.ctype,
					a.StatusCode, a.body, c.status, c.says)
			}
			plain := strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain")
			if plain != (c.status != 200) {
				t.Errorf("%s: %d %s", c.body, c.status, a.Header.Get("Content-Type"))
			}
		}
	})
}

func TestEnvelopeEchoesTheRequestID(t *testing.T) {
	for _, id := range []string{`""`, `"a\u0041\n\"é\/"`, `"` + strings.Repeat("x", 500) + `"`} {
		b := newBench(t, Options{})
		a := b.send(t, "POST", "/api/v1/command",
			`{"request_id": `+id+` ,"payload":{},"command":"kv.dbsize"}`, jsonType)
		want := `{"success":true,"request_id":` + id + `,"payload":{"size":0},"error":null}`
		if a.body != want {
			t.Errorf("got %s, want %s", a.body, want)
		}
		a = b.send(t, "POST", "/api/v1/command",
			`{"request_id":`+id+`,"payload":{},"command":"oops"}`, jsonType)
		want = `{"success":false,"request_id":` + id + `,"payload":null,` +
			`"error":"Unknown command: oops","code":"unknown_command"}`
		if a.body != want {
			t.Errorf("got %s, want %s", a.body, want)
		}
	}
}

func TestOfDoubledMembersTheLastCounts(t *testing.T) {
	const length = `{"length":3}`
	cases := map[string]string{
		`{"command":"kv.get","command":"kv.strlen","request_id":"0","request_id":"1",` +
			`"payload":{"key":"x"},"payload":{"key":"a"}}`: length,
		`{"payload":{"key":"a"},"command":"kv.get","request_id":"1",` +
			`"command":"kv.strlen"}`: length,
		`{"command":"kv.get","payload":{"key":"a","key":null},"request_id":"1",` +
			`"command":"kv.exists"}`: "",
		`{"command":"kv.strlen","payload":{"key":"x","key":"a"},"request_id":"1"}`: length,
		`{"comm\u0061nd":"kv.strlen","p\u0061yload":{"\u006bey":"\u0061"},` +
			`"request_id":"1"}`: length,
		`{"command":"kv.scan","payload":{"prefix":"a","prefix":null,"limit":5,"x":[{}]},` +
			`"request_id":"1","version":{"z":[1,2]}}`: `{"keys":["a"],"count":1,"cursor":null}`,
	}
	for body, payload := range cases {
		b := newBench(t, Options{})
		b.call(t, "kv.set", `{"key":"a","value":"abc"}`)
		a := b.send(t, "POST", "/api/v1/command", body, jsonType)
		want := `{"success":true,"request_id":"1","payload":` + payload + `,"error":null}`
		if payload == "" {
			want = `{"success":false,"request_id":"1","payload":null,` +
				`"error":"Invalid request: Missing 'key' field","code":"missing_field"}`
		}
		if a.body != want {
			t.Errorf("%s\n got %s\nwant %s", body, a.body, want)
		}
	}
}

func TestStringsAreStoredAsTheyMean(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		b.call(t, "kv.set", `{"key":"a","value":"\u00e9\n\t\"\\\/\ud83d\ude00\u0000 é"}`)
		if got, want := b.call(t, "kv.get", `{"key":"a"}`),
			`"é\n\t\"\\/😀\u0000 é"`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		b.call(t, "kv.set", `{"key":"n","value":-12345678901234567890.5e-3}`)
		if got := b.call(t, "kv.get", `{"key":"n"}`); !b.pack &&
			got != `"-12345678901234567890.5e-3"` {
			t.Error(got)
		}
	})
}

func TestValuesOverTheLimitAreRefused(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		big := strings.Repeat("x", 1<<20+1)
		want := "!Invalid request: value is 1048577 bytes long; the limit is 1048576"
		if got := b.call(t, "kv.set", `{"key":"a","value":"`+big+`"}`); got != want {
			t.Errorf("got %.200s", got)
		}
		long := strings.Repeat("k", 65536)
		want = "!Invalid request: key is 65536 bytes long; the limit is 65535"
		if got := b.call(t, "kv.get", `{"key":"`+long+`"}`); got != want {
			t.Errorf("got %.200s", got)
		}
		a := b.send(t, "PUT", "/kv/a", big)
		if a.StatusCode != 413 {
			t.Errorf("PUT: %d %s", a.StatusCode, a.body)
		}
	})
}

func TestBodiesOverTheLimitAreRefused(t *testing.T) {
	onEveryLane(t, Options{MaxBody: 100}, func(t *testing.T, b *bench) {
		big := `{"command":"` + strings.Repeat("x", 100) + `"}`
		a := b.send(t, "POST", "/api/v1/command", big, jsonType)
		if a.StatusCode != 413 || a.Header.Get("Content-Type") != typeText {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		a = b.send(t, "PUT", "/kv/a", big)
		if a.StatusCode != 413 || a.body != `{"error":"Request body too large","code":413}` {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	})
}
