package cli

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestTheTimeIsDividedEvenly(t *testing.T) {
	for _, c := range []struct {
		name   string
		total  int
		takes  []int // of a round of each job, in seconds
		rounds []int
	}{
		{"all the same", 40, []int{5, 5, 5, 5}, []int{2, 2, 2, 2}},
		{"at least once", 4, []int{10, 10, 10, 10}, []int{1, 1, 1, 1}},
		{"what is left goes on", 60, []int{8, 1, 5, 30}, []int{1, 17, 3, 1}},
		{"one that takes too long", 60, []int{40, 1, 1, 1}, []int{1, 6, 7, 7}},
		{"one job", 10, []int{3}, []int{3}},
	} {
		now, rounds := time.Unix(0, 0), make([]int, len(c.takes))
		var jobs []func(int) error
		for i, takes := range c.takes {
			jobs = append(jobs, func(round int) error {
				if round != rounds[i] {
					t.Errorf("%s: round %d of job %d is called %d", c.name, rounds[i], i, round)
				}
				rounds[i]++
				now = now.Add(time.Duration(takes) * time.Second)
				return nil
			})
		}
		err := inTurn(time.Duration(c.total)*time.Second,
			func() time.Time { return now }, jobs)
		if err != nil || !slices.Equal(rounds, c.rounds) {
			t.Errorf("%s: %v rounds, want %v; %v", c.name, rounds, c.rounds, err)
		}
	}
}

func TestAFailureEndsAllScenarios(t *testing.T) {
	gone, calls := errors.New("gone"), 0
	err := inTurn(time.Hour, time.Now, []func(int) error{
		func(int) error { calls++; return gone },
		func(int) error { calls++; return nil },
	})
	if !errors.Is(err, gone) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestIdleConnectionsAreANumberOrAuto(t *testing.T) {
	for text, want := range map[string]crowdFlag{"auto": {defaultCrowd, true}, "0": {0, false},
		"50000": {50_000, false}} {
		var got crowdFlag
		if err := got.Set(text); err != nil || got != want || got.String() != text {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1", "many", "1.5"} {
		var got crowdFlag
		if err := got.Set(text); err == nil {
			t.Errorf("%q is accepted as %+v", text, got)
		}
	}
}
