package assembly

import (
	"strings"
	"testing"
	"time"
)

func TestRateIsPerSecond(t *testing.T) {
	var r rate
	for _, step := range []struct {
		now   int64
		count uint64
		want  int64
	}{
		{5_000, 700, 0}, // nothing to compare with yet
		{6_000, 1_700, 1_000},
		{8_000, 2_700, 500},
		{9_000, 2_700, 0},
		{4_000, 3_700, 0}, // the clock was set back
		{5_000, 3_800, 100},
		{6_000, 10, 100}, // the counters began anew
		{7_000, 60, 50},
	} {
		if !r.due(step.now) {
			t.Errorf("at %d: not due", step.now)
		}
		r.sample(step.now, step.count)
		if got := r.perSecond.Load(); got != step.want {
			t.Errorf("at %d: %d per second, want %d", step.now, got, step.want)
		}
	}
	if r.due(7_999) {
		t.Error("due too early")
	}
}

func TestInfoShowsTheRate(t *testing.T) {
	in := open(t, nil)
	const field = "instantaneous_ops_per_sec:"
	for deadline := time.Now().Add(patient); ; {
		text := in.ask(t, "PING", "PING", "INFO stats")
		_, after, found := strings.Cut(text, field)
		if found && after[0] != '0' {
			return
		}
		if !found || time.Now().After(deadline) {
			t.Fatalf("no rate in %q", text)
		}
	}
}
