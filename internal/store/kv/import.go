package kv

import (
	"bytes"
	"fmt"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// importer puts the entries of a block into the store. Entries that follow each other in one
// space, as Export wrote them, make a run: one lock, and keys that ascend go to the order
// together and not through the delta.
type importer struct {
	t    Tx
	sh   *shard // locked while not nil
	sp   *space
	refs []slab.Ref // of the run: in the index, not yet in the order
	last []byte     // the last key of refs
}

// Import adds what Export wrote, at now (ms since the Unix epoch), with the versions and deadlines
// it had: also where the number of shards or the seed is another one, only slower. An entry
// replaces one of the same key. It is not recorded. Several may run at once; they don't wait for
// each other while their entries go to different shards. A block that is no such thing is an
// error; then some of it may have been added. FinishImport ends it.
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
		im.enter(sh)
	}
	if im.sp == nil || im.sp.db != e.DB {
		im.flush()
		im.sp = s.space(im.sh, e.DB)
	}
	sp := im.sp
	if ref := sp.find(hash, e.Key); ref != 0 {
		im.flush()
		im.t.overwrite(target{sp, ref, hash}, e)
		return
	}
	if len(im.refs) > 0 && bytes.Compare(e.Key, im.last) <= 0 {
		im.t.create(target{sp, 0, hash}, e)
		return
	}
	ref, h := im.t.build(sp, e)
	sp.index.insert(hash, ref, sp)
	sp.keys.Add(1)
	im.refs = append(im.refs, ref)
	im.last = h.key()
}

// flush gives the run to the order.
func (im *importer) flush() {
	if im.sp == nil {
		return
	}
	im.sp.order.InsertSorted(im.refs)
	im.refs = im.refs[:0]
	im.sp.account()
}

func (im *importer) enter(sh *shard) {
	sh.mu.Lock()
	im.sh = sh
	im.refs = sh.batch[:0]
}

func (im *importer) leave() {
	if im.sh == nil {
		return
	}
	im.flush()
	im.sh.batch = im.refs
	im.sh.mu.Unlock()
	im.sh, im.sp, im.refs = nil, nil, nil
}

// FinishImport puts in order what Import left over. Call it when all of them are done.
func (s *Store) FinishImport() {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for db := range sh.db {
			if sp := sh.db[db].Load(); sp != nil && sp.delta.n > 0 {
				sp.merge()
				sp.account()
			}
		}
		sh.batch = nil // it may have grown to the size of a block
		sh.mu.Unlock()
	}
	s.sawMemory(s.used())
}
