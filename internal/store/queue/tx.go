package queue

import (
	"unsafe"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/shards"
)

// Tx locks declared queues. It is reused: Begin resets it. Not safe for concurrent use.
type Tx struct {
	s              *Store
	now            int64
	shards         shards.Set // declared
	locked, atomic bool
	quiet          bool // effects come from outside
	silent         bool // nobody needs an alarm

	names   [][]byte // declared, borrowed until Lock
	touched []*queue // waiters of these may be served now
	asking  asking
	wakes   []Waker // to be called when nothing is locked

	effects shards.Record
	undo    []undo // of the atomic section
	saved   []savedQueue
	mark    int // of the record, what was there before the atomic section
}

// Begin starts t over the store, at now (ms since the Unix epoch), with nothing declared.
func (s *Store) Begin(t *Tx, now int64) {
	t.s, t.now = s, now
	t.shards = shards.Set{}
	t.locked, t.atomic, t.quiet, t.silent = false, false, false, false
	t.names = shards.Emptied(t.names)
}

func (s *Store) shardOf(name []byte) *shard { return &s.shards[s.hashOf(name)&s.mask] }

// Declare adds a queue to be locked. Call it before Lock; name must stay as it is until then.
func (t *Tx) Declare(name []byte) {
	t.names = append(t.names, name)
	t.shards.Add(t.s.shardOf(name).number)
}

// DeclareAll adds every queue. Call it before Lock.
func (t *Tx) DeclareAll() { t.shards.AddAll(len(t.s.shards)) }

// Lock takes the locks of all declared queues, and of those that take their dead letters, in the
// one lock order: ascending shards. Locks of keys come before, the journal's after them.
func (t *Tx) Lock() {
	for {
		for i := range t.shards.All() {
			sh := &t.s.shards[i]
			sh.mu.Lock()
			if t.now != 0 {
				sh.clock = t.now
			}
		}
		if t.quiet || !t.declareTargets() {
			break
		}
	}
	t.names = shards.Emptied(t.names)
	t.locked = true
}

// declareTargets adds the shards of the dead-letter queues of declared queues, and says whether
// some were missing: then the locks are released, because the order would not be kept.
func (t *Tx) declareTargets() (missing bool) {
	before := t.shards
	for _, name := range t.names {
		sh := t.s.shardOf(name)
		if sh.targets == 0 {
			continue
		}
		if q := sh.queues[string(name)]; q != nil && q.set.DeadLetter != "" {
			t.shards.Add(t.s.shardOf(bytesOf(q.set.DeadLetter)).number)
		}
	}
	if t.shards == before {
		return false
	}
	for i := range before.All() {
		t.s.shards[i].mu.Unlock()
	}
	return true
}

// Unlock ends the Tx, handing its effects to the journal if the caller has not, and wakes whom
// they concern.
func (t *Tx) Unlock() {
	t.Release()
	t.Wake()
}

// Release is Unlock without Wake, which the caller calls when he has no lock of any store.
func (t *Tx) Release() {
	t.commit()
	t.handOn()
	for i := 0; i < len(t.touched); i++ {
		q := t.touched[i]
		q.marked = false
		if !q.gone {
			t.match(q)
		}
	}
	t.touched = shards.Emptied(t.touched)
	t.asking = asking{}
	soon := int64(0)
	t.locked = false
	for i := range t.shards.All() {
		sh := &t.s.shards[i]
		sh.account()
		if sh.sooner {
			sh.sooner = false
			if at := sh.next(); soon == 0 || at < soon {
				soon = at
			}
		}
		sh.mu.Unlock()
	}
	if soon != 0 && t.s.upkeep.Promise(soon) && !t.silent {
		t.s.alarm()
	}
}

// Wake wakes whom the effects concern, after Release.
func (t *Tx) Wake() {
	if len(t.wakes) == 0 {
		return
	}
	for _, w := range t.wakes {
		w.Wake()
	}
	t.wakes = shards.Emptied(t.wakes)
}

// touch notes that waiters of q may be served when the Tx ends.
func (t *Tx) touch(q *queue) {
	if t.atomic && !q.saved {
		t.save(q)
	}
	if !q.marked {
		q.marked = true
		t.touched = append(t.touched, q)
	}
}

// holds says whether a shard is locked.
func (t *Tx) holds(sh *shard) bool { return t.locked && t.shards.Has(sh.number) }

// find returns a queue, nil if there is none. To touch a queue that was not declared would be a
// race that corrupts memory, so it is checked always; it costs about 1 ns.
func (t *Tx) find(name []byte) *queue {
	sh := t.s.shardOf(name)
	if !t.holds(sh) {
		panic("queue: use of a queue that was not declared")
	}
	return sh.queues[string(name)]
}

// bytesOf is a view of s, which must not be written to.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// Dead letters that move bring their payloads into a record to which nobody announced them.
const (
	longRecord = 32 << 20 // bytes of a record, from which on what is due waits for another
	mostRecord = 1 << 30  // bytes of a record, from which on none moves: its length has 32 bits
)

// long says whether what is due has to wait for another record.
func (t *Tx) long() bool { return len(t.effects.Bytes) >= longRecord }

// record puts e into the record of t.
func (t *Tx) record(q *queue, e *effect.Queue) {
	q.version++
	if t.s.journal == nil || t.quiet {
		return
	}
	t.effects.Borrow(&q.shard.scratch)
	e.Name = bytesOf(q.name)
	t.effects.Bytes = effect.AppendQueue(t.effects.Bytes, e)
}

// Record is the bytes of the effects so far; the caller hands them to the journal, before Unlock.
func (t *Tx) Record() []byte { return t.effects.Bytes }

// Recorded says that the caller has handed on Record.
func (t *Tx) Recorded() { t.effects.Bytes = t.effects.Bytes[:0] }

// handOn gives the record to the journal. All locks are still held, so nobody saw its effects yet
// who could get a record of his own in front of it.
func (t *Tx) handOn() {
	if len(t.effects.Bytes) > 0 {
		t.s.journal.Append(t.now, t.effects.Bytes)
	}
	t.effects.GiveBack()
}
