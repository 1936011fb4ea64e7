package assembly

import (
	"context"
	"time"

	"github.com/synapdb/synap/internal/clock"
)

// lastSleep bounds how long the next moment is waited for: the timer does not notice when the
// machine's clock is set forward.
const lastSleep = 30 * time.Second

// timers is a task that does what comes due in a store.
type timers struct {
	// maintain does so at now (ms since the Unix epoch), for about so many microseconds, and
	// returns when it is to be called again; 0 = when the task is kicked.
	maintain func(now, budget int64) (next int64)
	alarm    chan struct{} // holds one kick
}

func newTimers() *timers { return &timers{alarm: make(chan struct{}, 1)} }

// kick has maintain called soon; a kick that still waits stands for all later ones.
func (t *timers) kick() {
	select {
	case t.alarm <- struct{}{}:
	default:
	}
}

// run calls maintain, in slices like Instance.maintain, until ctx ends. While nothing will come due
// it sleeps until it is kicked.
func (t *timers) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-t.alarm:
		}
		now := clock.Real{}.Now()
		next := t.maintain(now, upkeepMicros)
		timer.Stop()
		if next != 0 {
			timer.Reset(pauseUntil(next, now))
		}
	}
}

// pauseUntil is how long to sleep at now until next, both in ms since the Unix epoch.
func pauseUntil(next, now int64) time.Duration {
	if next <= now { // there is more: leave half of the core to others
		return busyPause
	}
	if next-now >= lastSleep.Milliseconds() {
		return lastSleep
	}
	return time.Duration(next-now) * time.Millisecond
}
