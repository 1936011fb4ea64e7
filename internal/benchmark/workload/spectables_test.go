package workload

import (
	"strings"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// goodTables are runs that keep to all of the specification.
func goodTables() []result.Run {
	var runs []result.Run
	for _, workload := range []string{"kv", "queue", "stream", "pubsub"} {
		runs = append(runs, *goodRuns()[workload])
	}
	add := func(workload string, tests ...result.Test) {
		runs = append(runs, result.Run{Workload: workload, Tests: tests})
	}
	add(CountWorkload, measured("INCR", 1000, 1, quick, quick))
	add(ScanWorkload, measured("SCAN", 1000, 1, quick, slow))
	add(SubscribeWorkload, measured("subscribe", 1000, 1, quick, quick))
	pipelined := measured("GET", 800_000, 2, slow, slow)
	pipelined.ServerMicros = 2.5
	add(PipelinedKV, pipelined)
	add(PipelinedQueue, measured("publish", 200_000, 1, slow, slow),
		measured("consume", 200_000, 2, slow, slow))
	add(OneRoom, measured("publish", 30_000, 2, quick, slow))
	even := measured("GET", 500_000, 10, quick, quick)
	even.Corrected, even.Bytes = true, 60_000_000
	even.Series = []result.Point{{ServerCPU: 0.2 * float64(machineCores())},
		{ServerCPU: 0.4 * float64(machineCores())}}
	add(SteadyKV, even)
	return runs
}

func TestTheTablesOfTheSpecification(t *testing.T) {
	checks := SpecTables(goodTables())
	if len(checks) != 4*4+11+5+2 {
		t.Errorf("%d checks", len(checks))
	}
	for _, c := range checks {
		if lag := c.Name == "replication lag"; c.OK == lag || c.Skipped != lag {
			t.Errorf("%+v", c)
		}
	}
	for _, c := range []struct {
		missed string
		spoil  func(runs []result.Run)
	}{
		{"KV INCR", func(r []result.Run) { r[4].Tests[0] = measured("INCR", 1000, 1, slow, slow) }},
		{"KV SCAN of 100 keys", func(r []result.Run) {
			r[5].Tests[0] = measured("SCAN", 1000, 1, 2*slow, slow)
		}},
		{"stream subscribe, to the first event", func(r []result.Run) {
			r[6].Tests[0] = measured("subscribe", 100, 1, quick, quick) // too few
		}},
		{"KV operations, each core of the server", func(r []result.Run) {
			r[7].Tests[0].ServerMicros = 10.1
		}},
		{"queue messages consumed, one queue", func(r []result.Run) {
			r[8].Tests[1].Seconds = 4.1
		}},
		{"events, one room of 50 subscribers", func(r []result.Run) {
			r[9].Tests[0].Seconds = 3.1
		}},
		{"CPU of all cores at 50000/s", func(r []result.Run) {
			r[10].Tests[0].Series[0].ServerCPU = 0.7 * float64(machineCores())
		}},
		{"CPU of all cores at 50000/s,network at 50000/s, keys and values",
			func(r []result.Run) { r[10].Tests[0].Seconds = 11 }}, // the rate was not kept
		{"network at 50000/s, keys and values", func(r []result.Run) {
			r[10].Tests[0].Bytes = 126_000_000
		}},
	} {
		runs := goodTables()
		c.spoil(runs)
		var missed []string
		for _, check := range SpecTables(runs) {
			if !check.OK && !check.Skipped {
				missed = append(missed, check.Name)
			}
		}
		if got := strings.Join(missed, ","); got != c.missed {
			t.Errorf("missed are %q, want %q", got, c.missed)
		}
	}
}

func TestTablesOfNothingHoldNothing(t *testing.T) {
	for _, c := range SpecTables(nil) {
		if c.OK || !strings.HasPrefix(c.Got, "not measured: ") {
			t.Errorf("%+v", c)
		}
	}
	unknown := goodTables()
	unknown[7].Tests[0].ServerMicros = 0
	unknown[10].Tests[0].Series = []result.Point{{ServerCPU: -1}}
	skipped := 0
	for _, c := range SpecTables(unknown) {
		if c.Skipped {
			skipped++
		}
	}
	if skipped != 3 { // and the replication lag
		t.Errorf("%d checks are skipped without the server's process", skipped)
	}
}

// Several runs of a scenario count together: rates and times by their median.
func TestSeveralRunsCountByTheirMedian(t *testing.T) {
	var runs []result.Run
	for _, seconds := range []float64{1, 1.8, 30} {
		runs = append(runs, result.Run{Workload: "kv", Tests: []result.Test{
			measured("GET", 80_000, seconds, quick, quick),
			measured("SET", 20_000, seconds, quick, time.Millisecond)}})
	}
	got := map[string]result.Check{}
	for _, c := range SpecTables(runs) {
		if strings.HasSuffix(c.Source, "Scenario 1") {
			got[c.Name] = c
		}
	}
	if c := got["total time of 100000"]; !c.OK || c.Value != 1.8 {
		t.Errorf("%+v", c)
	}
	if c := got["p99 latency"]; !c.OK {
		t.Errorf("%+v", c)
	}
}
