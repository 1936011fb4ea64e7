package cli

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestCompareRunsAllInTurns(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed: make test installs it")
	}
	s := new(stub).serve(t, nil)
	file := filepath.Join(t.TempDir(), "compare.json")
	code, out, said := benchmark(t.Context(), "compare", "kv", "--peers", "redis", "--url", s.url(),
		"-n", "500", "--runs", "2", "-q", "--durability", "memory", "--report", file)
	if code != ExitOK {
		t.Fatalf("exit code %d: %s", code, said)
	}
	for _, want := range []string{
		`(?m)^GET +ops/s +least–most +p50 +p99 +server µs/op +memory`,
		`(?m)^redis +[0-9 ]+ .*×.* (wins|loses|even)$`,
		`(?m)^  durability: appendonly no, save "": in memory only$`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("%s is not in\n%s", want, out)
		}
	}
	r, err := readReport(file)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for i := range r.Runs {
		order = append(order, r.Runs[i].Server.Name)
	}
	// Each run begins with another server.
	if len(order) != 4 || order[0] == order[2] || order[0] != order[3] || order[1] != "redis" {
		t.Errorf("the runs were of %v", order)
	}
}

func TestCompareLeavesOutWhatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	s := new(stub).serve(t, nil)
	code, out, said := benchmark(t.Context(), "compare", "kv", "--peers", "redis", "--url", s.url(),
		"-n", "100", "--runs", "1", "-q")
	if code != ExitOK || !strings.Contains(out, "GET") ||
		!strings.Contains(said, "redis is left out") ||
		!strings.Contains(said, "apt-get install redis-server") {
		t.Errorf("exit code %d: %s\n%s", code, said, out)
	}
	code, _, said = benchmark(t.Context(), "compare", "kv", "--peers", "redis", "-q")
	if code != ExitUnreachable || !strings.Contains(said, "no server could be started") {
		t.Errorf("exit code %d: %s", code, said)
	}
}

func TestCompareRefusesWhatCannotBe(t *testing.T) {
	for _, c := range []struct {
		args, want string
	}{
		{"compare kv --peers nats", "nats can't do kv"},
		{"compare queue --peers mysql", `no peer is called "mysql"`},
		{"compare kv --target redis://h", "leave out --target"},
		{"compare kv --slo p99<1ms", "goals are for one server"},
		{"kv --target nats://h", "can't do kv; these can: redis://"},
		{"stream --target redis://h", "only Synap itself can do stream"},
		{"queue --target gopher://h", "these can: nats://"},
	} {
		code, _, said := benchmark(t.Context(), strings.Fields(c.args)...)
		if code != ExitUsage || !strings.Contains(said, c.want) {
			t.Errorf("%s: exit code %d: %s", c.args, code, said)
		}
	}
}
