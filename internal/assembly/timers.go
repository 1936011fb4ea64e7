package assembly

import (
	"context"
	"time"

	"github.com/synapdb/synap/internal/clock"
)

// lastSleep bounds how long the queues' next moment is waited for: the timer does not notice when
// the machine's clock is set forward.
const lastSleep = 30 * time.Second

// kick wakes queueTimers; a kick that still waits stands for all later ones.
func (in *Instance) kick() {
	select {
	case in.alarm <- struct{}{}:
	default:
	}
}

// queueTimers does what comes due in queues (leases, delays, messages that expire, waiters), in
// slices like maintain, until ctx ends. While nothing will come due it sleeps until it is kicked.
func (in *Instance) queueTimers(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-in.alarm:
		}
		now := clock.Real{}.Now()
		next := in.stores.Queues.Maintain(now, upkeepMicros)
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
