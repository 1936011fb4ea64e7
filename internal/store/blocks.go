package store

import (
	"errors"
	"fmt"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/queue"
)

// errNoQueues refuses data that only a store with queues can hold.
var errNoQueues = errors.New("effects over queues, of which this store has none")

// ExportCursor is how far an Export came. The zero value is the beginning. Not safe for concurrent
// use.
type ExportCursor struct {
	keys   kv.ExportCursor
	queues queue.ExportCursor
	second bool // the keys are done
}

// Entries counts what was exported so far: keys, queues, messages, deduplication ids.
func (c *ExportCursor) Entries() uint64 { return c.keys.Entries + c.queues.Entries }

// Export appends the next slice of the stores to dst, first of the keys, then of the queues, and
// says whether the block must end here, and whether there may be more: a block for Import holds
// either the one or the other. See the methods of the stores.
func (s Stores) Export(c *ExportCursor, dst []byte) (out []byte, end, more bool) {
	if !c.second {
		out, more = s.Keys.Export(&c.keys, dst)
		c.second = !more
		return out, !more, more || s.Queues != nil
	}
	out, more = s.Queues.Export(&c.queues, dst)
	return out, !more, more
}

// Swaps counts what a snapshot during which it changes must be taken anew for; see kv.Store.Swaps.
func (s Stores) Swaps() uint64 { return s.Keys.Swaps() }

// Import adds a block that Export filled, at now (ms since the Unix epoch). Several may run at
// once; FinishImport ends it. A block that is no such thing is an error; then some of it may have
// been added, and Clear is due.
func (s Stores) Import(now int64, block []byte) error {
	switch {
	case len(block) == 0:
		return fmt.Errorf("%w: an empty block", effect.ErrMalformed)
	case block[0] < effect.FirstQueue:
		return s.Keys.Import(now, block)
	case s.Queues == nil:
		return errNoQueues
	}
	return s.Queues.Import(now, block)
}

// FinishImport makes imported keys part of their store. Several goroutines may share the work by
// calling it at once: it is done when all of them return.
func (s Stores) FinishImport() { s.Keys.FinishImport() }
