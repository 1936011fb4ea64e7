package kv

import (
	"bytes"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/order"
)

// A shard is locked for one slice of an export: up to sliceEntries keys, or sliceBytes of them, or
// one large value, whose bytes are copied after Unlock. With keys of 16 and values of 100 bytes
// that is 47 µs on average, 185 ns per key. A memcpy of the slabs of a whole shard, the rejected
// rival, stops its writers for 0.8 ms into memory touched before and 4.5 ms into new memory with
// 125 000 such keys in the shard, and for longer with more (BenchmarkCopySlabs).
const (
	sliceEntries = 256
	sliceBytes   = 64 << 10
)

// ExportCursor is how far an Export came: it holds keys, no places in memory, so any change between
// two slices is harmless. The zero value is the beginning. Not safe for concurrent use.
type ExportCursor struct {
	// Entries counts those exported so far.
	Entries uint64

	shards []exported
	next   int    // the shard of the next slice
	done   int    // shards wholly exported
	large  *Large // of the last entry of the slice: still to be copied
}

// exported is how far the export of one shard came.
type exported struct {
	db    int    // the database; Databases when the shard is done
	begun bool   // after is set
	after []byte // the last key exported of the database
}

// Export appends the next slice of the store to dst, as Set effects, and says whether there may be
// more. A slice may be empty. Blocks for Import are slices, or some of them one after the other.
// The shards take turns, so that several Imports of the blocks seldom meet in one shard, and so
// that nobody waits for the same lock again and again.
//
// The store is in use meanwhile, so the slices together show no single moment: a key that is
// there from the first slice to the last is exported once, in one of its states; one that comes
// or goes may be missing. Expired keys not yet collected count as there.
func (s *Store) Export(c *ExportCursor, dst []byte) (out []byte, more bool) {
	if c.shards == nil {
		c.shards = make([]exported, len(s.shards))
	}
	if c.done == len(s.shards) {
		return dst, false
	}
	for c.shards[c.next].db == Databases {
		c.next = (c.next + 1) % len(s.shards)
	}
	at, sh := &c.shards[c.next], &s.shards[c.next]
	sh.mu.Lock()
	dst = sh.export(c, at, dst)
	sh.mu.Unlock()
	if l := c.large; l != nil {
		dst = append(dst, l.bytes...)
		l.Release()
		c.large = nil
	}
	if at.db == Databases {
		c.done++
		at.after = nil
	}
	c.next = (c.next + 1) % len(s.shards)
	return dst, c.done < len(s.shards)
}

// export appends a slice of the locked shard and moves on in it.
func (sh *shard) export(c *ExportCursor, at *exported, dst []byte) []byte {
	for from := len(dst); at.db < Databases && len(dst) == from; {
		sp, whole := sh.db[at.db].Load(), true
		if sp != nil {
			dst, whole = sp.export(c, at, dst)
		}
		if whole {
			at.db++
			at.begun = false
		}
	}
	return dst
}

// export appends a slice of the space and says whether that was all of it.
func (sp *space) export(c *ExportCursor, at *exported, dst []byte) (out []byte, whole bool) {
	if sp.delta.n > 0 {
		sp.merge()
		sp.account()
	}
	var it order.Iter
	if !at.begun {
		sp.order.SeekFirst(&it)
	} else if sp.order.Seek(at.after, &it); it.Valid() && bytes.Equal(sp.Key(it.Ref()), at.after) {
		it.Next()
	}
	from := len(dst)
	var h *head
	for n := 0; it.Valid(); it.Next() {
		if n == sliceEntries || len(dst)-from >= sliceBytes || c.large != nil {
			at.begun = true
			at.after = append(at.after[:0], h.key()...)
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
