package server

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestAClosedWindowEndsItsStream has a peer of HTTP/2 that reads no more of one answer, but of
// others on the same connection.
func TestAClosedWindowEndsItsStream(t *testing.T) {
	ended := make(chan error, 1)
	f := start(t, Options{HTTP2: HTTP2{Enabled: true}, ConnectionTimeout: 300 * time.Millisecond},
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/short" {
				_, _ = fmt.Fprint(w, "short")
				return
			}
			part := []byte(strings.Repeat("x", 100_000))
			for {
				_, err := w.Write(part)
				if err == nil {
					err = http.NewResponseController(w).Flush()
				}
				if err != nil {
					ended <- err
					return
				}
			}
		}))
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	tr.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10}
	defer tr.CloseIdleConnections()
	web := &http.Client{Transport: tr, Timeout: patient}
	get := func(path string) *http.Response {
		t.Helper()
		reply, err := web.Get("http://" + f.address(0) + path)
		if err != nil || reply.ProtoMajor != 2 {
			t.Fatalf("%v, %+v", err, reply)
		}
		return reply
	}
	stalled := get("/endless")
	defer func() { _ = stalled.Body.Close() }()
	select {
	case <-ended:
	case <-time.After(patient):
		t.Fatal("the handler writes for ever")
	}
	short := get("/short")
	if b, err := io.ReadAll(short.Body); err != nil || string(b) != "short" {
		t.Errorf("another stream of the connection: %v, %q", err, b)
	}
	_ = short.Body.Close()
	if n := f.Stats().HandedOver; n != 1 {
		t.Errorf("%d connections: the first one was closed", n)
	}
	if n, err := io.Copy(io.Discard, stalled.Body); err == nil {
		t.Errorf("the stream ended well, after %d bytes", n)
	}
}

// deadlines records what a handler's writer does to a stream.
type deadlines struct {
	*httptest.ResponseRecorder
	calls []string
}

func (d *deadlines) SetWriteDeadline(at time.Time) error {
	call := "deadline"
	if at.IsZero() {
		call = "none"
	}
	d.calls = append(d.calls, call)
	return nil
}

func (d *deadlines) Write(b []byte) (int, error) {
	d.calls = append(d.calls, fmt.Sprint("write ", len(b)))
	return len(b), nil
}

func (d *deadlines) FlushError() error {
	d.calls = append(d.calls, "flush")
	return nil
}

// TestASilentStreamHasNoDeadline: the deadline of net/http ends a stream even while nothing waits
// to be written.
func TestASilentStreamHasNoDeadline(t *testing.T) {
	d := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	var w http.ResponseWriter = &patientWriter{d, http.NewResponseController(d), time.Minute}
	if n, err := w.Write(make([]byte, windowBytes+1)); n != windowBytes+1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if err := http.NewResponseController(w).Flush(); err != nil {
		t.Error(err)
	}
	want := fmt.Sprintf("[deadline write %d deadline write 1 deadline flush none]", windowBytes)
	if got := fmt.Sprint(d.calls); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
