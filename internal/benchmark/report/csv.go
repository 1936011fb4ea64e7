package report

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// CSV writes a row for every test of every run, with a header. Latencies are in µs.
func CSV(w io.Writer, r *result.Report) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"workload", "run", "server", "version", "protocol", "format",
		"durability", "test", "operations", "errors", "bytes", "seconds", "rate", "mean_us",
		"min_us", "p50_us", "p90_us", "p95_us", "p99_us", "p99_9_us", "max_us",
		"server_cpu_us", "client_cpu_us"}) // Error says it
	float := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	whole := func(v int64) string { return strconv.FormatInt(v, 10) }
	for i := range r.Runs {
		run := &r.Runs[i]
		s := &run.Server
		for j := range run.Tests {
			t := &run.Tests[j]
			l := &t.Latency
			_ = c.Write([]string{run.Workload, whole(int64(run.Number)), s.Name, s.Version,
				s.Protocol, s.Format, s.Durability, t.Name, whole(t.Operations),
				whole(t.Errors), whole(t.Bytes), float(t.Seconds), float(t.Rate()),
				float(l.Mean), float(l.Min), float(l.P50), float(l.P90), float(l.P95),
				float(l.P99), float(l.P999), float(l.Max), float(t.ServerMicros),
				float(t.ClientMicros)}) // likewise
		}
	}
	c.Flush()
	return c.Error()
}
