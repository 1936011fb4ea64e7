package workload

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// simulated is a server of a capacity: one operation after the other, each in the same time. No
// time passes. A step is as long as its simulation.
func simulated(capacity, goal float64) func(context.Context, float64) (result.Step, error) {
	const simulation = 5.0 // seconds
	return func(_ context.Context, rate float64) (result.Step, error) {
		free, done, late := 0.0, 0.0, 0.0
		for due := 0.0; due < simulation; due += 1 / rate {
			free = max(free, due) + 1/capacity
			if free <= simulation {
				done++
			}
			if late = max(late, free-due); free > 2*simulation {
				break
			}
		}
		s := result.Step{Target: rate, Achieved: done / simulation, P99: late * 1e6}
		s.Holds = s.Achieved >= Kept*rate && (goal == 0 || s.P99 < goal)
		return s, nil
	}
}

func TestAStaircaseFindsTheKneeOfAServer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.Float64Range(20, 50_000).Draw(t, "capacity")
		from := rapid.Float64Range(1, 100_000).Draw(t, "from")
		if from > 100*capacity {
			t.Skip("the simulation of that takes long")
		}
		goal := 0.0
		if rapid.Bool().Draw(t, "with a goal") {
			goal = 3e6 / capacity // µs: three operations may wait
		}
		steps, best, err := Stairs{From: from, Exact: 0.03}.Climb(t.Context(),
			simulated(capacity, goal))
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(best-capacity) > 0.1*capacity {
			t.Errorf("the knee is at %.1f, found at %.1f in %d steps", capacity, best, len(steps))
		}
		if len(steps) > 80 {
			t.Errorf("%d steps are many", len(steps))
		}
		highest := 0.0
		for _, s := range steps {
			if s.Holds {
				highest = max(highest, s.Target)
			}
		}
		if highest != best {
			t.Errorf("the best is %g, but %g held", best, highest)
		}
	})
}

func TestAStairThatFailsByChanceIsTriedAgain(t *testing.T) {
	try, tries := simulated(1000, 0), 0
	_, best, err := Stairs{From: 100, Exact: 0.03}.Climb(t.Context(),
		func(ctx context.Context, rate float64) (result.Step, error) {
			step, err := try(ctx, rate)
			if tries++; tries%2 == 1 {
				step.Holds = false
			}
			return step, err
		})
	if err != nil || math.Abs(best-1000) > 100 {
		t.Errorf("the knee was found at %.1f, %v", best, err)
	}
}

func TestAStaircaseEndsAtItsTopAndWithErrors(t *testing.T) {
	steps, best, err := Stairs{From: 100, Most: 500, Exact: 0.03}.Climb(t.Context(),
		simulated(10_000, 0))
	if err != nil || best != 500 || len(steps) != 4 {
		t.Errorf("%d steps, best %g, %v", len(steps), best, err)
	}
	gone := errors.New("gone")
	steps, best, err = Stairs{From: 100, Exact: 0.03}.Climb(t.Context(),
		func(_ context.Context, rate float64) (result.Step, error) {
			if rate > 300 {
				return result.Step{}, gone
			}
			return result.Step{Target: rate, Holds: true}, nil
		})
	if !errors.Is(err, gone) || best != 200 || len(steps) != 2 {
		t.Errorf("%d steps, best %g, %v", len(steps), best, err)
	}
	_, best, err = Stairs{From: 100, Exact: 0.03}.Climb(t.Context(), simulated(0.01, 0))
	if err != nil || best != 0 {
		t.Errorf("a server that does nothing keeps %g, %v", best, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err = (Stairs{From: 100, Exact: 0.03}).Climb(ended, simulated(1000, 0)); err == nil {
		t.Error("an interrupt does not end it")
	}
}

// series makes samples, one a second: a line, a saw as of a garbage collector, and noise.
func series(n int, base, slope, saw, noise float64) (at, bytes []float64) {
	random := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // no secrets
	for i := range n {
		x := float64(i)
		at = append(at, x)
		bytes = append(bytes, base+slope*x+saw*math.Mod(x, 20)/20+noise*random.NormFloat64())
	}
	return at, bytes
}

func TestMemorySlopes(t *testing.T) {
	for _, c := range []struct {
		name               string
		n                  int
		slope, saw, noise  float64
		sure, leak         bool
		within             float64 // of the slope, in bytes a second
		leastErr, mostErrs float64 // of the standard error
	}{
		{"flat", 600, 0, 0, 1e5, true, false, 100, 10, 40},
		{"a leak", 600, 50_000, 0, 1e5, true, true, 100, 10, 40},
		{"a leak under a saw", 3600, 50_000, 20e6, 1e5, true, true, 500, 50, 2000},
		{"a saw is no leak", 600, 0, 20e6, 1e5, true, false, 20_000, 1000, 50_000},
		{"less than a hundredth", 600, 1000, 0, 1e3, true, false, 10, 0.1, 1},
		{"growing less", 600, -50_000, 0, 1e5, true, false, 100, 10, 40},
		{"too short", 6, 50_000, 0, 1e3, false, false, 10_000, 0, 5000},
		{"a saw, too short", 40, 0, 20e6, 1e5, false, false, 1e6, 0, 1e6},
	} {
		at, bytes := series(c.n, 100e6, c.slope, c.saw, c.noise)
		s := Fit(at, bytes)
		if s.Sure() != c.sure || s.Leak() != c.leak {
			t.Errorf("%s: sure %t, leak %t: %+v", c.name, s.Sure(), s.Leak(), s)
		}
		if math.Abs(s.PerSecond-c.slope) > c.within || s.StdErr < c.leastErr ||
			s.StdErr > c.mostErrs {
			t.Errorf("%s: %.1f ± %.1f B/s, want %.1f", c.name, s.PerSecond, s.StdErr, c.slope)
		}
		check := s.check(true)
		if check.OK != (c.sure && !c.leak) || check.Skipped != !c.sure {
			t.Errorf("%s: the check is %+v", c.name, check)
		}
	}
	if c := (Slope{}).check(false); c.OK || !c.Skipped || !strings.Contains(c.Got, "process") {
		t.Errorf("without a process: %+v", c)
	}
}

// The error that is stated must be that of the estimate: of many series without a slope, about
// one in 370 may be three standard errors off.
func TestTheErrorOfASlopeIsHonest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // no secrets
	const trials = 400
	for _, alike := range []float64{0, 0.7} { // what a sample has of the one before
		off := 0
		for range trials {
			var at, bytes []float64
			walk := 0.0
			for i := range 500 {
				walk = alike*walk + random.NormFloat64()
				at, bytes = append(at, float64(i)), append(bytes, 1e6+walk)
			}
			if s := Fit(at, bytes); math.Abs(s.PerSecond) > 3*s.StdErr {
				off++
			}
		}
		if off > 10 {
			t.Errorf("%g alike: %d of %d slopes are beyond three standard errors", alike, off,
				trials)
		}
	}
}

func TestMemoryLeavesOutTheBeginningAndWhatIsNotKnown(t *testing.T) {
	var points []result.Point
	for i := range 100 {
		p := result.Point{At: float64(i), ServerRSS: 100 << 20}
		if i < 20 {
			p.ServerRSS = int64(i) << 20 // it finds its size
		} else if i%10 == 0 {
			p.ServerRSS = -1
		}
		points = append(points, p)
	}
	if s := memoryOf(points); s.Samples != 72 || s.PerSecond != 0 || s.Leak() {
		t.Errorf("%+v", s)
	}
}

// The ledger against a set.
func TestTheLedgerKnowsWhatCame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, twin := new(ledger), map[int64]bool{}
		next := int64(0)
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			from := max(0, next-150)
			number := rapid.Int64Range(from, next).Draw(t, "number")
			if number >= l.base+soakWindow {
				continue
			}
			next = max(next, number+1)
			if got := l.tick(number); got != twin[number] {
				t.Fatalf("%d came before: %t, want %t", number, got, twin[number])
			}
			twin[number] = true
		}
		for number := range next {
			if l.has(number) != twin[number] {
				t.Fatalf("%d came: %t, want %t", number, l.has(number), twin[number])
			}
		}
	})
}

func TestAStepHoldsWhenTheRateIsKeptAndNothingFails(t *testing.T) {
	get, set := measured("GET", 800, 1, quick, quick), measured("SET", 180, 1, quick, slow)
	for _, c := range []struct {
		due    float64
		errors int64
		holds  bool
	}{{1000, 0, true}, {1020, 0, false}, {1000, 1, false}} {
		set.Errors = c.errors
		s, err := StepOf(c.due, []result.Test{get, set})
		if err != nil || s.Holds != c.holds || s.Achieved != 980 || s.Target != c.due {
			t.Errorf("%+v, %v", s, err)
		}
		if math.Abs(s.P50-100) > 1 || s.P99 > 110 { // slow are 7 of 980
			t.Errorf("percentiles of both kinds: %+v", s)
		}
	}
	if s, err := StepOf(10, nil); err != nil || s.Holds {
		t.Errorf("nothing done: %+v, %v", s, err)
	}
}
