package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/benchmark/report"
	"github.com/synapdb/synap/internal/benchmark/result"
)

// program runs a command line and returns its exit code and what it printed.
func program(t *testing.T, args ...string) (code int, out, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{out: &stdout, err: &stderr}
	code = a.main(t.Context(), args)
	return code, stdout.String(), stderr.String()
}

// written puts a report of GET at a rate into a file.
func written(t *testing.T, dir, name string, rate float64) string {
	t.Helper()
	path := filepath.Join(dir, name)
	r := &result.Report{Version: result.Version, Runs: []result.Run{{Workload: "kv", Number: 1,
		Server: result.Server{Name: "synap"}, Tests: []result.Test{{Name: "GET",
			Operations: int64(rate) * 10, Seconds: 10, Latency: result.Latency{P50: 1e6 / rate}}}}}}
	if err := report.Write(path, r); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCompareReportsByItsExitCode(t *testing.T) {
	dir := t.TempDir()
	base, slow := written(t, dir, "a.json", 1000), written(t, dir, "b.json", 900)
	page := written(t, dir, "c.html", 1000)
	other := filepath.Join(dir, "other.json")
	if err := report.Write(other, &result.Report{Version: result.Version}); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text.json")
	if err := os.WriteFile(text, []byte(`{"version":1,"ru`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string // in what it prints or says
	}{
		{[]string{base, base}, ExitOK, "no regression beyond 5 %"},
		{[]string{base, page}, ExitOK, "no regression"},
		{[]string{base, slow}, ExitGoal, "REGRESSION"},
		{[]string{base, slow, "--threshold", "20%"}, ExitOK, "no regression beyond 20 %"},
		{[]string{base, slow, "--threshold", "20"}, ExitOK, "no regression"},
		{[]string{slow, base}, ExitOK, "improvement"},
		{[]string{base + "," + base, base + "," + slow}, ExitOK, "noise"},
		{[]string{base + "," + base, slow + "," + slow}, ExitGoal, "REGRESSION"},
		{[]string{base, slow, "--threshold", "0.05"}, ExitUsage, "say 5% or 0.05%"},
		{[]string{base, slow, "--threshold", "-1%"}, ExitUsage, "percentage"},
		{[]string{base, other}, ExitUsage, "no test in common"},
		{[]string{base, text}, ExitUsage, "cut off"},
		{[]string{filepath.Join(dir, "no.json"), base}, ExitUsage, "does not exist"},
		{[]string{base}, ExitUsage, "two reports"},
	} {
		code, out, said := program(t, append([]string{"compare-reports"}, c.args...)...)
		if code != c.code || !strings.Contains(out+said, c.want) {
			t.Errorf("%q: exit code %d, want %d and %q:\n%s%s", c.args, code, c.code, c.want, out,
				said)
		}
	}
	code, out, _ := program(t, "compare-reports", base, slow, "--json")
	var c report.Comparison
	if err := json.Unmarshal([]byte(out), &c); err != nil || code != ExitGoal ||
		c.Regressions != 2 {
		t.Errorf("--json: exit code %d, %v, %s", code, err, out)
	}
}

func TestRenderWritesAPage(t *testing.T) {
	dir := t.TempDir()
	base := written(t, dir, "a.json", 1000)
	if code, out, said := program(t, "render", base); code != ExitOK || out != "" {
		t.Errorf("exit code %d: %s%s", code, out, said)
	}
	if r, err := report.Read(filepath.Join(dir, "a.html")); err != nil || len(r.Runs) != 1 {
		t.Errorf("the page has no report inside: %v", err)
	}
	if code, out, _ := program(t, "render", base, "-o", "-"); code != ExitOK ||
		!strings.HasPrefix(out, "<!DOCTYPE html>") {
		t.Errorf("-o -: exit code %d: %.80s", code, out)
	}
	for want, args := range map[string][]string{
		"must end in .html": {base, "-o", filepath.Join(dir, "x.json")},
		"does not exist":    {filepath.Join(dir, "no.json")},
		"one report":        {},
	} {
		if code, _, said := program(t, append([]string{"render"}, args...)...); code != ExitUsage ||
			!strings.Contains(said, want) {
			t.Errorf("%q: exit code %d, says %q, want %q", args, code, said, want)
		}
	}
	if code, _, said := program(t, "render", base, "-o", filepath.Join(dir, "no",
		"x.html")); code != ExitError || !strings.Contains(said, "make it first") {
		t.Errorf("no directory: exit code %d, %q", code, said)
	}
}

func TestReportsAreDeliveredWhereTheyShould(t *testing.T) {
	dir := t.TempDir()
	var out, said bytes.Buffer
	s := &session{app: &app{out: &out, err: &said}}
	s.report = result.Report{Version: result.Version, Aborted: "interrupted", Runs: []result.Run{
		{Workload: "kv", Number: 1, Tests: []result.Test{{Name: "GET", Operations: 5}}}}}
	tables := func() { out.WriteString("tables") }
	good, page := filepath.Join(dir, "r.json"), filepath.Join(dir, "r.html")
	s.flags.report = []string{filepath.Join(dir, "no", "r.json"), good, page}
	if err := s.deliver(tables); err == nil || !strings.Contains(err.Error(), "make it first") {
		t.Errorf("a file that cannot be written: %v", err)
	}
	for _, path := range []string{good, page} {
		if r, err := report.Read(path); err != nil || r.Aborted != "interrupted" {
			t.Errorf("the others are not written: %v", err)
		}
	}
	if out.String() != "tables" {
		t.Errorf("stdout has %q", out.String())
	}
	out.Reset()
	s.flags.report, s.flags.json = nil, true
	if err := s.deliver(tables); err != nil {
		t.Error(err)
	}
	if r, err := report.Parse(out.Bytes()); err != nil || len(r.Runs) != 1 {
		t.Errorf("--json: %v in %q", err, out.String())
	}
	out.Reset()
	s.flags.json, s.flags.csv = false, true
	if err := s.deliver(tables); err != nil || strings.Count(out.String(), "\n") != 2 ||
		!strings.HasPrefix(out.String(), "workload,run,") {
		t.Errorf("--csv: %v in %q", err, out.String())
	}
}
