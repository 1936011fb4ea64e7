package report

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// Verdict is what a difference means.
type Verdict string

// Verdicts. Noise is beyond the threshold, but within what the runs of one report differ.
const (
	Same        Verdict = "same"
	Noise       Verdict = "noise"
	Improvement Verdict = "improvement"
	Regression  Verdict = "REGRESSION"
)

// Comparison is two reports beside each other: what changed from Base to New.
type Comparison struct {
	Base      string  `json:"base"`
	New       string  `json:"new"`
	Threshold float64 `json:"threshold"` // a part: 0.05 is 5 %
	// Factor is how much faster the machine of New was, by the calibration loop; figures of New are
	// as if it had been as fast as that of Base. 1: they are as they were measured.
	Factor      float64      `json:"factor"`
	Tests       []Difference `json:"tests"`
	OnlyBase    []string     `json:"only_base,omitempty"`
	OnlyNew     []string     `json:"only_new,omitempty"`
	Notes       []string     `json:"notes,omitempty"`
	Faults      []string     `json:"faults,omitempty"` // that New has and Base has not: regressions
	Regressions int          `json:"regressions"`
}

// Difference is that of one test.
type Difference struct {
	Workload string   `json:"workload"`
	Server   string   `json:"server"`
	Test     string   `json:"test"`
	Figures  []Change `json:"figures"`
}

// Change is that of one figure: medians over the runs.
type Change struct {
	Name  string  `json:"name"` // rate, p50, p99, server CPU
	Unit  string  `json:"unit"`
	Base  float64 `json:"base"`
	New   float64 `json:"new"`
	Delta float64 `json:"delta"` // a part of Base
	// Spread is how far the runs of one report are apart, as a part of Base: the larger of both.
	Spread  float64 `json:"spread"`
	Runs    int     `json:"runs"` // of the report with fewer
	Verdict Verdict `json:"verdict"`
}

// ErrNothingInCommon says that two reports have no test in common.
var ErrNothingInCommon = errors.New("the reports have no test in common")

// Compare matches the tests of two reports by workload, server and name. The threshold is a part,
// such as 0.05. Names are those of the files, for people.
func Compare(
	base, now *result.Report, names [2]string, threshold float64,
) (*Comparison, error) {
	c := &Comparison{Base: names[0], New: names[1], Threshold: threshold, Factor: 1}
	c.calibrate(&base.Environment, &now.Environment)
	for i, r := range []*result.Report{base, now} {
		if r.Aborted != "" {
			c.note("%s is not whole: %s", names[i], r.Aborted)
		}
	}
	g := newGrouping(base, now)
	after := g.groups(now)
	for _, b := range g.groups(base) {
		at := slices.IndexFunc(after, func(o *group) bool {
			return o.workload == b.workload && o.server == b.server
		})
		if at < 0 {
			c.OnlyBase = append(c.OnlyBase, titles(b)...)
			continue
		}
		c.groups(b, after[at])
		after = slices.Delete(after, at, at+1)
	}
	for _, n := range after {
		c.OnlyNew = append(c.OnlyNew, titles(n)...)
	}
	if len(c.Tests) == 0 {
		return nil, ErrNothingInCommon
	}
	c.count()
	return c, nil
}

func (c *Comparison) note(format string, args ...any) {
	c.Notes = append(c.Notes, fmt.Sprintf(format, args...))
}

func (c *Comparison) count() {
	c.Regressions = len(c.Faults)
	for _, t := range c.Tests {
		for _, f := range t.Figures {
			if f.Verdict == Regression {
				c.Regressions++
			}
		}
	}
}

func title(g *group, test string) string { return g.workload + " " + g.server + " " + test }

func titles(g *group) (all []string) {
	for _, name := range g.names() {
		all = append(all, title(g, name))
	}
	return all
}

// calibrate decides whether figures are made comparable by the calibration loop.
func (c *Comparison) calibrate(base, now *result.Environment) {
	other := base.Host != now.Host || base.CPU != now.CPU || base.Cores != now.Cores
	if base.Calibrated <= 0 || now.Calibrated <= 0 {
		if other {
			c.note("the reports are of different machines, and the speed of one is not known: " +
				"figures are as measured")
		}
		return
	}
	factor := now.Calibrated / base.Calibrated
	apart := math.Abs(factor-1) > c.Threshold
	if !other && !apart {
		return
	}
	c.Factor = factor
	why := "the machine was not as fast both times"
	if other {
		why = fmt.Sprintf("the machines differ (%s, %d cores; %s, %d cores)",
			orUnknown(base.CPU), base.Cores, orUnknown(now.CPU), now.Cores)
	}
	c.note("%s: the calibration loop did %s/s, then %s/s, so the new figures are divided by %s "+
		"(times: multiplied)", why, humanCount(base.Calibrated), humanCount(now.Calibrated),
		digits3(factor))
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown CPU"
	}
	return s
}

// groups compares the runs of one workload and server.
func (c *Comparison) groups(base, now *group) {
	c.loads(base, now)
	c.faults(base, now)
	names := now.names()
	for _, name := range base.names() {
		tests := now.tests(name)
		if len(tests) == 0 {
			c.OnlyBase = append(c.OnlyBase, title(base, name))
			continue
		}
		names = slices.DeleteFunc(names, func(n string) bool { return n == name })
		c.tests(base, name, base.tests(name), tests)
	}
	for _, name := range names {
		c.OnlyNew = append(c.OnlyNew, title(now, name))
	}
}

// loads says in which ways the load was not the same.
func (c *Comparison) loads(base, now *group) {
	_, b := attributes(base.runs[0])
	_, n := attributes(now.runs[0])
	for _, same := range []string{"--seed", "url", "version"} {
		delete(b, same)
		delete(n, same)
	}
	both := maps.Clone(b)
	maps.Copy(both, n)
	var differ []string
	for _, name := range slices.Sorted(maps.Keys(both)) {
		if b[name] != n[name] {
			differ = append(differ, fmt.Sprintf("%s (%s, then %s)", name, orNone(b[name]),
				orNone(n[name])))
		}
	}
	if len(differ) > 0 {
		c.note("%s %s: the loads differ in %s", base.workload, base.server,
			strings.Join(differ, ", "))
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// faults adds the kinds of them that are new.
func (c *Comparison) faults(base, now *group) {
	b, n := base.faults(), now.faults()
	for _, name := range faultNames {
		if n[name] > 0 && b[name] == 0 {
			c.Faults = append(c.Faults, fmt.Sprintf("%s %s: %d %s, and none before",
				base.workload, base.server, n[name], name))
		}
	}
}

var faultNames = []string{"lost", "duplicate", "reordered", "gaps", "unexpected errors"}

func (g *group) faults() map[string]int64 {
	sum := map[string]int64{}
	for _, run := range g.runs {
		f := &run.Faults
		for i, n := range []int64{f.Lost, f.Duplicate, f.Reordered, f.Gaps, f.Unexpected} {
			sum[faultNames[i]] += n
		}
	}
	return sum
}

// tests compares one test.
func (c *Comparison) tests(g *group, name string, base, now []*result.Test) {
	d := Difference{Workload: g.workload, Server: g.server, Test: name}
	corrected := base[0].Corrected && now[0].Corrected
	operations := fewest(base, now)
	for _, kind := range figures {
		if operations < kind.least {
			c.note("%s: %s is not compared, a run has only %d operations", title(g, name),
				kind.name, operations)
			continue
		}
		b, n := sampleOf(base, kind.of), sampleOf(now, kind.of)
		if b.median() <= 0 || n.median() <= 0 {
			continue // not known, or nothing was done
		}
		factor := c.Factor
		switch {
		case kind.more && corrected:
			factor = 1 // the rate was given, and is not the machine's
		case !kind.more:
			factor = 1 / factor
		}
		for i := range n {
			n[i] /= factor
		}
		d.Figures = append(d.Figures, c.change(kind.name, kind.unit, kind.more, b, n,
			kind.off/float64(operations)))
	}
	if b, n := failing(base), failing(now); n > b*(1+c.Threshold) {
		c.Faults = append(c.Faults, fmt.Sprintf("%s: %s of the operations failed, %s before",
			title(g, name), humanPercent(n), humanPercent(b)))
	}
	c.Tests = append(c.Tests, d)
}

// failing is the part of the operations that failed.
func failing(tests []*result.Test) float64 {
	var errors, all float64
	for _, t := range tests {
		errors += float64(t.Errors)
		all += float64(t.Operations)
	}
	return errors / max(all, 1)
}

// figures are what is compared of a test. One run must have at least so many operations that a
// figure does not hang on a few of them.
var figures = []struct {
	name, unit string
	more       bool // is better
	of         func(*result.Test) float64
	least      int64
	off        float64 // what the sum over all operations can be off by
}{
	{"rate", "/s", true, (*result.Test).Rate, 100, 0},
	{"p50", "µs", false, func(t *result.Test) float64 { return t.Latency.P50 }, 100, 0},
	{"p99", "µs", false, func(t *result.Test) float64 { return t.Latency.P99 }, 1000, 0},
	// The kernel counts in steps of 10 ms, and both ends of a run are off by one.
	{"server CPU", "µs", false, func(t *result.Test) float64 { return t.ServerMicros }, 100,
		20_000},
}

// fewest is the smallest number of operations that a run has.
func fewest(base, now []*result.Test) int64 {
	least := int64(math.MaxInt64)
	for _, t := range slices.Concat(base, now) {
		least = min(least, t.Operations)
	}
	return least
}

// change judges one figure; off is what it can be wrong by.
func (c *Comparison) change(
	name, unit string, more bool, base, now sample, off float64,
) Change {
	ch := Change{Name: name, Unit: unit, Base: base.median(), New: now.median(),
		Runs: min(len(base), len(now)), Verdict: Same}
	for _, s := range []sample{base, now} {
		low, high := s.bounds()
		ch.Spread = max(ch.Spread, (high-low)/ch.Base)
	}
	ch.Spread = max(ch.Spread, off/ch.Base)
	ch.Delta = (ch.New - ch.Base) / ch.Base
	worse := ch.Delta
	if more {
		worse = -worse
	}
	switch size := math.Abs(ch.Delta); {
	case size <= c.Threshold:
	case size <= ch.Spread:
		ch.Verdict = Noise
	case worse > 0:
		ch.Verdict = Regression
	default:
		ch.Verdict = Improvement
	}
	return ch
}
