package httpwire

import (
	"math"
	"testing"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire"
)

// The bodies that wrk and the SDKs send.
var hot = map[string]string{
	"set": `{"command":"kv.set","request_id":"3f0c7a52-8d9c-4a6e-9c0a-1b2c3d4e5f60",` +
		`"payload":{"key":"user:000000012345","value":"0123456789012345678901234567890123456789` +
		`01234567890123456789012345678901234567890123456789012345678901234567890123456789"}}`,
	"get": `{"command":"kv.get","request_id":"3f0c7a52-8d9c-4a6e-9c0a-1b2c3d4e5f60",` +
		`"payload":{"key":"user:000000012345"}}`,
}

func BenchmarkEnvelope(b *testing.B) {
	for _, name := range []string{"set", "get"} {
		b.Run(name, func(b *testing.B) {
			bench := newBench(b, Options{})
			set := []byte(plainRequest("/api/v1/command", hot["set"]))
			in := []byte(plainRequest("/api/v1/command", hot[name]))
			var out wire.Output
			bench.conn.Feed(set, &out)
			b.ReportAllocs()
			for b.Loop() {
				out.Reset(1 << 16)
				if n, _, _ := bench.conn.Feed(in, &out); n != len(in) {
					b.Fatal("handed over")
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	in := []byte(plainRequest("/api/v1/command", hot["set"]))
	var r request
	b.ReportAllocs()
	for b.Loop() {
		if _, _, l := r.parse(in); l != laneFast {
			b.Fatal(l)
		}
	}
}

// takesAll is a journal that takes every write.
type takesAll struct{ command.Persistence }

func (takesAll) Level() command.Level { return command.OSLevel }
func (takesAll) Admit(int) error      { return nil }

func TestHotRequestsDoNotAllocate(t *testing.T) {
	b := newBench(t, Options{}, func(e *command.Engine) { e.Persistence = takesAll{} })
	var out wire.Output
	for name, body := range hot {
		in := []byte(plainRequest("/api/v1/command", body))
		b.conn.Feed(in, &out)
		out.Reset(1 << 16)
		best := math.Inf(1) // the race detector makes sync.Pool forget now and then, on purpose
		for range 50 {
			best = min(best, testing.AllocsPerRun(1, func() {
				b.conn.Feed(in, &out)
				out.Reset(1 << 16)
			}))
		}
		if best > 0 {
			t.Errorf("%s: %v allocations", name, best)
		}
	}
}
