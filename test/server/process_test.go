// Package server_test looks at the built synap-server from outside: streams, exit codes,
// signals, files.
package server_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/synapdb/synap/test/harness"
)

const patient = 20 * time.Second

// process is a server whose streams and end are looked at.
type process struct {
	*exec.Cmd
	t         *testing.T
	ports     string
	HTTP      int
	RESP      int
	out, log  harness.Log
	exited    chan struct{}
	exitError error
}

// serve starts a server on free ports and waits until it serves.
func serve(t *testing.T, flags ...string) *process {
	t.Helper()
	return serveTo(t, nil, flags...)
}

// serveTo is serve with the log going elsewhere, nil = to be looked at.
func serveTo(t *testing.T, log *os.File, flags ...string) *process {
	t.Helper()
	p := &process{t: t, exited: make(chan struct{})}
	dir := t.TempDir()
	p.ports = filepath.Join(dir, "ports.json")
	p.Cmd = exec.Command(harness.Binary(t), append([]string{"--host", "127.0.0.1", "--port", "0",
		"--resp-port", "0", "--ports-file", p.ports}, flags...)...)
	p.Dir = dir
	p.Stdout, p.Stderr = &p.out, &p.log
	if log != nil {
		p.Stderr = log
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.exitError = p.Wait(); close(p.exited) }()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		<-p.exited
	})
	p.until("the ports file is there", func() bool {
		text, err := os.ReadFile(p.ports)
		return err == nil && json.Unmarshal(text, p) == nil && p.HTTP > 0 && p.RESP > 0
	})
	return p
}

func (p *process) until(what string, ok func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(patient); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("never: %s; log: %s", what, p.log.String())
		}
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// exit waits for the end and returns the exit code.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patient):
		p.t.Fatalf("the server goes on; log: %s", p.log.String())
	}
	return exitCode(p.exitError)
}

func exitCode(err error) int {
	var e *exec.ExitError
	if errors.As(err, &e) {
		return e.ExitCode()
	}
	return 0
}

func (p *process) dial(port int) net.Conn {
	p.t.Helper()
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		p.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patient))
	p.t.Cleanup(func() { _ = c.Close() })
	return c
}

func (p *process) get(path string) (int, string) {
	p.t.Helper()
	web := http.Client{Timeout: patient}
	reply, err := web.Get(fmt.Sprintf("http://127.0.0.1:%d%s", p.HTTP, path))
	if err != nil {
		p.t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return reply.StatusCode, string(body)
}

func TestServesAndEndsCleanlyOnSIGTERM(t *testing.T) {
	p := serve(t)
	c := p.dial(p.RESP)
	_, _ = io.WriteString(c, "SET greeting hello\r\n*2\r\n$3\r\nGET\r\n$8\r\ngreeting\r\n")
	want := "+OK\r\n$5\r\nhello\r\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v", got, err)
	}
	status, body := p.get("/kv/get/greeting")
	if status != 200 || !strings.Contains(body, "hello") {
		t.Errorf("over HTTP: %d %s", status, body)
	}
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d; log: %s", code, p.log.String())
	}
	if _, err := os.Stat(p.ports); !os.IsNotExist(err) {
		t.Errorf("the ports file is still there: %v", err)
	}
	if p.out.String() != "" {
		t.Errorf("on stdout: %q", p.out.String())
	}
}

// Without a terminal every line on stderr is JSON, and one of them says what is served.
func TestLogIsJSONLines(t *testing.T) {
	p := serve(t)
	p.until("it says that it serves", func() bool {
		return strings.Contains(p.log.String(), `"msg":"serving"`)
	})
	for line := range strings.Lines(p.log.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if entry["msg"] == "serving" && (entry["data"] != p.Dir+"/data, level os: "+
			"written before the reply, synced every 1000 ms" ||
			entry["resp"] != fmt.Sprintf("127.0.0.1:%d", p.RESP)) {
			t.Errorf("%s", line)
		}
	}
}

func TestInterruptExitsWith130(t *testing.T) {
	p := serve(t)
	p.signal(os.Interrupt)
	if code := p.exit(); code != 130 {
		t.Errorf("exit code %d", code)
	}
}

// half opens a connection with half a request, which keeps a drain waiting.
func (p *process) half() net.Conn {
	p.t.Helper()
	c := p.dial(p.HTTP)
	before := p.received()
	_, _ = io.WriteString(c, "GET /readyz HTTP/1.1\r\nHost: x\r\n")
	p.until("half a request is there", func() bool { return p.received() >= before+31 })
	return c
}

// received is the number of bytes read from connections that send nothing themselves while
// metrics are asked for: each scrape costs the same.
func (p *process) received() (n int) {
	_, body := p.get("/metrics")
	for line := range strings.Lines(body) {
		if value, ok := strings.CutPrefix(line, "synap_network_received_bytes_total "); ok {
			n, _ = strconv.Atoi(strings.TrimSpace(value))
		}
	}
	return n
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	p := serve(t, "--shutdown-grace", "600")
	p.half()
	p.signal(syscall.SIGTERM)
	p.until("it is shutting down", func() bool {
		return strings.Contains(p.log.String(), "shutting down")
	})
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 1 {
		t.Errorf("exit code %d", code)
	}
}

func TestGraceIsBounded(t *testing.T) {
	p := serve(t, "--shutdown-grace", "1")
	p.half()
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d; log: %s", code, p.log.String())
	}
	if !strings.Contains(p.log.String(), "cut off") {
		t.Errorf("log: %s", p.log.String())
	}
}

func TestReadinessFailsWhileDraining(t *testing.T) {
	p := serve(t, "--shutdown-grace", "600")
	if status, _ := p.get("/readyz"); status != 200 {
		t.Fatalf("status %d before", status)
	}
	c := p.half()
	p.signal(syscall.SIGTERM)
	p.until("it is shutting down", func() bool {
		nc, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.HTTP)))
		if err == nil {
			_ = nc.Close()
		}
		return err != nil
	})
	_, _ = io.WriteString(c, "\r\n")
	reply, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, _ := io.ReadAll(reply.Body)
	if reply.StatusCode != 503 || !strings.Contains(string(body), "shutting down") {
		t.Errorf("%s %s", reply.Status, body)
	}
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestMetricsNameWhatWasDone(t *testing.T) {
	p := serve(t)
	c := p.dial(p.RESP)
	in := bufio.NewReader(c)
	for range 200 {
		_, _ = io.WriteString(c, "SET a 1\r\n")
		if _, err := in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = io.WriteString(c, "SET a\r\nINCRBY a x\r\n")
	for range 2 {
		if line, err := in.ReadString('\n'); err != nil || line[0] != '-' {
			t.Fatalf("%q, %v", line, err)
		}
	}
	_, body := p.get("/metrics")
	for _, want := range []string{
		`synap_commands_total{command="set",status="ok"} 200`,
		`synap_commands_total{command="incrby",status="error"} 1`,
		`synap_operations_total{component="kv",operation="set"} 200`,
		`synap_operation_duration_seconds_bucket{component="kv",operation="set",le="+Inf"} `,
		"synap_keys 1\n", "synap_connections_active ", "synap_memory_bytes ",
		"synap_cpu_usage_percent ", "synap_build_info{", "go_goroutines ",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestRemotePeersAreRefused(t *testing.T) {
	var own string
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			own = n.IP.String()
		}
	}
	if own == "" {
		t.Skip("this machine has only loopback addresses")
	}
	for _, flags := range [][]string{nil, {"--allow-insecure"}, {"--dev"}} {
		p := serve(t, append([]string{"--host", "0.0.0.0"}, flags...)...)
		reply, err := http.Get(fmt.Sprintf("http://%s/health", net.JoinHostPort(own,
			strconv.Itoa(p.HTTP))))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(reply.Body)
		_ = reply.Body.Close()
		want := 200
		if flags == nil {
			want = 403
		}
		if reply.StatusCode != want || want == 403 && !json.Valid(body) {
			t.Errorf("%v: %s %s", flags, reply.Status, body)
		}
	}
}
