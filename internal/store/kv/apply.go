package kv

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// target is the entry an effect is about: absent when ref is 0.
type target struct {
	sp   *space
	ref  slab.Ref
	hash uint64
}

// Apply changes the store. The key's shard must be locked, every shard for Flush, FlushAll and
// Swap. It decides the key's version, unless it replays, and returns it; 0 when no key is left.
// Applying to an absent key what needs one changes nothing. A key or value over the limits is not
// stored.
//
// This is the only way state changes: live, in recovery and on replicas.
func (t *Tx) Apply(e effect.Effect) uint32 {
	if t.scanning {
		panic("kv: a change during a scan")
	}
	switch e.Kind {
	case effect.Set, effect.Patch:
		if valid(&e) {
			return t.write(&e)
		}
	case effect.Delete, effect.Expire, effect.Evict:
		t.remove(&e)
	case effect.Deadline:
		return t.setDeadline(&e)
	case effect.Flush, effect.FlushAll, effect.Swap:
		t.needAll()
		t.whole(&e)
	}
	return 0
}

// target finds what e is about. Unless a record is replayed, an expired entry goes first, by an
// effect of its own.
func (t *Tx) target(e *effect.Effect) target {
	hash := t.s.hash.of(e.Key)
	sp, ref := t.look(e.DB, hash, e.Key)
	if ref != 0 && !t.replay && sp.head(ref).expired(t.now) {
		t.Apply(effect.Effect{Kind: effect.Expire, DB: e.DB, Key: e.Key})
		ref = 0
	}
	return target{sp, ref, hash}
}

// append is where an effect is decided, its version known, and nothing changed yet: here it joins
// the journal. Watchers learn of it here too, while e.Key is still what it was.
func (t *Tx) append(e *effect.Effect, sh *shard, ref slab.Ref) {
	if t.atomic {
		t.remember(e, sh.db[e.DB].Load(), ref)
	} else {
		sh.watched.dirty(e.DB, e.Key)
	}
	if t.s.observed.Load() && !t.replay {
		t.note(e, sh, ref)
	}
	t.record(e, sh)
}

func (t *Tx) write(e *effect.Effect) uint32 {
	at := t.target(e)
	sh := t.shard(at.hash)
	sh.count.sets.Add(1)
	if at.sp == nil {
		at.sp = t.s.space(sh, e.DB)
	}
	switch {
	case t.replay: // it is in the record
	case at.ref != 0:
		e.Version = at.sp.head(at.ref).next()
	default:
		e.Version = 1
	}
	t.append(e, sh, at.ref)
	switch {
	case at.ref == 0:
		t.create(at, e)
	case e.Kind == effect.Set:
		t.overwrite(at, e)
	default:
		t.patch(at, e)
	}
	if t.changes != nil && e.Kind == effect.Patch {
		t.settle(at.hash)
	}
	return e.Version
}

func (t *Tx) remove(e *effect.Effect) {
	hash := t.s.hash.of(e.Key)
	sp, ref := t.look(e.DB, hash, e.Key)
	if ref == 0 {
		return
	}
	switch c := &sp.shard.count; e.Kind {
	case effect.Expire:
		c.expired.Add(1)
	case effect.Evict:
		c.evicted.Add(1)
	default:
		c.dels.Add(1)
	}
	t.append(e, sp.shard, ref)
	sp.remove(hash, ref)
	sp.account()
}

func (t *Tx) setDeadline(e *effect.Effect) uint32 {
	at := t.target(e)
	if at.ref == 0 {
		return 0
	}
	sp := at.sp
	h := sp.head(at.ref)
	if !t.replay {
		e.Version = h.next()
	}
	t.append(e, sp.shard, at.ref)
	if h.timed() {
		sp.stop(h)
	}
	h, old := sp.relayout(&at, layout{
		timed: e.Deadline != 0, inline: h.inlineLen(), keep: h.inlineLen(),
	})
	h.version = e.Version
	if e.Deadline != 0 {
		sp.start(at.ref, h, e.Deadline, t.now)
	}
	sp.discard(old)
	return e.Version
}

// whole applies an effect about whole databases.
func (t *Tx) whole(e *effect.Effect) {
	if e.Kind == effect.Swap && e.DB == e.Other {
		return
	}
	for i := range t.s.shards {
		t.markWhole(&t.s.shards[i], e)
	}
	if t.s.observed.Load() && !t.replay {
		t.note(e, nil, 0)
	}
	t.record(e, &t.s.shards[0])
	t.swapped = t.swapped || e.Kind == effect.Swap
	for i := range t.s.shards {
		sh := &t.s.shards[i]
		if e.Kind == effect.Swap {
			sh.swap(e.DB, e.Other)
			continue
		}
		for db := range uint8(Databases) {
			if e.Kind == effect.FlushAll || db == e.DB {
				t.drop(sh, db)
			}
		}
	}
}

// drop empties a database of a shard, at a cost that does not depend on the number of keys. The
// system takes milliseconds per GiB to take the memory back; that waits for Unlock.
func (t *Tx) drop(sh *shard, db uint8) {
	if sp := sh.db[db].Swap(nil); sp != nil {
		t.dropped = append(t.dropped, sp)
	}
	if sh.loading != nil && sh.loading[db] != nil { // of an Import that was given up
		t.dropped = append(t.dropped, sh.loading[db].sp)
		sh.loading[db] = nil
	}
}

func (sh *shard) swap(a, b uint8) {
	x, y := sh.db[a].Load(), sh.db[b].Load()
	sh.db[a].Store(y)
	sh.db[b].Store(x)
	if x != nil {
		x.db = b
	}
	if y != nil {
		y.db = a
	}
}
