package httpwire

import (
	"bufio"
	"bytes"
	"io"
	nethttp "net/http"
	"testing"

	"github.com/synapdb/synap/internal/wire"
)

// FuzzFeed sends anything to a connection, in one piece and then cut in two: every answer must be
// a whole HTTP response, and the cut must change neither their number nor what is left over.
func FuzzFeed(f *testing.F) {
	for _, seed := range []string{
		plainRequest("/api/v1/command", hot["set"]) + plainRequest("/api/v1/command", hot["get"]),
		plainRequest("/api/v1/batch", `{"commands":[{"command":"kv.get","payload":{"key":""}}]}`) +
			request1("GET /kv/a%2Fb", "Accept-Encoding: gzip"),
		request1("PUT /kv/a?ttl=5", "Content-Length: 2") + "\x00\xff" + request1("GET /kv/a"),
		request1("GET /kv?prefix=%61&limit=2&values=1", "Accept: application/msgpack"),
		request1("DELETE /kv/a") + request1("GET /health", "Connection: close") + "x",
		request1("GET /kv/a/getrange?start=-3&end=x"), request1("GET /nowhere"),
		plainRequest("/kv/a/setrange", `{"offset":70,"value":"x"}`) + "garbage",
	} {
		f.Add([]byte(seed), 40)
	}
	b := newBench(f, Options{Compression: true, CompressionThreshold: 1})
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		var whole, pieces wire.Output
		n, need, v := b.conn.Feed(in, &whole)
		if n > len(in) || v == wire.HandOver && n == len(in) || need > 0 && need <= len(in)-n {
			t.Fatalf("consumed %d of %d, needs %d, verdict %d", n, len(in), need, v)
		}
		answers := countAnswers(t, &whole)
		cut = max(0, min(cut, len(in)))
		first, _, verdict := b.conn.Feed(in[:cut], &pieces)
		second := 0
		if verdict == wire.Open {
			second, _, verdict = b.conn.Feed(in[first:], &pieces)
		}
		if first+second != n || verdict != v && !early(v, in[n:]) {
			t.Fatalf("cut at %d: consumed %d, verdict %d; whole: %d, %d", cut, first+second,
				verdict, n, v)
		}
		if got := countAnswers(t, &pieces); got != answers {
			t.Fatalf("cut at %d: %d answers; whole: %d", cut, got, answers)
		}
		whole.Reset(0)
		pieces.Reset(0)
	})
}

// early says whether a piece may be handed over before the end of its head has arrived.
func early(v wire.Verdict, rest []byte) bool { return v == wire.HandOver || len(rest) > 0 }

func countAnswers(t *testing.T, out *wire.Output) (n int) {
	t.Helper()
	in := bufio.NewReader(bytes.NewReader(bytes.Join(out.Segments(nil), nil)))
	for ; ; n++ {
		if _, err := in.Peek(1); err == io.EOF {
			return n
		}
		resp, err := nethttp.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
}
