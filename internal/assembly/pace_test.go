package assembly

import (
	"runtime/debug"
	"testing"
)

// The collector gets room while it is busy with a small heap, less of it the more lives, and none
// when it is at rest or the heap is large anyway.
func TestCollectorGetsRoomWhileBusy(t *testing.T) {
	c := newCollector()
	cycles := uint64(0)
	step := func(done, live uint64) int {
		cycles += done
		c.percent = c.pace(cycles, live)
		return c.percent
	}
	if got := step(busyCycles-1, 2<<20); got != 100 {
		t.Errorf("%d percent for few collections", got)
	}
	if got := step(busyCycles, 2<<20); got != 800 {
		t.Errorf("%d percent for many collections of a small heap, want 800: Go multiplies 4 MiB "+
			"by it", got)
	}
	if got := step(1, 16<<20); got != 200 {
		t.Errorf("%d percent when 16 MiB live, want 200", got)
	}
	for i := range quietTimes - 1 {
		if got := step(0, 16<<20); got != 200 {
			t.Errorf("%d percent after %d looks without a collection", got, i+1)
		}
	}
	if got := step(0, 16<<20); got != 100 {
		t.Errorf("%d percent at rest", got)
	}
	if got := step(1, 16<<20); got != 100 {
		t.Errorf("%d percent for one collection after the rest", got)
	}
	if got := step(50, 500<<20); got != 100 {
		t.Errorf("%d percent for a heap that is large", got)
	}
}

// What adjust reads and sets is what Go has: a small heap with much garbage gets room.
func TestCollectorIsAdjusted(t *testing.T) {
	c := newCollector()
	if c.off {
		t.Skip("GOGC is set")
	}
	defer c.restore()
	now := int64(0)
	look := func() int {
		now += paceEvery
		c.adjust(now)
		got := debug.SetGCPercent(100)
		debug.SetGCPercent(got)
		return got
	}
	look()
	var keep []byte
	for range 200 {
		for range 1 << 10 {
			keep = make([]byte, 64<<10)
		}
		if look() > usualPercent {
			break
		}
	}
	_ = keep
	if c.percent <= usualPercent || look() != c.percent {
		t.Fatalf("%d percent for a busy collector", c.percent)
	}
	c.restore()
	if got := look(); got != usualPercent {
		t.Errorf("%d percent afterwards", got)
	}
}
