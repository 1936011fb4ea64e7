package kv

import (
	"bytes"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/order"
)

// A shard is locked for one slice of an export: up to sliceEntries keys, or sliceBytes of them, or
// one large value, whose bytes are copied after Unlock. That is 20 to 100 µs. A memcpy of the
// slabs of a whole shard, the rejected rival, stops its writers for as long as that takes:
// measured in BenchmarkCopySlabs.
const (
	sliceEntries = 256
	sliceBytes   = 64 << 10
)

// ExportCursor is how far an Export came: it holds a key, no place in memory, so any change
// between two slices is harmless. The zero value is the beginning. Not safe for concurrent use.
type ExportCursor struct {
	// Entries counts those exported so far.
	Entries uint64

	shard int
	db    int
	begun bool   // after is set
	after []byte // the last key exported of the database in the shard
	large *Large // of the last entry of the slice: still to be copied
}

// Shard is the shard the next slice comes from, up to Store.Shards: a measure of progress.
func (c *ExportCursor) Shard() int { return c.shard }

// Export appends the next slice of the store to dst, as Set effects, and says whether there may be
// more. A slice may be empty. Blocks for Import are slices, or some of them one after the other.
//
// The store is in use meanwhile, so the slices together show no single moment: a key that is
// there from the first slice to the last is exported once, in one of its states; one that comes
// or goes may be missing. Expired keys not yet collected count as there.
func (s *Store) Export(c *ExportCursor, dst []byte) (out []byte, more bool) {
	if c.shard < len(s.shards) {
		sh := &s.shards[c.shard]
		sh.mu.Lock()
		dst = sh.export(c, dst)
		sh.mu.Unlock()
	}
	if l := c.large; l != nil {
		dst = append(dst, l.bytes...)
		l.Release()
		c.large = nil
	}
	return dst, c.shard < len(s.shards)
}

// export appends a slice of the locked shard and moves the cursor on.
func (sh *shard) export(c *ExportCursor, dst []byte) []byte {
	for ; c.db < Databases; c.db++ {
		sp := sh.db[c.db].Load()
		if sp == nil {
			c.begun = false
			continue
		}
		var done bool
		if dst, done = sp.export(c, dst); !done {
			return dst
		}
		c.begun = false
		if c.db++; c.db < Databases {
			return dst
		}
	}
	c.shard++
	c.db = 0
	return dst
}

// export appends a slice of the space and says whether that was all of it.
func (sp *space) export(c *ExportCursor, dst []byte) (out []byte, done bool) {
	if sp.delta.n > 0 {
		sp.merge()
		sp.account()
	}
	var it order.Iter
	if !c.begun {
		sp.order.SeekFirst(&it)
	} else if sp.order.Seek(c.after, &it); it.Valid() && bytes.Equal(sp.Key(it.Ref()), c.after) {
		it.Next()
	}
	from := len(dst)
	var h *head
	for n := 0; it.Valid(); it.Next() {
		if n == sliceEntries || len(dst)-from >= sliceBytes || c.large != nil {
			c.begun = true
			c.after = append(c.after[:0], h.key()...)
			return dst, false
		}
		h = sp.head(it.Ref())
		dst = sp.exportEntry(c, h, dst)
		c.Entries++
		n++
	}
	return dst, true
}

// exportEntry appends an entry, a large value excepted: that is left in the cursor.
func (sp *space) exportEntry(c *ExportCursor, h *head, dst []byte) []byte {
	e := effect.Effect{
		Kind: effect.Set, DB: sp.db, Flags: h.flags(), Version: h.version,
		Deadline: h.deadline(), Key: h.key(),
	}
	if !h.large() {
		e.Value = h.inline()
		return effect.Append(dst, &e)
	}
	c.large = sp.largeOf(h)
	c.large.retain()
	return effect.AppendHead(dst, &e, len(c.large.bytes))
}
