package store

import (
	"errors"
	"fmt"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/store/room"
)

// These refuse data that only a store with queues, or rooms, can hold.
var (
	errNoQueues = errors.New("effects over queues, of which this store has none")
	errNoRooms  = errors.New("effects over rooms, of which this store has none")
)

// ExportCursor is how far an Export came. The zero value is the beginning. Not safe for concurrent
// use.
type ExportCursor struct {
	keys   kv.ExportCursor
	queues queue.ExportCursor
	rooms  room.ExportCursor
	part   part
}

// part is which of the stores is being exported.
type part uint8

const (
	keysPart part = iota
	queuesPart
	roomsPart
)

// Entries counts what was exported so far: keys; queues, messages, deduplication ids; rooms,
// events, cursors.
func (c *ExportCursor) Entries() uint64 {
	return c.keys.Entries + c.queues.Entries + c.rooms.Entries
}

// Export appends the next slice of the stores to dst, first of the keys, then of the queues, then
// of the rooms, and says whether the block must end here, and whether there may be more: a block
// for Import holds one kind of them. See the methods of the stores.
func (s Stores) Export(c *ExportCursor, dst []byte) (out []byte, end, more bool) {
	switch c.part {
	case keysPart:
		out, more = s.Keys.Export(&c.keys, dst)
	case queuesPart:
		out, more = s.Queues.Export(&c.queues, dst)
	default:
		out, more = s.Rooms.Export(&c.rooms, dst)
	}
	if more {
		return out, false, true
	}
	for c.part < roomsPart {
		c.part++
		if c.part == queuesPart && s.Queues != nil || c.part == roomsPart && s.Rooms != nil {
			return out, true, true
		}
	}
	return out, true, false
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
	case block[0] < effect.FirstRoom:
		if s.Queues == nil {
			return errNoQueues
		}
		return s.Queues.Import(now, block)
	case s.Rooms == nil:
		return errNoRooms
	}
	return s.Rooms.Import(now, block)
}

// FinishImport makes imported keys part of their store. Several goroutines may share the work by
// calling it at once: it is done when all of them return.
func (s Stores) FinishImport() { s.Keys.FinishImport() }
