package queue

import (
	"unsafe"

	"github.com/synapdb/synap/internal/store/slab"
)

// memory is a deduplication id that a queue remembers. It lies in the arena, is found by a map from
// hashes to refs, which holds no pointers, and ends with its timer. Those of a queue are linked in
// the order they came, for exports.
type memory struct {
	timer        // until
	number       uint64
	order        uint64   // grows from the oldest to the newest
	chain        slab.Ref // next of the same hash
	older, newer slab.Ref
	length       uint32
}

const (
	memoryBytes = int(unsafe.Sizeof(memory{}))
	hashedByte  = 22 // bytes of the map for each id, on average
)

// remembered are the deduplication ids of a queue.
type remembered struct {
	byHash         map[uint64]slab.Ref
	oldest, newest slab.Ref
	order          uint64 // of the newest ever
}

func (sh *shard) memoryAt(ref slab.Ref) *memory { return (*memory)(sh.arena.Ptr(ref)) }

func (d *memory) id() []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(d), memoryBytes)), int(d.length))
}

func (d *memory) cost() int64 {
	return int64(slab.Fit(memoryBytes+int(d.length))) + hashedByte
}

// recall finds a deduplication id, run out or not; 0 = unknown.
func (sh *shard) recall(q *queue, id []byte) slab.Ref {
	if q.dedup == nil {
		return 0
	}
	ref := q.dedup.byHash[sh.store.hashOf(id)]
	for ref != 0 {
		d := sh.memoryAt(ref)
		if string(d.id()) == string(id) {
			return ref
		}
		ref = d.chain
	}
	return 0
}

// remember notes that id came with message number, until a time. It replaces what was known of it.
// It fails when the system has no memory.
func (sh *shard) remember(q *queue, id []byte, number uint64, until int64) error {
	if err := sh.open(); err != nil {
		return err
	}
	if old := sh.recall(q, id); old != 0 {
		sh.forget(q, old)
	}
	if q.dedup == nil {
		q.dedup = &remembered{byHash: map[uint64]slab.Ref{}}
	}
	r := q.dedup
	r.order++
	ref := sh.arena.Alloc(memoryBytes + len(id))
	d := sh.memoryAt(ref)
	hash := sh.store.hashOf(id)
	*d = memory{
		timer:  timer{owner: dedupKind<<kindAt | uint64(q.slot)},
		number: number, order: r.order, chain: r.byHash[hash], older: r.newest,
		length: uint32(len(id)),
	}
	copy(d.id(), id)
	r.byHash[hash] = ref
	if r.newest == 0 {
		r.oldest = ref
	} else {
		sh.memoryAt(r.newest).newer = ref
	}
	r.newest = ref
	q.stats.Bytes += d.cost()
	q.heap(hashedByte)
	sh.schedule(ref, until)
	return nil
}

// forget removes what is remembered at ref.
func (sh *shard) forget(q *queue, ref slab.Ref) {
	sh.stop(ref)
	r, d := q.dedup, sh.memoryAt(ref)
	hash := sh.store.hashOf(d.id())
	if at := r.byHash[hash]; at != ref {
		for sh.memoryAt(at).chain != ref {
			at = sh.memoryAt(at).chain
		}
		sh.memoryAt(at).chain = d.chain
	} else if d.chain != 0 {
		r.byHash[hash] = d.chain
	} else {
		delete(r.byHash, hash)
	}
	if d.older == 0 {
		r.oldest = d.newer
	} else {
		sh.memoryAt(d.older).newer = d.newer
	}
	if d.newer == 0 {
		r.newest = d.older
	} else {
		sh.memoryAt(d.newer).older = d.older
	}
	q.stats.Bytes -= d.cost()
	q.heap(-hashedByte)
	sh.arena.Free(ref)
	if len(r.byHash) == 0 {
		q.dedup = nil // and the map with it: maps don't shrink
	}
}
