// Package show is what people see in a terminal: progress, tables, plots.
//
// Receives: a result.Report, or how a run goes.
// Hands on: text.
// Never does: measure.
package show

import (
	"fmt"
	"io"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// Table prints the tests of a report.
func Table(w io.Writer, r *result.Report) {
	row := func(format string, cells ...any) {
		_, _ = fmt.Fprintf(w, format, cells...) // a closed pipe ends the program anyway
	}
	row("%-12s %12s %10s %10s %10s %10s %10s %8s\n",
		"test", "ops/s", "mean ms", "p50 ms", "p95 ms", "p99 ms", "max ms", "errors")
	for i := range r.Runs {
		for j := range r.Runs[i].Tests {
			t := &r.Runs[i].Tests[j]
			l := &t.Latency
			row("%-12s %12.0f %10.3f %10.3f %10.3f %10.3f %10.3f %8d\n", t.Name, t.Rate(),
				l.Mean/1e3, l.P50/1e3, l.P95/1e3, l.P99/1e3, l.Max/1e3, t.Errors)
		}
	}
}
