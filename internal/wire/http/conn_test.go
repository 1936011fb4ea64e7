package httpwire

import (
	"bytes"
	"errors"
	"fmt"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/wire"
)

// plainRequest is a request for the fast lane.
func plainRequest(path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n\r\n%s", path, len(body), body)
}

// request1 is a request line, a Host and further header lines.
func request1(line string, headers ...string) string {
	return strings.Join(append([]string{line + " HTTP/1.1", "Host: h"}, headers...), "\r\n") +
		"\r\n\r\n"
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	b := newBench(t, Options{})
	var in strings.Builder
	for i := range 50 {
		in.WriteString(plainRequest("/kv/n/append", fmt.Sprintf(`{"value":"%d"}`, i)))
		in.WriteString("GET /kv/n HTTP/1.1\r\nHost: h\r\n\r\n")
	}
	var out wire.Output
	n, _, v := b.conn.Feed([]byte(in.String()), &out)
	if n != in.Len() || v != wire.Open {
		t.Fatalf("consumed %d of %d, verdict %d", n, in.Len(), v)
	}
	answers, want := string(out.Buf), ""
	for i := range 50 {
		want += fmt.Sprint(i)
		_, rest, found := strings.Cut(answers, "\r\n\r\n"+want)
		if !found {
			t.Fatalf("answer %d is missing", i)
		}
		answers = rest
	}
}

func TestRequestsMayArriveByteByByte(t *testing.T) {
	b := newBench(t, Options{})
	whole := []byte(plainRequest("/kv/set", `{"key":"a","value":"x"}`))
	var out wire.Output
	for i := 1; i < len(whole); i++ {
		n, need, v := b.conn.Feed(whole[:i], &out)
		if n != 0 || v != wire.Open || len(out.Buf) > 0 {
			t.Fatalf("after %d bytes: consumed %d, verdict %d, %q", i, n, v, out.Buf)
		}
		if head := bytes.Index(whole[:i], []byte("\r\n\r\n")); head >= 0 && need != len(whole) {
			t.Fatalf("after %d bytes %d are needed, want %d", i, need, len(whole))
		}
	}
	if n, _, _ := b.conn.Feed(whole, &out); n != len(whole) {
		t.Fatalf("consumed %d", n)
	}
}

func TestCloseIsHonoured(t *testing.T) {
	b := newBench(t, Options{})
	var out wire.Output
	in := []byte(request1("GET /health", "Connection: Close") + "GET /health HTTP/1.1\r\n")
	n, _, v := b.conn.Feed(in, &out)
	if v != wire.Close || !bytes.HasPrefix(in[n:], []byte("GET")) ||
		!bytes.Contains(out.Buf, []byte("\r\nConnection: close\r\n")) {
		t.Errorf("consumed %d, verdict %d, %q", n, v, out.Buf)
	}
}

func TestWhatIsNotPlainIsHandedOver(t *testing.T) {
	post := func(lines ...string) string { return request1("POST /kv/set", lines...) }
	get := func(lines ...string) string { return request1("GET /health", lines...) }
	cases := map[string]string{
		"chunked":              post("Transfer-Encoding: chunked") + "0\r\n\r\n",
		"CL and TE":            post("Content-Length: 1", "Transfer-Encoding: chunked") + "0",
		"TE with odd case":     post("tRANSFER-eNCODING: identity"),
		"two lengths":          post("Content-Length: 1", "Content-Length: 1") + "0",
		"length list":          post("Content-Length: 1, 1") + "0",
		"signed length":        post("Content-Length: +1") + "0",
		"space before colon":   post("Content-Length : 1") + "0",
		"bare LF":              "GET /health HTTP/1.1\nHost: h\n\n",
		"bare LF inside":       get("X: a\nY: b"),
		"bare CR":              get("X: a\rb"),
		"NUL":                  get("X: a\x00b"),
		"folded line":          get("X: a\r\n b"),
		"no host":              "GET /health HTTP/1.1\r\n\r\n",
		"two hosts":            get("Host: h"),
		"odd host":             "GET /health HTTP/1.1\r\nHost: h/../x\r\n\r\n",
		"expect":               post("Expect: 100-continue", "Content-Length: 1"),
		"upgrade":              get("Upgrade: websocket", "Connection: Upgrade"),
		"HTTP/1.0":             "GET /health HTTP/1.0\r\nHost: h\r\n\r\n",
		"HTTP/2":               "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"absolute form":        request1("GET http://h/health"),
		"two slashes":          request1("GET //h/health"),
		"bad percent":          request1("GET /kv/%zz"),
		"fragment":             request1("GET /kv/a#b"),
		"two spaces":           request1("GET  /health"),
		"other method":         request1("PATCH /health"),
		"lower-case method":    request1("get /health"),
		"preflight":            request1("OPTIONS /kv/set"),
		"extra path":           request1("GET /metrics"),
		"big body":             post("Content-Length: 65537"),
		"endless head":         "GET /health HTTP/1.1\r\nX: " + strings.Repeat("a", 16<<10),
		"many headers":         get(strings.Split(strings.Repeat("X: y\n", 99)+"X: y", "\n")...),
		"garbage":              "\x16\x03\x01\x02\x00\x01",
		"leading empty line":   "\r\n" + get(),
		"empty header name":    get(": x"),
		"header without colon": get("nothing"),
	}
	extra := map[string]nethttp.Handler{"/metrics": nethttp.NotFoundHandler()}
	for name, in := range cases {
		b := newBench(t, Options{Extra: extra})
		var out wire.Output
		first := plainRequest("/kv/set", `{"key":"a","value":"x"}`)
		n, _, v := b.conn.Feed([]byte(first+in), &out)
		if v != wire.HandOver || n != len(first) {
			t.Errorf("%s: consumed %d of %d, verdict %d", name, n, len(first), v)
		}
		if bytes.Count(out.Buf, []byte("HTTP/1.1 ")) != 1 {
			t.Errorf("%s: %q", name, out.Buf)
		}
	}
}

// A mistake must not cost a connection its fast lane: nothing brings one back from net/http.
func TestMistakesStayOnTheFastLane(t *testing.T) {
	b := newBench(t, Options{})
	whole := strings.Repeat("x", 64<<10)
	var in, want strings.Builder
	for _, step := range [][2]string{
		{request1("GET /console"), "404 Not Found"},
		{plainRequest("/no/such/route", "{}"), "404 Not Found"},
		{request1("DELETE /kv/set/x/y"), "404 Not Found"},
		{request1("PUT /health", "Content-Length: 2") + "{}", "405 Method Not Allowed"},
		{request1("PUT /kv/big", fmt.Sprintf("Content-Length: %d", len(whole))) + whole, "200 OK"},
		{request1("GET /health"), "200 OK"},
	} {
		in.WriteString(step[0])
		want.WriteString("HTTP/1.1 " + step[1] + "\n")
	}
	var out wire.Output
	if n, _, v := b.conn.Feed([]byte(in.String()), &out); n != in.Len() || v != wire.Open {
		t.Fatalf("consumed %d of %d, verdict %d", n, in.Len(), v)
	}
	var got strings.Builder
	for _, answer := range strings.Split(string(out.Buf), "HTTP/1.1 ")[1:] {
		status, _, _ := strings.Cut(answer, "\r\n")
		got.WriteString("HTTP/1.1 " + status + "\n")
	}
	if got.String() != want.String() {
		t.Errorf("got\n%swant\n%s", got.String(), want.String())
	}
}

func TestAFullOutputStopsBetweenRequests(t *testing.T) {
	b := newBench(t, Options{})
	b.send(t, "PUT", "/kv/big", strings.Repeat("x", 30000))
	in := []byte(strings.Repeat("GET /kv/big HTTP/1.1\r\nHost: h\r\n\r\n", 1000))
	var out wire.Output
	n, _, v := b.conn.Feed(in, &out)
	if v != wire.Open || n == 0 || n == len(in) || len(out.Buf) > wire.FullBytes+40000 {
		t.Errorf("consumed %d of %d, %d bytes of answers", n, len(in), len(out.Buf))
	}
}

func TestServices(t *testing.T) {
	down := errors.New("recovering")
	var ready error
	onEveryLane(t, Options{Ready: func() error { return ready }}, func(t *testing.T, b *bench) {
		ready = nil
		for _, path := range []string{"/livez", "/healthz", "/readyz"} {
			if a := b.send(t, "GET", path, ""); a.StatusCode != 200 || a.body != "ok\n" {
				t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
			}
		}
		ready = down
		if a := b.send(t, "GET", "/readyz", ""); a.StatusCode != 503 ||
			a.body != "not ready: recovering\n" {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		if a := b.send(t, "GET", "/livez", ""); a.StatusCode != 200 {
			t.Errorf("%d", a.StatusCode)
		}
		a := b.send(t, "OPTIONS", "/api/v1/command", "", "Origin: http://x",
			"Access-Control-Request-Method: POST",
			"Access-Control-Request-Headers: authorization, x-odd")
		if a.StatusCode != 204 || a.Header.Get("Access-Control-Allow-Origin") != "*" ||
			a.Header.Get("Access-Control-Allow-Methods") != "POST, OPTIONS" ||
			a.Header.Get("Access-Control-Allow-Headers") != "authorization, x-odd" {
			t.Errorf("%d %v", a.StatusCode, a.Header)
		}
		a = b.send(t, "HEAD", "/health", "")
		if a.StatusCode != 200 {
			t.Errorf("HEAD: %d", a.StatusCode)
		}
	})
}

func TestExtraPathsAreServedByTheirHandlers(t *testing.T) {
	hook := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, _ *nethttp.Request) {
		w.WriteHeader(202)
	})
	b := newBench(t, Options{Extra: map[string]nethttp.Handler{"/metrics": hook}})
	if a := b.send(t, "GET", "/metrics", ""); a.StatusCode != 202 {
		t.Errorf("%d", a.StatusCode)
	}
}

func TestTheDateFollowsTheClock(t *testing.T) {
	b := newBench(t, Options{})
	for _, want := range []string{
		"Tue, 14 Nov 2023 22:13:20 GMT", "Tue, 14 Nov 2023 22:13:21 GMT",
	} {
		if a := b.send(t, "GET", "/health", ""); a.Header.Get("Date") != want {
			t.Errorf("got %s, want %s", a.Header.Get("Date"), want)
		}
		b.clock.Advance(1000)
	}
}
