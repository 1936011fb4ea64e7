package kv

import (
	"fmt"

	"github.com/synapdb/synap/internal/store/order"
	"github.com/synapdb/synap/internal/store/slab"
)

// checkInvariants walks the whole store, which nobody may use meanwhile, and counts everything
// again. It returns the first contradiction.
func (s *Store) checkInvariants() error {
	for i := range s.shards {
		sh := &s.shards[i]
		memory := int64(0)
		for db := range sh.db {
			sp := sh.db[db].Load()
			if sp == nil {
				continue
			}
			if int(sp.db) != db {
				return fmt.Errorf("space of database %d believes to be %d", db, sp.db)
			}
			if err := sp.check(uint64(i)); err != nil {
				return fmt.Errorf("shard %d, database %d: %w", i, db, err)
			}
			memory += sp.memory()
		}
		for db := range sh.watched.db {
			for key, list := range sh.watched.db[db] {
				memory += int64(len(list)) * int64(len(key)+watchBytes)
			}
		}
		if got := sh.memory.Load(); got != memory {
			return fmt.Errorf("shard %d accounts for %d bytes, has %d", i, got, memory)
		}
	}
	return nil
}

func (sp *space) check(shard uint64) error {
	refs, err := sp.checkIndex(shard)
	if err != nil {
		return err
	}
	if err := sp.checkOrder(refs); err != nil {
		return err
	}
	if err := sp.checkWheel(refs); err != nil {
		return err
	}
	live, owned := int64(0), int64(0)
	for ref := range refs {
		h := sp.head(ref)
		live += int64(sp.arena.Size(ref))
		if h.size() > sp.arena.Size(ref) {
			return fmt.Errorf("%q is larger than its block", h.key())
		}
		if h.large() {
			l := sp.largeOf(h)
			owned += int64(l.cost)
			if len(l.bytes) <= maxInline && l.refs.Load() < 1 {
				return fmt.Errorf("%q: large value of %d bytes", h.key(), len(l.bytes))
			}
		}
	}
	if live != sp.arena.Live() || owned != sp.owned {
		return fmt.Errorf("blocks %d, arena says %d; large values %d, account says %d",
			live, sp.arena.Live(), owned, sp.owned)
	}
	if sp.accounted != sp.memory() {
		return fmt.Errorf("accounted %d, memory %d", sp.accounted, sp.memory())
	}
	return nil
}

func (sp *space) checkIndex(shard uint64) (map[slab.Ref]bool, error) {
	refs := map[slab.Ref]bool{}
	tables, seen := int64(0), map[uint32]bool{}
	for at, number := range sp.index.dir {
		s := &sp.index.segs[number]
		if want := uint32(0); !seen[number] {
			seen[number] = true
			tables += int64(slab.Fit(len(s.table) * bucketBytes))
			for i := range s.table {
				for j, ref := range s.table[i].refs {
					if ref == 0 {
						continue
					}
					want++
					refs[ref] = true
					h := sp.hash(ref)
					if s.table[i].tags[j] != uint16(h>>tagShift) ||
						h&sp.store.mask != shard || sp.find(h, sp.Key(ref)) != ref {
						return nil, fmt.Errorf("%q is in a wrong place", sp.Key(ref))
					}
				}
			}
			if want != s.count {
				return nil, fmt.Errorf("segment counts %d, has %d", s.count, want)
			}
		}
		if bits := 64 - int(sp.index.shift) - int(s.depth); bits < 0 {
			return nil, fmt.Errorf("directory entry %d too shallow", at)
		}
	}
	if tables != sp.index.arena.Live() || int64(len(refs)) != sp.keys.Load() {
		return nil, fmt.Errorf("%d entries, %d counted; tables %d, arena says %d",
			len(refs), sp.keys.Load(), tables, sp.index.arena.Live())
	}
	return refs, nil
}

func (sp *space) checkOrder(refs map[slab.Ref]bool) error {
	delta := 0
	for _, ref := range sp.delta.table {
		if ref == 0 {
			continue
		}
		if delta++; !refs[ref] || sp.head(ref).meta&inDelta == 0 {
			return fmt.Errorf("delta holds %d wrongly", ref)
		}
	}
	if delta != sp.delta.n || delta+sp.order.Len() != len(refs) {
		return fmt.Errorf("delta %d (says %d) and order %d make no %d",
			delta, sp.delta.n, sp.order.Len(), len(refs))
	}
	var it order.Iter
	last := ""
	n := 0
	for sp.order.Seek(nil, &it); it.Valid(); it.Next() {
		ref := it.Ref()
		if !refs[ref] || sp.head(ref).meta&inDelta != 0 {
			return fmt.Errorf("order holds %d wrongly", ref)
		}
		if key := string(sp.Key(ref)); n > 0 && key <= last {
			return fmt.Errorf("%q after %q", key, last)
		} else {
			last = key
		}
		n++
	}
	if n != sp.order.Len() {
		return fmt.Errorf("order has %d, says %d", n, sp.order.Len())
	}
	return nil
}

func (sp *space) checkWheel(refs map[slab.Ref]bool) error {
	timers := 0
	for ref := range refs {
		if sp.head(ref).timed() {
			timers++
		}
	}
	if sp.wheel == nil {
		if timers != 0 {
			return fmt.Errorf("%d timers without a wheel", timers)
		}
		return nil
	}
	linked := 0
	for i, ref := range sp.wheel.first {
		if (ref != 0) != (sp.wheel.occupied[i/fan]>>(i%fan)&1 != 0) {
			return fmt.Errorf("list %d is not marked right", i)
		}
		prev := firstIn + uint32(i)
		for ; ref != 0; linked++ {
			if !refs[ref] || !sp.head(ref).timed() || sp.head(ref).timer().prev != prev {
				return fmt.Errorf("list %d is broken at %d", i, ref)
			}
			prev, ref = ref, sp.head(ref).timer().next
		}
	}
	if linked != timers || linked != sp.wheel.count || int64(linked) != sp.expires.Load() {
		return fmt.Errorf("%d timers linked, %d exist, %d counted",
			linked, timers, sp.expires.Load())
	}
	return nil
}
