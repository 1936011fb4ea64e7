package assembly

import (
	"os"
	"runtime/debug"
	measure "runtime/metrics"
)

// collector gives Go's collector room while there is much to collect. Left to itself it collects
// whenever the heap is 4 MiB or twice what lives; the keys are not there, so for a server that
// passes messages on that was 150 times a second and more than a third of its CPU time. With room
// always, a server at rest would keep what its connections' beginnings left: hence only while it
// is busy.
//
// bench/vs-nats.sh, messages of 100 bytes to one subscriber over RESP, CPU of the server for each:
// 1.33 µs with 4 MiB, 0.68 with 16, 0.57 with 32 (one run each; nats-server 0.6 to 0.8 beside).
type collector struct {
	off     bool // the operator set GOGC: it is not ours to change
	next    int64
	read    []measure.Sample
	cycles  uint64
	quiet   int // times in a row that nothing was collected
	percent int // as debug.SetGCPercent has it
}

const (
	paceEvery = 250 // ms
	// busyCycles in paceEvery make room; none in quietTimes of them takes it back.
	busyCycles, quietTimes = 5, 8
	// heapRoom is what may be allocated between collections, beside what lives.
	heapRoom = 32 << 20
	// leastTrigger is Go's: the size of a heap that is first collected, at 100 percent.
	leastTrigger = 4 << 20
	usualPercent = 100
)

func newCollector() *collector {
	return &collector{off: os.Getenv("GOGC") != "", percent: usualPercent,
		read: []measure.Sample{{Name: "/gc/cycles/automatic:gc-cycles"},
			{Name: "/gc/heap/live:bytes"}}}
}

// adjust looks at how busy the collector was since it was called last.
func (c *collector) adjust(now int64) {
	if c.off || now < c.next {
		return
	}
	c.next = now + paceEvery
	measure.Read(c.read)
	c.set(c.pace(c.read[0].Value.Uint64(), c.read[1].Value.Uint64()))
}

// pace is the percentage for a collector that has done so many cycles in all, and found so many
// bytes alive.
func (c *collector) pace(cycles, live uint64) int {
	done := cycles - c.cycles
	c.cycles = cycles
	if c.quiet++; done > 0 {
		c.quiet = 0
	}
	switch {
	case c.percent == usualPercent && done < busyCycles, c.quiet >= quietTimes:
		return usualPercent
	case c.percent != usualPercent && done == 0:
		return c.percent // live is what it was
	}
	return max(usualPercent, int(heapRoom*usualPercent/max(live, leastTrigger)))
}

// set is told the percentage; a change stops the program for some ten microseconds.
func (c *collector) set(percent int) {
	if diff := percent - c.percent; diff > c.percent/4 || -diff > c.percent/4 ||
		percent == usualPercent && diff != 0 {
		debug.SetGCPercent(percent)
		c.percent = percent
	}
}

// restore leaves the collector as it was.
func (c *collector) restore() { c.set(usualPercent) }
