package report_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/benchmark/report"
	"github.com/synapdb/synap/internal/benchmark/result"
)

// rates is a report of GET with a run for each rate; times belong to them as on a machine that
// does one after the other.
func rates(all ...float64) *result.Report {
	r := sample(1, "synap")
	r.Runs = r.Runs[:0]
	for i, rate := range all {
		r.Runs = append(r.Runs, result.Run{Workload: "kv", Number: i + 1, Server: server("synap"),
			Params: map[string]string{"connections": "10", "seed": string(rune('1' + i))},
			Tests: []result.Test{{Name: "GET", Operations: int64(rate * 100), Seconds: 100,
				Latency:      result.Latency{P50: 1e6 / rate, P99: 2e6 / rate},
				ServerMicros: 5e5 / rate}}})
	}
	return r
}

func compare(t *testing.T, base, now *result.Report, threshold float64) *report.Comparison {
	t.Helper()
	c, err := report.Compare(base, now, [2]string{"base.json", "new.json"}, threshold)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// verdicts are those of the first test, by figure.
func verdicts(c *report.Comparison) map[string]report.Verdict {
	all := map[string]report.Verdict{}
	for _, f := range c.Tests[0].Figures {
		all[f.Name] = f.Verdict
	}
	return all
}

func TestVerdicts(t *testing.T) {
	type runs []float64
	for name, c := range map[string]struct {
		base, now runs
		want      report.Verdict
	}{
		"alike":                {runs{1000}, runs{1000}, report.Same},
		"within the threshold": {runs{1000}, runs{960}, report.Same},
		"slower":               {runs{1000}, runs{800}, report.Regression},
		"faster":               {runs{1000}, runs{1200}, report.Improvement},
		"slower, narrow":       {runs{1000, 1010, 990}, runs{800, 805, 795}, report.Regression},
		"slower, base wide":    {runs{1000, 1200, 900}, runs{880, 885, 875}, report.Noise},
		"slower, new wide":     {runs{1000, 1001, 999}, runs{880, 1100, 870}, report.Noise},
		"faster, wide":         {runs{1000, 1300, 990}, runs{1200, 1201, 1199}, report.Noise},
		"one of five disturbed": {runs{1000, 1001, 999, 400, 1002},
			runs{800, 801, 802, 799, 800}, report.Regression},
		"the median counts": {runs{1000, 1001, 999}, runs{1000, 1001, 500}, report.Same},
	} {
		got := compare(t, rates(c.base...), rates(c.now...), 0.05)
		if v := verdicts(got)["rate"]; v != c.want {
			t.Errorf("%s: the verdict of the rate is %s, want %s", name, v, c.want)
		}
		if got.Regressions > 0 != (c.want == report.Regression) {
			t.Errorf("%s: %d regressions", name, got.Regressions)
		}
	}
}

func TestEveryFigureIsJudged(t *testing.T) {
	for figure, worsen := range map[string]func(*result.Test){
		"rate":       func(o *result.Test) { o.Seconds *= 1.3 },
		"p50":        func(o *result.Test) { o.Latency.P50 *= 1.3 },
		"p99":        func(o *result.Test) { o.Latency.P99 *= 1.3 },
		"server CPU": func(o *result.Test) { o.ServerMicros *= 1.3 },
	} {
		now := rates(1000)
		worsen(&now.Runs[0].Tests[0])
		for name, v := range verdicts(compare(t, rates(1000), now, 0.05)) {
			want := report.Same
			if name == figure {
				want = report.Regression
			}
			if v != want {
				t.Errorf("%s became worse: the verdict of %s is %s", figure, name, v)
			}
		}
		if v := verdicts(compare(t, rates(1000), now, 0.5))[figure]; v != report.Same {
			t.Errorf("%s: %s with a threshold of 50 %%", figure, v)
		}
		if v := verdicts(compare(t, now, rates(1000), 0.05))[figure]; v != report.Improvement {
			t.Errorf("%s became better: %s", figure, v)
		}
	}
}

func TestCPUTimeOfShortRunsIsNoise(t *testing.T) {
	base, now := rates(1000), rates(1000)
	for _, r := range []*result.Report{base, now} {
		o := &r.Runs[0].Tests[0]
		o.Operations, o.Seconds = 200, 0.2 // 20 ms of ticks are 100 µs of each
	}
	now.Runs[0].Tests[0].ServerMicros *= 1.15
	if v := verdicts(compare(t, base, now, 0.05))["server CPU"]; v != report.Noise {
		t.Errorf("a tick or two is a %s", v)
	}
	now.Runs[0].Tests[0].ServerMicros = 0
	if v, known := verdicts(compare(t, base, now, 0.05))["server CPU"]; known {
		t.Errorf("CPU time that is not known is a %s", v)
	}
}

func TestFiguresOfAFewOperationsAreNotCompared(t *testing.T) {
	base, now := rates(1000), rates(700)
	now.Runs[0].Tests[0].Operations = 999
	now.Runs[0].Tests[0].Seconds = 0.999
	c := compare(t, base, now, 0.05)
	if _, known := verdicts(c)["p99"]; known || len(c.Tests[0].Figures) != 3 {
		t.Errorf("p99 of 999 operations is compared: %+v", c.Tests)
	}
	now.Runs[0].Tests[0].Operations = 99
	c = compare(t, base, now, 0.05)
	if len(c.Tests[0].Figures) != 0 || c.Regressions != 0 ||
		!strings.Contains(strings.Join(c.Notes, "\n"), "only 99 operations") {
		t.Errorf("99 operations are compared: %+v", c)
	}
}

func TestJoinedReportsAreRunsOfOne(t *testing.T) {
	slow := rates(900, 910)
	slow.Environment.Calibrated /= 3
	joined := report.Join([]*result.Report{slow, rates(1000), rates(1010, 1020)})
	for i := range joined.Runs {
		if joined.Runs[i].Number != i+1 {
			t.Errorf("run %d has the number %d", i+1, joined.Runs[i].Number)
		}
	}
	c := compare(t, joined, rates(800, 801, 802, 803, 804), 0.05)
	if f := c.Tests[0].Figures[0]; c.Factor != 1 || f.Base != 1000 || f.Runs != 5 {
		t.Errorf("factor %g, %+v; want the median of all five, at the best speed", c.Factor, f)
	}
}

func TestAnotherMachineIsNoRegression(t *testing.T) {
	slow := rates(500) // all takes twice the time there
	slow.Environment.Host, slow.Environment.CPU = "there", "slow CPU"
	slow.Environment.Calibrated /= 2
	c := compare(t, rates(1000), slow, 0.05)
	for name, v := range verdicts(c) {
		if v != report.Same {
			t.Errorf("%s is a %s", name, v)
		}
	}
	if c.Factor != 0.5 || !strings.Contains(strings.Join(c.Notes, "\n"), "slow CPU") {
		t.Errorf("it does not say what was done: %g, %q", c.Factor, c.Notes)
	}
	worse := rates(400)
	worse.Environment = slow.Environment
	if c := compare(t, rates(1000), worse, 0.05); c.Regressions != 4 {
		t.Errorf("20 %% more than that are %d regressions, want all 4 figures", c.Regressions)
	}
	// The same machine, at a bad moment.
	slow.Environment.Host, slow.Environment.CPU = "here", "a CPU"
	if c := compare(t, rates(1000), slow, 0.05); c.Regressions != 0 || len(c.Notes) == 0 {
		t.Errorf("the machine was slow: %d regressions, notes %q", c.Regressions, c.Notes)
	}
	// A little slower is the threshold's business.
	slow.Environment.Calibrated = 0.97e7
	if c := compare(t, rates(1000), slow, 0.05); c.Factor != 1 || c.Regressions == 0 {
		t.Errorf("factor %g, %d regressions", c.Factor, c.Regressions)
	}
	slow.Environment.Host, slow.Environment.Calibrated = "there", 0
	if c := compare(t, rates(1000), slow, 0.05); c.Factor != 1 || len(c.Notes) == 0 {
		t.Errorf("no calibration: factor %g, notes %q", c.Factor, c.Notes)
	}
}

func TestGivenRatesAreNotRelatedToTheMachine(t *testing.T) {
	base, slow := rates(1000), rates(1000)
	slow.Environment.Host = "there"
	slow.Environment.Calibrated /= 2
	for _, r := range []*result.Report{base, slow} {
		r.Runs[0].Tests[0].Corrected = true
	}
	if v := verdicts(compare(t, base, slow, 0.05))["rate"]; v != report.Same {
		t.Errorf("the rate that --rate gave is a %s", v)
	}
}

func TestMissingTestsAreListed(t *testing.T) {
	base, now := sample(1000, "synap", "redis"), sample(1000, "synap", "nats")
	for i := range now.Runs {
		now.Runs[i].Tests = now.Runs[i].Tests[:1]
	}
	c := compare(t, base, now, 0.05)
	if got := strings.Join(c.OnlyBase, ","); got != "kv synap SET,kv redis GET,kv redis SET" {
		t.Errorf("only in the first: %s", got)
	}
	if got := strings.Join(c.OnlyNew, ","); got != "kv nats GET" {
		t.Errorf("only in the second: %s", got)
	}
	if _, err := report.Compare(base, &result.Report{Version: 1}, [2]string{}, 0); !errors.Is(err,
		report.ErrNothingInCommon) {
		t.Errorf("with an empty report: %v", err)
	}
}

func TestNewFaultsAndFailuresAreRegressions(t *testing.T) {
	now := rates(1000)
	now.Runs[0].Faults.Lost = 2
	now.Runs[0].Tests[0].Errors = 50
	c := compare(t, rates(1000), now, 0.05)
	if got := strings.Join(c.Faults, "\n"); c.Regressions != 2 ||
		!strings.Contains(got, "2 lost") || !strings.Contains(got, "failed") {
		t.Errorf("%d regressions: %s", c.Regressions, got)
	}
	if c := compare(t, now, now, 0.05); c.Regressions != 0 {
		t.Errorf("they were there before: %q", c.Faults)
	}
}

func TestNotesTellWhatElseDiffers(t *testing.T) {
	base, now := rates(1000, 1001), rates(1000, 1001)
	for i := range now.Runs {
		now.Runs[i].Params["connections"] = "50"
		now.Runs[i].Server.Durability = "disk"
		now.Runs[i].Server.Version = "2.0"
	}
	now.Aborted = "interrupted"
	got := strings.Join(compare(t, base, now, 0.05).Notes, "\n")
	for _, want := range []string{"--connections (10, then 50)", "durability (os, then disk)",
		"new.json is not whole: interrupted"} {
		if !strings.Contains(got, want) {
			t.Errorf("the notes %q do not say %q", got, want)
		}
	}
	if strings.Contains(got, "version") || strings.Contains(got, "seed") {
		t.Errorf("the notes %q tell what always differs", got)
	}
}

func TestRunsThatDoNotRepeatEachOtherAreKeptApart(t *testing.T) {
	both := func(resp float64) *result.Report {
		r := rates(1000, resp)
		r.Runs[1].Number = 1
		r.Runs[1].Server.Protocol, r.Runs[1].Server.URL = "http", "http://localhost:2"
		return r
	}
	c := compare(t, both(500), both(300), 0.05)
	if len(c.Tests) != 2 || c.Tests[0].Server != "synap resp" || c.Tests[1].Server != "synap http" {
		t.Fatalf("got %+v", c.Tests)
	}
	if c.Tests[0].Figures[0].Verdict != report.Same ||
		c.Tests[1].Figures[0].Verdict != report.Regression {
		t.Errorf("got %+v", c.Tests)
	}
	one := rates(1000)
	one.Runs[0].Server.URL = "resp://localhost:9" // another one of its own
	if c := compare(t, rates(1000), one, 0.05); len(c.Tests) != 1 || len(c.OnlyBase) != 0 {
		t.Errorf("servers at other ports are not compared: %+v", c)
	}
}

func TestTheTableSaysIt(t *testing.T) {
	var b strings.Builder
	if err := compare(t, rates(1000), rates(800), 0.05).Text(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"base.json -> new.json, threshold 5 %", "1 K/s", "800/s",
		"-20.0%", "REGRESSION", "1 ms", "1.25 ms", "+25.0%", "one run alone", "4 beyond 5 %"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table does not say %q:\n%s", want, b.String())
		}
	}
}
