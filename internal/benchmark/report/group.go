package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// group is the runs of one workload against one server with one load: they repeat each other.
type group struct {
	workload string
	server   string // its name, with what tells it from others of that name
	runs     []*result.Run
}

// tests returns those of a name, one a run that has it.
func (g *group) tests(name string) (tests []*result.Test) {
	for _, run := range g.runs {
		for i := range run.Tests {
			if run.Tests[i].Name == name {
				tests = append(tests, &run.Tests[i])
			}
		}
	}
	return tests
}

// names are those of the tests, in the order in which they first come.
func (g *group) names() (names []string) {
	for _, run := range g.runs {
		for i := range run.Tests {
			if name := run.Tests[i].Name; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// grouping names servers so that runs which do not repeat each other have different names, and
// those of two reports that should be compared have the same.
type grouping struct {
	// telling are the attributes that belong to the name, by workload and server.
	telling map[[2]string][]string
}

// attributes of a run that may tell it from others, those that say most first. The URL is last,
// because a server of its own has another every time.
func attributes(run *result.Run) (names []string, values map[string]string) {
	s := &run.Server
	values = map[string]string{"protocol": s.Protocol, "format": s.Format,
		"durability": s.Durability, "version": s.Version, "url": s.URL}
	names = []string{"protocol", "format", "durability"}
	for _, name := range slices.Sorted(maps.Keys(run.Params)) {
		names = append(names, "--"+name)
		values["--"+name] = run.Params[name]
	}
	return append(names, "version", "url"), values
}

// newGrouping looks at all reports that will be compared or drawn together.
func newGrouping(reports ...*result.Report) *grouping {
	g := &grouping{telling: map[[2]string][]string{}}
	for _, r := range reports {
		// Runs of the same number are no repetitions of each other.
		for g.refine(r) {
		}
	}
	return g
}

// refine adds one attribute that tells two runs apart which have the same name and number yet.
func (g *grouping) refine(r *result.Report) bool {
	type key struct {
		workload, server string
		number           int
	}
	seen := map[key]*result.Run{}
	for i := range r.Runs {
		run := &r.Runs[i]
		k := key{run.Workload, g.name(run), run.Number}
		other := seen[k]
		if other == nil {
			seen[k] = run
			continue
		}
		names, values := attributes(run)
		_, others := attributes(other)
		for _, name := range names {
			if values[name] != others[name] {
				at := [2]string{run.Workload, run.Server.Name}
				g.telling[at] = append(g.telling[at], name)
				return true
			}
		}
	}
	return false
}

func (g *grouping) name(run *result.Run) string {
	_, values := attributes(run)
	parts := []string{cmp.Or(run.Server.Name, "server")}
	for _, name := range g.telling[[2]string{run.Workload, run.Server.Name}] {
		value := values[name]
		if strings.HasPrefix(name, "--") {
			value = name + "=" + value
		}
		if value != "" {
			parts = append(parts, value)
		}
	}
	return strings.Join(parts, " ")
}

// groups are those of a report, in the order in which they first come.
func (g *grouping) groups(r *result.Report) (groups []*group) {
	for i := range r.Runs {
		run := &r.Runs[i]
		name := g.name(run)
		at := slices.IndexFunc(groups, func(o *group) bool {
			return o.workload == run.Workload && o.server == name
		})
		if at < 0 {
			at = len(groups)
			groups = append(groups, &group{workload: run.Workload, server: name})
		}
		groups[at].runs = append(groups[at].runs, run)
	}
	return groups
}

// sample is one figure of several runs.
type sample []float64

func (s sample) median() float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// bounds are the smallest and the largest; of five runs and more these two are left out, so that
// one run which something disturbed does not hide a difference.
func (s sample) bounds() (low, high float64) {
	if len(s) == 0 {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(s))
	if len(sorted) >= 5 {
		sorted = sorted[1 : len(sorted)-1]
	}
	return sorted[0], sorted[len(sorted)-1]
}

func sampleOf(tests []*result.Test, of func(*result.Test) float64) sample {
	s := make(sample, 0, len(tests))
	for _, t := range tests {
		s = append(s, of(t))
	}
	return s
}

// Join makes one report of several, whose runs repeat each other: those of later reports are
// numbered on. The machine was as fast as in the best moment of all.
func Join(reports []*result.Report) *result.Report {
	sum := &result.Report{Version: result.Version}
	last := 0
	for i, r := range reports {
		if i == 0 {
			*sum = *r
			sum.Runs = nil
		}
		before := last
		for _, run := range r.Runs {
			run.Number += before
			last = max(last, run.Number)
			sum.Runs = append(sum.Runs, run)
		}
		sum.Environment.Calibrated = max(sum.Environment.Calibrated, r.Environment.Calibrated)
		sum.Aborted = cmp.Or(sum.Aborted, r.Aborted)
	}
	return sum
}
