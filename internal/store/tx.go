package store

import (
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/queue"
	"github.com/synapdb/synap/internal/store/room"
)

// Tx is one transaction over all stores. It is reused: Begin resets it. Not safe for concurrent
// use.
type Tx struct {
	Keys   kv.Tx
	Queues queue.Tx
	Rooms  room.Tx
	// Only what was declared has begun: most commands need keys alone.
	queued, roomed bool
	queues         *queue.Store
	rooms          *room.Store
	now            int64
}

// Begin starts t over s at now (ms since the Unix epoch), with nothing declared. Of a store that s
// lacks nothing may be declared.
func (t *Tx) Begin(s Stores, now int64) {
	s.Keys.Begin(&t.Keys, now)
	t.queued, t.roomed = false, false
	t.queues, t.rooms, t.now = s.Queues, s.Rooms, now
}

// beginQueues begins the part over queues, once.
func (t *Tx) beginQueues() {
	if !t.queued {
		t.queued = true
		t.queues.Begin(&t.Queues, t.now)
	}
}

// beginRooms begins the part over rooms, once.
func (t *Tx) beginRooms() {
	if !t.roomed {
		t.roomed = true
		t.rooms.Begin(&t.Rooms, t.now)
	}
}

// DeclareQueue adds a queue to be locked. Call it before Lock.
func (t *Tx) DeclareQueue(name []byte) {
	t.beginQueues()
	t.Queues.Declare(name)
}

// DeclareQueues adds every queue. Call it before Lock.
func (t *Tx) DeclareQueues() {
	t.beginQueues()
	t.Queues.DeclareAll()
}

// DeclareRoom adds a room to be locked. Call it before Lock.
func (t *Tx) DeclareRoom(name []byte) {
	t.beginRooms()
	t.Rooms.Declare(name)
}

// DeclareRooms adds every room. Call it before Lock.
func (t *Tx) DeclareRooms() {
	t.beginRooms()
	t.Rooms.DeclareAll()
}

// HoldsQueues says whether queues were declared: then nothing may be called that locks them itself.
func (t *Tx) HoldsQueues() bool { return t.queued }

// HoldsRooms says whether rooms were declared: then nothing may be called that locks them itself.
func (t *Tx) HoldsRooms() bool { return t.roomed }

// Lock takes the locks of everything declared, in the one lock order.
func (t *Tx) Lock() {
	t.Keys.Lock()
	if t.queued {
		t.Queues.Lock()
	}
	if t.roomed {
		t.Rooms.Lock()
	}
}

// Unlock ends the transaction: its effects over all stores go to the journal as one record, before
// anybody sees them.
func (t *Tx) Unlock() {
	if !t.queued && !t.roomed {
		t.Keys.Unlock()
		return
	}
	if record := t.others(); len(record) > 0 {
		t.Keys.Join(record)
	}
	t.Keys.Unlock()
	if t.queued {
		t.Queues.Recorded()
		t.Queues.Release()
	}
	if t.roomed {
		t.Rooms.Recorded()
		t.Rooms.Release()
	}
	// Whoever is woken may be run at once, by another goroutine: he finds nothing locked.
	if t.queued {
		t.Queues.Wake()
	}
	if t.roomed {
		t.Rooms.Wake()
	}
}

// others are the effects over queues, and behind them those over rooms.
func (t *Tx) others() []byte {
	switch {
	case !t.roomed:
		return t.Queues.Record()
	case !t.queued:
		return t.Rooms.Record()
	}
	// What the first record has room for behind it belongs to a queue's shard, which is locked.
	return append(t.Queues.Record(), t.Rooms.Record()...)
}

// Atomic starts to remember how to undo; see the methods of the parts.
func (t *Tx) Atomic() {
	t.Keys.Atomic()
	if t.queued {
		t.Queues.Atomic()
	}
	if t.roomed {
		t.Rooms.Atomic()
	}
}

// Rollback undoes everything since Atomic.
func (t *Tx) Rollback() {
	t.Keys.Rollback()
	if t.queued {
		t.Queues.Rollback()
	}
	if t.roomed {
		t.Rooms.Rollback()
	}
}
