package room

import (
	"unsafe"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/shards"
)

// Tx locks declared rooms. It is reused: Begin resets it. Not safe for concurrent use.
type Tx struct {
	s              *Store
	now            int64
	shards         shards.Set // declared
	locked, atomic bool
	quiet          bool // effects come from outside
	silent         bool // nobody needs an alarm

	touched []*room  // subscribers of these may have something to read now
	wakes   *[]Waker // to be called when nothing is locked; nil: none

	effects shards.Record
	undo    []undo // of the atomic section
	saved   []savedRoom
	mark    int // of the record, what was there before the atomic section
}

// Begin starts t over the store, at now (ms since the Unix epoch), with nothing declared.
func (s *Store) Begin(t *Tx, now int64) {
	t.s, t.now = s, now
	t.shards = shards.Set{}
	t.locked, t.atomic, t.quiet, t.silent = false, false, false, false
}

// Declare adds a room to be locked. Call it before Lock.
func (t *Tx) Declare(name []byte) { t.shards.Add(t.s.shardOf(name).number) }

// DeclareAll adds every room. Call it before Lock.
func (t *Tx) DeclareAll() { t.shards.AddAll(len(t.s.shards)) }

// Lock takes the locks of all declared rooms in the one lock order: ascending shards. Locks of keys
// and queues come before, the journal's after them.
func (t *Tx) Lock() {
	for i := range t.shards.All() {
		sh := &t.s.shards[i]
		sh.mu.Lock()
		if t.now != 0 {
			sh.clock = t.now
		}
	}
	t.locked = true
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
	for _, r := range t.touched {
		r.marked = false
		t.rouse(r)
	}
	t.touched = shards.Emptied(t.touched)
	soon := int64(0)
	t.locked = false
	for i := range t.shards.All() {
		sh := &t.s.shards[i]
		sh.account()
		if sh.sooner {
			sh.sooner = false
			if at := sh.nextDue(); soon == 0 || at < soon {
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
func (t *Tx) holds(sh *shard) bool { return t.locked && t.shards.Has(sh.number) }

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

// record puts e into the record of t.
func (t *Tx) record(r *room, e *effect.Room) {
	if t.s.journal == nil || t.quiet {
		return
	}
	t.effects.Borrow(&r.shard.scratch)
	e.Name, e.Generation = bytesOf(r.name), r.generation
	t.effects.Bytes = effect.AppendRoom(t.effects.Bytes, e)
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

// recordBytes is what the effects that one sweep of a shard adds take at most beyond names, with
// the journal's header.
const recordBytes = 4 << 10

// frozen says whether the store must not change by itself.
func (t *Tx) frozen() bool {
	j := t.s.journal
	return j != nil && j.Admit(len(t.effects.Bytes)+recordBytes+MaxNameBytes) != nil
}
