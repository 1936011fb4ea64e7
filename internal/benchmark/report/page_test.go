package report_test

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/synapdb/synap/internal/benchmark/report"
	"github.com/synapdb/synap/internal/benchmark/result"
)

func exact(v float64, unit string) string {
	return strings.TrimSpace(strconv.FormatFloat(v, 'f', -1, 64) + " " + unit)
}

// cells returns the exact values of a line of the summary.
func cells(row *node) (titles []string) {
	for _, td := range row.all("td") {
		if title, ok := td.attr["title"]; ok {
			titles = append(titles, title)
		}
	}
	return titles
}

func TestFiguresOfThePageAreThoseOfTheReport(t *testing.T) {
	r := sample(123_456.7, "synap")
	r.Runs = r.Runs[:1]
	r.Runs[0].Tests[0].Errors = 3
	table := parse(t, html(t, r)).all("tbody")[0]
	rows := table.all("tr")
	if len(rows) != 2 {
		t.Fatalf("%d lines in the summary, want 2", len(rows))
	}
	for i, row := range rows {
		o := &r.Runs[0].Tests[i]
		l := &o.Latency
		want := []string{exact(float64(o.Operations), ""), exact(o.Rate(), "/s"),
			exact(float64(o.Bytes)/o.Seconds, "B/s"), exact(l.Mean, "µs"), exact(l.P50, "µs"),
			exact(l.P95, "µs"), exact(l.P99, "µs"), exact(l.P999, "µs"), exact(l.Max, "µs"),
			exact(float64(o.Errors), ""), exact(o.ServerMicros, "µs"),
			exact(o.ClientMicros, "µs")}
		if got := cells(row); !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %q\nwant %q", o.Name, got, want)
		}
	}
	if !strings.Contains(rows[0].text, "123 K/s") {
		t.Errorf("the rate is not said shortly: %q", rows[0].text)
	}
}

func TestSeveralRunsShowTheMedianAndAllSamples(t *testing.T) {
	r := sample(1000, "synap")
	extra := r.Runs[0]
	extra.Number, extra.Tests = 3, []result.Test{test("GET", 5000, 1e6, 77)}
	r.Runs = append(r.Runs, extra)
	page := parse(t, html(t, r))
	got := cells(page.all("tbody")[0].all("tr")[0])
	h, err := report.Merge([]*result.Latency{&r.Runs[0].Tests[0].Latency,
		&r.Runs[1].Tests[0].Latency, &r.Runs[2].Tests[0].Latency})
	if err != nil {
		t.Fatal(err)
	}
	if want := exact(1010, "/s"); got[1] != want {
		t.Errorf("the rate is %s, want the median %s", got[1], want)
	}
	if want := exact(float64(h.ValueAtPercentile(99))/1e3, "µs"); got[6] != want {
		t.Errorf("p99 is %s, want that of all samples, %s", got[6], want)
	}
	each := page.all("details")[0].all("tbody")[0].all("tr")
	if len(each) != 5 {
		t.Errorf("%d lines of single runs, want 3 of GET and 2 of SET", len(each))
	}
}

func TestHostileTextStaysText(t *testing.T) {
	const evil = `</script></style><script>alert(1)</script><img src=x onerror="a()">'&<!--`
	r := sample(1000, evil)
	r.Aborted, r.Command = evil, []string{"x", evil}
	e := &r.Environment
	e.Host, e.OS, e.CPU, e.Go, e.Tool = evil, evil, evil, evil, evil
	for i := range r.Runs {
		run := &r.Runs[i]
		run.Workload, run.Notes = evil, []string{evil}
		run.Params = map[string]string{evil: evil}
		run.Server = result.Server{Name: evil, Version: evil, URL: evil, Protocol: evil,
			Format: evil, Durability: evil}
		run.Faults = result.Faults{Lost: 1, Examples: []string{evil}}
		run.Checks = []result.Check{{Name: evil, Want: evil, Got: evil, Source: evil}}
		run.Knee = []result.Step{{Target: 1, P50: 2, P99: 3}}
		for j := range run.Tests {
			run.Tests[j].Name = evil + strconv.Itoa(j)
		}
	}
	text := html(t, r)
	page := parse(t, text)
	strict(t, page)
	if n := strings.Count(text, "<script"); n != 1 {
		t.Errorf("%d scripts, want only the data", n)
	}
	if len(page.all("img")) != 0 || strings.Contains(text, "<!--") {
		t.Error("text became markup")
	}
	if !strings.Contains(page.all("table")[0].text, evil) {
		t.Error("the names are not shown as they are")
	}
	again, err := report.Parse([]byte(text))
	if err != nil || again.Runs[0].Server.Name != evil {
		t.Errorf("the data inside is another: %v", err)
	}
}

// strict checks what makes a page work offline and under its own policy.
func strict(t *testing.T, page *node) {
	t.Helper()
	var walk func(n *node)
	walk = func(n *node) {
		for name, value := range n.attr {
			switch {
			case strings.HasPrefix(name, "on"), name == "style", name == "src":
				t.Errorf("<%s> has %s=%q", n.name, name, value)
			case name == "href" && !strings.HasPrefix(value, "data:"):
				t.Errorf("<%s> asks for %q", n.name, value)
			}
		}
		if n.name == "script" && n.attr["type"] != "application/json" {
			t.Error("a script runs")
		}
		for _, kid := range n.kids {
			walk(kid)
		}
	}
	walk(page)
	var policy string
	for _, meta := range page.all("meta") {
		if meta.attr["http-equiv"] == "Content-Security-Policy" {
			policy = meta.attr["content"]
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "script") {
		t.Errorf("the policy is %q", policy)
	}
	styles := page.all("style")
	sum := sha256.Sum256([]byte(styles[0].text))
	if want := base64.StdEncoding.EncodeToString(sum[:]); len(styles) != 1 ||
		!strings.Contains(policy, "'sha256-"+want+"'") {
		t.Errorf("the policy %q does not allow the style, whose sum is %s", policy, want)
	}
	if strings.Contains(styles[0].text, "url(") || strings.Contains(styles[0].text, "@import") {
		t.Error("the style asks for something")
	}
}

// places returns the points of a path.
func places(t *testing.T, path string) (xs, ys []float64) {
	t.Helper()
	for _, m := range regexp.MustCompile(`[ML](\S+?) ([-0-9.]+)`).FindAllStringSubmatch(path, -1) {
		x, errX := strconv.ParseFloat(m[1], 64)
		y, errY := strconv.ParseFloat(m[2], 64)
		if errX != nil || errY != nil {
			t.Fatalf("%q is no path", path)
		}
		xs, ys = append(xs, x), append(ys, y)
	}
	return xs, ys
}

func TestChartsHaveAPointForEverySecond(t *testing.T) {
	r := sample(1000, "synap", "redis")
	charts := parse(t, html(t, r)).charts()
	rates := charts["kv: GET/Operations a second"]
	if rates == nil {
		t.Fatalf("no chart of rates among %v", keys(charts))
	}
	lines := rates.all("g")
	if len(lines) != 4 {
		t.Fatalf("%d lines, want one for each of 4 runs", len(lines))
	}
	for _, g := range lines {
		xs, ys := places(t, g.all("path")[0].attr["d"])
		if len(xs) != 10 || !slices.IsSorted(xs) {
			t.Errorf("x of 10 seconds: %v", xs)
		}
		// The rates rise by the second, and up is less.
		if slices.Reverse(ys); !slices.IsSorted(ys) {
			t.Errorf("the line does not rise: %v", ys)
		}
		title := g.all("title")
		if len(title) != 10 || !strings.Contains(title[9].text, "at 10 s") {
			t.Errorf("%d points say what they are", len(title))
		}
	}
	var names []string
	for _, li := range rates.all("li") {
		names = append(names, li.text)
	}
	if !slices.Equal(names, []string{"synap", "redis"}) {
		t.Errorf("the legend is %q", names)
	}
	for _, name := range []string{"p50 and p99 (dashed)", "Latency by percentile",
		"Latency histogram", "CPU: server, load generator (dashed), cores",
		"Server memory (resident)"} {
		if charts["kv: GET/"+name] == nil {
			t.Errorf("no chart %q", name)
		}
	}
	for key := range charts {
		if strings.Contains(key, "GC") || strings.Contains(key, "staircase") {
			t.Errorf("%s is drawn, and nothing is known of it", key)
		}
		if strings.HasPrefix(key, "kv: SET/Server") {
			t.Errorf("%s repeats that of GET, which ran at the same time", key)
		}
	}
}

func keys(m map[string]*node) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

func TestThePercentileCurveEndsAtTheLongest(t *testing.T) {
	r := sample(1000, "synap")
	r.Runs = r.Runs[:1]
	charts := parse(t, html(t, r)).charts()
	g := charts["kv: GET/Latency by percentile"].all("g")[0]
	xs, ys := places(t, g.all("path")[0].attr["d"])
	slices.Reverse(ys)
	if len(xs) < 50 || !slices.IsSorted(xs) || !slices.IsSorted(ys) {
		t.Errorf("the curve does not rise: %v %v", xs, ys)
	}
	titles := g.all("title")
	l := &r.Runs[0].Tests[0].Latency
	if last := titles[len(titles)-1].text; !strings.Contains(last, "the longest") ||
		!strings.Contains(last, "99.98 %") || !strings.Contains(last, report.HumanMicros(l.Max)) {
		t.Errorf("the last of 5000 samples says %q, the longest took %g µs", last, l.Max)
	}
}

func TestAStaircaseShowsItsKnee(t *testing.T) {
	r := sample(1000, "synap")
	r.Runs = r.Runs[:1]
	for i := range 5 {
		at := float64(i+1) * 10_000
		r.Runs[0].Knee = append(r.Runs[0].Knee, result.Step{Target: at, Achieved: min(at, 35_000),
			P50: 100, P99: 200 * float64(i+1), Holds: i < 3})
	}
	steps := r.Runs[0].Knee
	steps[1], steps[4] = steps[4], steps[1] // as they were tried
	chart := parse(t, html(t, r)).charts()["kv: rate and latency/Latency by rate (staircase)"]
	if chart == nil {
		t.Fatal("there is none")
	}
	for _, path := range chart.all("path") {
		if xs, _ := places(t, path.attr["d"]); path.attr["d"] != "M0 4H22" &&
			(len(xs) != 5 || !slices.IsSorted(xs)) {
			t.Errorf("the curve goes back: %v", xs)
		}
	}
	lost := 0
	for _, title := range chart.all("title") {
		if strings.Contains(title.text, "not kept") {
			lost++
		}
	}
	if n := len(chart.all("circle")); n != 10 || lost != 4 {
		t.Errorf("%d points, %d of them not kept; want 10 and 4", n, lost)
	}
}

func TestLongSeriesKeepTheirPeaks(t *testing.T) {
	r := sample(1000, "synap")
	r.Runs = r.Runs[:1]
	test := &r.Runs[0].Tests[0]
	test.Series = nil
	for i := range 20_000 {
		p := result.Point{At: float64(i), Rate: 1000, P50: 1, P99: 2, ServerRSS: -1}
		if i == 7777 {
			p.Rate = 9000
		}
		test.Series = append(test.Series, p)
	}
	g := parse(t, html(t, r)).charts()["kv: GET/Operations a second"].all("g")[0]
	xs, ys := places(t, g.all("path")[0].attr["d"])
	top := slices.Min(ys)
	if len(xs) > 400 || slices.Max(ys)-top < 100 {
		t.Errorf("%d points from %g to %g: the peak is lost, or too many", len(xs), top,
			slices.Max(ys))
	}
}

func TestReportsWithLittleInThemAreDrawn(t *testing.T) {
	bare := &result.Report{Version: 1, Runs: []result.Run{{Workload: "queue", Number: 1,
		Tests: []result.Test{{Name: "publish", Operations: 1, Seconds: 1}}}}}
	damaged := sample(1000, "synap")
	damaged.Runs[0].Tests[0].Latency.Histogram = "AAAA"
	for name, r := range map[string]*result.Report{
		"nothing":      {Version: 1},
		"no tests":     {Version: 1, Runs: []result.Run{{Workload: "kv", Number: 1}}},
		"no histogram": bare,
		"damaged":      damaged,
		"aborted": {Version: 1, Aborted: "the server is gone",
			Runs: []result.Run{{Workload: "kv", Tests: []result.Test{test("GET", 1, 1000, 1)}}}},
	} {
		page := parse(t, html(t, r))
		strict(t, page)
		if r.Aborted != "" && !strings.Contains(page.text, r.Aborted) {
			t.Errorf("%s: it does not say that it is not whole", name)
		}
	}
	if text := parse(t, html(t, damaged)).text; !strings.Contains(text, "no percentile curve") {
		t.Error("nothing says why the percentile curve is missing")
	}
	if text := parse(t, html(t, &result.Report{Version: 1})).text; !strings.Contains(text,
		"Nothing was measured") {
		t.Error("an empty report does not say so")
	}
}

func TestThePageSaysFaultsChecksNotesAndDurability(t *testing.T) {
	r := sample(1000, "synap")
	run := &r.Runs[1]
	run.Faults = result.Faults{Lost: 17, Examples: []string{"message 3 never came"}}
	run.Checks = []result.Check{
		{Name: "GET p95", Want: "< 1ms", Got: "0.3ms", OK: true, Source: "section 1"},
		{Name: "GET rate", Want: "> 9", Got: "3", Source: "--slo"},
		{Name: "lag", Got: "no replicas", Skipped: true}}
	run.Notes = []string{"client saturated"}
	page := parse(t, html(t, r))
	for _, want := range []string{"17 lost", "message 3 never came", "PASS", "FAIL", "section 1",
		"not measured", "run 2: client saturated", "durability os", "--connections 10", "a CPU",
		"synap-benchmark kv --slo 'p99<5ms'", "they share its cores", "10 M rounds/s"} {
		if !strings.Contains(page.text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if got := strings.Count(page.text, "FAIL"); got != 1 {
		t.Errorf("%d checks failed, want 1", got)
	}
}

func TestNumbersForPeople(t *testing.T) {
	for v, want := range map[float64]string{0: "0 µs", 0.25: "250 ns", 1: "1 µs", 99.4: "99.4 µs",
		312.4: "312 µs", 999.7: "1 ms", 1234: "1.23 ms", 999_900: "1 s", 61e6: "61 s",
		600e6: "10 min"} {
		if got := report.HumanMicros(v); got != want {
			t.Errorf("%g µs is %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0", 7: "7", 100: "100", 1e5: "100 K",
		999: "999", 999.6: "1 K", 1000: "1 K",
		12_345: "12.3 K", 1_234_567: "1.23 M", 2e9: "2 G"} {
		if got := report.HumanCount(v); got != want {
			t.Errorf("%g is %q, want %q", v, got, want)
		}
	}
}
