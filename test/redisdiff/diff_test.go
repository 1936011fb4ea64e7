package redisdiff

import (
	"flag"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/command/rediscmd"
)

// defaultChecks keeps the test below half a minute under the race detector.
const defaultChecks = "500"

// setChecks tells rapid how many sequences to try. It runs inside the test, not in TestMain, so
// that the go command sees the variable and does not answer from its cache.
func setChecks(t *testing.T) {
	checks := defaultChecks
	if v := os.Getenv("SYNAP_DIFF_CHECKS"); v != "" {
		checks = v
	}
	if err := flag.Set("rapid.checks", checks); err != nil {
		t.Fatal(err)
	}
}

// drawStep draws a command line of one of the shapes, now and then a broken one.
func drawStep(shapes []shape, connections int) *rapid.Generator[step] {
	pick, chance := rapid.IntRange(0, len(shapes)-1), rapid.IntRange(0, 11)
	conn := rapid.IntRange(1, connections)
	return rapid.Custom(func(t *rapid.T) step {
		s := shapes[pick.Draw(t, "shape")]
		name := s.name
		if chance.Draw(t, "case") == 11 {
			name = strings.ToLower(name)
		}
		argv := append([]string{name}, s.args(t)...)
		switch last := len(argv) - 1; chance.Draw(t, "fault") {
		case 9:
			argv = append(argv, odd(t)...)
		case 10:
			if last > 0 {
				argv[rapid.IntRange(1, last).Draw(t, "at")] = odd(t)[0]
			}
		case 11:
			if last > 0 {
				argv = argv[:last]
			}
		}
		return step{second: conn.Draw(t, "connection") == 2, argv: argv}
	})
}

// fill replaces the placeholders of relative times to live by times of step i's own.
func fill(argv []string, i int) []string {
	argv = slices.Clone(argv)
	seconds := 1000 + 100*i
	for j, word := range argv {
		switch word {
		case "@s":
			argv[j] = strconv.Itoa(seconds)
		case "@ms":
			argv[j] = strconv.Itoa(seconds * 1000)
		case "@big":
			argv[j] = strconv.Itoa(1<<32 + seconds)
		}
	}
	return argv
}

// newPairs connects twice to both sides.
func newPairs(t *testing.T) (pairs [2]*pair) {
	oracle, engine := startOracle(t), newEngine(t)
	for i := range pairs {
		pairs[i] = &pair{ours: newSynapConn(engine), theirs: dialOracle(t, oracle)}
	}
	return pairs
}

func TestRepliesAreThoseOfRedis(t *testing.T) {
	setChecks(t)
	pairs := newPairs(t)
	everything := slices.Concat(stringShapes, keyShapes, bitShapes, multiShapes)
	for _, family := range []struct {
		name        string
		shapes      []shape
		connections int
	}{
		{"strings", stringShapes, 1},
		{"keys", keyShapes, 1},
		{"bits", bitShapes, 1},
		{"transactions", multiShapes, 2},
		{"everything", everything, 2},
	} {
		t.Run(family.name, func(t *testing.T) {
			steps := rapid.SliceOfN(drawStep(family.shapes, family.connections), 1, 40)
			set := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
				return step{argv: append([]string{"SET"}, seq(key, value)(t)...)}
			}), 0, 4)
			version := rapid.SampledFrom([]string{"2", "3"})
			rapid.Check(t, func(t *rapid.T) {
				v := version.Draw(t, "version")
				begin(t, pairs, v)
				script := append(set.Draw(t, "set up"), steps.Draw(t, "steps")...)
				for i, s := range script {
					p := pairs[0]
					if s.second {
						p = pairs[1]
					}
					p.run(t, fill(s.argv, i))
				}
			})
		})
	}
}

func begin(t failer, pairs [2]*pair, version string) {
	for _, p := range pairs {
		p.begin(t, version)
	}
	pairs[0].both(t, []string{"FLUSHALL"})
}

func TestEveryRowHasAShape(t *testing.T) {
	shaped := map[string]bool{}
	for _, s := range slices.Concat(stringShapes, keyShapes, bitShapes, multiShapes) {
		shaped[s.name] = true
	}
	for _, row := range rediscmd.Rows() {
		if !shaped[row.Name] {
			t.Errorf("%s is compared with nothing", row.Name)
		}
	}
}
