package kv

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/synapdb/synap/internal/effect"
)

// Digest is a checksum over database, key, value, flags, version and deadline of every key,
// expired ones not yet collected included. It depends neither on the order of keys nor on seed and
// shards, so equal contents have equal digests. It locks everything for about half a
// microsecond per key.
func (s *Store) Digest() [sha256.Size]byte {
	var t Tx
	s.Begin(&t, 0)
	t.DeclareAll()
	t.Lock()
	defer t.Unlock()
	d := digester{hash: sha256.New()}
	for i := range s.shards {
		for db := range s.shards[i].db {
			if sp := s.shards[i].db[db].Load(); sp != nil {
				d.space(sp)
			}
		}
	}
	var out [sha256.Size]byte
	for i, w := range d.sum {
		binary.LittleEndian.PutUint64(out[i*8:], w)
	}
	return out
}

// digester adds up the hashes of entries, as four numbers each: a sum does not depend on the order.
// Unlike with an exclusive or, an entry that is there twice makes a difference.
type digester struct {
	hash    hash.Hash
	sum     [sha256.Size / 8]uint64
	scratch []byte
}

func (d *digester) space(sp *space) {
	for i := range sp.index.dir {
		n := sp.index.dir[i]
		if i > 0 && n == sp.index.dir[i-1] { // entries of a segment are neighbours
			continue
		}
		table := sp.index.segs[n].table
		for j := range table {
			for _, ref := range table[j].refs {
				if ref != 0 {
					d.entry(sp, sp.head(ref))
				}
			}
		}
	}
}

func (d *digester) entry(sp *space, h *head) {
	value := sp.value(h)
	d.scratch = effect.AppendHead(d.scratch[:0], &effect.Effect{
		Kind: effect.Set, DB: sp.db, Flags: h.flags(), Version: h.version,
		Deadline: h.deadline(), Key: h.key(),
	}, len(value))
	d.hash.Reset()
	_, _ = d.hash.Write(d.scratch) // hash.Hash never fails
	_, _ = d.hash.Write(value)
	d.scratch = d.hash.Sum(d.scratch[:0])
	for i := range d.sum {
		d.sum[i] += binary.LittleEndian.Uint64(d.scratch[i*8:])
	}
}
