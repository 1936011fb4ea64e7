package show_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
	"github.com/synapdb/synap/internal/benchmark/show"
)

// second is how a run goes after so many.
func second(n int) load.Progress {
	return load.Progress{Elapsed: time.Duration(n) * time.Second, Part: float64(n) / 20,
		Operations: int64(n) * 1000, Now: 1234, Total: 1000, P50: 12.5, P99: 4321, Errors: 0,
		ServerCPU: 1.5, ClientCPU: 0.75}
}

func TestPlainLinesEveryFiveSeconds(t *testing.T) {
	var b strings.Builder
	l := show.NewLive(&b, show.LiveOptions{})
	l.Begin("kv")
	for n := 1; n <= 11; n++ {
		l.Update(second(n))
	}
	l.End()
	const want = "kv   25 %  5 s  1 234/s (mean 1 000/s)  p50 12.5 µs p99 4.32 ms  errors 0  " +
		"client 0.8 cores  server 1.5\n"
	lines := strings.SplitAfter(b.String(), "\n")
	if len(lines) != 3 || lines[0] != want || !strings.Contains(lines[1], " 10 s ") {
		t.Errorf("%q", b.String())
	}
}

func TestTheLineOfATerminalIsReplacedAndWarningsStandAbove(t *testing.T) {
	var b strings.Builder
	l := show.NewLive(&b, show.LiveOptions{Terminal: true})
	l.Begin("kv")
	l.Update(second(10))
	l.Failure(errors.New("OOM"))
	l.Failure(errors.New("OOM"))
	l.Update(second(11))
	l.End()
	const erase = "\r\x1b[K"
	parts := strings.Split(b.String(), erase)
	if len(parts) != 3 || !strings.Contains(parts[0], "[██████████··········]   50 %") ||
		!strings.HasPrefix(parts[1], "! OOM\nkv  [") || parts[2] != "" {
		t.Errorf("%q", parts)
	}
	if strings.Count(b.String(), "OOM") != 1 {
		t.Error("the same failure is shown twice")
	}
	if strings.Contains(b.String(), "\x1b[31m") {
		t.Error("colors that nobody wants")
	}
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	for _, columns := range []int{20, 80, 100, 130, 200} {
		var b strings.Builder
		l := show.NewLive(&b, show.LiveOptions{Terminal: true,
			Width: func() int { return columns }})
		l.Begin("queue publish")
		l.Update(second(10))
		if n := len([]rune(b.String())); n >= columns || n < min(columns-1, 90) {
			t.Errorf("%d of %d columns: %q", n, columns, b.String())
		}
	}
}

func TestOnlyAFewDifferentFailuresAreShown(t *testing.T) {
	var b strings.Builder
	l := show.NewLive(&b, show.LiveOptions{})
	l.Begin("kv")
	for n := range 1000 {
		l.Failure(errors.New(strings.Repeat("x", n+1)))
	}
	if n := strings.Count(b.String(), "! "); n != 5 {
		t.Errorf("%d failures are shown", n)
	}
}

func TestQuiet(t *testing.T) {
	var b strings.Builder
	l := show.NewLive(&b, show.LiveOptions{Quiet: true, Terminal: true})
	l.Begin("kv")
	l.Update(second(10))
	l.Warn("something")
	l.End()
	if b.Len() != 0 {
		t.Errorf("%q", b.String())
	}
}

// latencies is a histogram of values in µs, one for each.
func latencies(micros ...int64) result.Latency {
	h := hdrhistogram.New(100, int64(time.Minute), 3)
	for _, v := range micros {
		_ = h.RecordValue(v * 1000)
	}
	return load.Summary(h)
}

func TestText(t *testing.T) {
	var values []int64
	for n := range int64(1000) {
		values = append(values, 100+n)
	}
	r := &result.Report{Aborted: "interrupted after 3 s", Runs: []result.Run{
		{Workload: "kv", Number: 1, Server: result.Server{Name: "synap", Version: "9",
			Protocol: "http", Format: "json", URL: "http://h:1"},
			Params: map[string]string{"rate": "5", "connections": "7"},
			Tests: []result.Test{{Name: "GET", Operations: 10_000, Bytes: 5_000_000, Seconds: 2,
				Errors: 3, Latency: latencies(values...), ServerMicros: 12.345}},
			Checks: []result.Check{{Name: "GET p99", Want: "< 1 ms", Got: "2 ms", Source: "--slo"},
				{Name: "loss", Want: "= 0", Got: "0", OK: true, Source: "spec"},
				{Name: "lag", Want: "< 10 ms", Got: "no replicas", Skipped: true}},
			Faults: result.Faults{Lost: 2, Unexpected: 1, Examples: []string{"message 7 is gone"}},
			Notes:  []string{"client saturated"}},
		{Workload: "kv", Number: 2, Server: result.Server{Name: "synap"}, Tests: []result.Test{
			{Name: "GET", Operations: 4000, Seconds: 1}}},
	}}
	text := show.Text(r, show.Style{})
	for _, part := range []string{
		"kv, run 1 of 2: synap 9 over http (json) at http://h:1",
		"connections 7, rate 5",
		"GET   5 000   2.5  600 µs  599 µs  1.05 ms  ",
		"3         12.35\n",
		"FAIL  GET p99  < 1 ms   2 ms         --slo",
		"PASS  loss     = 0      0            spec",
		"  -   lag      < 10 ms  no replicas",
		"faults: 2 lost, 1 unexpected errors\n  message 7 is gone",
		"note: client saturated",
		"* GET",
		"99.9",
		"kv GET     synap     2         4 500  4 000  5 000",
		"not whole: interrupted after 3 s",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing", part)
		}
	}
	if t.Failed() || strings.Contains(text, "\x1b") {
		t.Errorf("\n%s", text)
	}
	if !strings.Contains(show.Text(r, show.Style{Color: true}), "\x1b[31mFAIL\x1b[0m") {
		t.Error("no color for what failed")
	}
}

// The curve rises from the least to the greatest latency.
func TestThePlotRises(t *testing.T) {
	var values []int64
	for n := range int64(10_000) {
		values = append(values, 10+n*n/1000)
	}
	text := show.Text(&result.Report{Runs: []result.Run{{Workload: "kv", Tests: []result.Test{
		{Name: "GET", Operations: 10_000, Seconds: 1, Latency: latencies(values...)}}}}},
		show.Style{})
	var columns []int // of the last mark, from the highest row to the lowest
	for _, line := range strings.Split(text, "\n") {
		if _, row, ok := strings.Cut(line, "│"); ok && strings.Contains(row, "*") {
			columns = append(columns, strings.LastIndex(row, "*"))
		}
	}
	if len(columns) < 5 || columns[0] != 59 {
		t.Fatalf("marks end at %v:\n%s", columns, text)
	}
	for i := 1; i < len(columns); i++ {
		if columns[i] >= columns[i-1] {
			t.Errorf("marks end at %v:\n%s", columns, text)
		}
	}
}

func TestUnits(t *testing.T) {
	for v, want := range map[float64]string{0.5: "0.50 µs", 12.34: "12.3 µs", 999: "999 µs",
		1500: "1.50 ms", 250_000: "250 ms", 2_000_000: "2.00 s"} {
		if got := show.Micros(v); got != want {
			t.Errorf("%g µs is %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1 000", 1234567: "1 234 567",
		-5000: "-5 000"} {
		if got := show.Count(v); got != want {
			t.Errorf("%g is %q, want %q", v, got, want)
		}
	}
}
