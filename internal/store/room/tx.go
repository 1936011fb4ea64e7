package room

import (
	"math/bits"
	"unsafe"

	"github.com/synapdb/synap/internal/effect"
)

// Tx locks declared rooms. It is reused: Begin resets it. Not safe for concurrent use.
type Tx struct {
	s              *Store
	now            int64
	shards         [mostShards / 64]uint64 // declared, one bit each
	locked, atomic bool
	quiet          bool // effects come from outside
	silent         bool // nobody needs an alarm

	touched []*room  // subscribers of these may have something to read now
	wakes   *[]Waker // to be called when nothing is locked; nil: none

	buffer []byte // the record so far; see record
	lender *shard // whose scratch it is, nil when there is none

	undo  []undo // of the atomic section
	saved []savedRoom
	mark  int // of the record, what was there before the atomic section
}

// keptSlots bounds the slices that a Tx keeps between uses.
const keptSlots = 64

// Begin starts t over the store, at now (ms since the Unix epoch), with nothing declared.
func (s *Store) Begin(t *Tx, now int64) {
	t.s, t.now = s, now
	t.shards = [mostShards / 64]uint64{}
	t.locked, t.atomic, t.quiet, t.silent = false, false, false, false
}

// emptied forgets what a slice holds, and the slice if it has grown.
func emptied[T any](s []T) []T {
	if cap(s) > keptSlots {
		return nil
	}
	clear(s)
	return s[:0]
}

// Declare adds a room to be locked. Call it before Lock.
func (t *Tx) Declare(name []byte) { t.declare(t.s.shardOf(name).number) }

func (t *Tx) declare(shard uint64) { t.shards[shard/64] |= 1 << (shard % 64) }

// DeclareAll adds every room. Call it before Lock.
func (t *Tx) DeclareAll() {
	for i := range t.s.shards {
		t.declare(uint64(i))
	}
}

// Lock takes the locks of all declared rooms in the one lock order: ascending shards. Locks of keys
// and queues come before, the journal's after them.
func (t *Tx) Lock() {
	for w, set := range t.shards {
		for ; set != 0; set &= set - 1 {
			sh := &t.s.shards[w*64+bits.TrailingZeros64(set)]
			sh.mu.Lock()
			if t.now != 0 {
				sh.clock = t.now
			}
		}
	}
	t.locked = true
}

// Unlock ends the Tx, handing its effects to the journal if the caller has not, and wakes whom
// they concern.
func (t *Tx) Unlock() {
	t.commit()
	t.handOn()
	for _, r := range t.touched {
		r.marked = false
		t.rouse(r)
	}
	t.touched = emptied(t.touched)
	soon := int64(0)
	t.locked = false
	for w, set := range t.shards {
		for ; set != 0; set &= set - 1 {
			sh := &t.s.shards[w*64+bits.TrailingZeros64(set)]
			sh.account()
			if sh.sooner {
				sh.sooner = false
				if at := sh.nextDue(); soon == 0 || at < soon {
					soon = at
				}
			}
			sh.mu.Unlock()
		}
	}
	if soon != 0 && t.s.promise(soon) && !t.silent {
		t.s.alarm()
	}
	if t.wakes != nil {
		t.callWakes()
	}
}

// touch notes that subscribers of r may have something to read when the Tx ends.
func (t *Tx) touch(r *room) {
	if !r.marked && r.audience != nil {
		r.marked = true
		t.touched = append(t.touched, r)
	}
}

// holds says whether a shard is locked.
func (t *Tx) holds(sh *shard) bool {
	return t.locked && t.shards[sh.number/64]&(1<<(sh.number%64)) != 0
}

// find returns a room, nil if there is none. To touch a room that was not declared would be a race
// that corrupts memory, so it is checked always; it costs about 1 ns.
func (t *Tx) find(name []byte) *room {
	sh := t.s.shardOf(name)
	if !t.holds(sh) {
		panic("room: use of a room that was not declared")
	}
	return sh.rooms[string(name)]
}

// need is find, and the error if there is no such room.
func (t *Tx) need(name []byte) (*room, error) {
	if r := t.find(name); r != nil {
		return r, nil
	}
	return nil, notFound(name)
}

// bytesOf is a view of s, which must not be written to.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// keptScratch bounds the buffer that a shard keeps between records.
const keptScratch = 256 << 10

// record puts e into the record of t. The buffer is lent by a locked shard: Tx values, of which
// every connection has one, hold no memory of their own.
func (t *Tx) record(r *room, e *effect.Room) {
	if t.s.journal == nil || t.quiet {
		return
	}
	if t.lender == nil {
		t.lender, t.buffer = r.shard, r.shard.scratch[:0]
	}
	e.Name, e.Generation = bytesOf(r.name), r.generation
	t.buffer = effect.AppendRoom(t.buffer, e)
}

// Record is the bytes of the effects so far; the caller hands them to the journal, before Unlock.
func (t *Tx) Record() []byte { return t.buffer }

// Recorded says that the caller has handed on Record.
func (t *Tx) Recorded() { t.buffer = t.buffer[:0] }

// handOn gives the record to the journal. All locks are still held, so nobody saw its effects yet
// who could get a record of his own in front of it.
func (t *Tx) handOn() {
	if len(t.buffer) > 0 {
		t.s.journal.Append(t.now, t.buffer)
	}
	if t.lender == nil {
		return
	}
	if cap(t.buffer) <= keptScratch {
		t.lender.scratch = t.buffer[:0]
	} else {
		t.lender.scratch = nil
	}
	t.lender, t.buffer = nil, nil
}

// recordBytes is what the effects that one sweep of a shard adds take at most beyond names, with
// the journal's header.
const recordBytes = 4 << 10

// frozen says whether the store must not change by itself.
func (t *Tx) frozen() bool {
	j := t.s.journal
	return j != nil && j.Admit(len(t.buffer)+recordBytes+MaxNameBytes) != nil
}
