package workload

import (
	"context"

	"github.com/synapdb/synap/internal/benchmark/result"
)

// Stairs is the search for the highest rate that a server keeps.
type Stairs struct {
	From float64 // operations a second of the first stair
	Most float64 // no stair is higher; 0 = no end
	// Exact is how near the knee is found: the part of a rate that two stairs may lie apart.
	Exact float64
}

// Kept is the part of a rate that must be done for it to count as kept.
const Kept = 0.97

// leastRate is where the search gives up: no server is that slow.
const leastRate = 1

// Climb doubles the rate until a stair does not hold, then halves the gap between the highest that
// holds and the lowest that does not. A stair that does not hold is tried once more: on a busy
// machine one may fail by chance. Steps are all that were tried, in order; best is the highest rate
// that held, 0 if none did. On an error, the steps until then.
func (s Stairs) Climb(
	ctx context.Context, try func(ctx context.Context, rate float64) (result.Step, error),
) (steps []result.Step, best float64, err error) {
	holds := func(rate float64) (bool, error) {
		for range 2 {
			if err := ctx.Err(); err != nil {
				return false, context.Cause(ctx)
			}
			step, err := try(ctx, rate)
			if step.Target > 0 {
				steps = append(steps, step)
			}
			if err != nil || step.Holds {
				return step.Holds, err
			}
		}
		return false, nil
	}
	low, high := 0.0, 0.0 // high = 0: not found yet
	for rate := s.From; ; {
		ok, err := holds(rate)
		if err != nil {
			return steps, low, err
		}
		if ok {
			low = rate
		} else {
			high = rate
		}
		switch {
		case high == 0 && s.Most > 0 && rate >= s.Most:
			return steps, low, nil
		case high == 0 && s.Most > 0:
			rate = min(2*rate, s.Most)
		case high == 0:
			rate *= 2
		case high-low <= s.Exact*high, high < leastRate:
			return steps, low, nil
		default:
			rate = (low + high) / 2
		}
	}
}

// StepOf is the stair of a load whose operations were due at a rate, all kinds together. It holds
// if the rate was kept and nothing failed; the caller knows whether there are other goals.
func StepOf(due float64, tests []result.Test) (result.Step, error) {
	step := result.Step{Target: due}
	var all []*result.Test
	failed := int64(0)
	for i := range tests {
		step.Achieved += tests[i].Rate()
		failed += tests[i].Errors
		all = append(all, &tests[i])
	}
	h, err := together(all)
	if err != nil {
		return step, err
	}
	if h != nil {
		step.P50 = float64(h.ValueAtPercentile(50)) / 1e3
		step.P99 = float64(h.ValueAtPercentile(99)) / 1e3
	}
	step.Holds = failed == 0 && step.Achieved >= Kept*due
	return step, nil
}
