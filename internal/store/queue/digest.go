package queue

import (
	"crypto/sha256"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/shards"
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
	d := digester{shards.NewSum()}
	for i := range s.shards {
		sh := &s.shards[i]
		for _, q := range sh.queues {
			d.queue(sh, q, now)
		}
	}
	return d.Bytes()
}

// digester adds up effects.
type digester struct{ *shards.Sum }

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
	d.Add(effect.AppendQueueHead(d.Scratch[:0], e, len(e.Payload)), e.Payload)
}
