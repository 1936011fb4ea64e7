package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/report"
	"github.com/synapdb/synap/internal/benchmark/result"
)

func encode(t testing.TB, r *result.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFilesGiveBackTheReport(t *testing.T) {
	aborted := sample(1000, "synap")
	aborted.Aborted = "the server is gone"
	for _, want := range []*result.Report{sample(1000, "synap", "redis"), aborted,
		{Version: result.Version}} {
		for _, name := range []string{"r.json", "r.html"} {
			path := filepath.Join(t.TempDir(), name)
			if err := report.Write(path, want); err != nil {
				t.Fatal(err)
			}
			got, err := report.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s gives back another report:\n%+v\n%+v", name, got, want)
			}
		}
	}
}

func TestReadSaysWhatTheFileIsInstead(t *testing.T) {
	whole := encode(t, sample(1000, "synap"))
	page := html(t, sample(1000, "synap"))
	for name, c := range map[string]struct{ text, want string }{
		"empty":     {"", "empty"},
		"spaces":    {" \n", "empty"},
		"text":      {"GET 1000/s", "no JSON"},
		"number":    {"17", "no object (number)"},
		"list":      {"[]", "no object (array)"},
		"other":     {`{"name":"x"}`, "no version"},
		"newer":     {`{"version":2,"runs":"other"}`, "use a newer"},
		"type":      {`{"version":1,"runs":"other"}`, `"runs" holds a string`},
		"version":   {`{"version":"1"}`, `"version" holds a string`},
		"cut":       {string(whole[:len(whole)/2]), "cut off"},
		"two":       {`{"version":1}x`, "no JSON"},
		"page":      {"<html></html>", "without the data"},
		"page, cut": {page[:len(page)-100], "cut off"},
	} {
		_, err := report.Parse([]byte(c.text))
		if !errors.Is(err, report.ErrNotReport) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want one that says %q", name, err, c.want)
		}
	}
	small := encode(t, &result.Report{Version: 1, Command: []string{"a"}})
	small = bytes.TrimSpace(small)
	for n := 1; n < len(small); n++ {
		_, err := report.Parse(small[:n])
		if err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Fatalf("the first %d of %d bytes: %v, want that they are cut off", n, len(small), err)
		}
	}
	if _, err := report.Read(filepath.Join(t.TempDir(), "no")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestReadersSeeWholeFilesWhileTheyAreWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.json")
	r := sample(1000, "synap")
	if err := report.Write(path, r); err != nil {
		t.Fatal(err)
	}
	var writer sync.WaitGroup
	writer.Go(func() {
		for range 50 {
			if err := report.Write(path, r); err != nil {
				t.Error(err)
			}
		}
	})
	for range 50 {
		if _, err := report.Read(path); err != nil {
			t.Error(err)
		}
	}
	writer.Wait()
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("files are left over: %v, %v", files, err)
	}
}

func TestWhatCannotBeWrittenIsSaidBeforeAndAfter(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "no", "r.json"): "make it first",
		dir:                                "director",
	} {
		if err := report.Writable(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("before: %v, want one that says %q", err, want)
		}
		if err := report.Write(path, sample(1, "synap")); err == nil {
			t.Errorf("%s was written", path)
		}
	}
	if err := report.Writable(filepath.Join(dir, "r.json")); err != nil {
		t.Error(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("files are left over: %v, %v", files, err)
	}
}

func TestFiguresThatJSONCannotSayDoNotCostTheReport(t *testing.T) {
	r := sample(1000, "synap")
	r.Runs[0].Tests[0].Latency.Mean = math.NaN()
	r.Runs[0].Tests[0].Series[3].P99 = math.Inf(1)
	r.Runs[0].Checks = []result.Check{{Name: "x", Value: math.Inf(-1)}}
	got, err := report.Parse(encode(t, r))
	if err != nil {
		t.Fatal(err)
	}
	run := got.Runs[0]
	if run.Tests[0].Latency.Mean != 0 || run.Tests[0].Series[3].P99 != 0 ||
		run.Checks[0].Value != 0 || run.Tests[0].Latency.P50 == 0 {
		t.Errorf("got %+v", run)
	}
}

func TestMergedPercentilesAreThoseOfAllSamples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		runs := rapid.SliceOfN(rapid.SliceOfN(rapid.Int64Range(100, 2e8), 1, 100), 1, 3).
			Draw(t, "runs")
		all := hdrhistogram.New(100, 2e8, 3)
		var parts []*result.Latency
		for _, run := range runs {
			h := hdrhistogram.New(100, 2e8, 3)
			for _, ns := range run {
				_ = h.RecordValue(ns) // in range
				_ = all.RecordValue(ns)
			}
			l := load.Summary(h)
			parts = append(parts, &l)
		}
		merged, err := report.Merge(parts)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []float64{0, 10, 50, 90, 95, 99, 99.9, 100} {
			got, want := merged.ValueAtPercentile(p), all.ValueAtPercentile(p)
			if got != want {
				t.Fatalf("p%g of the merged is %d, of all %d", p, got, want)
			}
		}
		if merged.TotalCount() != all.TotalCount() || merged.Max() != all.Max() {
			t.Fatalf("%d merged, the longest %d; all are %d, %d", merged.TotalCount(),
				merged.Max(), all.TotalCount(), all.Max())
		}
	})
}

func TestHistogramsThatCannotBeReadAreErrors(t *testing.T) {
	good := latency(1, 10, 1000)
	if _, err := report.Merge([]*result.Latency{&good, {}}); !errors.Is(err,
		report.ErrNoHistogram) {
		t.Errorf("a run without a histogram: %v", err)
	}
	for _, text := range []string{"x", "AAAA", good.Histogram[:len(good.Histogram)/2]} {
		if _, err := report.Histogram(&result.Latency{Histogram: text}); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestCSVHasEveryTest(t *testing.T) {
	r := sample(1000, "synap", `we"ird, name`)
	var b strings.Builder
	if err := report.CSV(&b, r); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil || len(rows) != 1+8 {
		t.Fatalf("%d rows, %v; want a header and 8", len(rows), err)
	}
	at := func(name string) int { return slices.Index(rows[0], name) }
	n := 1
	for _, run := range r.Runs {
		for _, test := range run.Tests {
			row := rows[n]
			n++
			if row[at("server")] != run.Server.Name || row[at("test")] != test.Name ||
				row[at("rate")] != strconv.FormatFloat(test.Rate(), 'f', -1, 64) ||
				row[at("p99_us")] != strconv.FormatFloat(test.Latency.P99, 'f', -1, 64) {
				t.Errorf("row %v is not that of %+v", row, test)
			}
		}
	}
}

// FuzzParse takes any file: it is refused, or can be drawn, written, and compared with itself.
func FuzzParse(f *testing.F) {
	small := &result.Report{Version: 1, Runs: []result.Run{{Workload: "kv", Number: 1,
		Tests: []result.Test{{Name: "GET", Operations: 5, Seconds: 1, Latency: latency(1, 5, 1000),
			Series: []result.Point{{At: 1, Rate: 5, P50: 1}}}},
		Knee: []result.Step{{Target: 1, P50: 1, P99: 2}}}}}
	f.Add(encode(f, small))
	text, err := json.Marshal(sample(10, "a"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"version":1,"runs":[{"knee":[{"target":-1e17,"p50":-1e308},{"target":1e308,` +
		`"p50":1e308},{"target":5e-324,"p50":5e-324}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := report.Parse(text)
		if err != nil {
			return
		}
		var page bytes.Buffer
		if err := report.HTML(&page, r); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(page.String(), "NaN") && !bytes.Contains(text, []byte("NaN")) {
			t.Error("a chart has a place that is no number")
		}
		again, err := report.Parse(page.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encode(t, r), encode(t, again)) {
			t.Error("the page has another report inside")
		}
		if c, err := report.Compare(r, again, [2]string{"a", "b"}, 0); err == nil &&
			c.Regressions != 0 {
			t.Errorf("a report is worse than itself: %+v", c)
		}
	})
}
