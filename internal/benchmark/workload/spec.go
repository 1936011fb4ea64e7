package workload

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// unit is what a figure is counted in.
type unit uint8

const (
	millis unit = iota
	seconds
	perSecond
	octets
	percent
	megabits
	plain
)

// text is a figure for people.
func (u unit) text(v float64) string {
	switch u {
	case millis:
		return strconv.FormatFloat(v, 'f', 3, 64) + " ms"
	case seconds:
		return strconv.FormatFloat(v, 'f', 2, 64) + " s"
	case perSecond:
		return strconv.FormatFloat(v, 'f', 0, 64) + "/s"
	case octets:
		return bytesText(v)
	case percent:
		return strconv.FormatFloat(v, 'f', 1, 64) + " %"
	case megabits:
		return strconv.FormatFloat(v, 'f', 1, 64) + " Mbit/s"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func bytesText(v float64) string {
	switch size := math.Abs(v); {
	case size >= 10e6:
		return strconv.FormatFloat(v/1e6, 'f', 1, 64) + " MB"
	case size >= 10e3:
		return strconv.FormatFloat(v/1e3, 'f', 1, 64) + " KB"
	}
	return strconv.FormatFloat(v, 'f', 0, 64) + " B"
}

// limit is what a figure has to keep to.
type limit struct {
	sign  byte // '<' below it, '>' at least it, '=' just it
	value float64
	unit  unit
}

func (l limit) holds(v float64) bool {
	switch l.sign {
	case '<':
		return v < l.value
	case '>':
		return v >= l.value
	}
	return v == l.value
}

// String is the limit for people: "< 0.5 ms".
func (l limit) String() string {
	sign := string(rune(l.sign))
	if l.sign == '>' {
		sign = ">="
	}
	if l.unit == millis || l.unit == seconds || l.unit == percent {
		names := map[unit]string{millis: "ms", seconds: "s", percent: "%"}
		return fmt.Sprintf("%s %g %s", sign, l.value, names[l.unit])
	}
	return sign + " " + l.unit.text(l.value)
}

func below(v float64, u unit) limit   { return limit{'<', v, u} }
func atLeast(v float64, u unit) limit { return limit{'>', v, u} }
func exactly(v float64, u unit) limit { return limit{'=', v, u} }

// gap is why there is no figure. The zero gap: there is one.
type gap struct {
	why string
	// here says that this machine or server can't show it; otherwise another run can.
	here bool
}

// evidence is what figures are read from.
type evidence []*result.Run

// figure is read out of runs.
type figure func(evidence) (float64, gap)

// expectation is a line of the specification.
type expectation struct {
	name string
	limit
	figure figure
}

// section is a part of the specification with its expectations.
type section struct {
	title string
	lines []expectation
}

// document is where all expectations come from.
const document = "performance-spec.md, "

func (s *section) checks(runs evidence) []result.Check {
	checks := make([]result.Check, len(s.lines))
	for i := range s.lines {
		e := &s.lines[i]
		v, missing := e.figure(runs)
		checks[i] = outcome(e.name, s.title, e.limit, v, missing)
	}
	return checks
}

// outcome is what became of an expectation.
func outcome(name, title string, l limit, v float64, missing gap) result.Check {
	c := result.Check{Name: name, Want: l.String(), Source: document + title}
	if missing.why != "" {
		c.Got, c.Skipped = "not measured: "+missing.why, missing.here
		return c
	}
	c.Value, c.Got, c.OK = v, l.unit.text(v), l.holds(v)
	return c
}

// SpecChecks holds a run against what the specification expects of its scenario; nil: of this
// workload it expects nothing. The scenarios run in a closed loop.
func SpecChecks(run *result.Run) []result.Check {
	s, ok := scenarios[run.Workload]
	if !ok {
		return nil
	}
	return s.checks(evidence{run})
}

// scenarios are the expected results of the scenarios, by workload.
var scenarios = map[string]section{
	"kv": {"Scenario 1", []expectation{
		{"total time of 100000", below(2, seconds), timeOf(100_000, "GET", "SET")},
		{"average latency", below(0.5, millis), mean("GET", "SET")},
		{"p95 latency", below(1, millis), quantile(95, "GET", "SET")},
		{"p99 latency", below(2, millis), quantile(99, "GET", "SET")},
	}},
	"queue": {"Scenario 2", []expectation{
		{"publish rate", atLeast(50_000, perSecond), rate("publish")},
		{"consume rate", atLeast(100_000, perSecond), rate("consume")},
		{"end to end, 50000 messages", below(30, seconds),
			both(timeOf(50_000, "publish"), timeOf(50_000, "consume"))},
		{"messages lost", exactly(0, plain), lost},
	}},
	"stream": {"Scenario 3", []expectation{
		{"publish p95", below(1, millis), quantile(95, "publish")},
		{"fan-out p95", below(2, millis), quantile(95, "fanout")},
		{"delivery p95", below(5, millis), quantile(95, "delivery")},
		{"events", atLeast(10_000, perSecond), rate("publish")},
	}},
	"pubsub": {"Scenario 4", []expectation{
		{"routing p95", below(0.5, millis), quantile(95, "publish")},
		{"delivery p95", below(1, millis), quantile(95, "delivery")},
		{"messages", atLeast(100_000, perSecond), rate("publish")},
		{"deliveries of 100000 messages", atLeast(300_000, plain), deliveries},
	}},
}

// of finds the tests of these names: nil unless all are there.
func (r evidence) of(names ...string) (tests []*result.Test, missing gap) {
	for _, name := range names {
		found := false
		for _, run := range r {
			for i := range run.Tests {
				if t := &run.Tests[i]; t.Name == name {
					tests, found = append(tests, t), true
				}
			}
		}
		if !found {
			return nil, gap{why: "there was no " + name}
		}
	}
	if slices.ContainsFunc(tests, func(t *result.Test) bool { return t.Corrected }) {
		return nil, gap{why: "it counts in a closed loop: leave out --rate"}
	}
	return tests, gap{}
}

// timeOf is how long n operations take; of several runs, the median.
func timeOf(n int64, names ...string) figure {
	return func(r evidence) (float64, gap) {
		if _, missing := r.of(names...); missing.why != "" {
			return 0, missing
		}
		var times []float64
		for _, run := range r {
			operations, longest := int64(0), 0.0
			for _, t := range run.Tests {
				if slices.Contains(names, t.Name) {
					operations += t.Operations
					longest = max(longest, t.Seconds)
				}
			}
			if operations > 0 {
				times = append(times, longest*float64(n)/float64(operations))
			}
		}
		if times == nil {
			return 0, gap{why: "nothing was done"}
		}
		return median(times), gap{}
	}
}

// both is the sum of two figures.
func both(a, b figure) figure {
	return func(r evidence) (float64, gap) {
		first, missing := a(r)
		if missing.why != "" {
			return 0, missing
		}
		second, missing := b(r)
		return first + second, missing
	}
}

// mean is that of the latencies, in ms.
func mean(names ...string) figure {
	return func(r evidence) (float64, gap) {
		tests, missing := r.of(names...)
		count, sum := int64(0), 0.0
		for _, t := range tests {
			count += t.Latency.Count
			sum += t.Latency.Mean * float64(t.Latency.Count)
		}
		if missing.why == "" && count == 0 {
			missing.why = "nothing was done"
		}
		return sum / float64(count) / 1e3, missing
	}
}

// beyond is how many samples must lie beyond a percentile for it to say something.
const beyond = 10

// quantile is a percentile of the latencies of all these tests together, in ms.
func quantile(q float64, names ...string) figure {
	return func(r evidence) (float64, gap) {
		tests, missing := r.of(names...)
		if missing.why != "" {
			return 0, missing
		}
		all, err := together(tests)
		if err != nil {
			return 0, gap{why: err.Error()}
		}
		if need := int64(math.Ceil(beyond * 100 / (100 - q))); all.TotalCount() < need {
			return 0, gap{why: fmt.Sprintf("%d samples are too few for p%g: it needs %d",
				all.TotalCount(), q, need)}
		}
		return float64(all.ValueAtPercentile(q)) / 1e6, gap{}
	}
}

// together is the latencies of all tests; nil: there are no tests.
func together(tests []*result.Test) (all *hdrhistogram.Histogram, err error) {
	for _, t := range tests {
		h, err := hdrhistogram.Decode([]byte(t.Latency.Histogram))
		switch {
		case err != nil:
			return nil, fmt.Errorf("the histogram of %s can't be read: %w", t.Name, err)
		case all == nil:
			all = h
		default:
			all.Merge(h)
		}
	}
	return all, nil
}

// rate is operations a second; of several runs, the median.
func rate(name string) figure {
	return func(r evidence) (float64, gap) {
		tests, missing := r.of(name)
		rates := make([]float64, len(tests))
		for i, t := range tests {
			rates[i] = t.Rate()
		}
		return median(rates), missing
	}
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

// lost is how many messages never came.
func lost(r evidence) (n float64, _ gap) {
	if _, missing := r.of("consume"); missing.why != "" {
		return 0, missing
	}
	for _, run := range r {
		n += float64(run.Faults.Lost)
	}
	return n, gap{}
}

// deliveries is how many there were for 100 000 messages.
func deliveries(r evidence) (float64, gap) {
	sent, missing := r.of("publish")
	if missing.why != "" {
		return 0, missing
	}
	got, missing := r.of("delivery")
	var published, delivered int64
	for _, t := range sent {
		published += t.Operations
	}
	for _, t := range got {
		delivered += t.Operations
	}
	if missing.why == "" && published == 0 {
		missing.why = "nothing was published"
	}
	return math.Round(float64(delivered) * 100_000 / float64(published)), missing
}
