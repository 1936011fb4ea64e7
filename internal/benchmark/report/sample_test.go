package report_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/report"
	"github.com/synapdb/synap/internal/benchmark/result"
)

// latency is that of so many operations around a typical time.
func latency(seed uint64, samples int, typical time.Duration) result.Latency {
	random := rand.New(rand.NewPCG(seed, 1))
	h := hdrhistogram.New(100, int64(10*time.Minute), 3)
	for range samples {
		_ = h.RecordValue(int64(float64(typical) * (0.5 + random.ExpFloat64()))) // in range
	}
	return load.Summary(h)
}

// test is one of 10 seconds, whose rate is that given.
func test(name string, rate float64, typical time.Duration, seed uint64) result.Test {
	t := result.Test{Name: name, Operations: int64(rate * 10), Bytes: int64(rate * 1000),
		Seconds: 10, Latency: latency(seed, 5000, typical), ServerMicros: 7.5, ClientMicros: 5.25}
	for i := range 10 {
		us := float64(typical.Microseconds())
		t.Series = append(t.Series, result.Point{At: float64(i + 1), Rate: rate + float64(i),
			P50: us, P99: us * (2 + float64(i)), ServerCPU: 0.5, ClientCPU: 0.25,
			ServerRSS: int64(i+1) << 20, ServerGC: -1})
	}
	return t
}

func server(name string) result.Server {
	return result.Server{Name: name, Version: "1.0", URL: "resp://localhost:1",
		Protocol: "resp", Durability: "os"}
}

// sample is a report of two runs against each of the servers, which do GET and SET.
func sample(rate float64, servers ...string) *result.Report {
	r := &result.Report{Version: result.Version,
		Started: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		Command: []string{"synap-benchmark", "kv", "--slo", "p99<5ms"},
		Environment: result.Environment{Host: "here", OS: "Linux 6", CPU: "a CPU", Cores: 2,
			MemoryGiB: 23.5, Go: "go1.26", Tool: "0.1", CoLocated: true, Calibrated: 1e7}}
	for n := range 2 {
		for i, name := range servers {
			seed := uint64(n*100 + i*10)
			r.Runs = append(r.Runs, result.Run{Workload: "kv", Number: n + 1,
				Server: server(name), Params: map[string]string{"connections": "10"},
				Tests: []result.Test{
					test("GET", rate*(1+0.01*float64(n)), 100*time.Microsecond, seed),
					test("SET", rate/4, 200*time.Microsecond, seed+1)}})
		}
	}
	return r
}

func html(t *testing.T, r *result.Report) string {
	t.Helper()
	var b strings.Builder
	if err := report.HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// node is an element of a page.
type node struct {
	name string
	attr map[string]string
	text string // of itself and all below
	kids []*node
}

// parse reads a page as a browser would, as far as our pages go.
func parse(t *testing.T, page string) *node {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	root := &node{}
	open := []*node{root}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return root
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			n := &node{name: token.Name.Local, attr: map[string]string{}}
			for _, a := range token.Attr {
				n.attr[a.Name.Local] = a.Value
			}
			last := open[len(open)-1]
			last.kids = append(last.kids, n)
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			for _, n := range open {
				n.text += string(token)
			}
		}
	}
}

// all returns the elements of a name, below others.
func (n *node) all(name string) (found []*node) {
	for _, kid := range n.kids {
		if kid.name == name {
			found = append(found, kid)
		}
		found = append(found, kid.all(name)...)
	}
	return found
}

// charts returns the drawings by the title of the part they stand in, and their own.
func (n *node) charts() map[string]*node {
	found := map[string]*node{}
	part := ""
	var walk func(n *node)
	walk = func(n *node) {
		switch n.name {
		case "h2":
			part = n.text
		case "figure":
			found[part+"/"+n.all("figcaption")[0].text] = n
		}
		for _, kid := range n.kids {
			walk(kid)
		}
	}
	walk(n)
	return found
}
