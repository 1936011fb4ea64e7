package room

import (
	"crypto/sha256"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/shards"
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
	d := digester{shards.NewSum()}
	for i := range s.shards {
		for _, r := range s.shards[i].rooms {
			d.room(r)
		}
	}
	return d.Bytes()
}

// digester adds up effects.
type digester struct{ *shards.Sum }

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
	d.Add(effect.AppendRoom(d.Scratch[:0], e), nil)
}
