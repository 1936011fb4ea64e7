package assembly

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/synapdb/synap/internal/clock"
)

// The store's upkeep runs in slices of at most upkeepMicros. While more is due it takes about
// half a core; when nothing is, it looks ten times a second.
const (
	upkeepMicros = 1000
	busyPause    = time.Millisecond
	firstPause   = 10 * time.Millisecond
	lastPause    = 100 * time.Millisecond
)

// maintain calls the store's upkeep until ctx ends.
func (in *Instance) maintain(ctx context.Context) error {
	timer := time.NewTimer(firstPause)
	defer timer.Stop()
	memory, heap := newMemoryGuard(in), newCollector()
	defer heap.restore()
	for pause := firstPause; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		now := clock.Real{}.Now()
		if in.engine.Store.Maintain(now, upkeepMicros) {
			pause = busyPause
		} else {
			pause = min(max(2*pause, firstPause), lastPause)
		}
		memory.adjust(now)
		heap.adjust(now)
		if in.ops.due(now) {
			in.ops.sample(now, in.executed())
		}
		timer.Reset(pause)
	}
}

// memoryGuard keeps Go's collector within what the stores' mappings leave of the limit: the
// collector itself does not see them.
type memoryGuard struct {
	in   *Instance
	off  bool  // the operator set GOMEMLIMIT: it is not ours to change
	next int64 // ms since the Unix epoch
	last int64 // bytes
}

const (
	// leastHeap is what the heap may always have: buffers of connections, replies being built.
	leastHeap   = 256 << 20
	guardEvery  = 1000 // ms
	guardMargin = 16 << 20
)

func newMemoryGuard(in *Instance) *memoryGuard {
	return &memoryGuard{in: in, off: os.Getenv("GOMEMLIMIT") != ""}
}

// adjust sets the collector's limit to the stores' limit less what they hold.
func (g *memoryGuard) adjust(now int64) {
	if g.off || now < g.next {
		return
	}
	g.next = now + guardEvery
	limit, _ := g.in.engine.Store.MemoryLimit()
	if limit <= 0 {
		return
	}
	heap := max(limit-g.in.stores.Memory(), leastHeap)
	if diff := heap - g.last; diff > guardMargin || -diff > guardMargin {
		g.last = heap
		debug.SetMemoryLimit(heap)
	}
}
