package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/synapdb/synap/test/harness"
)

// call runs the program in an empty folder to its end.
func call(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(harness.Binary(t), args...)
	var out, log bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &log
	err := cmd.Run()
	return exitCode(err), out.String(), log.String()
}

func TestExitCodesAndStreams(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("good.yml", "server:\n  port: 7001\n")
	write("typo.yml", "server:\n  prot: 7001\n")
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	port := strconv.Itoa(busy.Addr().(*net.TCPAddr).Port)
	for _, tc := range []struct {
		args           string
		code           int
		stdout, stderr string // patterns; "" = nothing at all
	}{
		{"version", 0, `^synap-server \S+ \(\S+\) go1\.\S+ \S+/\S+\n$`, ""},
		{"--help", 0, `Usage:`, ""},
		{"validate -c good.yml", 0, `^valid: defaults \+ file good.yml\n$`, ""},
		{"validate -c typo.yml", 2, "",
			`^synap-server: typo.yml:2: unknown key server.prot; did you mean server.port\?\n$`},
		{"-c typo.yml", 2, "", `typo.yml:2`},
		{"-c absent.yml", 2, "", `absent.yml could not be read: .*config init absent.yml`},
		{"--port 70000", 2, "", `flag --port: server.port is "70000"; it must be`},
		{"--prot 1", 2, "", `unknown flag: --prot; see: synap-server --help`},
		{"serv", 2, "", `unknown command "serv"`},
		{"version too", 2, "", `unknown command|accepts`},
		{"--host 127.0.0.1 --resp-port 0 --port " + port, 1, "",
			"^synap-server: the HTTP port " + port + " on 127.0.0.1 is in use .* with --port "},
		{"health --url http://127.0.0.1:1", 3, "", `no answer from http://127.0.0.1:1/livez`},
		{"health --url nonsense://x", 3, "", `no answer`},
		{"config show -c good.yml --sources", 0, `(?m)^  port: 7001 +# file good.yml:2$`, ""},
		{"config show --port 9", 0, `(?m)^  port: 9$`, ""},
		{"config show --defaults", 0, `(?m)^  port: 15500$`, ""},
		{"config env", 0, `SYNAP_KV_STORE_MAX_MEMORY_MB +4096 `, ""},
		{"config schema", 0, `"\$schema"`, ""},
		{"config init new.yml", 0, "", `^wrote new.yml\n$`},
		{"config init new.yml", 1, "", `new.yml exists already; replace it with --force`},
		{"config init new.yml --force", 0, "", `wrote`},
		{"validate -c new.yml", 0, `valid`, ""},
		{"config init -", 0, `(?m)^kv_store:$`, ""},
		{"completion bash", 0, `bash completion`, ""},
	} {
		code, stdout, stderr := call(t, dir, strings.Fields(tc.args)...)
		if code != tc.code || !fits(tc.stdout, stdout) || !fits(tc.stderr, stderr) {
			t.Errorf("synap-server %s\nexit code %d, want %d\nstdout: %.300q\nstderr: %.300q",
				tc.args, code, tc.code, stdout, stderr)
		}
	}
}

func fits(pattern, text string) bool {
	if pattern == "" {
		return text == ""
	}
	return regexp.MustCompile(pattern).MatchString(text)
}

func TestDefaultFileIsReadWhereItLies(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(path, []byte("server:\n  port: 7002\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, out, _ := call(t, dir, "config", "show", "--sources"); !fits(
		`(?m)^  port: 7002 +# file config.yml:2$`, out) {
		t.Error(out)
	}
}

func TestVersionAsJSON(t *testing.T) {
	_, out, _ := call(t, t.TempDir(), "version", "--json")
	var v struct{ Version, Commit, Go, Platform string }
	if err := json.Unmarshal([]byte(out), &v); err != nil || v.Version == "" || v.Commit == "" ||
		v.Go == "" || v.Platform == "" {
		t.Errorf("%s: %v", out, err)
	}
}

func TestHealthAsksARunningServer(t *testing.T) {
	p := serve(t)
	url := fmt.Sprintf("http://127.0.0.1:%d", p.HTTP)
	for _, args := range [][]string{
		{"health", "--url", url}, {"health", "--ready", "--url", url + "/"},
		{"health", "--port", strconv.Itoa(p.HTTP)},
	} {
		if code, out, errs := call(t, p.Dir, args...); code != 0 || out != "ok\n" {
			t.Errorf("%v: exit code %d, %q, %q", args, code, out, errs)
		}
	}
}

// On a terminal a person is greeted: the ports that were chosen, and what happens to the data.
func TestBannerOnATerminal(t *testing.T) {
	master, slave := terminal(t)
	dir := t.TempDir()
	cmd := exec.Command(harness.Binary(t), "--port", "0", "--resp-port", "0",
		"--ports-file", "ports.json")
	cmd.Dir, cmd.Stderr = dir, slave
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	var text []byte
	buf := make([]byte, 4096)
	for !bytes.Contains(text, []byte("Ctrl-C")) {
		n, err := master.Read(buf)
		if err != nil {
			t.Fatalf("after %q: %v", text, err)
		}
		text = append(text, buf[:n]...)
	}
	var ports struct{ HTTP, RESP int }
	file, _ := os.ReadFile(filepath.Join(dir, "ports.json"))
	_ = json.Unmarshal(file, &ports)
	_ = cmd.Process.Signal(os.Interrupt)
	if code := exitCode(cmd.Wait()); code != 130 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		`Synap \S+ \(\S+\)  PID \d+`, `HTTP +http://127.0.0.1:` + strconv.Itoa(ports.HTTP) + `\b`,
		`RESP +redis-cli -h 127.0.0.1 -p ` + strconv.Itoa(ports.RESP) + `\b`,
		`Data +/\S+/data, level os: written before the reply`, `Auth +off, loopback only`,
		`Config +defaults \+ 2 flag`,
	} {
		if !fits(want, string(text)) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
}

// terminal opens a pseudo terminal.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skip(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skip(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	return master, slave
}
