package room

import (
	"fmt"
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/shards"
	"github.com/synapdb/synap/internal/store/slab"
)

const defaultShards = 8 // each takes a MiB or two before it is full

// Options configures a store.
type Options struct {
	Shards   int      // power of two, 1..256; 0 = 8
	Defaults Settings // of rooms made without settings; zeros = the built-in ones
	// HardEvents is how many events a room may hold beyond its MaxEvents while a subscriber has
	// not read them; 0 = 100 000.
	HardEvents int64
	// Inactive is after how many ms a room that nobody used is removed; 0 = never. Its subscribers
	// use it by being there.
	Inactive int64
	// Sweep is how often age and inactivity are looked at, in ms; 0 = 60 000.
	Sweep int64
	// Alarm is called when something comes due earlier than Maintain said last. It must not block
	// or use the store. Optional.
	Alarm func()
}

// Store is a set of rooms. It is safe for concurrent use through Tx, Pull and Unsubscribe.
type Store struct {
	seed     maphash.Seed
	shards   []shard // power of two; lock order: ascending index
	mask     uint64
	share    int // address space of an arena, in bytes
	defaults Settings
	hard     int64
	inactive int64
	sweep    int64
	alarm    func()

	memory atomic.Int64 // the store itself, names and all shards: asked for by every write
	spare  atomic.Int64 // resident beyond that

	journal    effect.Journal // nil: changes are not recorded
	names      shards.Names
	generation atomic.Uint64 // the highest of a room ever made
	upkeep     shards.Upkeep
	lists      sync.Pool // of *[]Waker
}

// shard is one lock and what it guards.
type shard struct {
	mu     sync.Mutex
	store  *Store
	number uint64

	full atomic.Bool // little is left of the arena's address space; written under mu

	// Under mu.
	memory     int64       // as added to the store's
	spare      int64       // bytes resident beyond that, likewise
	arena      *slab.Arena // nil until something is put into it
	rooms      map[string]*room
	slots      []*room // by the number in blocks; nil: free
	freeSlots  []uint32
	large      [][]byte // mappings of frames too large for a block; nil: free
	freeLarge  []slab.Ref
	largeBytes int64
	heap       int64 // bytes of rooms, subscribers, cursors and maps in Go's heap
	gone       Stats // counters of rooms that were deleted

	clock   int64  // the time of the last Tx, ms since the Unix epoch
	due     int64  // when rooms are to be looked at again
	swept   int    // slots of the present sweep that are done
	sooner  bool   // something comes due earlier than before
	scratch []byte // for the record of a Tx
	quoted  []byte // a name as JSON string
	ahead   []run  // imported events whose predecessors have not come yet
	freed   bool   // blocks were freed since the last upkeep
	upkeep  int64  // when the next one is due

	_ [64]byte // keeps the next shard's lock off this cache line
}

// room is one room. Its events are in the arena of its shard.
//
// Invariants, under the shard's lock:
//
//  1. events first..next-1 are in the segments, one after the other, and perhaps some before them;
//  2. the last segment holds an event that is seen; a room without events has no segments;
//  3. times of events never fall;
//  4. bytes is the sum of the frames of the events that are seen.
type room struct {
	name   string
	shard  *shard
	slot   uint32
	gone   bool // deleted: only an atomic section may point here
	marked bool // the Tx will look whom it can wake
	saved  bool // the atomic section knows how it was

	generation        uint64
	set               Settings
	first, next       uint64 // the earliest event that is seen, and the next one
	bytes             int64
	last              int64 // time of the newest event ever
	active            int64 // when it was used last
	consumed, dropped int64
	cost              int64 // bytes of Go's heap, as counted
	names             int64 // bytes of the names of consumers

	segs     []segment
	prefix   []byte            // of frames; nil until the first
	cursors  map[string]uint64 // nil until the first
	audience *audience         // nil until somebody subscribes
}

// New makes a store. It fails if the options are out of bounds, or the process' address space.
func New(o Options) (*Store, error) {
	if o.Shards == 0 {
		o.Shards = defaultShards
	}
	share, err := shards.Share(o.Shards, "rooms")
	if err != nil {
		return nil, err
	}
	if o.HardEvents == 0 {
		o.HardEvents = defaultHard
	}
	if o.Sweep == 0 {
		o.Sweep = defaultSweep
	}
	if o.HardEvents < 0 || o.Sweep < 0 || o.Inactive < 0 {
		return nil, fmt.Errorf("rooms: a hard limit of %d events, a sweep each %d ms, inactive "+
			"after %d ms: none may be negative", o.HardEvents, o.Sweep, o.Inactive)
	}
	if o.Alarm == nil {
		o.Alarm = func() {}
	}
	complete(&o.Defaults, &builtin)
	o.Defaults.Created = 0
	if err := check(&o.Defaults); err != nil {
		return nil, fmt.Errorf("default settings of rooms: %w", err)
	}
	s := &Store{
		seed: maphash.MakeSeed(), shards: make([]shard, o.Shards), mask: uint64(o.Shards - 1),
		share: share, defaults: o.Defaults, hard: o.HardEvents,
		inactive: o.Inactive, sweep: o.Sweep, alarm: o.Alarm,
	}
	s.upkeep.Reset()
	for i := range s.shards {
		sh := &s.shards[i]
		sh.store, sh.number = s, uint64(i)
		sh.due, sh.rooms = math.MaxInt64, map[string]*room{}
	}
	s.names.Count(&s.memory)
	s.memory.Store(int64(unsafe.Sizeof(*s)) + int64(o.Shards)*int64(unsafe.Sizeof(shard{})))
	return s, nil
}

// Close gives the memory back. No Tx may be open, and nobody may Pull any more.
func (s *Store) Close() error {
	s.Clear()
	return nil
}

// Clear removes everything, without effects: a snapshot turned out to be damaged. Subscribers are
// woken, and told that their rooms are gone. Generations go on growing.
func (s *Store) Clear() {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		wakes := sh.clear(nil)
		sh.account()
		sh.mu.Unlock()
		for _, w := range wakes {
			w.Wake()
		}
	}
}

// clear removes every room at once, and appends whom to wake.
func (sh *shard) clear(wakes []Waker) []Waker {
	for name, r := range sh.rooms {
		wakes = r.dismiss(wakes)
		r.gone = true
		sh.store.names.Remove(name)
	}
	for _, b := range sh.large {
		if b != nil {
			slab.Unmap(b)
		}
	}
	if sh.arena != nil {
		sh.arena.Close()
		sh.arena = nil
	}
	sh.rooms, sh.slots, sh.freeSlots = map[string]*room{}, nil, nil
	sh.large, sh.freeLarge, sh.largeBytes, sh.heap = nil, nil, 0, 0
	sh.due, sh.swept, sh.freed, sh.ahead = math.MaxInt64, 0, false, nil
	return wakes
}

// open makes the shard's arena if there is none.
func (sh *shard) open() error {
	if sh.arena != nil {
		return nil
	}
	a, err := slab.New(sh.store.share)
	if err != nil {
		return fmt.Errorf("memory for rooms: %w", err)
	}
	sh.arena = a
	return nil
}

// SetJournal makes every change go to j from now on; nil, as at first, means none does. While j
// admits nothing the store is frozen: nothing is removed by itself.
func (s *Store) SetJournal(j effect.Journal) { s.journal = j }

// Defaults are the settings of rooms made without any.
func (s *Store) Defaults() Settings { return s.defaults }

const (
	roomBytes   = int64(unsafe.Sizeof(room{})) + 64 // with its places in maps
	cursorBytes = 48                                // with its place in a map
)

// add makes an empty room. The shard is locked.
func (sh *shard) add(name string) *room {
	r := &room{name: name, shard: sh, slot: uint32(len(sh.slots)), active: sh.clock}
	if last := len(sh.freeSlots) - 1; last >= 0 {
		r.slot, sh.freeSlots = sh.freeSlots[last], sh.freeSlots[:last]
		sh.slots[r.slot] = r
	} else {
		sh.slots = append(sh.slots, r)
	}
	sh.rooms[name] = r
	sh.store.names.Add(name)
	sh.measure(r)
	if sh.due == math.MaxInt64 {
		sh.due = sh.clock + sh.store.sweep
		sh.sooner = true
	}
	return r
}

// empty removes what a room holds, but neither it nor its subscribers.
func (sh *shard) empty(r *room) {
	sh.cut(r, r.next)
	r.first, r.next, r.last, r.bytes = 0, 0, 0, 0
	r.cursors, r.names = nil, 0
	sh.measure(r)
}

// drop removes an empty room, whose subscribers have been dismissed.
func (sh *shard) drop(r *room) {
	r.gone = true
	sh.heap -= r.cost
	r.cost = 0
	delete(sh.rooms, r.name)
	sh.slots[r.slot] = nil
	sh.freeSlots = append(sh.freeSlots, r.slot)
	sh.store.names.Remove(r.name)
	if len(sh.rooms) == 0 {
		sh.due = math.MaxInt64
	}
}

// measure counts what a room takes of Go's heap. Call it when the capacity of something in it has
// changed.
func (sh *shard) measure(r *room) {
	cost := roomBytes + 2*int64(len(r.name)) + int64(cap(r.prefix)) +
		int64(cap(r.segs))*int64(segmentBytes) + int64(len(r.cursors))*cursorBytes +
		r.names + r.audience.bytes()
	sh.heap += cost - r.cost
	r.cost = cost
}

// account publishes what the shard's memory has become.
func (sh *shard) account() {
	used := sh.heap + sh.largeBytes + int64(cap(sh.slots))*8 + int64(cap(sh.large))*24 +
		int64(cap(sh.scratch))
	spare := int64(0)
	if sh.arena != nil {
		used += sh.arena.Overhead() + sh.arena.Live()
		spare = sh.arena.Resident() - sh.arena.Live()
	}
	if used < sh.memory && !sh.freed {
		sh.freed = true
		sh.upkeep = sh.clock + upkeepPause
		sh.sooner = true
	}
	if used != sh.memory {
		sh.store.memory.Add(used - sh.memory)
		sh.memory = used
	}
	if spare != sh.spare {
		sh.store.spare.Add(spare - sh.spare)
		sh.spare = spare
	}
	if full := sh.arena != nil && sh.arena.Full(); full != sh.full.Load() {
		sh.full.Store(full)
	}
}

// Memory is the bytes in use over all components. It is one load.
func (s *Store) Memory() int64 { return s.memory.Load() }

// Resident is Memory and freed blocks not yet given back to the system.
func (s *Store) Resident() int64 { return s.memory.Load() + s.spare.Load() }

// Full says that little of a shard's address space is left: nothing may grow.
func (s *Store) Full() bool {
	for i := range s.shards {
		if s.shards[i].full.Load() {
			return true
		}
	}
	return false
}

func (s *Store) hashOf(name []byte) uint64 { return maphash.Bytes(s.seed, name) }

func (s *Store) shardOf(name []byte) *shard { return &s.shards[s.hashOf(name)&s.mask] }
