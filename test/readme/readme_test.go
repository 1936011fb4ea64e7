// Package readme types what README.md shows and compares what comes back.
package readme

import (
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/synapdb/synap/test/harness"
)

// step is a shown command and the output shown under it. In it … stands for what differs each time,
// such as ids.
type step struct{ command, want string }

// steps are the lines of README.md that start with "$ " inside code blocks, with what follows
// up to the next one or the end of the block.
func steps(t *testing.T) (all []step) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, block := range strings.Split(string(text), "```") {
		if i%2 == 0 {
			continue
		}
		for _, part := range strings.Split("\n"+block, "\n$ ")[1:] {
			command, want, _ := strings.Cut(part, "\n")
			all = append(all, step{command, strings.TrimSpace(want)})
		}
	}
	return all
}

func TestShownCommandsAnswerAsShown(t *testing.T) {
	s := harness.Start(t)
	_, resp, err := net.SplitHostPort(s.RESP)
	if err != nil {
		t.Fatal(err)
	}
	ports := strings.NewReplacer("localhost:15500", s.HTTP,
		"redis-cli ", "redis-cli --no-raw -p "+resp+" ", "curl ", "curl -sS ")
	all := steps(t)
	if len(all) < 7 {
		t.Fatalf("README.md shows only %d commands: is its form still understood?", len(all))
	}
	for _, step := range all {
		out, err := exec.Command("bash", "-c", ports.Replace(step.command)).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v: %s", step.command, err, out)
		} else if got := strings.TrimSpace(string(out)); !step.matches(got) {
			t.Errorf("$ %s\ngot  %s\nwant %s", step.command, got, step.want)
		}
	}
}

func (s step) matches(got string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(s.want), "…", `[^\n]+`)
	return regexp.MustCompile("^" + pattern + "$").MatchString(got)
}
