package room

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/synapdb/synap/internal/effect"
)

// Digest is a checksum over rooms, their settings, offsets, events and cursors. Counters of the
// process and subscribers are not part of it, nor is how the store is sharded. It locks everything
// for about half a microsecond per event.
func (s *Store) Digest() [sha256.Size]byte {
	var t Tx
	s.Begin(&t, 0)
	t.DeclareAll()
	t.Lock()
	defer t.Unlock()
	d := digester{hash: sha256.New()}
	for i := range s.shards {
		for _, r := range s.shards[i].rooms {
			d.room(r)
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

func (d *digester) room(r *room) {
	d.add(r.effect())
	name := bytesOf(r.name)
	for n := range r.segs {
		g := &r.segs[n]
		for i := range g.count {
			if g.first+uint64(i) < r.first {
				continue
			}
			v, _ := r.view(g, i, nil)
			d.add(v.effect(name, r.generation))
		}
	}
	for consumer, offset := range r.cursors {
		d.add(cursorEffect(r, consumer, offset))
	}
}

func (d *digester) add(e *effect.Room) {
	d.scratch = effect.AppendRoom(d.scratch[:0], e)
	d.hash.Reset()
	_, _ = d.hash.Write(d.scratch) // hash.Hash never fails
	d.scratch = d.hash.Sum(d.scratch[:0])
	for i := range d.sum {
		d.sum[i] += binary.LittleEndian.Uint64(d.scratch[i*8:])
	}
}
