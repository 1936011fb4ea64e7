package queue

import (
	"github.com/synapdb/synap/internal/effect"
)

// Options configures a store.
type Options struct {
	Shards   int      // power of two, 1..256; 0 = 16
	Defaults Settings // of queues made without settings; Fill completes zero values
	// Random returns random bits, for tokens, incarnations and jitter; nil = math/rand/v2.
	Random func() uint64
	// Alarm is called when something comes due earlier than Maintain said last. It must not block
	// or use the store. Optional.
	Alarm func()
}

// Store is a set of queues. It is safe for concurrent use through Tx.
type Store struct{}

// Tx locks declared queues. It is reused: Begin resets it. Not safe for concurrent use.
type Tx struct{}

// New makes a store. It fails if the options are out of bounds, or the process' address space.
func New(o Options) (*Store, error) { return nil, nil }

// Close gives the memory back. No Tx may be open.
func (s *Store) Close() error { return nil }

// SetJournal makes every change go to j from now on; nil, as at first, means none does. While j
// admits nothing the store is frozen: leases don't end, nothing expires.
func (s *Store) SetJournal(j effect.Journal) {}

// Defaults are the settings of queues made without any.
func (s *Store) Defaults() Settings { return Settings{} }

// Begin starts t over the store, at now (ms since the Unix epoch), with nothing declared.
func (s *Store) Begin(t *Tx, now int64) {}

// Declare adds a queue to be locked. Call it before Lock.
func (t *Tx) Declare(name []byte) {}

// DeclareAll adds every queue. Call it before Lock.
func (t *Tx) DeclareAll() {}

// Lock takes the locks of all declared queues, and of those that take their dead letters, in the
// one lock order: ascending shards. Locks of keys come before, the journal's after them.
func (t *Tx) Lock() {}

// Record is the bytes of the effects so far; the caller hands them to the journal, before Unlock.
func (t *Tx) Record() []byte { return nil }

// Recorded says that the caller has handed on Record.
func (t *Tx) Recorded() {}

// Unlock ends the Tx, handing its effects to the journal if the caller has not, and wakes whom
// they concern.
func (t *Tx) Unlock() {}

// Atomic starts to remember how to undo: a later Rollback restores everything as it was. It ends
// with Rollback or Unlock. Delete and Purge can't be undone and must not be used.
func (t *Tx) Atomic() {}

// Rollback undoes everything since Atomic.
func (t *Tx) Rollback() {}

// Create makes a queue, the zero values of settings completed by the defaults. false: it exists,
// and stays as it is. The error is about settings out of bounds.
func (t *Tx) Create(name []byte, o Settings) (created bool, err error) { return false, nil }

// Update changes the settings of a queue.
func (t *Tx) Update(name []byte, change func(*Settings)) error { return nil }

// Delete removes a queue with all its messages; false: there is none.
func (t *Tx) Delete(name []byte) bool { return false }

// Publish adds a message. Errors: QueueNotFound, QueueFull, values out of bounds.
func (t *Tx) Publish(name []byte, m *Message) (Published, error) { return Published{}, nil }

// Deliver leases ready messages to a consumer and appends them to dst: none when there are none,
// the queue is absent or paused, the consumer is at its prefetch limit or not the active one.
func (t *Tx) Deliver(name []byte, d *Deliver, dst []View) []View { return dst }

// Ack removes a leased message. Errors: QueueNotFound, MessageNotFound, StaleLease.
func (t *Tx) Ack(name []byte, l *Lease) error { return nil }

// Nack gives a leased message back. Errors as of Ack.
func (t *Tx) Nack(name []byte, l *Lease, n Nack) error { return nil }

// Extend makes a lease end at now + duration (ms; 0 = the queue's ack deadline) and returns that
// moment. Errors as of Ack.
func (t *Tx) Extend(name []byte, l *Lease, duration int64) (deadline int64, err error) { return 0, nil }

// Peek appends up to limit messages in a state to dst, in order of service (dead letters: oldest
// first), from the one behind after (zero: from the first), without leasing them.
func (t *Tx) Peek(name []byte, state effect.MessageState, after ID, limit int,
	dst []View,
) ([]View, error) {
	return dst, nil
}

// Purge removes ready messages, and delayed ones if wanted.
func (t *Tx) Purge(name []byte, delayed bool) (purged int64, err error) { return 0, nil }

// Redrive makes dead letters ready again with no retries counted: those named, or up to limit of
// all, oldest first (0 = all). dry only counts. A named one that is none is MessageNotFound, and
// nothing happens.
func (t *Tx) Redrive(name []byte, ids []ID, limit int, dry bool) (n int64, err error) { return 0, nil }

// PurgeDead removes dead letters: those named, or all. dry only counts.
func (t *Tx) PurgeDead(name []byte, ids []ID, dry bool) (n int64, err error) { return 0, nil }

// Stats reads the counters of a queue.
func (t *Tx) Stats(name []byte) (Stats, error) { return Stats{}, nil }

// Info reads everything about a queue.
func (t *Tx) Info(name []byte) (Info, error) { return Info{}, nil }

// Park puts w in the line of a queue until until (ms since the Unix epoch), at its old place if
// it was woken in vain. It is woken once: when there may be something for consumer, when the queue
// is deleted, or at until. false: the queue is absent.
func (t *Tx) Park(name, consumer []byte, w *Waiter, until int64) bool { return false }

// Unpark gives a place up; a wake that was meant for it goes to the next one. No lock may be held.
func (s *Store) Unpark(w *Waiter) {}

// Detach gives back what a push connection holds of a queue, in its old place and with one retry
// more, as after a failed delivery. No lock may be held.
func (s *Store) Detach(name []byte, conn uint64, now int64) {}

// Names returns up to limit names of queues that begin with prefix and come after after, sorted.
func (s *Store) Names(prefix, after string, limit int) []string { return nil }

// Totals adds up the stats of all queues, and counts them.
func (s *Store) Totals() (queues int64, sum Stats) { return 0, Stats{} }

// Memory is the bytes in use over all components. It is cheap and locks nothing.
func (s *Store) Memory() int64 { return 0 }

// Resident is Memory and freed blocks not yet given back to the system.
func (s *Store) Resident() int64 { return 0 }

// Full says that little of a shard's address space is left: nothing may grow.
func (s *Store) Full() bool { return false }

// Maintain does what has come due by now (ms since the Unix epoch): leases end, delays are over,
// messages expire, waiters give up; and upkeep of memory. It takes about budget microseconds and
// returns when it should be called again: now if there is more, 0 if nothing is ever due.
func (s *Store) Maintain(now, budget int64) (next int64) { return 0 }

// Recovered ends a recovery at now: what push connections held of an earlier process is given
// back. Call it after SetJournal and before anybody uses the store.
func (s *Store) Recovered(now int64) {}

// ReplayRecord applies the effects over queues of a record written at timeMillis, exactly. A
// malformed record changes nothing and is an error.
func (s *Store) ReplayRecord(timeMillis int64, payload []byte) error { return nil }

// ExportCursor is how far an Export came. The zero value is the beginning.
type ExportCursor struct {
	Entries uint64 // exported so far: queues, messages, deduplication ids
}

// Export appends the next slice of the store to dst, as effects, and says whether there may be
// more: see kv.Store.Export.
func (s *Store) Export(c *ExportCursor, dst []byte) (out []byte, more bool) { return dst, false }

// Import adds what Export wrote, at now. Several may run at once; FinishImport ends it.
func (s *Store) Import(now int64, block []byte) error { return nil }

// FinishImport puts imported messages in order. It is also called at the end of replaying.
func (s *Store) FinishImport() {}

// Clear removes everything, without effects: a snapshot turned out to be damaged.
func (s *Store) Clear() {}

// Digest is a checksum over queues, their settings and their messages in all states, and what is
// remembered for deduplication at now. Counters of the process are not part of it.
func (s *Store) Digest(now int64) [32]byte { return [32]byte{} }

// AppendID appends the text of id, a UUID of 36 characters, to dst.
func AppendID(dst []byte, id ID) []byte { return dst }

// ParseID reads what AppendID wrote, in any letter case.
func ParseID(text []byte) (ID, bool) { return ID{}, false }
