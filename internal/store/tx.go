package store

import (
	"github.com/synapdb/synap/internal/store/kv"
	"github.com/synapdb/synap/internal/store/queue"
)

// Tx is one transaction over all stores. It is reused: Begin resets it. Not safe for concurrent
// use.
type Tx struct {
	Keys   kv.Tx
	Queues queue.Tx
	queued bool // queues were declared: only then Queues has begun, most commands need none
	queues *queue.Store
	now    int64
}

// Begin starts t at now (ms since the Unix epoch), with nothing declared. queues may be nil: then
// none may be declared.
func (t *Tx) Begin(keys *kv.Store, queues *queue.Store, now int64) {
	keys.Begin(&t.Keys, now)
	t.queued, t.queues, t.now = false, queues, now
}

// beginQueues begins the part over queues, once.
func (t *Tx) beginQueues() {
	if !t.queued {
		t.queued = true
		t.queues.Begin(&t.Queues, t.now)
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

// HoldsQueues says whether queues were declared: then nothing may be called that locks them itself.
func (t *Tx) HoldsQueues() bool { return t.queued }

// Lock takes the locks of everything declared, in the one lock order.
func (t *Tx) Lock() {
	t.Keys.Lock()
	if t.queued {
		t.Queues.Lock()
	}
}

// Unlock ends the transaction: its effects over all stores go to the journal as one record, before
// anybody sees them.
func (t *Tx) Unlock() {
	if !t.queued {
		t.Keys.Unlock()
		return
	}
	if record := t.Queues.Record(); len(record) > 0 {
		t.Keys.Join(record)
	}
	t.Keys.Unlock()
	t.Queues.Recorded()
	t.Queues.Unlock()
}

// Atomic starts to remember how to undo; see kv.Tx.Atomic and queue.Tx.Atomic.
func (t *Tx) Atomic() {
	t.Keys.Atomic()
	if t.queued {
		t.Queues.Atomic()
	}
}

// Rollback undoes everything since Atomic.
func (t *Tx) Rollback() {
	t.Keys.Rollback()
	if t.queued {
		t.Queues.Rollback()
	}
}
