package workload

import (
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
)

// measured is a test of n operations in so many seconds, whose latencies are even but for one of
// 25, which is slow.
func measured(name string, n int64, seconds float64, even, slow time.Duration) result.Test {
	h := hdrhistogram.New(100, int64(time.Minute), 3)
	_ = h.RecordValues(int64(even), n-n/25) // in range
	_ = h.RecordValues(int64(slow), n/25)
	return result.Test{Name: name, Operations: n, Seconds: seconds, Latency: load.Summary(h)}
}

const (
	quick = 100 * time.Microsecond
	slow  = 3 * time.Millisecond
)

// goodRuns keep to all that is expected of their scenarios.
func goodRuns() map[string]*result.Run {
	run := func(workload string, tests ...result.Test) *result.Run {
		return &result.Run{Workload: workload, Tests: tests}
	}
	return map[string]*result.Run{
		"kv": run("kv", measured("GET", 80_000, 1.5, quick, quick),
			measured("SET", 20_000, 1.5, quick, slow)), // slow ones are 0.8 % of all
		"queue": run("queue", measured("publish", 50_000, 0.9, quick, quick),
			measured("consume", 50_000, 0.4, quick, slow), measured("ack", 50_000, 0.4, quick,
				slow)),
		"stream": run("stream", measured("publish", 100_000, 9, quick, slow),
			measured("fanout", 100_000, 9, quick, slow),
			measured("delivery", 5_000_000, 9, quick, slow)),
		"pubsub": run("pubsub", measured("publish", 100_000, 0.9, quick, slow),
			measured("delivery", 300_000, 0.9, quick, slow)),
	}
}

// bad lists the checks that do not hold.
func bad(checks []result.Check) (names []string) {
	for _, c := range checks {
		if !c.OK {
			names = append(names, c.Name)
		}
	}
	return names
}

func TestScenariosThatKeepToTheSpecificationPass(t *testing.T) {
	for workload, run := range goodRuns() {
		checks := SpecChecks(run)
		if names := bad(checks); len(checks) != 4 || names != nil {
			t.Errorf("%s: %d checks, bad ones: %v", workload, len(checks), names)
		}
		for _, c := range checks {
			if !strings.HasPrefix(c.Source, "performance-spec.md, Scenario ") {
				t.Errorf("%s: the source is %q", c.Name, c.Source)
			}
		}
	}
	if checks := SpecChecks(&result.Run{Workload: "stress"}); checks != nil {
		t.Errorf("nothing is expected of stress, but %v", checks)
	}
}

// Each change breaks just the expectations that are named; the others still hold.
func TestEveryExpectationCanBeMissed(t *testing.T) {
	set := func(workload, test string, to result.Test) func(map[string]*result.Run) {
		return func(runs map[string]*result.Run) {
			for i := range runs[workload].Tests {
				if runs[workload].Tests[i].Name == test {
					runs[workload].Tests[i] = to
				}
			}
		}
	}
	for _, c := range []struct {
		workload, missed string
		change           func(map[string]*result.Run)
	}{
		{"kv", "total time of 100000",
			set("kv", "GET", measured("GET", 80_000, 2.01, quick, quick))},
		{"kv", "average latency,p95 latency,p99 latency",
			set("kv", "GET", measured("GET", 80_000, 1.5, slow, slow))},
		{"kv", "p99 latency", set("kv", "GET", measured("GET", 80_000, 1.5, quick, slow))},
		{"queue", "publish rate",
			set("queue", "publish", measured("publish", 50_000, 1.01, quick, quick))},
		{"queue", "consume rate",
			set("queue", "consume", measured("consume", 50_000, 0.51, quick, quick))},
		{"queue", "publish rate,end to end, 50000 messages",
			set("queue", "publish", measured("publish", 50_000, 29.8, quick, quick))},
		{"queue", "messages lost",
			func(runs map[string]*result.Run) { runs["queue"].Faults.Lost = 1 }},
		{"stream", "publish p95,events",
			set("stream", "publish", measured("publish", 9_000, 1, slow, slow))},
		{"stream", "fan-out p95",
			set("stream", "fanout", measured("fanout", 9_000, 1, slow, slow))},
		{"stream", "delivery p95",
			set("stream", "delivery", measured("delivery", 9_000, 1, 2*slow, slow))},
		{"pubsub", "routing p95,messages",
			set("pubsub", "publish", measured("publish", 100_000, 1.1, slow, slow))},
		{"pubsub", "delivery p95,deliveries of 100000 messages",
			set("pubsub", "delivery", measured("delivery", 299_000, 1.1, slow, slow))},
	} {
		runs := goodRuns()
		c.change(runs)
		checks := SpecChecks(runs[c.workload])
		if got := strings.Join(bad(checks), ","); got != c.missed {
			t.Errorf("%s: missed are %q, want %q", c.workload, got, c.missed)
		}
		for _, check := range checks {
			if strings.Contains(check.Got, "not measured") || check.Skipped {
				t.Errorf("%s: %s is %s", c.workload, check.Name, check.Got)
			}
		}
	}
}

func TestWhatWasNotMeasuredDoesNotPass(t *testing.T) {
	short := measured("GET", 999, 0.01, quick, quick)
	open := measured("GET", 80_000, 1, quick, quick)
	open.Corrected = true
	broken := measured("GET", 80_000, 1, quick, quick)
	broken.Latency.Histogram = "?"
	for _, c := range []struct {
		name, want string
		test       result.Test
		missed     string
	}{
		{"too few", "999 samples are too few for p99: it needs 1000", short, "p99 latency"},
		{"open loop", "closed loop", open,
			"total time of 100000,average latency,p95 latency,p99 latency"},
		{"unreadable", "can't be read", broken, "p95 latency,p99 latency"},
		{"other test", "there was no GET", measured("PING", 10, 1, quick, quick),
			"total time of 100000,average latency,p95 latency,p99 latency"},
	} {
		set := measured("SET", 20_000, 1, quick, quick)
		run := &result.Run{Workload: "kv", Tests: []result.Test{c.test, set}}
		if c.name == "too few" {
			set = measured("SET", 0, 0.01, quick, quick)
			run.Tests[1] = set
		}
		checks := SpecChecks(run)
		if got := strings.Join(bad(checks), ","); got != c.missed {
			t.Errorf("%s: missed are %q, want %q", c.name, got, c.missed)
		}
		for _, check := range checks {
			if !check.OK && (!strings.HasPrefix(check.Got, "not measured: ") ||
				!strings.Contains(check.Got, c.want) || check.Skipped) {
				t.Errorf("%s: %s says %q", c.name, check.Name, check.Got)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		limit
		text           string
		holds, doesNot float64
		got            string // the text of doesNot
	}{
		{below(0.5, millis), "< 0.5 ms", 0.499, 0.5, "0.500 ms"},
		{below(30, seconds), "< 30 s", 29, 30, "30.00 s"},
		{below(50, percent), "< 50 %", 49.9, 50, "50.0 %"},
		{below(100, octets), "< 100 B", 99, 100, "100 B"},
		{below(200e6, octets), "< 200.0 MB", 1e8, 200e6, "200.0 MB"},
		{atLeast(50_000, perSecond), ">= 50000/s", 50_000, 49_999, "49999/s"},
		{exactly(0, plain), "= 0", 0, 1, "1"},
	} {
		if c.String() != c.text || !c.limit.holds(c.holds) || c.limit.holds(c.doesNot) ||
			c.unit.text(c.doesNot) != c.got {
			t.Errorf("%s: %q; %g holds: %t, %g holds: %t; %s", c.text, c.String(), c.holds,
				c.limit.holds(c.holds), c.doesNot, c.limit.holds(c.doesNot),
				c.unit.text(c.doesNot))
		}
	}
}
