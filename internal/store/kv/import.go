package kv

import (
	"bytes"
	"fmt"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// loading is a space in the making: its entries are complete, but neither index nor order know
// them, and the store does not know the space. FinishImport builds both, with the number of
// entries known, and publishes it. Inserting one by one, the rival, took four times as long.
type loading struct {
	sp       *space
	refs     []slab.Ref
	last     []byte // key of the last of refs
	unsorted bool   // the keys of refs don't ascend
}

// importer puts the entries of a block into the store; entries that follow each other in one
// shard, as Export wrote them, need its lock only once.
type importer struct {
	t  Tx
	sh *shard // locked while not nil
}

// Import adds what Export wrote, at now (ms since the Unix epoch), with the versions and deadlines
// it had: also where the number of shards or the seed is another one. It is not recorded. Several
// may run at once; they don't wait for each other while their entries go to different shards. A
// block that is no such thing is an error; then some of it may have been added.
//
// FinishImport ends it; until then nobody may write, nothing is to be seen of the entries in
// databases that had none, and of two entries of one key in different blocks either may stay.
func (s *Store) Import(now int64, block []byte) error {
	var im importer
	s.Begin(&im.t, now)
	defer im.leave()
	for len(block) > 0 {
		e, rest, err := effect.Decode(block)
		if err != nil {
			return err
		}
		if err := storable(&e); err != nil {
			return err
		}
		if e.Kind != effect.Set {
			return fmt.Errorf("%w: kind %d among the entries of a block", effect.ErrMalformed,
				e.Kind)
		}
		im.add(&e)
		block = rest
	}
	return nil
}

func (im *importer) add(e *effect.Effect) {
	s := im.t.s
	hash := s.hash.of(e.Key)
	if sh := &s.shards[hash&s.mask]; sh != im.sh {
		im.leave()
		sh.mu.Lock()
		im.sh = sh
	}
	sp := im.sh.db[e.DB].Load()
	if sp == nil {
		im.load(e)
		return
	}
	if ref := sp.find(hash, e.Key); ref != 0 {
		im.t.overwrite(target{sp, ref, hash}, e)
		return
	}
	im.t.create(target{sp, 0, hash}, e)
}

func (im *importer) leave() {
	if im.sh != nil {
		im.sh.mu.Unlock()
		im.sh = nil
	}
}

// load adds an entry to a space in the making.
func (im *importer) load(e *effect.Effect) {
	if im.sh.loading == nil {
		im.sh.loading = new([Databases]*loading)
	}
	l := im.sh.loading[e.DB]
	if l == nil {
		l = &loading{sp: im.t.s.newSpace(im.sh, e.DB)}
		im.sh.loading[e.DB] = l
	}
	ref, h := im.t.build(l.sp, e)
	if len(l.refs) > 0 && bytes.Compare(l.last, e.Key) >= 0 {
		l.unsorted = true
	}
	l.refs = append(l.refs, ref)
	l.last = h.key()
}

// FinishImport makes imported entries part of the store. Call it when every Import is done; several
// goroutines may share the work by calling it at once: it is done when all of them return.
func (s *Store) FinishImport() {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		spaces := sh.loading
		sh.loading = nil
		sh.mu.Unlock()
		if spaces == nil {
			continue
		}
		for db, l := range spaces {
			if l != nil {
				l.finish()
				sh.publish(uint8(db), l.sp)
			}
		}
	}
	s.sawMemory(s.used())
}

// finish makes the space whole. Nobody else knows it yet, so no lock is held.
func (l *loading) finish() {
	sp := l.sp
	if l.unsorted {
		sp.order.Sort(l.refs)
		l.refs = sp.distinct(l.refs)
	}
	sp.index.build(l.refs, sp)
	sp.order.Build(l.refs)
	sp.keys.Store(int64(len(l.refs)))
	l.refs, l.last = nil, nil
}

// distinct frees all but one of the entries that have the same key, which are neighbours.
func (sp *space) distinct(refs []slab.Ref) []slab.Ref {
	kept := refs[:1]
	for _, ref := range refs[1:] {
		h := sp.head(ref)
		if !bytes.Equal(h.key(), sp.Key(kept[len(kept)-1])) {
			kept = append(kept, ref)
			continue
		}
		if h.timed() {
			sp.stop(h)
		}
		if h.large() {
			sp.dropLarge(h)
		}
		sp.arena.Free(ref)
	}
	return kept
}

func (sh *shard) publish(db uint8, sp *space) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if !sh.db[db].CompareAndSwap(nil, sp) {
		panic("kv: a write between Import and FinishImport")
	}
	sp.account()
}
