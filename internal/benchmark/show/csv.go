package show

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// CSV prints a line for each test of a report, under a head. Latencies are in µs.
func CSV(w io.Writer, r *result.Report) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"workload", "run", "server", "version", "protocol", "durability", "test",
		"operations", "seconds", "ops_per_second", "bytes", "mean_us", "p50_us", "p90_us",
		"p95_us", "p99_us", "p99_9_us", "max_us", "errors", "server_cpu_us_per_op",
		"client_cpu_us_per_op"}}
	for i := range r.Runs {
		run := &r.Runs[i]
		for j := range run.Tests {
			t := &run.Tests[j]
			l := &t.Latency
			row := []string{run.Workload, strconv.Itoa(run.Number), run.Server.Name,
				run.Server.Version, run.Server.Protocol, run.Server.Durability, t.Name,
				whole(t.Operations), decimal(t.Seconds), decimal(t.Rate()), whole(t.Bytes)}
			for _, v := range []float64{l.Mean, l.P50, l.P90, l.P95, l.P99, l.P999, l.Max} {
				row = append(row, decimal(v))
			}
			rows = append(rows, append(row, whole(t.Errors), decimal(t.ServerMicros),
				decimal(t.ClientMicros)))
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return err
	}
	return out.Error()
}

func whole(n int64) string     { return strconv.FormatInt(n, 10) }
func decimal(v float64) string { return strconv.FormatFloat(v, 'f', 3, 64) }
