package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// slo is a goal of one's own: [test] metric < or > limit.
type slo struct {
	text   string
	test   string // "" = every test of a run
	metric string
	op     string
	limit  float64 // µs, operations a second, or a number; a part of 1 if it is a percentage
	part   bool    // the limit is a percentage
}

// sloForm has the parts of one: a test's name, metric, comparison, number, unit.
var sloForm = regexp.MustCompile(`^(?:([^\s<>=]+)\s+)?` +
	`(p50|p90|p95|p99|p99\.9|mean|max|rate|errors)` +
	`\s*(<=|>=|<|>)\s*([0-9]+(?:\.[0-9]+)?)\s*(ns|us|µs|ms|s|/s|%|)$`)

var sloUnits = map[string]time.Duration{"ns": time.Nanosecond, "us": time.Microsecond,
	"µs": time.Microsecond, "ms": time.Millisecond, "s": time.Second}

// parseSLOs reads all of them.
func parseSLOs(texts []string) ([]slo, error) {
	var all []slo
	for _, text := range texts {
		g, err := parseSLO(text)
		if err != nil {
			return nil, fmt.Errorf("--slo %q: %w", text, err)
		}
		all = append(all, g)
	}
	return all, nil
}

func parseSLO(text string) (slo, error) {
	m := sloForm.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return slo{}, errors.New("it must be [TEST] METRIC < or > LIMIT, with one of p50, p90, " +
			"p95, p99, p99.9, mean, max, rate, errors, such as 'p99<5ms', 'GET p99<1ms', " +
			"'rate>50000', 'errors<1'")
	}
	n, err := strconv.ParseFloat(m[4], 64)
	if err != nil {
		return slo{}, err
	}
	g := slo{text: text, test: m[1], metric: m[2], op: m[3], limit: n}
	unit, isTime := sloUnits[m[5]]
	switch {
	case g.metric == "rate" && m[5] != "" && m[5] != "/s":
		return slo{}, errors.New("a rate is operations a second, such as 'rate>50000'")
	case g.metric == "rate":
	case g.metric == "errors" && m[5] == "%":
		g.part, g.limit = true, n/100
	case g.metric == "errors" && m[5] != "":
		return slo{}, errors.New("errors are a number or a percentage, such as 'errors<1' or " +
			"'errors<0.1%'")
	case g.metric == "errors":
	case !isTime:
		return slo{}, errors.New("a latency needs a unit: us, ms or s, such as 'p99<5ms'")
	default:
		g.limit = n * float64(unit) / float64(time.Microsecond)
	}
	return g, nil
}

// checkSLOs holds a run against goals. A goal without a name is one of each test; its rate and its
// errors are those of all tests that ran side by side.
func checkSLOs(goals []slo, run *result.Run) []result.Check {
	var checks []result.Check
	for _, g := range goals {
		found := false
		for _, s := range g.subjects(run.Tests) {
			found = true
			checks = append(checks, g.check(s))
		}
		if !found { // a goal that can't be missed is no goal
			checks = append(checks, result.Check{Name: g.name(g.test), Want: g.want(),
				Got: "not measured: there is only " + names(run.Tests), Source: "--slo"})
		}
	}
	return checks
}

func names(tests []result.Test) string {
	if len(tests) == 0 {
		return "nothing"
	}
	var all []string
	for i := range tests {
		all = append(all, tests[i].Name)
	}
	return strings.Join(all, ", ")
}

// subjects are the tests that a goal is about; those that it takes together become one.
func (g *slo) subjects(tests []result.Test) []result.Test {
	var found []result.Test
	for _, t := range tests {
		switch {
		case g.test != "" && !strings.EqualFold(g.test, t.Name):
		case g.test == "" && (g.metric == "rate" || g.metric == "errors"):
			// Tests of one phase have the very same length.
			i := slices.IndexFunc(found, func(o result.Test) bool { return o.Seconds == t.Seconds })
			if i < 0 {
				found = append(found, t)
				continue
			}
			found[i].Name += "+" + t.Name
			found[i].Operations += t.Operations
			found[i].Errors += t.Errors
		default:
			found = append(found, t)
		}
	}
	return found
}

func (g *slo) name(test string) string {
	return strings.TrimSpace(test + " " + g.metric)
}

func (g *slo) want() string { return g.op + " " + g.show(g.limit) }

// show writes a value of the metric.
func (g *slo) show(v float64) string {
	switch {
	case g.metric == "rate":
		return strconv.FormatFloat(v, 'f', 0, 64) + "/s"
	case g.part:
		return strconv.FormatFloat(v*100, 'g', 4, 64) + " %"
	case g.metric == "errors":
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v/1000, 'g', 4, 64) + " ms"
}

func (g *slo) check(t result.Test) result.Check {
	l := &t.Latency
	value := map[string]float64{"p50": l.P50, "p90": l.P90, "p95": l.P95, "p99": l.P99,
		"p99.9": l.P999, "mean": l.Mean, "max": l.Max, "rate": t.Rate(),
		"errors": float64(t.Errors)}[g.metric]
	if g.part {
		value /= float64(max(t.Operations, 1))
	}
	ok := false
	switch g.op {
	case "<":
		ok = value < g.limit
	case "<=":
		ok = value <= g.limit
	case ">":
		ok = value > g.limit
	case ">=":
		ok = value >= g.limit
	}
	return result.Check{Name: g.name(t.Name), Want: g.want(), Got: g.show(value), Value: value,
		OK: ok, Source: "--slo"}
}
