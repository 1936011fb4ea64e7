package cli

import (
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/benchmark/probe"
	"github.com/synapdb/synap/internal/benchmark/result"
)

// loaded is a run with so many cores in use.
func loaded(client, server float64, samples int64) *result.Run {
	return &result.Run{Tests: []result.Test{{Name: "GET",
		Latency: result.Latency{Count: samples},
		Series: []result.Point{{ClientCPU: client, ServerCPU: server},
			{ClientCPU: client, ServerCPU: server}}}}}
}

func TestNotes(t *testing.T) {
	mine := float64(probe.Cores())
	here := &result.Environment{CoLocated: true, Cores: 64}
	for _, c := range []struct {
		name      string
		e         *result.Environment
		run       *result.Run
		says, not string
	}{
		{"a client with nothing left", here, loaded(0.9*mine, 1, 1e6), "client saturated", "few"},
		{"a client with room", here, loaded(0.8*mine, 1, 1e6), "co-located", "saturated"},
		{"elsewhere", &result.Environment{Cores: 64}, loaded(0.1, 1, 1e6), "", "co-located"},
		{"elsewhere and silent", &result.Environment{Cores: 64}, loaded(0.1, -1, 1e6),
			"CPU and memory of the server are not known", "co-located"},
		{"a full machine", &result.Environment{CoLocated: true, Cores: 2}, loaded(0.4, 1.5, 1e6),
			"each slows the other down", "few"},
		{"few samples", here, loaded(0.1, 1, 9_999), "too few samples for p99.9 of GET", ""},
		{"enough samples", here, loaded(0.1, 1, 10_000), "co-located", "too few"},
	} {
		text := strings.Join(notes(c.e, c.run), "\n")
		if !strings.Contains(text, c.says) || c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("%s: %q", c.name, text)
		}
	}
}

func TestARateThatWasNotKeptIsSaid(t *testing.T) {
	for _, c := range []struct {
		workload string
		rate     string
		want     bool
	}{{"kv", "1000", false}, {"kv", "1100", true}, {"kv", "", false},
		{"queue", "600", false}, {"queue", "700", true}} {
		run := &result.Run{Workload: c.workload, Params: map[string]string{"rate": c.rate},
			Tests: []result.Test{{Name: "publish", Operations: 6000, Seconds: 10},
				{Name: "consume", Operations: 4000, Seconds: 10}}}
		text := strings.Join(notes(&result.Environment{}, run), "\n")
		if strings.Contains(text, "the rate was not kept") != c.want {
			t.Errorf("%s at %s/s: %q", c.workload, c.rate, text)
		}
	}
}

func TestGoalsAreReadStrictly(t *testing.T) {
	for text, want := range map[string]slo{
		"p99<5ms":        {metric: "p99", op: "<", limit: 5000},
		" GET p99.9<=1s": {test: "GET", metric: "p99.9", op: "<=", limit: 1e6},
		"mean < 250us":   {metric: "mean", op: "<", limit: 250},
		"max<1.5ms":      {metric: "max", op: "<", limit: 1500},
		"rate>50000":     {metric: "rate", op: ">", limit: 50_000},
		"rate>=50000/s":  {metric: "rate", op: ">=", limit: 50_000},
		"errors<0.1%":    {metric: "errors", op: "<", limit: 0.001, part: true},
	} {
		want.text = text
		if got, err := parseSLO(text); err != nil || got != want {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "p99", "p99<", "p99=5ms", "p99<5", "p99<5mss", "p99<-5ms",
		"p99<5ms p50<1ms", "A B p99<5ms", "p99.99<5ms", "rate>fast", "rate>5%", "5ms>p99"} {
		if got, err := parseSLO(text); err == nil {
			t.Errorf("%q is taken as %+v", text, got)
		}
	}
}
