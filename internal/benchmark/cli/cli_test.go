package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// quick is a run of a few operations.
func quick(s *stub, more ...string) []string {
	return append([]string{"kv", "--url", s.url(), "-n", "200", "-c", "2", "-r", "50"}, more...)
}

func TestWrongArgumentsSayWhatIsMeant(t *testing.T) {
	for _, c := range []struct{ line, says string }{
		{"kv --conections 3", "did you mean --connections?"},
		{"kv --valuesize 3", "did you mean --value-size?"},
		{"kvs", "Did you mean this?\n\tkv"},
		{"kv -c 0", "--connections must be 1 to "},
		{"kv --rate -1", "--rate must be 0.001 to "},
		{"kv --rate nan", "--rate must be 0.001 to "},
		{"kv -n 0", "--operations must be at least 1"},
		{"kv -P 99999999", "--pipeline must be 1 to "},
		{"kv -d 99999999999", "--value-size must be 1 to "},
		{"kv --read-ratio nan", "--read-ratio must be between 0 and 1"},
		{"kv --url mysql://localhost", "it must begin with http://"},
		{"kv --target mysql://localhost", "--target mysql:// can't do kv"},
		{"queue -n 99999999999999", "--messages must be 1 to "},
		{"kv --duration x", "must be seconds (60) or a duration (1m30s)"},
		{"kv --protocol grpc", "--protocol must be http, ws or resp"},
		{"kv --format xml", "--format must be msgpack or json"},
		{"kv --durability never", "--durability must be memory, os or disk"},
		{"kv --spawn --url http://localhost:1", "exclude each other"},
		{"kv --target redis://localhost --spawn", "--spawn and --url are for Synap"},
		{"kv --json --csv", "both are stdout"},
		{"kv --report run.txt", "must end in .json or .html"},
		{"kv --url localhost", "is no URL, such as http://localhost:15500"},
		{"kv --url resp://localhost:7000 --protocol http", "give the URL of that protocol"},
		{"kv --slo p99", "such as 'p99<5ms'"},
		{"kv --slo p99<5", "a latency needs a unit"},
		{"kv --slo rate>5ms", "a rate is operations a second"},
		{"kv --slo errors<5ms", "errors are a number or a percentage"},
		{"kv --slo p98<5ms", "with one of p50, p90, p95, p99"},
		{"kv --read-ratio 2", "--read-ratio must be between 0 and 1"},
		{"queue --priority-distribution odd", "uniform, high, low or fixed:0 to fixed:9"},
	} {
		code, out, errors := benchmark(t.Context(), strings.Fields(c.line)...)
		if code != ExitUsage || !strings.Contains(errors, c.says) {
			t.Errorf("%s: exit code %d, %q; it must be %d and say %q", c.line, code, errors,
				ExitUsage, c.says)
		}
		if out != "" {
			t.Errorf("%s: stdout has %q", c.line, out)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	s := (&stub{}).serve(t, nil)
	at := s.url()
	s.end()
	code, out, errors := benchmark(t.Context(), "kv", "--url", at)
	if code != ExitUnreachable || out != "" {
		t.Errorf("exit code %d, stdout %q", code, out)
	}
	for _, part := range []string{"no server answers at " + s.Addr().String(), "refused",
		"leave out --url"} {
		if !strings.Contains(errors, part) {
			t.Errorf("%q lacks %q", errors, part)
		}
	}
}

func TestARunPrintsTablesAndCleansUp(t *testing.T) {
	s := (&stub{}).serve(t, nil)
	t.Setenv("SYNAP_URL", s.url())
	code, out, errors := benchmark(t.Context(), "kv", "-n", "200", "-c", "2", "-r", "50")
	if code != ExitOK || errors != "" {
		t.Errorf("exit code %d, stderr %q", code, errors)
	}
	for _, part := range []string{"synap 7.7.7 over resp at " + s.url(), "p99.9", "server µs/op",
		"GET", "SET", "latency by percentile", "connections 2", "read-ratio 0.8",
		"note: co-located", "note: too few samples for p99.9 of GET",
		"note: durability: disk: forced to the disk before the answer"} {
		if !strings.Contains(out, part) {
			t.Errorf("stdout lacks %q:\n%s", part, out)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Error("colors, though this is no terminal")
	}
	for key := range s.mu.values {
		if !s.mu.deleted[key] {
			t.Fatalf("%s stays on the server", key)
		}
	}
	before := len(s.mu.deleted)
	if benchmark(t.Context(), "kv", "-n", "10", "-r", "77", "--keep"); len(s.mu.deleted) != before {
		t.Error("--keep deleted keys")
	}
}

func TestDataIsAllThatStdoutHas(t *testing.T) {
	s := (&stub{}).serve(t, nil)
	file := filepath.Join(t.TempDir(), "run.json")
	code, out, errors := benchmark(t.Context(), quick(s, "--json", "--report", file, "--runs", "2",
		"--duration", "0.1")...)
	if code != ExitOK || !strings.Contains(errors, file) {
		t.Errorf("exit code %d, stderr %q", code, errors)
	}
	r := decodeReport(t, out)
	if len(r.Runs) != 2 || r.Runs[1].Number != 2 || r.Aborted != "" {
		t.Errorf("%d runs, aborted %q", len(r.Runs), r.Aborted)
	}
	if text, err := os.ReadFile(file); err != nil || decodeReport(t, string(text)).Version == 0 {
		t.Errorf("the file has %.80q, %v", text, err)
	}
	_, out, _ = benchmark(t.Context(), quick(s, "--csv")...)
	if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 3 ||
		!strings.HasPrefix(lines[0], "workload,") {
		t.Errorf("--csv printed %q", out)
	}
}

func TestMissedGoals(t *testing.T) {
	s := (&stub{}).serve(t, nil)
	for _, c := range []struct {
		goal, table string
		code        int
	}{
		{"p99<10s", "PASS  GET p99", ExitOK},
		{"set p99 <= 10s", "PASS  SET p99", ExitOK},
		{"GET mean<1ns", "FAIL  GET mean", ExitGoal},
		{"rate>1", "PASS  GET+SET rate", ExitOK},
		{"rate>1000000000", "FAIL  GET+SET rate", ExitGoal},
		{"errors<1", "PASS  GET+SET errors", ExitOK},
		{"errors<0.1%", "PASS  GET+SET errors", ExitOK},
		{"errors>=1", "FAIL  GET+SET errors", ExitGoal},
		{"GTE p99<1s", "not measured: there is only GET, SET", ExitGoal},
	} {
		code, out, errors := benchmark(t.Context(), quick(s, "--slo", c.goal)...)
		if code != c.code || !strings.Contains(out, c.table) {
			t.Errorf("%s: exit code %d, want %d and %q in:\n%s%s", c.goal, code, c.code, c.table,
				out, errors)
		}
	}
	code, out, _ := benchmark(t.Context(), quick(s, "--check-spec")...)
	if !strings.Contains(out, "performance-spec.md, Scenario 1") || code == ExitError {
		t.Errorf("--check-spec: exit code %d:\n%s", code, out)
	}
}

func TestRefusalsAreFaultsWithExamples(t *testing.T) {
	s := (&stub{refuse: "OOM too much"}).serve(t, nil)
	code, out, errors := benchmark(t.Context(), quick(s, "--slo", "p99<1ns")...)
	if code != ExitError {
		t.Errorf("exit code %d, though a missed goal is the lesser thing", code)
	}
	if !strings.Contains(out, "faults: 200 unexpected errors") ||
		!strings.Contains(out, "OOM too much") {
		t.Errorf("stdout:\n%s", out)
	}
	if n := strings.Count(errors, "! "); n < 1 || n > 5 {
		t.Errorf("%d warnings for the same refusal:\n%s", n, errors)
	}
}

func TestAServerThatDiesInTheMiddle(t *testing.T) {
	s := (&stub{breakAfter: 500}).serve(t, nil)
	file := filepath.Join(t.TempDir(), "run.json")
	code, out, errors := benchmark(t.Context(), quick(s, "-n", "100000", "--report", file)...)
	if code != ExitUnreachable {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(errors, "the server at "+s.url()+" is gone, ") ||
		!strings.Contains(out, "not whole: after ") {
		t.Errorf("stderr %q, stdout:\n%s", errors, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := decodeReport(t, string(text))
	if n := operations(&r); n < 400 || n > 500 || r.Aborted == "" {
		t.Errorf("the report has %d operations, aborted %q", n, r.Aborted)
	}
}

func operations(r *result.Report) (n int64) {
	for _, run := range r.Runs {
		for _, test := range run.Tests {
			n += test.Operations
		}
	}
	return n
}

func TestAnInterruptKeepsWhatWasMeasured(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	s := (&stub{answerAt: func(n int, came time.Time) time.Time {
		if n == 300 {
			interrupt()
		}
		return came
	}}).serve(t, nil)
	file := filepath.Join(t.TempDir(), "run.json")
	code, out, errors := benchmark(ctx, quick(s, "--duration", "60", "--report", file)...)
	if code != ExitInterrupted || !strings.Contains(errors, "interrupted after ") ||
		!strings.Contains(out, "not whole: interrupted after ") {
		t.Errorf("exit code %d, stderr %q, stdout:\n%s", code, errors, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if r := decodeReport(t, string(text)); operations(&r) < 200 {
		t.Errorf("the report has %d operations", operations(&r))
	}
	if len(s.mu.deleted) != 50 {
		t.Errorf("%d of 50 keys are removed", len(s.mu.deleted))
	}
}

func TestEachCommandHelpsWithAnExample(t *testing.T) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
		if cmd.Name() == "help" || strings.Contains(cmd.CommandPath(), "completion") {
			return // cobra's own
		}
		if !strings.Contains(cmd.Example, cmd.CommandPath()) {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
		code, out, errors := benchmark(t.Context(), args...)
		if code != ExitOK || errors != "" || !strings.Contains(out, "Usage:") {
			t.Errorf("%v: exit code %d, stderr %q, stdout %q", args, code, errors, out)
		}
	}
	walk((&app{}).root())
}

func TestDefaultsAreThoseOfTheSpecification(t *testing.T) {
	for line, defaults := range map[string]map[string]string{
		"kv": {"operations": "100000", "read-ratio": "0.8", "key-size": "20",
			"value-size": "100", "connections": "10"},
		"queue": {"messages": "50000", "priority-distribution": "uniform", "workers": "5",
			"ack-deadline": "30s"},
	} {
		cmd, _, err := (&app{}).root().Find([]string{line})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range defaults {
			if f := cmd.Flags().Lookup(name); f == nil || f.DefValue != want {
				t.Errorf("%s --%s: %+v, want %s", line, name, f, want)
			}
		}
	}
}

func TestReplicationSaysWhyNot(t *testing.T) {
	code, out, errors := benchmark(t.Context(), "replication", "--replicas", "3", "--write-rate",
		"10000", "--read-rate", "50000", "--duration", "60")
	if code != ExitError || out != "" || !strings.Contains(errors, "Synap does not have yet") {
		t.Errorf("exit code %d, %q, %q", code, out, errors)
	}
}

func TestVersionAndCompletion(t *testing.T) {
	code, out, _ := benchmark(t.Context(), "version", "--json")
	var v map[string]string
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != ExitOK ||
		v["version"] != "1.2.3" || v["commit"] != "abc" {
		t.Errorf("exit code %d, %q: %v", code, out, err)
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, out, _ := benchmark(t.Context(), "completion", shell); code != ExitOK ||
			!strings.Contains(out, "synap-benchmark") {
			t.Errorf("%s: exit code %d, %.80q", shell, code, out)
		}
	}
}

func TestURLs(t *testing.T) {
	for _, c := range []struct{ at, protocol, want string }{
		{"http://localhost:15500", "", "http://localhost:15500"},
		{"http://localhost", "", "http://localhost:15500"},
		{"ws://h", "", "ws://h:15500"},
		{"resp://h", "", "resp://h:6379"},
		{"redis://h", "resp", "redis://h:6379"},
		{"http://h:15500", "ws", "ws://h:15500"},
		{"https://h", "ws", "wss://h"},
		{"http://h:15500", "resp", "resp://h:6379"},
		{"http://[::1]:15500", "resp", "resp://[::1]:6379"},
	} {
		if got, err := withProtocol(c.at, c.protocol); err != nil || got != c.want {
			t.Errorf("%s over %s is %s, %v; want %s", c.at, c.protocol, got, err, c.want)
		}
	}
}

func TestSecretsAreNotKept(t *testing.T) {
	const secret = "hunter2"
	line := commandLine([]string{"synap-benchmark", "kv", "--url=http://u:" + secret + "@h:1",
		"--url", "resp://:" + secret + "@h:2", "--slo", "p99<1ms"})
	if text := fmt.Sprint(line); strings.Contains(text, secret) ||
		!strings.Contains(text, "--url=http://h:1") || !strings.Contains(text, "resp://h:2") {
		t.Errorf("the command line is %s", text)
	}
	code, out, errors := benchmark(t.Context(), "kv", "--url", "resp://:"+secret+"@127.0.0.1:1")
	if code != ExitUnreachable || strings.Contains(out+errors, secret) {
		t.Errorf("exit code %d, %q %q", code, out, errors)
	}
}
