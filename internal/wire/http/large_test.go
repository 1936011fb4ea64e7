package httpwire

import (
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

// Values of this size are kept by reference: no reader copies them under a lock.
var bigText = strings.Repeat("0123456789\"\\é", 20000)

func TestLargeValuesComeBackWhole(t *testing.T) {
	quoted := string(appendQuoted(nil, []byte(bigText)))
	bigJSON := `[` + quoted + `,1]`
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		b.send(t, "PUT", "/kv/t", bigText)
		b.call(t, "kv.set", `{"key":"j","value":`+bigJSON+`}`)
		b.call(t, "kv.set", `{"key":"s","value":"x"}`)
		if got := b.call(t, "kv.get", `{"key":"t"}`); got != quoted {
			t.Errorf("kv.get: %d bytes, want %d", len(got), len(quoted))
		}
		want := `{"values":["x",` + quoted + `,null,` + bigJSON + `,` + bigJSON + `,"x"]}`
		if got := b.call(t, "kv.mget", `{"keys":["s","t","no","j","j","s"]}`); got != want {
			t.Errorf("kv.mget: %d bytes, want %d", len(got), len(want))
		}
		if a := b.send(t, "GET", "/kv/t", ""); a.body != bigText {
			t.Errorf("GET: %d bytes, want %d", len(a.body), len(bigText))
		}
		if a := b.send(t, "GET", "/kv/j", ""); a.body != bigJSON ||
			a.Header.Get("Content-Type") != typeJSON {
			t.Errorf("GET: %d bytes, want %d", len(a.body), len(bigJSON))
		}
		want = string(appendNumbers(nil, []byte(bigText)))
		if a := b.send(t, "GET", "/kv/get/t?type=bytes", ""); a.body != want {
			t.Errorf("bytes: %d bytes, want %d", len(a.body), len(want))
		}
		want = `{"success":true,"key":"t","old_value":` + quoted + `,"written":true}`
		a := b.object(t, "POST", "/kv/set", `{"key":"t","value":"n","get":true}`)
		if a.body != want {
			t.Errorf("old value: %.300s", a.body)
		}
	})
}

func TestAnswersAreBounded(t *testing.T) {
	onEveryLane(t, Options{MaxReply: 1 << 20}, func(t *testing.T, b *bench) {
		b.send(t, "PUT", "/kv/small", strings.Repeat("x", 10000))
		b.send(t, "PUT", "/kv/big", bigText)
		for _, key := range []string{"small", "big"} {
			keys := strings.Repeat(`"`+key+`",`, 1000) + `"` + key + `"`
			want := "!Invalid request: the answer would be too large; ask for less at once"
			if got := b.call(t, "kv.mget", `{"keys":[`+keys+`]}`); got != want {
				t.Errorf("%s: got %d bytes: %.200s", key, len(got), got)
			}
			gets := strings.Repeat(`{"command":"kv.get","payload":{"key":"big"}},`, 9)
			a := b.object(t, "POST", "/api/v1/batch",
				`{"commands":[`+strings.TrimSuffix(gets, ",")+`]}`)
			if a.StatusCode != 413 {
				t.Errorf("batch: %d, %d bytes", a.StatusCode, len(a.body))
			}
			if got := b.call(t, "kv.strlen", `{"key":"small"}`); got != `{"length":10000}` {
				t.Errorf("afterwards: %s", got)
			}
		}
	})
}

func TestAFailedCommandReleasesWhatItRetained(t *testing.T) {
	b := newBench(t, Options{})
	b.send(t, "PUT", "/kv/big", bigText)
	var out wire.Output
	in := plainRequest("/kv/set", `{"key":"big","value":"x","get":true,"nx":true}`)
	b.conn.Feed([]byte(in), &out)
	out.Reset(0)
	if len(out.Splices) > 0 || out.Buf != nil {
		t.Error("the output still holds something")
	}
}

func TestAFullStoreRefusesWrites(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		value := strings.Repeat("x", 1<<20)
		status := 200
		for i := 0; status == 200 && i < 100; i++ {
			a := b.send(t, "PUT", "/kv/k"+strings.Repeat("k", i), value)
			if status = a.StatusCode; status != 200 &&
				a.body != `{"error":"Memory limit exceeded","code":507}` {
				t.Errorf("%d %s", a.StatusCode, a.body)
			}
		}
		if status != 507 {
			t.Errorf("the last status was %d", status)
		}
		if got := b.call(t, "kv.set", `{"key":"s","value":"`+value+`"}`); got !=
			"!Memory limit exceeded" {
			t.Errorf("%.200s", got)
		}
		if got := b.call(t, "kv.strlen", `{"key":"k"}`); got != `{"length":1048576}` {
			t.Error(got)
		}
	})
}

func TestABigBodyIsLetGo(t *testing.T) {
	b := newBench(t, Options{})
	x := b.acquire(&command.Session{})
	x.bodyBuf = []byte(`{"command":"kv.get","request_id":"1","payload":{"key":"a","pad":"` +
		strings.Repeat("x", keepBytes) + `"}}`)
	x.req = request{body: x.bodyBuf, contentType: []byte(typeJSON)}
	b.serve(x, b.command)
	if x.status != 200 {
		t.Fatalf("status %d", x.status)
	}
	b.release(x)
	if x.bodyBuf != nil || x.jsonBody.buf != nil || x.args.Vals != nil {
		t.Error("an idle exchange keeps the body")
	}
}

// An answer just below, at and above the bound is whole, or an error that is.
func TestAnswersAtTheBoundAreWhole(t *testing.T) {
	onEveryLane(t, Options{MaxReply: 2000}, func(t *testing.T, b *bench) {
		refused := false
		for n := 800; n < 1050; n++ {
			key := strings.Repeat("k", n)
			b.call(t, "kv.set", `{"key":"`+key+`","value":1}`)
			got := b.call(t, "key.rename", `{"source":"`+key+`","destination":"`+key+`"}`)
			want := `{"success":true,"source":"` + key + `","destination":"` + key + `"}`
			if refused = refused || got != want; refused &&
				got != `!Invalid request: the answer would be too large; ask for less at once` {
				t.Fatalf("with keys of %d bytes it is %s", n, got)
			}
		}
		if !refused {
			t.Error("there is no bound")
		}
	})
}
