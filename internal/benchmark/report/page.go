package report

import (
	"crypto/sha256"
	_ "embed" // page.html and page.css
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/synapdb/synap/internal/benchmark/result"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	style string

	page = template.Must(template.New("page").Parse(pageText))
)

// embedded is what the report itself stands behind in the HTML.
const embedded = `<script type="application/json" id="report">`

// view is what the template prints.
type view struct {
	Title   string
	Policy  string
	Style   template.CSS
	Data    template.JS
	Report  *result.Report
	Started string
	Command string
	Facts   []fact
	Servers []fact
	Rows    []row
	Each    []row // of single runs, where there are several
	Faults  []fact
	Checks  []check
	Notes   []string
	Parts   []part
}

type fact struct{ Name, Text string }

type check struct {
	result.Check
	Run string
}

// row is a line of the summary.
type row struct {
	Workload, Server, Test string
	Runs                   int
	Operations, Errors     figure
	Rate, Bytes            figure
	Latencies              []figure // mean, p50, p95, p99, p99.9, max
	Server1, Client1       figure   // CPU time an operation
	Corrected              bool
}

// part is the charts of one test, of all servers that have it, or of a workload.
type part struct {
	Title  string
	Charts []*drawing
}

// HTML writes a report as one page that needs nothing else: no network, no scripts.
func HTML(w io.Writer, r *result.Report) error {
	makeFinite(reflect.ValueOf(r).Elem())
	data, err := json.Marshal(r) // escapes <, > and &, so that no text in it can end the element
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(style))
	v := &view{Title: heading(r), Style: template.CSS(style), Data: template.JS(data), Report: r,
		Policy: "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; " +
			"style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		Command: quote(r.Command), Facts: facts(r)}
	if !r.Started.IsZero() {
		v.Started = r.Started.Format(time.RFC1123Z)
	}
	groups := newGrouping(r).groups(r)
	for _, g := range groups {
		v.add(g)
	}
	v.charts(groups)
	return page.Execute(w, v)
}

func heading(r *result.Report) string {
	names := []string{}
	seen := map[string]bool{}
	for i := range r.Runs {
		if name := r.Runs[i].Workload; !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return strings.TrimSuffix("Benchmark: "+strings.Join(names, ", "), ": ")
}

// quote prints a command line so that a shell reads it the same way.
func quote(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		plain := strings.IndexFunc(a, func(c rune) bool {
			return !strings.ContainsRune("_-./:=,@%+", c) && (c < '0' || c > '9') &&
				(c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
		}) < 0
		if words[i] = a; !plain || a == "" {
			words[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

func facts(r *result.Report) (all []fact) {
	e := &r.Environment
	add := func(name, text string) {
		if text != "" {
			all = append(all, fact{name, text})
		}
	}
	add("Machine", e.Host)
	add("CPU", e.CPU)
	if e.Cores > 0 {
		add("Cores", fmt.Sprint(e.Cores))
	}
	if e.MemoryGiB > 0 {
		add("Memory", digits3(e.MemoryGiB)+" GiB")
	}
	add("Kernel", e.OS)
	add("Tool", e.Tool)
	add("Go", e.Go)
	if e.CoLocated {
		add("Load generator", "on the server's machine: they share its cores")
	}
	if e.Calibrated > 0 {
		add("Calibration loop", humanCount(e.Calibrated)+" rounds/s")
	}
	return all
}

// add puts the figures of a group into the tables.
func (v *view) add(g *group) {
	name := g.workload + " " + g.server
	s := &g.runs[0].Server
	about := []string{s.Name + " " + s.Version, s.URL, s.Protocol + " " + s.Format}
	if s.Durability != "" {
		about = append(about, "durability "+s.Durability)
	}
	if s.Spawned {
		about = append(about, "started for this run")
	}
	_, values := attributes(g.runs[0])
	names, _ := attributes(g.runs[0])
	for _, n := range names {
		if strings.HasPrefix(n, "--") {
			about = append(about, n+" "+values[n])
		}
	}
	v.Servers = append(v.Servers, fact{name, strings.Join(about, " · ")})
	for _, test := range g.names() {
		tests := g.tests(test)
		v.Rows = append(v.Rows, summary(g, test, tests))
		if len(tests) > 1 {
			for i, t := range tests {
				one := summary(g, test, []*result.Test{t})
				one.Runs = i + 1
				v.Each = append(v.Each, one)
			}
		}
	}
	for _, run := range g.runs {
		at := fmt.Sprintf("%s run %d", name, run.Number)
		v.faults(at, &run.Faults)
		for _, c := range run.Checks {
			v.Checks = append(v.Checks, check{c, at})
		}
		for _, note := range run.Notes {
			v.Notes = append(v.Notes, at+": "+note)
		}
	}
}

func (v *view) faults(at string, f *result.Faults) {
	if !f.Any() {
		return
	}
	text := fmt.Sprintf("%d lost, %d duplicate, %d reordered, %d gaps, %d unexpected errors",
		f.Lost, f.Duplicate, f.Reordered, f.Gaps, f.Unexpected)
	for _, example := range f.Examples {
		text += "; " + example
	}
	v.Faults = append(v.Faults, fact{at, text})
}

// summary is the line of a test: the median rate of its runs, the latencies of all of them.
func summary(g *group, name string, tests []*result.Test) row {
	r := row{Workload: g.workload, Server: g.server, Test: name, Runs: len(tests)}
	var operations, errors float64
	latencies := make([]*result.Latency, 0, len(tests))
	for _, t := range tests {
		operations += float64(t.Operations)
		errors += float64(t.Errors)
		latencies = append(latencies, &t.Latency)
		r.Corrected = r.Corrected || t.Corrected
	}
	r.Operations, r.Errors = count(operations), count(errors)
	rates := sampleOf(tests, (*result.Test).Rate)
	r.Rate = rate(rates.median())
	if low, high := rates.bounds(); low < high {
		r.Rate.Text += fmt.Sprintf(" (%s–%s)", humanCount(low), humanCount(high))
	}
	r.Bytes = bytesPerSecond(sampleOf(tests, func(t *result.Test) float64 {
		return float64(t.Bytes) / max(t.Seconds, 1e-9)
	}).median())
	for _, value := range together(latencies) {
		r.Latencies = append(r.Latencies, micros(value))
	}
	r.Server1 = cpu(sampleOf(tests, func(t *result.Test) float64 { return t.ServerMicros }))
	r.Client1 = cpu(sampleOf(tests, func(t *result.Test) float64 { return t.ClientMicros }))
	return r
}

func cpu(s sample) figure {
	if s.median() == 0 {
		return figure{"–", "not known"}
	}
	return micros(s.median())
}

// together is mean, p50, p95, p99, p99.9 and max of several runs: from their histograms, or, where
// one is missing, the medians of what the runs say.
func together(ls []*result.Latency) []float64 {
	if len(ls) > 1 {
		if h, err := Merge(ls); err == nil {
			p := func(at float64) float64 { return us(h.ValueAtPercentile(at)) }
			return []float64{h.Mean() / 1e3, p(50), p(95), p(99), p(99.9), us(h.Max())}
		}
	}
	values := make([]float64, 0, 6)
	for _, of := range []func(*result.Latency) float64{
		func(l *result.Latency) float64 { return l.Mean },
		func(l *result.Latency) float64 { return l.P50 },
		func(l *result.Latency) float64 { return l.P95 },
		func(l *result.Latency) float64 { return l.P99 },
		func(l *result.Latency) float64 { return l.P999 },
		func(l *result.Latency) float64 { return l.Max },
	} {
		s := sample{}
		for _, l := range ls {
			s = append(s, of(l))
		}
		values = append(values, s.median())
	}
	return values
}

// charts adds the drawings, workload by workload and test by test, the servers over each other.
func (v *view) charts(groups []*group) {
	for len(groups) > 0 {
		var same, rest []*group
		for _, g := range groups {
			if g.workload == groups[0].workload {
				same = append(same, g)
			} else {
				rest = append(rest, g)
			}
		}
		groups = rest
		v.workload(same)
	}
}

func (v *view) workload(groups []*group) {
	add := func(title string, charts ...*drawing) {
		p := part{Title: groups[0].workload + ": " + title}
		for _, c := range charts {
			if c != nil {
				p.Charts = append(p.Charts, c)
			}
		}
		if len(p.Charts) > 0 {
			v.Parts = append(v.Parts, p)
		}
	}
	add("rate and latency", knee(groups))
	var names []string
	seen, drawn := map[string]bool{}, map[string]bool{}
	for _, g := range groups {
		for _, name := range g.names() {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		merged := make([]*hdrhistogram.Histogram, len(groups))
		for i, g := range groups {
			var ls []*result.Latency
			for _, t := range g.tests(name) {
				ls = append(ls, &t.Latency)
			}
			h, err := Merge(ls)
			if err != nil && len(ls) > 0 {
				v.Notes = append(v.Notes, fmt.Sprintf("%s %s %s: no percentile curve: %v",
					g.workload, g.server, name, err))
			}
			merged[i] = h
		}
		charts := []*drawing{
			overTime("Operations a second", groups, name,
				axis{format: humanCount, fromZero: true}, kind{"", pointRate}),
			overTime("p50 and p99 (dashed)", groups, name, axis{}, kind{"p50", pointP50},
				kind{"p99", pointP99}),
			percentiles(groups, merged), distribution(groups, merged),
		}
		// Tests that ran at the same time saw the same server.
		if print := fingerprint(groups, name); !drawn[print] {
			drawn[print] = true
			charts = append(charts, machine(groups, name)...)
		}
		add(name, charts...)
	}
}

// fingerprint is the same for tests whose readings of the server are.
func fingerprint(groups []*group, test string) string {
	var b strings.Builder
	for _, g := range groups {
		for _, t := range g.tests(test) {
			for _, p := range t.Series {
				fmt.Fprint(&b, p.At, p.ServerCPU, p.ServerRSS, p.ServerGC, p.ClientCPU, " ")
			}
		}
	}
	return b.String()
}

// machine draws what server and client took.
func machine(groups []*group, test string) []*drawing {
	cores := axis{format: digits3, fromZero: true, name: "cores"}
	return []*drawing{
		overTime("CPU: server, load generator (dashed), cores", groups, test, cores,
			kind{"server", func(p *result.Point) float64 { return p.ServerCPU }},
			kind{"client", func(p *result.Point) float64 { return p.ClientCPU }}),
		overTime("Server memory (resident)", groups, test,
			axis{format: humanBytes, fromZero: true, binary: true},
			kind{"", func(p *result.Point) float64 { return float64(p.ServerRSS) }}),
		overTime("Server GC pauses a second", groups, test,
			axis{format: humanMillis, fromZero: true},
			kind{"", func(p *result.Point) float64 { return p.ServerGC }}),
	}
}

func pointRate(p *result.Point) float64 { return p.Rate }
func pointP50(p *result.Point) float64  { return p.P50 }
func pointP99(p *result.Point) float64  { return p.P99 }
