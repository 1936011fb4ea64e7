package show

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// home is whom all others are compared with.
const home = "synap"

// even is how far apart two rates, or costs, may be to count as equal.
const even = 0.05

// Comparison is a report of several servers under the same load: for each test the medians of all
// runs, and who wins.
func Comparison(r *result.Report, s Style) string {
	p := &page{style: s}
	p.environment(&r.Environment)
	p.line("command: %s", strings.Join(r.Command, " "))
	servers, tests := contenders(r.Runs)
	for _, test := range tests {
		p.compareTest(r.Runs, servers, test)
	}
	p.line("")
	for _, name := range servers {
		p.facts(r.Runs, name)
	}
	if r.Aborted != "" {
		p.line("\n%s", p.colored("not whole: "+r.Aborted, yellow))
	}
	return p.String()
}

// contenders are the names of servers, ours first, and of tests.
func contenders(runs []result.Run) (servers, tests []string) {
	for i := range runs {
		if name := runs[i].Server.Name; !slices.Contains(servers, name) {
			servers = append(servers, name)
		}
		for j := range runs[i].Tests {
			if name := runs[i].Tests[j].Name; !slices.Contains(tests, name) {
				tests = append(tests, name)
			}
		}
	}
	if i := slices.Index(servers, home); i > 0 {
		servers = slices.Insert(slices.Delete(servers, i, i+1), 0, home)
	}
	return servers, tests
}

// figures are the medians of a test of one server.
type figures struct {
	rates             []float64 // of all runs, in order of size
	rate, p50, p99    float64
	cpu               float64 // µs of the server an operation; 0 = not known
	memory            float64 // bytes, the most of any moment; 0 = not known
	errors            int64
	runs              int
	faulty, saturated bool
}

func figuresOf(runs []result.Run, server, test string) figures {
	var f figures
	var p50, p99, cpu []float64
	for i := range runs {
		if runs[i].Server.Name != server {
			continue
		}
		for j := range runs[i].Tests {
			t := &runs[i].Tests[j]
			if t.Name != test {
				continue
			}
			f.rates = append(f.rates, t.Rate())
			p50, p99 = append(p50, t.Latency.P50), append(p99, t.Latency.P99)
			cpu = append(cpu, t.ServerMicros)
			f.errors += t.Errors
			for _, point := range t.Series {
				f.memory = max(f.memory, float64(point.ServerRSS))
			}
			f.faulty = f.faulty || runs[i].Faults.Any()
			f.saturated = f.saturated || slices.ContainsFunc(runs[i].Notes, saturation)
		}
	}
	f.runs = len(f.rates)
	slices.Sort(f.rates)
	f.rate, f.p50, f.p99, f.cpu = median(f.rates), median(p50), median(p99), median(cpu)
	return f
}

func saturation(note string) bool { return strings.HasPrefix(note, "client saturated") }

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	return (list[len(list)/2] + list[(len(list)-1)/2]) / 2
}

func (p *page) compareTest(runs []result.Run, servers []string, test string) {
	ours := figuresOf(runs, home, test)
	rows := [][]string{{test, "ops/s", "least–most", "p50", "p99", "server µs/op", "memory",
		"Synap's rate", "Synap's CPU", "Synap"}}
	for _, name := range servers {
		f := figuresOf(runs, name, test)
		if f.runs == 0 {
			continue
		}
		row := []string{name, Count(f.rate), Count(f.rates[0]) + "–" + Count(f.rates[f.runs-1]),
			Micros(f.p50), Micros(f.p99), "-", "-", "", "", ""}
		if f.saturated {
			row[1] += "*"
		}
		if f.cpu > 0 {
			row[5] = strconv.FormatFloat(f.cpu, 'f', 2, 64)
		}
		if f.memory > 0 {
			row[6] = fmt.Sprintf("%.0f MB", f.memory/1e6)
		}
		if name != home && ours.rate > 0 && f.rate > 0 {
			row[7], row[9] = fmt.Sprintf("%.2f×", ours.rate/f.rate), outcome(ours.rate/f.rate)
			if ours.cpu > 0 && f.cpu > 0 {
				row[8] = fmt.Sprintf("%.2f×", ours.cpu/f.cpu)
			}
		}
		if f.faulty || f.errors > 0 {
			row[9] = strings.TrimSpace(row[9] + " (faults)")
		}
		rows = append(rows, row)
	}
	p.line("")
	p.table(rows)
}

// outcome says who wins by a ratio of rates.
func outcome(ratio float64) string {
	switch {
	case ratio > 1+even:
		return "wins"
	case ratio < 1-even:
		return "loses"
	}
	return "even"
}

// facts are what the figures of a server mean.
func (p *page) facts(runs []result.Run, server string) {
	var seen []string
	for i := range runs {
		r := &runs[i]
		if r.Server.Name != server {
			continue
		}
		if len(seen) == 0 {
			over := r.Server.Protocol
			if r.Server.Format != "" {
				over += " (" + r.Server.Format + ")"
			}
			seen = append(seen, fmt.Sprintf("%s %s over %s", server, r.Server.Version, over),
				"durability: "+r.Server.Durability)
		}
		var notes []string
		if slices.ContainsFunc(r.Notes, saturation) {
			notes = append(notes, "* client saturated: the server may be faster than this")
		}
		for _, note := range r.Notes {
			if strings.HasPrefix(note, server+" ") {
				notes = append(notes, note)
			}
		}
		if r.Faults.Any() {
			notes = append(notes, p.colored(fmt.Sprintf("FAULTS in run %d: %s", r.Number,
				Faults(&r.Faults)), red))
			notes = append(notes, r.Faults.Examples...)
		}
		for _, note := range notes {
			if !slices.Contains(seen, note) {
				seen = append(seen, note)
			}
		}
	}
	for i, text := range seen {
		if i > 0 {
			text = "  " + text
		}
		p.line("%s", text)
	}
}
