package httpwire

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func TestTheAnswersLanguageIsNegotiated(t *testing.T) {
	const call = `{"command":"kv.dbsize","request_id":"1","payload":{}}`
	packed := string(packJSON(nil, []byte(call)))
	cases := []struct {
		name, body, ctype, accept string
		standard                  bool // MessagePack is the configured format
		want                      string
	}{
		{"nothing said", call, "application/json", "", false, typeJSON},
		{"anything goes", call, "application/json", "*/*", false, typeJSON},
		{"configured", call, "application/json", "", true, typePack},
		{"configured, anything goes", call, "application/json", "*/*", true, typePack},
		{"configured, JSON asked", call, "application/json", "application/json", true, typeJSON},
		{"asked", call, "application/json", "application/msgpack", false, typePack},
		{"asked by another name", call, "application/json", "application/x-msgpack", false,
			typePack},
		{"weighed", call, "application/json",
			"application/json;q=0.5, application/vnd.msgpack;q=0.9, text/html", false, typePack},
		{"refused", call, "application/json", "application/msgpack;q=0", false, typeJSON},
		{"sent", packed, "application/msgpack", "", false, typePack},
		{"sent, anything goes", packed, "application/x-msgpack", "*/*", false, typePack},
		{"sent, JSON asked", packed, "application/vnd.msgpack", "application/json", false,
			typeJSON},
	}
	for _, c := range cases {
		for _, fast := range []bool{true, false} {
			b := newBench(t, Options{MessagePack: c.standard})
			b.fast = fast
			headers := []string{"Content-Type: " + c.ctype}
			if c.accept != "" {
				headers = append(headers, "Accept: "+c.accept)
			}
			a := b.send(t, "POST", "/api/v1/command", c.body, headers...)
			want := `{"success":true,"request_id":"1","payload":{"size":0},"error":null}`
			if c.want == typePack {
				want = packShort
			}
			if a.Header.Get("Content-Type") != c.want || a.body != want {
				t.Errorf("%s: %s %q, want %s %q", c.name, a.Header.Get("Content-Type"), a.body,
					c.want, want)
			}
		}
	}
}

// packShort is the envelope of kv.dbsize in MessagePack's shortest form, written out by hand.
const packShort = "\x84\xa7success\xc3\xaarequest_id\xa11\xa7payload\x81\xa4size\x00" +
	"\xa5error\xc0"

func TestMessagePackKeepsBytesAndTypes(t *testing.T) {
	b := newBench(t, Options{})
	b.pack = true
	set := "\x83\xa7command\xa6kv.set\xaarequest_id\xa1i\xa7payload" +
		"\x82\xa3key\xa1k\xa5value\xc4\x03\xff\x00\x01"
	get := "\x83\xa7command\xa6kv.get\xaarequest_id\xa1i\xa7payload" +
		"\x82\xa3key\xa1k\xa4type\xa5bytes"
	const ctype = "Content-Type: application/msgpack"
	a := b.send(t, "POST", "/api/v1/command", set, ctype)
	if !strings.Contains(a.body, "success\xc3") {
		t.Fatalf("%q", a.body)
	}
	a = b.send(t, "POST", "/api/v1/command", get, ctype)
	if !strings.Contains(a.body, "\xc4\x03\xff\x00\x01") {
		t.Errorf("%q", a.body)
	}
	b.call(t, "kv.set", `{"key":"j","value":`+
		`{"a":[1,-1,2.5,null,true,"x"],"b":18446744073709551615}}`)
	want := `{"values":[{"a":[1,-1,2.5,null,true,"x"],"b":18446744073709551615}]}`
	if got := b.call(t, "kv.mget", `{"keys":["j"]}`); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMessagePackBombsAreRefused(t *testing.T) {
	head := "\x83\xa7command\xa6kv.set\xaarequest_id\xa1i\xa7payload"
	bombs := map[string]string{
		"array32":         head + "\xdd\xff\xff\xff\xff",
		"map32":           head + "\xdf\xff\xff\xff\xff",
		"bin32":           head + "\x82\xa3key\xa1k\xa5value\xc6\xff\xff\xff\xff",
		"str32":           head + "\x82\xa3key\xdb\xff\xff\xff\xff",
		"nesting":         head + "\x82\xa3key\xa1k\xa5value" + strings.Repeat("\x91", 100000),
		"nesting of maps": head + strings.Repeat("\x81\xa1a", 100000),
		"whole body":      "\xdd\xff\xff\xff\xff",
		"extension":       head + "\x82\xa3key\xa1k\xa5value\xd4\x01\x00",
		"key not a text":  head + "\x81\x01\x01",
		"cut off":         head[:20],
		"batch": "\x83\xa7command\xa5batch\xaarequest_id\xa1i\xa7payload\x81\xa8commands" +
			"\xdd\xff\xff\xff\xff",
	}
	for name, body := range bombs {
		b := newBench(t, Options{})
		a := b.send(t, "POST", "/api/v1/command", body, "Content-Type: application/msgpack")
		if a.StatusCode != 400 || !strings.Contains(a.body, "MessagePack at byte") {
			t.Errorf("%s: %d %q", name, a.StatusCode, a.body)
		}
		src := packSource{buf: []byte(body)}
		if n := testing.AllocsPerRun(10, func() { src.off = 0; _ = src.skip() }); n > 8 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestLargeAnswersAreCompressedWhenOffered(t *testing.T) {
	cases := []struct{ offer, want string }{
		{"", ""},
		{"gzip", "gzip"},
		{"deflate, gzip;q=0.8", "gzip"},
		{"gzip, zstd", "zstd"},
		{"gzip;q=1.0, zstd;q=0.5", "gzip"},
		{"gzip;q=0", ""},
		{"gzip;q=0, zstd;q=0.000", ""},
		{"*", "gzip"},
		{"*;q=0", ""},
		{"br", ""},
		{"identity", ""},
	}
	value := strings.Repeat("compress me ", 1000)
	onEveryLane(t, Options{Compression: true}, func(t *testing.T, b *bench) {
		b.send(t, "PUT", "/kv/small", "x")
		b.send(t, "PUT", "/kv/big", value)
		for _, c := range cases {
			a := b.send(t, "GET", "/kv/big", "", "Accept-Encoding: "+c.offer)
			got := a.Header.Get("Content-Encoding")
			if got != c.want || unpacked(t, got, a.body) != value {
				t.Errorf("%q: %q, %d bytes", c.offer, got, len(a.body))
			}
			if a.Header.Get("Vary") == "" {
				t.Errorf("%q: no Vary", c.offer)
			}
			a = b.send(t, "GET", "/kv/small", "", "Accept-Encoding: "+c.offer)
			if a.Header.Get("Content-Encoding") != "" || a.body != "x" {
				t.Errorf("%q: a small answer was compressed", c.offer)
			}
		}
	})
}

func unpacked(t *testing.T, coding, body string) string {
	t.Helper()
	var r io.Reader = strings.NewReader(body)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		var d *zstd.Decoder
		d, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err == nil {
			defer d.Close()
			r = d
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAnswersStayPlainWhenCompressionIsOff(t *testing.T) {
	b := newBench(t, Options{})
	b.send(t, "PUT", "/kv/big", strings.Repeat("x", 5000))
	a := b.send(t, "GET", "/kv/big", "", "Accept-Encoding: gzip, zstd")
	if a.Header.Get("Content-Encoding") != "" || len(a.body) != 5000 {
		t.Errorf("%v", a.Header)
	}
}

func TestCompressedBodiesAreRefused(t *testing.T) {
	onEveryLane(t, Options{}, func(t *testing.T, b *bench) {
		a := b.send(t, "PUT", "/kv/a", "x", "Content-Encoding: gzip")
		if a.StatusCode != 415 {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		if a = b.send(t, "PUT", "/kv/a", "x", "Content-Encoding: identity"); a.StatusCode != 200 {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	})
}
