package persist

import (
	"context"
	"errors"
	"time"

	"github.com/synapdb/synap/internal/journal"
	"github.com/synapdb/synap/internal/journal/snapshot"
	"github.com/synapdb/synap/internal/store"
)

// blockBytes is about the size of a block of a snapshot.
const blockBytes = 1 << 20

// mostRestarts bounds how often a snapshot starts over because databases were swapped.
const mostRestarts = 20

// made describes a snapshot.
type made struct {
	begin    uint64 // its name
	entries  uint64
	bytes    int64
	restarts int
}

// errSwapped says that a SWAPDB came in between.
var errSwapped = errors.New("databases were swapped during every attempt")

// write makes a snapshot, again if a Swap disturbed it: all other changes during a snapshot are
// results, which the journal may say once more without harm.
func (m *Manager) write(ctx context.Context, gentle bool) (made, error) {
	for n := 0; n < mostRestarts; n++ {
		one, err := m.writeOnce(ctx, gentle)
		if !errors.Is(err, errSwapped) {
			one.restarts = n
			return one, err
		}
	}
	return made{}, errSwapped
}

func (m *Manager) writeOnce(ctx context.Context, gentle bool) (one made, err error) {
	l := m.log.Load()
	mark := m.appended()
	swaps := m.stores.Swaps() // before the number: see kv.Store.Swaps
	begin := uint64(l.Last()) + 1
	w, err := snapshot.Create(m.dir.fs, m.dir.snapshots(), snapshot.Meta{
		Begin: begin, History: m.dir.meta.HistoryID(), Seed: m.dir.meta.Seed,
		Shards: uint32(m.stores.Keys.Shards()), TimeMillis: m.o.Clock.Now(),
	})
	if err != nil {
		return one, err
	}
	one.entries, err = m.export(ctx, w, gentle)
	if err == nil && m.stores.Swaps() != swaps {
		err = errSwapped
	}
	end := l.Last()
	if err == nil {
		// What was exported last may be the work of records that are not on the disk yet. Without
		// them the snapshot would show half of a record after a power cut.
		w.Until(uint64(end))
		err = l.Commit(end, journal.Disk)
	}
	if err != nil {
		w.Abort()
		return one, err
	}
	one.bytes = w.Bytes()
	if err := w.Finish(one.entries); err != nil {
		return one, err
	}
	one.begin = begin
	m.base.Store(begin)
	m.mark.Store(mark)
	m.bulk.Store(one.bytes)
	m.saved.Store(m.o.Clock.Now())
	return one, nil
}

// restAfter is how many microseconds a gentle snapshot works before it rests for as long: it takes
// half a core, and event loops that became ready meanwhile need not wait for the scheduler to take
// the processor away from it, which it does after 10 ms only.
const (
	restAfter = 300
	mostRest  = 5 * time.Millisecond
)

// export writes everything in the stores while others go on changing it.
func (m *Manager) export(ctx context.Context, w *snapshot.Writer, gentle bool) (entries uint64,
	err error,
) {
	var c store.ExportCursor
	begun := m.o.Clock.Micros()
	block := make([]byte, 0, blockBytes+blockBytes/4)
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		var end bool
		block, end, more = m.stores.Export(&c, block)
		if len(block) >= blockBytes || end && len(block) > 0 {
			if err := w.Block(block); err != nil {
				return 0, err
			}
			block = block[:0]
		}
		if worked := m.o.Clock.Micros() - begun; gentle && worked >= restAfter {
			time.Sleep(min(time.Duration(worked)*time.Microsecond, mostRest))
			begun = m.o.Clock.Micros()
		}
	}
	return c.Entries(), nil
}
