// Package benchmark_test looks at the built synap-benchmark from outside: its streams, exit codes,
// signals, and what it leaves behind.
package benchmark_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/synapdb/synap/test/harness"

	// Only so that go test knows that these tests depend on the program they build.
	_ "github.com/synapdb/synap/client"
)

// patient bounds what takes a moment on an idle machine.
const patient = time.Minute

var build sync.Once

// binary builds the program beside the server, where it looks for it.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(harness.Binary(t)), "synap-benchmark")
	build.Do(func() {
		out, err := exec.Command("go", "build", "-o", path,
			"github.com/synapdb/synap/cmd/synap-benchmark").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	})
	return path
}

// program is one that runs.
type program struct {
	*exec.Cmd
	out, log harness.Log
	tmp      string // where its temporary files go
}

func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{Cmd: exec.Command(binary(t), args...), tmp: t.TempDir()}
	p.Dir, p.Stdout, p.Stderr = t.TempDir(), &p.out, &p.log
	p.Env = append(os.Environ(), "SYNAP_URL=", "SYNAP_TOKEN=", "TMPDIR="+p.tmp)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() })
	return p
}

// end waits for its end and returns the exit code.
func (p *program) end(t *testing.T) int {
	t.Helper()
	var exit *exec.ExitError
	if err := p.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.ProcessState.ExitCode()
}

// report is what this test reads of one.
type report struct {
	Aborted     string
	Environment struct {
		CoLocated bool `json:"co_located"`
	}
	Runs []struct {
		Server struct {
			Name, Version, URL, Durability string
			Spawned                        bool
		}
		Tests []struct {
			Name               string
			Operations, Errors int64
			ServerMicros       float64 `json:"server_cpu_us"`
			Series             []struct {
				RSS int64   `json:"server_rss"`
				GC  float64 `json:"server_gc"`
			}
		}
	}
}

func (r *report) operations() map[string]int64 {
	n := map[string]int64{}
	for _, run := range r.Runs {
		for _, test := range run.Tests {
			n[test.Name] += test.Operations
		}
	}
	return n
}

func decode(t *testing.T, text string) (r report) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%v in %.300q", err, text)
	}
	return r
}

// info asks a server what it is.
func info(t *testing.T, address string) (pid int, facts map[string]map[string]any) {
	t.Helper()
	res, err := http.Get("http://" + address + "/info")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&facts); err != nil {
		t.Fatal(err)
	}
	n, _ := facts["server"]["process_id"].(float64)
	return int(n), facts
}

// await polls for what another process does.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patient); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("still not: " + what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// awaitLoad returns when a server has answered a good number of commands.
func awaitLoad(t *testing.T, address string) {
	t.Helper()
	await(t, "a loaded server", func() bool {
		_, facts := info(t, address)
		n, _ := facts["stats"]["total_commands_processed"].(float64)
		return n > 500
	})
}

func TestTheSpecificationsLinesRunOnAServerOfItsOwn(t *testing.T) {
	for line, want := range map[string]map[string]int64{
		"kv --operations 100000 --read-ratio 0.8 --key-size 20 --value-size 100 " +
			"--connections 10": {"GET": 80_000, "SET": 20_000},
		"queue --messages 50000 --priority-distribution uniform --workers 5 " +
			"--ack-deadline 30": {"publish": 50_000, "consume": 50_000, "ack": 50_000},
	} {
		p := start(t, append(strings.Fields(line), "--spawn", "--json", "-q")...)
		if code := p.end(t); code != 0 || p.log.String() != "" {
			t.Errorf("%s: exit code %d, stderr %q", line, code, p.log.String())
		}
		r := decode(t, p.out.String())
		got := r.operations()
		for name, n := range want {
			slack := int64(0)
			if strings.HasPrefix(line, "kv") {
				slack = n / 20 // reads and writes are drawn by lot
			}
			if d := got[name] - n; d > slack || d < -slack {
				t.Errorf("%s: %d of %s, want %d", line, got[name], name, n)
			}
		}
		if s := r.Runs[0].Server; s.Name != "synap" || !s.Spawned || s.Version == "" ||
			!strings.HasPrefix(s.Durability, "os") {
			t.Errorf("%s: the server is %+v", line, s)
		}
		leavesNothing(t, p)
	}
}

// leavesNothing looks for temporary files and servers.
func leavesNothing(t *testing.T, p *program) {
	t.Helper()
	left, err := os.ReadDir(p.tmp)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		t.Errorf("%s is left behind", entry.Name())
	}
}

func TestEveryWireAndFormatOnARunningServer(t *testing.T) {
	s := harness.Start(t)
	for _, flags := range []string{"--url http://" + s.HTTP, "--format json --url http://" + s.HTTP,
		"--protocol ws --url http://" + s.HTTP, "--format json --url ws://" + s.HTTP,
		"--url resp://" + s.RESP} {
		for _, workload := range []string{"kv -n 3000 -r 500 -P 4", "queue -n 600 -P 3"} {
			p := start(t, append(strings.Fields(workload+" "+flags), "--json")...)
			if code := p.end(t); code != 0 {
				t.Errorf("%s %s: exit code %d: %s", workload, flags, code, p.log.String())
				continue
			}
			r := decode(t, p.out.String())
			if n := r.operations(); n["GET"]+n["SET"]+n["ack"] != 3000 && n["ack"] != 600 {
				t.Errorf("%s %s: %v", workload, flags, n)
			}
		}
	}
	_, facts := info(t, s.HTTP)
	if len(facts["keyspace"]) != 0 || facts["queues"]["queues"] != 0.0 {
		t.Errorf("keys %v and queues %v stay on the server", facts["keyspace"],
			facts["queues"]["queues"])
	}
}

func TestTheProcessOfARunningServerIsFound(t *testing.T) {
	s := harness.Start(t)
	_, facts := info(t, s.HTTP)
	version, _ := facts["server"]["redis_version"].(string)
	for _, url := range []string{"http://" + s.HTTP, "resp://" + s.RESP} {
		p := start(t, "kv", "--url", url, "-n", "40000", "--json")
		if code := p.end(t); code != 0 {
			t.Fatalf("exit code %d: %s", code, p.log.String())
		}
		r := decode(t, p.out.String())
		test := r.Runs[0].Tests[0]
		last := test.Series[len(test.Series)-1]
		if test.ServerMicros <= 0 || last.RSS < 1<<20 || !r.Environment.CoLocated {
			t.Errorf("%s: %g µs an operation, %d bytes, co-located: %v", url, test.ServerMicros,
				last.RSS, r.Environment.CoLocated)
		}
		if about := r.Runs[0].Server; !strings.HasPrefix(about.Version, version) {
			t.Errorf("%s: version %s of %s", url, about.Version, version)
		}
		if strings.HasPrefix(url, "http") && last.GC < 0 {
			t.Errorf("%s: pauses of the garbage collector are not known", url)
		}
	}
}

func TestAServerThatIsKilledInTheMiddle(t *testing.T) {
	s := harness.Start(t)
	p := start(t, "kv", "--url", "http://"+s.HTTP, "--duration", "60", "--report",
		"run.json,run.html")
	awaitLoad(t, s.HTTP)
	pid, _ := info(t, s.HTTP)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if code := p.end(t); code != 3 {
		t.Errorf("exit code %d", code)
	}
	says := regexp.MustCompile(`the server at \S+` + regexp.QuoteMeta(s.HTTP) +
		` is gone, [0-9.]+m?s after the start: `)
	if !says.MatchString(p.log.String()) || !strings.Contains(p.out.String(), "GET") {
		t.Errorf("stderr %q, stdout:\n%s", p.log.String(), p.out.String())
	}
	text, err := os.ReadFile(filepath.Join(p.Dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if r := decode(t, string(text)); r.Aborted == "" || r.operations()["GET"] == 0 {
		t.Errorf("aborted %q, operations %v", r.Aborted, r.operations())
	}
	if html, err := os.ReadFile(filepath.Join(p.Dir, "run.html")); err != nil ||
		!bytes.Contains(html, []byte("<html")) {
		t.Errorf("the HTML report: %v", err)
	}
}

func TestAnInterruptEndsTheServerToo(t *testing.T) {
	p := start(t, "kv", "--spawn", "--duration", "60", "--report", "run.json")
	var ports struct{ HTTP int }
	await(t, "a server of its own", func() bool {
		files, _ := filepath.Glob(filepath.Join(p.tmp, "*", "ports.json"))
		if len(files) == 0 {
			return false
		}
		text, err := os.ReadFile(files[0])
		return err == nil && json.Unmarshal(text, &ports) == nil
	})
	address := "127.0.0.1:" + strconv.Itoa(ports.HTTP)
	awaitLoad(t, address)
	pid, _ := info(t, address)
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := p.end(t); code != 130 || !strings.Contains(p.log.String(), "interrupted after ") {
		t.Errorf("exit code %d, stderr %q", code, p.log.String())
	}
	text, err := os.ReadFile(filepath.Join(p.Dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if r := decode(t, string(text)); !strings.Contains(r.Aborted, "interrupted") ||
		r.operations()["GET"] == 0 {
		t.Errorf("aborted %q, operations %v", r.Aborted, r.operations())
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the server %d still runs: %v", pid, err)
	}
	leavesNothing(t, p)
}

func TestPlainProgressWithoutATerminal(t *testing.T) {
	s := harness.Start(t)
	p := start(t, "kv", "--url", "http://"+s.HTTP, "--duration", "6")
	if code := p.end(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	line := regexp.MustCompile(`^kv +\d+ % +[56] s +.*/s \(mean .*/s\) +p50 .* p99 .* errors 0 +` +
		`client .* cores +server .*\n$`)
	if !line.MatchString(p.log.String()) {
		t.Errorf("stderr %q", p.log.String())
	}
	if strings.ContainsAny(p.log.String()+p.out.String(), "\x1b\r") {
		t.Error("control characters, though nothing is a terminal")
	}
}

// The line of the specification, shorter: wrk loads kv.set through scripts/kv-set.lua.
func TestWrkScript(t *testing.T) {
	s := harness.Start(t)
	cmd := exec.Command("wrk", "-t12", "-c400", "-d2s", "-s", "../../scripts/kv-set.lua",
		"http://"+s.HTTP+"/api/v1/command")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v (make tools-apt installs wrk): %s", err, out)
	}
	if !bytes.Contains(out, []byte("non-2xx or failed: 0\n")) {
		t.Errorf("%s", out)
	}
	count := regexp.MustCompile(`(?m)^requests: (\d+)$`).FindSubmatch(out)
	if count == nil || string(count[1]) == "0" {
		t.Fatalf("%s", out)
	}
	res, err := http.Post("http://"+s.HTTP+"/api/v1/command", "application/json", strings.NewReader(
		`{"command":"kv.get","request_id":"1","payload":{"key":"wrk:11:1"}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Success bool
		Payload any
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || !answer.Success ||
		!strings.Contains(fmt.Sprint(answer.Payload), strings.Repeat("x", 100)) {
		t.Errorf("the twelfth thread's first key is %+v, %v", answer, err)
	}
}
