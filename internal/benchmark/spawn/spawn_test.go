package spawn_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/benchmark/spawn"
)

// asTool makes this test program one that starts a server, says which, and ends by a signal.
const asTool = "SYNAP_TEST_SPAWN"

func TestMain(m *testing.M) {
	if name := os.Getenv(asTool); name != "" {
		os.Exit(tool(name))
	}
	os.Exit(m.Run())
}

func tool(name string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p, err := spawn.Peer(ctx, name, spawn.Options{Durability: "disk"})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	_ = json.NewEncoder(os.Stdout).Encode(p.PID()) // the test would wait for it
	<-ctx.Done()
	if err := p.Stop(); err != nil {
		return 1
	}
	return 0
}

// patient bounds what a busy machine may take.
const patient = 2 * time.Minute

// installed runs a test for each peer that is installed here.
func installed(t *testing.T, test func(t *testing.T, name string)) {
	for _, name := range spawn.Peers() {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			test(t, name)
		})
	}
}

func skipMissing(t *testing.T, err error) {
	t.Helper()
	var missing *spawn.MissingError
	if errors.As(err, &missing) {
		t.Skipf("%v (make test installs all but RabbitMQ, which is large: it is optional)", err)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	installed(t, func(t *testing.T, name string) {
		ctx, cancel := context.WithTimeout(t.Context(), patient)
		defer cancel()
		p, err := spawn.Peer(ctx, name, spawn.Options{Durability: "disk"})
		skipMissing(t, err)
		if err != nil {
			t.Fatal(err)
		}
		program := map[string]string{"rabbitmq": "beam.smp", "redis": "redis-server",
			"nats": "nats-server", "beanstalkd": "beanstalkd"}[name]
		if got := comm(p.PID()); got != program {
			t.Errorf("the process is %q, not %s: another's CPU time would be taken", got, program)
		}
		if p.URL == "" || p.Durability == "" {
			t.Errorf("%+v", p)
		}
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
		nothing(t)
	})
}

// Whoever started them may be interrupted, or killed.
func TestServersEndWithTheTool(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	installed(t, func(t *testing.T, name string) {
		for _, how := range []os.Signal{syscall.SIGINT, syscall.SIGKILL} {
			cmd := exec.CommandContext(t.Context(), self)
			cmd.Env = append(os.Environ(), asTool+"="+name)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, _ := bufio.NewReader(out).ReadString('\n')
			var pid int
			if err := json.Unmarshal([]byte(line), &pid); err != nil {
				_ = cmd.Wait() // it has said why
				if strings.Contains(line, "not installed") {
					t.Skip(line)
				}
				t.Fatalf("the tool says %q", line)
			}
			if err := cmd.Process.Signal(how); err != nil {
				t.Fatal(err)
			}
			err = cmd.Wait()
			if how == syscall.SIGINT {
				if err != nil {
					t.Errorf("the tool ends with %v", err)
				}
				nothing(t)
			}
			eventually(t, fmt.Sprintf("%s ends after %v", name, how), func() bool {
				return len(mine()) == 0
			})
		}
	})
}

// nothing fails if there is a directory, or a process, of what was started.
func nothing(t *testing.T) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	eventually(t, "its processes end", func() bool { return len(mine()) == 0 })
}

// mine are the processes that work in the temporary directory of this test.
func mine() (pids []string) {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		at, err := os.Readlink(link)
		if err == nil && strings.HasPrefix(at, os.TempDir()+"/synap-benchmark-") {
			pids = append(pids, filepath.Base(filepath.Dir(link)))
		}
	}
	return pids
}

func comm(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(text))
}

// eventually waits for what another process does: the kernel tells nobody else's parent.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patient)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not within %v; left are %v", what, patient, mine())
		}
	}
}

func TestWhatIsMissingIsNamedWithItsPackage(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := spawn.Peer(t.Context(), "redis", spawn.Options{Durability: "os"})
	var missing *spawn.MissingError
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "apt-get install redis-server") {
		t.Errorf("got %v", err)
	}
	if _, err := spawn.Peer(t.Context(), "mysql", spawn.Options{Durability: "os"}); err == nil ||
		!strings.Contains(err.Error(), "beanstalkd, nats, rabbitmq, redis") {
		t.Errorf("got %v", err)
	}
}

// A program that is not the server it should be ends at once: its words are kept, its data is not.
func TestAServerThatDoesNotStart(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	_, err := spawn.Peer(t.Context(), "redis", spawn.Options{Durability: "os",
		Args: []string{"--no-such-setting", "yes"}})
	skipMissing(t, err)
	if err == nil || !strings.Contains(err.Error(), "no-such-setting") {
		t.Errorf("got %v", err)
	}
	nothing(t)
}
