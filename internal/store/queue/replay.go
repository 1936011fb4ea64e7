package queue

import (
	"fmt"

	"github.com/synapdb/synap/internal/effect"
)

// ReplayRecord applies the effects over queues of a record written at timeMillis, exactly; those
// over keys, in front of them, are left out, and those over other stores, behind them, returned. It
// is not recorded again. A malformed record changes nothing and is an error.
//
// Applied in order from any point before a state was exported, records lead to the same state as
// live: effects say what became of a message, so the last one on it decides, and what they say
// about messages that are gone does nothing. A purge alone is about many: see giveBack.
func (s *Store) ReplayRecord(timeMillis int64, payload []byte) (rest []byte, err error) {
	for len(payload) > 0 && payload[0] < byte(effect.FirstQueue) {
		if _, payload, err = effect.Decode(payload); err != nil {
			return nil, err
		}
	}
	var t Tx
	s.Begin(&t, timeMillis)
	t.quiet, t.silent = true, true
	for rest = payload; ours(rest); {
		e, more, err := effect.DecodeQueue(rest)
		if err != nil {
			return nil, err
		}
		if err := storable(&e); err != nil {
			return nil, err
		}
		t.Declare(e.Name)
		rest = more
	}
	t.Lock()
	defer t.Unlock()
	for rest = payload; ours(rest); {
		var e effect.Queue
		e, rest, _ = effect.DecodeQueue(rest) // it was well-formed above
		if err := t.apply(t.find(e.Name), &e); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// ours says whether the next effect of a record is one over queues, or a malformed one.
func ours(record []byte) bool {
	return len(record) > 0 && record[0] < byte(effect.FirstRoom)
}

// apply applies an effect from outside to the queue it names, nil if there is none. It fails when
// the system has no memory.
func (t *Tx) apply(q *queue, e *effect.Queue) error {
	if e.Kind == effect.QueueSet {
		t.set(q, string(e.Name), e)
		return nil
	}
	if q == nil {
		return nil // it is deleted later in the journal than the snapshot was made
	}
	q.seq = max(q.seq, e.Seq)
	switch e.Kind {
	case effect.QueueDelete:
		t.discard(q)
	case effect.QueuePurge:
		t.purge(q, e.State, e.Seq)
	case effect.QueuePut:
		return t.put(q, e, nil)
	case effect.QueueDedup:
		if err := q.shard.open(); err != nil {
			return err
		}
		t.remembered(q, e)
	default:
		ref := q.shard.find(q, e.Message)
		switch {
		case ref == 0: // it is gone already
		case e.Kind == effect.QueueRemove:
			t.remove(q, ref, e.Reason)
		default:
			t.change(q, ref, e, 0)
		}
	}
	return nil
}

// Import adds what Export wrote, at now (ms since the Unix epoch). It is not recorded. Several may
// run at once; FinishImport ends it. A block that is no such thing is an error; then some of it may
// have been added.
func (s *Store) Import(now int64, block []byte) error {
	var im importer
	im.t.s = s
	defer im.leave()
	for len(block) > 0 {
		e, rest, err := effect.DecodeQueue(block)
		if err != nil {
			return err
		}
		if err := storable(&e); err != nil {
			return err
		}
		if err := im.add(now, &e); err != nil {
			return err
		}
		block = rest
	}
	return nil
}

// importer puts the effects of a block into the store; those that follow each other in one shard,
// as Export wrote them, need its lock only once.
type importer struct {
	t  Tx
	sh *shard // locked while not nil
	q  *queue // of the effect before, in sh
}

func (im *importer) leave() {
	if im.sh != nil {
		im.t.Unlock()
		im.sh = nil
	}
}

func (im *importer) add(now int64, e *effect.Queue) error {
	t := &im.t
	if im.q == nil || im.q.name != string(e.Name) {
		if sh := t.s.shardOf(e.Name); sh != im.sh {
			im.leave()
			t.s.Begin(t, now)
			t.quiet, t.silent = true, true
			t.shards.Add(sh.number)
			t.Lock()
			im.sh = sh
		}
		im.q = t.find(e.Name)
	}
	if e.Kind != effect.QueueSet &&
		(im.q == nil || e.Kind != effect.QueuePut && e.Kind != effect.QueueDedup) {
		return fmt.Errorf("%w: kind %d in a block, or a message before its queue",
			effect.ErrMalformed, e.Kind)
	}
	return t.apply(im.q, e)
}

// FinishImport puts imported messages in order. It is also called at the end of replaying.
func (s *Store) FinishImport() {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for _, q := range sh.queues {
			for i := 0; i < listCount && q.unsorted != 0; i++ {
				sh.inOrder(q, i)
			}
		}
		sh.mu.Unlock()
	}
}

// Clear removes everything, without effects: a snapshot turned out to be damaged. Waiters are
// woken.
func (s *Store) Clear() {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		wakes := sh.clear()
		sh.account()
		sh.mu.Unlock()
		for _, w := range wakes {
			w.Wake()
		}
	}
}
