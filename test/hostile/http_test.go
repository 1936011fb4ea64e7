package hostile

import (
	"strings"
	"testing"

	"github.com/synapdb/synap/test/harness"
)

// A request that two readers may delimit differently must be refused by both, and the bytes
// behind it must never be run as a request of their own.
func TestSmuggledRequestsNeverRun(t *testing.T) {
	s := harness.Start(t)
	const smuggled = "POST /api/v1/command HTTP/1.1\r\nHost: x\r\n" +
		"Content-Type: application/json\r\nContent-Length: 82\r\n\r\n" +
		`{"command":"kv.set","request_id":"1","payload":{"key":"smuggled","value":"here"}} `
	const post = "POST /api/v1/command HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	for name, head := range map[string]string{
		"CL and TE": post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" +
			"0\r\n\r\n",
		"two lengths":            post + "Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
		"length list":            post + "Content-Length: 0, 5\r\n\r\n",
		"signed length":          post + "Content-Length: +0\r\n\r\n",
		"space before colon":     post + "Content-Length : 0\r\n\r\n",
		"obsolete folding":       post + "X: a\r\n b\r\nContent-Length: x\r\n\r\n",
		"no host":                "GET /health HTTP/1.1\r\n\r\n",
		"two hosts":              "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"bad version":            "GET /health HTTP/9.9\r\nHost: a\r\n\r\n",
		"NUL in a header":        "GET /health HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
		"unknown coding":         post + "Transfer-Encoding: xchunked\r\n\r\n",
		"bare CR in a header":    "GET /health HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
		"method with a space":    "GE T /health HTTP/1.1\r\nHost: a\r\n\r\n",
		"control in the path":    "GET /hea\x01lth HTTP/1.1\r\nHost: a\r\n\r\n",
		"chunk with a bad size":  post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
		"chunk size with a sign": post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			got := talk(t, s.HTTP, head+smuggled)
			if !strings.HasPrefix(got, "HTTP/1.1 4") && !strings.HasPrefix(got, "HTTP/1.1 5") &&
				got != "" {
				t.Errorf("answered %.120q", got)
			}
			if key := talk(t, s.RESP, command("GET", "smuggled")); key != "$-1\r\n" {
				t.Fatalf("the smuggled request ran: %q", key)
			}
		})
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	s := harness.Start(t)
	const get = "GET /kv/get/absent HTTP/1.1\r\nHost: x\r\n\r\n"
	got := talk(t, s.HTTP, strings.Repeat(get, 50)+"BREW / HTTP/1.1\r\nHost: x\r\n\r\n"+get)
	if n := strings.Count(got, "HTTP/1.1 200 OK"); n != 51 {
		t.Errorf("%d of 51 requests were answered with 200", n)
	}
	if !strings.Contains(got, "HTTP/1.1 40") {
		t.Error("an unknown method was not refused")
	}
}

func TestUnknownRoutesAnswerJSON(t *testing.T) {
	s := harness.Start(t)
	got := talk(t, s.HTTP, "GET /no/such/route HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	for _, want := range []string{"HTTP/1.1 404", "application/json", `"error"`, `"code"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
}
