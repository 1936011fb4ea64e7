// Package show is what people see in a terminal: progress, tables, plots.
//
// Receives: a result.Report, or how a run goes.
// Hands on: text.
// Never does: measure.
package show

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// Style is how a report looks.
type Style struct {
	Color bool
}

// page gathers text.
type page struct {
	strings.Builder
	style Style
}

func (p *page) line(format string, args ...any) { _, _ = fmt.Fprintf(p, format+"\n", args...) }

// Colors of verdicts.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (p *page) colored(text, color string) string {
	if !p.style.Color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// Text is all of a report: environment, and for each run its tables, plot, faults, notes.
func Text(r *result.Report, s Style) string {
	p := &page{style: s}
	p.environment(&r.Environment)
	for i := range r.Runs {
		p.run(&r.Runs[i], total(r.Runs, r.Runs[i].Workload))
	}
	p.several(r.Runs)
	if r.Aborted != "" {
		p.line("\n%s", p.colored("not whole: "+r.Aborted, yellow))
	}
	return p.String()
}

func total(runs []result.Run, workload string) int {
	n := 0
	for i := range runs {
		if runs[i].Workload == workload {
			n = max(n, runs[i].Number)
		}
	}
	return n
}

func (p *page) environment(e *result.Environment) {
	p.line("%s, %s, %d cores, %.1f GiB; %s; %s", orUnknown(e.Host), orUnknown(e.CPU), e.Cores,
		e.MemoryGiB, e.OS, e.Go)
	p.line("synap-benchmark %s; calibration %s rounds/s", e.Tool, Count(e.Calibrated))
}

func orUnknown(s string) string {
	if s == "" {
		return "(unknown)"
	}
	return s
}

func (p *page) run(r *result.Run, of int) {
	number := ""
	if of > 1 {
		number = fmt.Sprintf(", run %d of %d", r.Number, of)
	}
	s := &r.Server
	over := s.Protocol
	if s.Format != "" {
		over += " (" + s.Format + ")"
	}
	p.line("\n%s%s: %s %s over %s at %s", r.Workload, number, s.Name, s.Version, over, s.URL)
	if len(r.Params) > 0 {
		var params []string
		for name, value := range r.Params {
			params = append(params, name+" "+value)
		}
		slices.Sort(params)
		p.line("%s", strings.Join(params, ", "))
	}
	if len(r.Tests) > 0 || len(r.Checks) == 0 {
		p.tests(r.Tests)
		p.plot(r.Tests)
	}
	p.knee(r.Knee)
	if len(r.Checks) > 0 {
		p.line("")
		p.checks(r.Checks)
	}
	if r.Faults.Any() {
		p.line("\n%s", p.colored("faults: "+Faults(&r.Faults), red))
		for _, example := range r.Faults.Examples {
			p.line("  %s", example)
		}
	}
	if len(r.Notes) > 0 {
		p.line("")
	}
	for _, note := range r.Notes {
		p.line("note: %s", note)
	}
}

// Faults says how many of which there were.
func Faults(f *result.Faults) string {
	var all []string
	for _, c := range []struct {
		n    int64
		name string
	}{{f.Lost, "lost"}, {f.Duplicate, "twice"}, {f.Reordered, "out of order"},
		{f.Gaps, "skipped"}, {f.Unexpected, "unexpected errors"}} {
		if c.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", c.n, c.name))
		}
	}
	return strings.Join(all, ", ")
}

// tests is the table of what was measured.
func (p *page) tests(tests []result.Test) {
	if len(tests) == 0 {
		p.line("nothing was measured")
		return
	}
	rows := [][]string{{"test", "ops/s", "MB/s", "mean", "p50", "p95", "p99", "p99.9", "max",
		"errors", "server µs/op"}}
	for i := range tests {
		t := &tests[i]
		l := &t.Latency
		cpu := "-"
		if t.ServerMicros > 0 {
			cpu = strconv.FormatFloat(t.ServerMicros, 'f', 2, 64)
		}
		rows = append(rows, []string{t.Name, Count(t.Rate()), megabytes(t), Micros(l.Mean),
			Micros(l.P50), Micros(l.P95), Micros(l.P99), Micros(l.P999), Micros(l.Max),
			Count(float64(t.Errors)), cpu})
	}
	p.table(rows)
}

func megabytes(t *result.Test) string {
	if t.Seconds == 0 {
		return "-"
	}
	return strconv.FormatFloat(float64(t.Bytes)/1e6/t.Seconds, 'f', 1, 64)
}

// table prints rows under a head, the first column to the left and all others to the right.
func (p *page) table(rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch i {
			case 0:
				line.WriteString(cell + space)
			default:
				line.WriteString("  " + space + cell)
			}
		}
		p.line("%s", strings.TrimRight(line.String(), " "))
		if n == 0 {
			p.line("%s", strings.Repeat("─", sum(widths)+2*(len(widths)-1)))
		}
	}
}

func sum(list []int) int {
	n := 0
	for _, v := range list {
		n += v
	}
	return n
}

// checks is the table of what was expected.
func (p *page) checks(checks []result.Check) {
	wide := [4]int{}
	cells := func(c *result.Check) [4]string { return [4]string{c.Name, c.Want, c.Got, c.Source} }
	for i := range checks {
		for j, cell := range cells(&checks[i]) {
			wide[j] = max(wide[j], utf8.RuneCountInString(cell))
		}
	}
	for i := range checks {
		c := &checks[i]
		verdict := p.colored("FAIL", red)
		switch {
		case c.Skipped:
			verdict = p.colored("  - ", yellow)
		case c.OK:
			verdict = p.colored("PASS", green)
		}
		f := cells(c)
		p.line("%s  %s  %s  %s  %s", verdict, pad(f[0], wide[0]), pad(f[1], wide[1]),
			pad(f[2], wide[2]), f[3])
	}
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// knee is the table of a staircase.
func (p *page) knee(steps []result.Step) {
	if len(steps) == 0 {
		return
	}
	rows := [][]string{{"step", "due/s", "done/s", "p50", "p99", "holds"}}
	for i, s := range steps {
		holds := "no"
		if s.Holds {
			holds = "yes"
		}
		rows = append(rows, []string{strconv.Itoa(i + 1), Count(s.Target), Count(s.Achieved),
			Micros(s.P50), Micros(s.P99), holds})
	}
	p.line("")
	p.table(rows)
}

// several sums up what was run more than once: the median and the range of its rates.
func (p *page) several(runs []result.Run) {
	type key struct{ workload, server, test string }
	rates := map[key][]float64{}
	var order []key
	for i := range runs {
		for j := range runs[i].Tests {
			t := &runs[i].Tests[j]
			k := key{runs[i].Workload, runs[i].Server.Name, t.Name}
			if rates[k] == nil {
				order = append(order, k)
			}
			rates[k] = append(rates[k], t.Rate())
		}
	}
	rows := [][]string{{"all runs", "server", "runs", "median ops/s", "least", "most"}}
	for _, k := range order {
		r := rates[k]
		if len(r) < 2 {
			continue
		}
		slices.Sort(r)
		median := (r[len(r)/2] + r[(len(r)-1)/2]) / 2
		rows = append(rows, []string{k.workload + " " + k.test, k.server, strconv.Itoa(len(r)),
			Count(median), Count(r[0]), Count(r[len(r)-1])})
	}
	if len(rows) > 1 {
		p.line("")
		p.table(rows)
	}
}
