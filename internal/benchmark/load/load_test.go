package load_test

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/synapdb/synap/internal/benchmark/load"
	"github.com/synapdb/synap/internal/benchmark/result"
)

// stub is a server that is nothing but delays.
type stub struct {
	begun *atomic.Int64
	delay func(n int64) time.Duration
	fail  func(n int64) error
}

func (s *stub) Do(_ context.Context, n int, r *load.Recorder) error {
	for i := range n {
		number := s.begun.Add(1)
		if s.fail != nil {
			if err := s.fail(number); err != nil {
				return err
			}
		}
		// The answer of an operation comes so long after it was due: nothing has to wait for it.
		r.Record(i, 0, r.Due(i).Add(s.delay(number)), 10, nil)
	}
	return nil
}

func (s *stub) Close() error { return nil }

func run(t *testing.T, p load.Plan, s *stub) (result.Test, error) {
	t.Helper()
	s.begun = new(atomic.Int64)
	tests, err := load.Run(t.Context(), p, load.Options{Kinds: []string{"op", "never"},
		Open: func(context.Context, int) (load.Work, error) { return s, nil }})
	if len(tests) != 1 {
		t.Fatalf("%d tests: one kind of operation happened", len(tests))
	}
	return tests[0], err
}

func near(t *testing.T, what string, got, want, part float64) {
	t.Helper()
	if math.Abs(got-want) > want*part {
		t.Errorf("%s is %.1f, want %.1f within %.1f %%", what, got, want, part*100)
	}
}

func TestPercentilesOfKnownDistributions(t *testing.T) {
	constant := func(int64) time.Duration { return 3 * time.Millisecond }
	bimodal := func(n int64) time.Duration {
		switch {
		case n%500 == 0:
			return 700 * time.Millisecond
		case n%20 == 0:
			return 40 * time.Millisecond
		}
		return 200 * time.Microsecond
	}
	for _, c := range []struct {
		name           string
		delay          func(int64) time.Duration
		p50, p99, p999 float64 // µs
	}{
		{"constant", constant, 3000, 3000, 3000},
		{"bimodal", bimodal, 200, 40_000, 700_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := run(t, load.Plan{Connections: 4, Pipeline: 8, Operations: 100_000},
				&stub{delay: c.delay})
			if err != nil {
				t.Fatal(err)
			}
			if got.Operations != 100_000 || got.Bytes != 1_000_000 || got.Errors != 0 {
				t.Errorf("%d operations, %d bytes, %d errors", got.Operations, got.Bytes,
					got.Errors)
			}
			near(t, "p50", got.Latency.P50, c.p50, 0.01)
			near(t, "p99", got.Latency.P99, c.p99, 0.01)
			near(t, "p99.9", got.Latency.P999, c.p999, 0.01)
		})
	}
}

func TestABrokenConnectionEndsTheRunAndKeepsWhatWasMeasured(t *testing.T) {
	broken := errors.New("connection reset")
	got, err := run(t, load.Plan{Connections: 3, Pipeline: 1, Operations: 1 << 40}, &stub{
		delay: func(int64) time.Duration { return time.Millisecond },
		fail: func(n int64) error {
			if n == 1000 {
				return broken
			}
			return nil
		},
	})
	if !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
	if got.Operations < 900 {
		t.Errorf("%d operations were kept", got.Operations)
	}
}

func TestRefusesPlansThatMeanNothing(t *testing.T) {
	for _, p := range []load.Plan{
		{Pipeline: 1, Operations: 1}, {Connections: 1, Operations: 1},
		{Connections: 1, Pipeline: 1}, {Connections: 1, Pipeline: 1, Operations: 1, Rate: -1},
	} {
		if _, err := load.Run(t.Context(), p, load.Options{}); err == nil {
			t.Errorf("%+v was accepted", p)
		}
	}
}

// mute is a server that takes requests and never answers.
type mute struct{}

func (mute) Do(ctx context.Context, _ int, _ *load.Recorder) error {
	<-ctx.Done()
	return ctx.Err()
}

func (mute) Close() error { return nil }

func TestAServerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	_, err := load.Run(t.Context(), load.Plan{Connections: 2, Pipeline: 1, Operations: 10},
		load.Options{Kinds: []string{"op"}, Patience: time.Millisecond,
			Open: func(context.Context, int) (load.Work, error) { return mute{}, nil }})
	if !errors.Is(err, load.ErrLate) {
		t.Errorf("the error is %v", err)
	}
}
