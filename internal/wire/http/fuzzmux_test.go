package httpwire

import (
	"encoding/json"
	"strings"
	"testing"

	frames "github.com/gobwas/ws"
	"github.com/tinylib/msgp/msgp"

	"github.com/synapdb/synap/internal/wire"
)

// FuzzMux sends any message between two requests that wait and a last one: nothing panics, every
// message gets exactly one answer, the request_id that another parser finds in it comes back, and
// closing gives everything back.
func FuzzMux(f *testing.F) {
	for _, seed := range []string{
		req(7, "kv.get", `{"key":"a"}`), `{"request_id":{"a":[1,"é"]},"command":"kv.dbsize"}`,
		req(7, "subscribe", `{"to":"room","room":"r","subscription":"x","last":1}`),
		req(7, "subscribe", `{"to":"topics","topics":["a","b.*"]}`), `{"request_id":7}`,
		req(7, "subscribe", `{"to":"queue","queue":"q","consumer_id":"c","prefetch":0}`),
		req(7, "unsubscribe", `{"subscription":"s1"}`), `[]`, `{"request_id":1,"request_id":2}`,
		req(7, "batch", `{"commands":[{"command":"subscribe","payload":{"to":"room"}}]}`),
		req(7, "queue.consume", `{"queue":"q","consumer_id":"c","wait_ms":10,"count":2}`),
		req(7, "stream.consume", `{"room":"r","subscriber_id":"s","from_offset":9,"wait_ms":1}`),
		`{"command":"kv.set","payload":{"key":"a","value":{"n":[1.5,null]}},"durability":"disk"}`,
	} {
		f.Add([]byte(seed), false)
		f.Add(packJSON(nil, []byte(seed)), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, pack bool) {
		p := newBench(t, Options{}).talk(t, pack)
		p.halls()
		p.b.publish(t, 0, 1)
		p.b.call(t, "queue.publish", `{"queue":"q","payload":[1]}`)
		op := frames.OpText
		if pack {
			op = frames.OpBinary
		}
		text := p.feed(masked(op, true, string(in)) + p.raw(req(-1, "kv.dbsize", `{}`)))
		waits := len(p.conn.feed.mux.waits)
		p.b.clock.Advance(4_000_000) // whoever waits has waited long enough
		p.b.engine.Queues.Maintain(p.b.clock.Now(), 1000)
		p.b.engine.Waits.Maintain(p.b.clock.Now(), 1000)
		text += p.roused()
		if p.v == wire.Close {
			if all := unframe(t, text); op == frames.OpText && !strings.HasPrefix(
				all[len(all)-1], "close 1007") {
				t.Fatalf("closed with %q", all)
			}
		} else {
			p.check(in, text, waits)
		}
		p.conn.Closed()
		_, sum := p.b.engine.Queues.Totals()
		topics, _, _ := p.b.engine.Subscribed()
		if sum.Waiters != 0 || topics != 0 || p.b.engine.Waits.Count() != 0 {
			t.Fatalf("%d in line, %d topics", sum.Waiters, topics)
		}
	})
}

// check reads the answers to in and to the request behind it. That of in may come last, if it
// waited.
func (p *talker) check(in []byte, text string, waits int) {
	t := p.t
	var ids []string
	for _, m := range unframe(t, text) {
		raw := []byte(m)
		if p.pack {
			raw = decodePack(t, raw)
		}
		var a map[string]json.RawMessage
		if err := json.Unmarshal(raw, &a); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		if a["subscription"] != nil { // a push, or an end
			continue
		}
		if len(a["success"]) == 0 || len(a["request_id"]) == 0 || len(a["payload"]) == 0 {
			t.Fatalf("not an answer: %s", raw)
		}
		ids = append(ids, string(a["request_id"]))
	}
	if len(ids) != 2 {
		t.Fatalf("%d answers to two messages, %d waited: %q", len(ids), waits, ids)
	}
	if waits > 0 {
		ids[0], ids[1] = ids[1], ids[0]
	}
	if ids[1] != "-1" {
		t.Fatalf("the request behind it was answered as %q", ids)
	}
	var q struct {
		ID json.RawMessage `json:"request_id"`
	}
	// Other parsers fold case, and replace what is not UTF-8.
	if p.pack || strings.Count(strings.ToLower(string(in)), "request_id") != 1 ||
		json.Unmarshal(in, &q) != nil || len(q.ID) == 0 {
		return
	}
	if strings.Contains(string(in), `"request_id"`) && ids[0] != string(q.ID) {
		t.Fatalf("answered %q, asked as %q", ids[0], q.ID)
	}
}

func decodePack(t testing.TB, b []byte) []byte {
	var raw strings.Builder
	if rest, err := msgp.UnmarshalAsJSON(&raw, b); err != nil || len(rest) > 0 {
		t.Fatalf("%v: %q", err, b)
	}
	return []byte(raw.String())
}
