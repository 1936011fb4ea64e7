package queue

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/synapdb/synap/internal/effect"
)

// Digest is a checksum over queues, their settings and their messages in all states, and what is
// remembered for deduplication at now. Counters of the process are not part of it, nor is how the
// store is sharded. It locks everything for about half a microsecond per message.
func (s *Store) Digest(now int64) [sha256.Size]byte {
	var t Tx
	s.Begin(&t, 0)
	t.DeclareAll()
	t.Lock()
	defer t.Unlock()
	d := digester{hash: sha256.New()}
	for i := range s.shards {
		sh := &s.shards[i]
		for _, q := range sh.queues {
			d.queue(sh, q, now)
		}
	}
	var out [sha256.Size]byte
	for i, w := range d.sum {
		binary.LittleEndian.PutUint64(out[i*8:], w)
	}
	return out
}

// digester adds up the hashes of effects, as four numbers each: a sum does not depend on the order.
type digester struct {
	hash    hash.Hash
	sum     [sha256.Size / 8]uint64
	scratch []byte
}

func (d *digester) queue(sh *shard, q *queue, now int64) {
	d.add(&effect.Queue{Kind: effect.QueueSet, Name: bytesOf(q.name), Settings: q.set})
	for _, l := range q.lists {
		for ref := l.head; ref != 0; ref = sh.message(ref).next {
			e := sh.effectOf(q, sh.message(ref))
			d.add(&e)
		}
	}
	if q.dedup == nil {
		return
	}
	for ref := q.dedup.oldest; ref != 0; ref = sh.memoryAt(ref).newer {
		if m := sh.memoryAt(ref); m.at > now {
			d.add(m.effect(q))
		}
	}
}

func (d *digester) add(e *effect.Queue) {
	d.scratch = effect.AppendQueueHead(d.scratch[:0], e, len(e.Payload))
	d.hash.Reset()
	_, _ = d.hash.Write(d.scratch) // hash.Hash never fails
	_, _ = d.hash.Write(e.Payload)
	d.scratch = d.hash.Sum(d.scratch[:0])
	for i := range d.sum {
		d.sum[i] += binary.LittleEndian.Uint64(d.scratch[i*8:])
	}
}
