//go:build browser

package report_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/synapdb/synap/internal/benchmark/report"
	"github.com/synapdb/synap/internal/benchmark/result"
)

// browser is one tab of a headless Chromium, spoken to in its debugging protocol.
type browser struct {
	t       *testing.T
	socket  *websocket.Conn
	session string
	last    int
	// What the tab did since it was opened.
	requests []string // URLs
	said     []string // on the console, and errors
	loaded   bool
}

// openBrowser starts Chromium with a profile of its own.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	path := os.Getenv("SYNAP_BROWSER")
	for _, name := range []string{"chromium-headless-shell", "chromium"} {
		if found, err := exec.LookPath(name); err == nil {
			path = cmp.Or(path, found)
		}
	}
	if path == "" {
		t.Fatal("no Chromium on the PATH: make test-browser installs one")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu",
		"--remote-debugging-port=0", "--user-data-dir="+t.TempDir(), "about:blank")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it starts others
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // may have ended by itself
		_ = cmd.Wait()                                      // it was killed
	})
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "DevTools listening on "); ok {
			socket, _, err := websocket.Dial(ctx, address, nil)
			if err != nil {
				t.Fatal(err)
			}
			socket.SetReadLimit(64 << 20)
			t.Cleanup(func() { _ = socket.CloseNow() })
			b := &browser{t: t, socket: socket}
			b.attach()
			return b
		}
	}
	t.Fatalf("%s does not listen: %v", path, lines.Err())
	return nil
}

// attach opens a tab and asks for all that happens in it.
func (b *browser) attach() {
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true},
		&attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
}

type browserMessage struct {
	ID     int
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  *struct{ Message string }
}

func (b *browser) read() browserMessage {
	b.t.Helper()
	_, text, err := b.socket.Read(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	var m browserMessage
	if err := json.Unmarshal(text, &m); err != nil {
		b.t.Fatal(err)
	}
	switch m.Method {
	case "Network.requestWillBeSent":
		var p struct{ Request struct{ URL string } }
		_ = json.Unmarshal(m.Params, &p) // an empty URL fails the test
		b.requests = append(b.requests, p.Request.URL)
	case "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded":
		b.said = append(b.said, string(m.Params))
	case "Page.loadEventFired":
		b.loaded = true
	}
	return m
}

func (b *browser) call(method string, params, answer any) {
	b.t.Helper()
	b.last++
	m := map[string]any{"id": b.last, "method": method}
	if params != nil {
		m["params"] = params
	}
	if b.session != "" {
		m["sessionId"] = b.session
	}
	text, err := json.Marshal(m)
	if err == nil {
		err = b.socket.Write(b.t.Context(), websocket.MessageText, text)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	for {
		m := b.read()
		if m.ID != b.last {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if answer != nil {
			if err := json.Unmarshal(m.Result, answer); err != nil {
				b.t.Fatal(err)
			}
		}
		return
	}
}

// open loads a file from the disk.
func (b *browser) open(path string) {
	b.t.Helper()
	b.loaded, b.requests, b.said = false, nil, nil
	b.call("Page.navigate", map[string]any{"url": "file://" + path}, nil)
	for !b.loaded {
		b.read()
	}
}

// eval runs an expression in the page.
func (b *browser) eval(expression string, answer any) {
	b.t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &r)
	if len(r.ExceptionDetails) > 0 {
		b.t.Fatalf("%s: %s", expression, r.ExceptionDetails)
	}
	if err := json.Unmarshal(r.Result.Value, answer); err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
}

// drawnLines are the curves of the charts as the browser drew them.
const drawnLines = `Array.from(document.querySelectorAll("svg.chart path.line")).map(p => {
	const box = p.getBoundingClientRect(), style = getComputedStyle(p)
	return {Length: p.getTotalLength(), Width: box.width, Stroke: style.stroke,
		Fill: style.fill}
})`

func TestBrowserDrawsReportsAndAsksForNothing(t *testing.T) {
	r := sample(1000, "synap", "redis", `<script>alert("x")</script>`)
	for i := range r.Runs {
		r.Runs[i].Knee = []result.Step{{Target: 1000, P50: 10, P99: 20, Holds: true},
			{Target: 2000, P50: 20, P99: 2000}}
	}
	path := filepath.Join(t.TempDir(), "r.html")
	// A report of a real run can be looked at as well.
	if given := os.Getenv("SYNAP_REPORT"); given != "" {
		var err error
		if r, err = report.Read(given); err != nil {
			t.Fatal(err)
		}
	}
	if err := report.Write(path, r); err != nil {
		t.Fatal(err)
	}
	b := openBrowser(t)
	b.open(path)
	var lines []struct {
		Length, Width float64
		Stroke, Fill  string
	}
	b.eval(drawnLines, &lines)
	figures := 0
	b.eval(`document.querySelectorAll("figure").length`, &figures)
	if len(lines) < figures || figures < 4 {
		t.Errorf("%d lines in %d charts", len(lines), figures)
	}
	for i, l := range lines {
		if l.Length < 10 || l.Width < 10 || l.Stroke == "none" || l.Fill != "none" {
			t.Errorf("line %d is not drawn as one: %+v", i, l)
		}
	}
	var inside string
	b.eval(`JSON.stringify(JSON.parse(document.getElementById("report").textContent))`, &inside)
	if again, err := report.Parse([]byte(inside)); err != nil || len(again.Runs) != len(r.Runs) {
		t.Errorf("the data inside cannot be read in the browser: %v", err)
	}
	colours := map[string]bool{}
	for _, scheme := range []string{"light", "dark"} {
		b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{
			map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
		var colour string
		b.eval("getComputedStyle(document.body).backgroundColor", &colour)
		colours[colour] = true
	}
	if len(colours) != 2 {
		t.Errorf("light and dark look the same: %v", colours)
	}
	if len(b.said) > 0 {
		t.Errorf("the console says %s", b.said)
	}
	for _, url := range b.requests {
		if url != "file://"+path && !strings.HasPrefix(url, "data:") {
			t.Errorf("the page asks for %q", url)
		}
	}
	t.Logf("%d charts, %d lines, requests %q", figures, len(lines), b.requests)
}

// TestBrowserWouldTell shows that the checks above can fail: a page that runs a script against the
// policy, and asks for a picture, is told of.
func TestBrowserWouldTell(t *testing.T) {
	page := strings.Replace(html(t, sample(1000, "synap")), "<body>",
		`<body><script>var ran=1</script><p style="color:red">x</p>`, 1)
	path := filepath.Join(t.TempDir(), "bad.html")
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	b := openBrowser(t)
	b.open(path)
	var ran bool
	b.eval("typeof ran != 'undefined'", &ran)
	if ran || len(b.said) != 2 {
		t.Errorf("the script ran: %v; the console says %d things, want 2", ran, len(b.said))
	}
	const open = `<img src="http://localhost:1/x.png">`
	if err := os.WriteFile(path, []byte(open), 0o600); err != nil {
		t.Fatal(err)
	}
	b.open(path)
	if !strings.Contains(strings.Join(b.requests, " "), "http://localhost:1/x.png") {
		t.Errorf("a request is not seen: %q", b.requests)
	}
}
