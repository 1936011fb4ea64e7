package queue

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/shards"
	"github.com/synapdb/synap/internal/store/slab"
)

const defaultShards = 16

// Options configures a store.
type Options struct {
	Shards   int      // power of two, 1..256; 0 = 16
	Defaults Settings // of queues made without settings; all zero = the built-in ones
	// Random returns random bits, for tokens, incarnations and jitter; nil = math/rand/v2.
	Random func() uint64
	// Alarm is called when something comes due earlier than Maintain said last. It must not block
	// or use the store. Optional.
	Alarm func()
}

// Store is a set of queues. It is safe for concurrent use through Tx.
type Store struct {
	seed     [3]uint64 // of hashOf
	shards   []shard   // power of two; lock order: ascending index
	mask     uint64
	share    int // address space of an arena, in bytes
	defaults Settings
	random   func() uint64
	alarm    func()
	base     int64 // bytes of the store itself

	mostRecord int // a constant, but for tests

	_     [64]byte     // every write of a key reads memory: see kv.Store.Beside
	bytes atomic.Int64 // base, and what the shards hold
	_     [64]byte

	journal effect.Journal // nil: changes are not recorded
	names   shards.Names
	upkeep  shards.Upkeep
}

// shard is one lock and what it guards.
type shard struct {
	mu     sync.Mutex
	store  *Store
	number uint64

	// Written under mu, read by anyone.
	memory   atomic.Int64
	resident atomic.Int64
	full     atomic.Bool // little is left of the arena's address space

	// Under mu.
	arena      *slab.Arena // nil until something is put into it
	queues     map[string]*queue
	slots      []*queue // by the number in message headers; nil: free
	freeSlots  []uint32
	targets    int // queues that have a dead-letter queue
	large      []*large
	freeLarge  []uint32
	largeBytes int64
	whole      int   // aux that have room for a lease
	heap       int64 // bytes of queues, consumers and maps in Go's heap
	gone       Stats // counters of queues that were deleted

	clock   int64  // the time of the last Tx, ms since the Unix epoch
	wheel   *wheel // nil until there is a timer
	soonest int64  // no timer is due earlier
	sooner  bool   // something comes due earlier than before
	alarms  alarms // of waiters
	ticks   []dueTimer
	scratch []byte // for the record of a Tx
	orphans []orphan
	freed   bool  // blocks were freed since the last upkeep
	upkeep  int64 // when the next one is due

	_ [64]byte // keeps the next shard's lock off this cache line
}

// queue is one queue. Its messages are in the arena of its shard.
//
// Invariants, under the shard's lock:
//
//  1. every message is in the index once, and in the list of its state;
//  2. its timer runs if, and only if, it is leased, delayed, or ready and expires;
//  3. Depth, Delayed, Leased and Dead are the lengths of the lists;
//  4. a consumer's leases, and a connection's, are those that name it.
type queue struct {
	name   string
	shard  *shard
	slot   uint32
	gone   bool // deleted: only waiters that don't know it yet point here
	saved  bool // the atomic section knows how it was
	marked bool // the Tx will look whom it can wake

	set         Settings
	stats       Stats
	number, seq uint64 // the highest given so far
	purged      uint64 // messages of this Seq or lower were purged: none returns to such a place
	version     uint64 // counts changes, from 1

	lists    [listCount]list
	occupied uint16 // priorities that have ready messages
	unsorted uint16 // lists that are not in order
	index    index
	holders  holders
	conns    map[uint64]*conn
	dedup    *remembered // nil: nothing is remembered
	line     *waitline   // nil until somebody waits
	active   string      // the consumer that is served alone, "" = none
	asked    int64       // when it asked last
}

// New makes a store. It fails if the options are out of bounds, or the process' address space.
func New(o Options) (*Store, error) {
	if o.Shards == 0 {
		o.Shards = defaultShards
	}
	share, err := shards.Share(o.Shards, "queues")
	if err != nil {
		return nil, err
	}
	if o.Defaults == (Settings{}) {
		o.Defaults = builtin
	}
	completeNeeded(&o.Defaults, &builtin)
	o.Defaults.Incarnation, o.Defaults.Created = 0, 0
	if err := check("", &o.Defaults); err != nil {
		return nil, fmt.Errorf("default settings of queues: %w", err)
	}
	if o.Random == nil {
		o.Random = rand.Uint64
	}
	if o.Alarm == nil {
		o.Alarm = func() {}
	}
	s := &Store{
		seed:   [3]uint64{o.Random(), o.Random() | 1, o.Random() | 1},
		shards: make([]shard, o.Shards), mask: uint64(o.Shards - 1),
		share: share, defaults: o.Defaults, random: o.Random,
		alarm: o.Alarm, mostRecord: mostRecord,
	}
	s.upkeep.Reset()
	for i := range s.shards {
		sh := &s.shards[i]
		sh.store, sh.number = s, uint64(i)
		sh.soonest, sh.queues = math.MaxInt64, map[string]*queue{}
	}
	s.base = int64(unsafe.Sizeof(*s)) + int64(o.Shards)*int64(unsafe.Sizeof(shard{}))
	s.bytes.Store(s.base)
	s.names.Count(&s.bytes)
	return s, nil
}

// Close gives the memory back. No Tx may be open.
func (s *Store) Close() error {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		sh.clear()
		sh.account()
		sh.mu.Unlock()
	}
	return nil
}

// clear removes every queue at once, with all its messages, and says who has to be woken.
func (sh *shard) clear() (wakes []Waker) {
	for name, q := range sh.queues {
		q.gone = true
		sh.store.names.Remove(name)
		sh.gone.count(&q.stats)
		for q.line != nil && q.line.first != nil {
			w := q.line.first
			sh.leave(w)
			wakes = append(wakes, w.Waker)
		}
	}
	for _, l := range sh.large {
		if l != nil {
			l.release()
		}
	}
	if sh.arena != nil {
		sh.arena.Close()
		sh.arena = nil
	}
	sh.queues, sh.slots, sh.freeSlots, sh.targets = map[string]*queue{}, nil, nil, 0
	sh.large, sh.freeLarge, sh.largeBytes, sh.heap, sh.whole = nil, nil, 0, 0, 0
	sh.wheel, sh.soonest, sh.alarms, sh.orphans = nil, math.MaxInt64, nil, nil
	return wakes
}

// open makes the shard's arena if there is none.
func (sh *shard) open() error {
	if sh.arena != nil {
		return nil
	}
	a, err := slab.New(sh.store.share)
	if err != nil {
		return fmt.Errorf("memory for queues: %w", err)
	}
	sh.arena = a
	return nil
}

// SetJournal makes every change go to j from now on; nil, as at first, means none does. While j
// admits nothing the store is frozen: leases don't end, nothing expires.
func (s *Store) SetJournal(j effect.Journal) { s.journal = j }

// recordBytes is what the effects of a timer take at most beyond names, with the journal's header.
const recordBytes = 160

// frozen says whether the store must not change by itself, with so many bytes in the record.
func (s *Store) frozen(bytes int) bool {
	return s.journal != nil && s.journal.Admit(bytes+recordBytes+2*MaxNameBytes) != nil
}

func (t *Tx) frozen() bool { return t.s.frozen(len(t.effects.Bytes)) }

// Defaults are the settings of queues made without any.
func (s *Store) Defaults() Settings { return s.defaults }

const queueBytes = int64(unsafe.Sizeof(queue{})) + 64 // with its places in maps

// add makes an empty queue. The shard is locked.
func (sh *shard) add(name string) *queue {
	q := &queue{name: name, shard: sh, slot: uint32(len(sh.slots)), version: 1}
	if last := len(sh.freeSlots) - 1; last >= 0 {
		q.slot, sh.freeSlots = sh.freeSlots[last], sh.freeSlots[:last]
		sh.slots[q.slot] = q
	} else {
		sh.slots = append(sh.slots, q)
	}
	sh.queues[name] = q
	sh.store.names.Add(name)
	q.heap(queueBytes + int64(len(name)))
	return q
}

// drop removes a queue, which must be without messages and waiters.
func (sh *shard) drop(q *queue) {
	q.gone = true
	if q.set.DeadLetter != "" {
		sh.targets--
	}
	for name := range q.holders.byName {
		q.heap(-holderBytes - int64(len(name)))
	}
	q.heap(-connBytes * int64(len(q.conns)))
	if q.line != nil {
		q.heap(-lineBytes)
	}
	q.heap(-queueBytes - int64(len(q.name)))
	delete(sh.queues, q.name)
	sh.slots[q.slot] = nil
	sh.freeSlots = append(sh.freeSlots, q.slot)
	if len(sh.queues) == 0 { // maps don't shrink
		sh.queues, sh.slots, sh.freeSlots = map[string]*queue{}, nil, nil
	}
	sh.store.names.Remove(q.name)
	sh.gone.count(&q.stats)
}

// heap counts bytes of Go's heap for the queue.
func (q *queue) heap(bytes int64) { q.shard.heap += bytes }

// settings gives the queue new ones.
func (sh *shard) settings(q *queue, s *Settings) {
	if q.set.DeadLetter != "" {
		sh.targets--
	}
	q.set = *s
	if q.set.DeadLetter != "" {
		sh.targets++
	}
}

// account publishes what the shard's memory has become.
func (sh *shard) account() {
	fixed := sh.heap + sh.largeBytes + int64(cap(sh.slots))*8 + int64(cap(sh.large))*8 +
		int64(cap(sh.scratch))
	if sh.wheel != nil {
		fixed += int64(unsafe.Sizeof(wheel{}))
	}
	if sh.arena == nil {
		sh.holds(fixed)
		sh.resident.Store(fixed)
		return
	}
	fixed += sh.arena.Overhead()
	memory := fixed + sh.arena.Live()
	if memory < sh.memory.Load() && !sh.freed {
		sh.freed = true
		sh.upkeep = sh.clock + upkeepPause
		sh.sooner = true
	}
	sh.holds(memory)
	sh.resident.Store(fixed + sh.arena.Resident())
	if full := sh.arena.Full(); full != sh.full.Load() {
		sh.full.Store(full)
	}
}

// holds says what the memory of a shard has become. The shard is locked.
func (sh *shard) holds(bytes int64) {
	if more := bytes - sh.memory.Load(); more != 0 {
		sh.memory.Store(bytes)
		sh.store.bytes.Add(more)
	}
}

// Memory is the bytes in use over all components. It locks nothing and costs one atomic load.
func (s *Store) Memory() int64 { return s.bytes.Load() }

// Resident is Memory and freed blocks not yet given back to the system.
func (s *Store) Resident() int64 {
	n := s.base
	for i := range s.shards {
		n += s.shards[i].resident.Load()
	}
	return n
}

// scarce is what full says, now: a transaction may take more than what Full leaves. The shard is
// locked.
func (sh *shard) scarce() bool { return sh.arena != nil && sh.arena.Full() }

// Full says that little of a shard's address space is left: nothing may grow.
func (s *Store) Full() bool {
	for i := range s.shards {
		if s.shards[i].full.Load() {
			return true
		}
	}
	return false
}
