package synap

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Retry says how often and when calls are tried again: those that only read whenever the error is
// Retryable, those that write only if nothing of them was sent. All attempts share the deadline of
// the call.
type Retry struct {
	// Attempts is how many there are at most, the first included; 1 = never again.
	Attempts int
	// Least and Most bound the wait before the next attempt, which is random up to a bound that
	// doubles each time (full jitter).
	Least, Most time.Duration
}

// DefaultRetry is three attempts, 50 ms to 1 s apart.
var DefaultRetry = Retry{Attempts: 3, Least: 50 * time.Millisecond, Most: time.Second}

// again waits before attempt n (counted from 2) if err allows it; false: give up.
func (r Retry) again(ctx context.Context, n int, err error, read bool) bool {
	var e *Error
	if n > r.Attempts || !errors.As(err, &e) || !e.Retryable() || !read && !e.unsent ||
		ctx.Err() != nil {
		return false
	}
	most := min(r.Least<<(n-2), r.Most)
	if most <= 0 {
		return true
	}
	t := time.NewTimer(rand.N(most) + 1)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
