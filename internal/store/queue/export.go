package queue

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/slab"
)

// A shard is locked for one slice of an export: up to sliceEntries messages, or sliceBytes of them,
// or one large payload, whose bytes are copied after Unlock.
const (
	sliceEntries = 256
	sliceBytes   = 64 << 10
)

// ExportCursor is how far an Export came: it holds names and numbers, no places in memory, so any
// change between two slices is harmless. The zero value is the beginning. Not safe for concurrent
// use.
type ExportCursor struct {
	// Entries counts those exported so far: queues, messages, deduplication ids.
	Entries uint64

	begun  bool
	names  []string // still to come, the one at work first
	number uint64   // messages below it are done
	ids    bool     // all messages are done, deduplication ids are not
	id     []byte   // the last one exported, nil = none
	order  uint64   // of id
	large  *large   // payload of the last message: still to be copied
}

// Export appends the next slice of the store to dst, as effects, and says whether there may be
// more. A slice may be empty. Blocks for Import are slices, or some of them one after the other:
// each says the settings of its queues again.
//
// The store is in use meanwhile, so the slices together show no single moment. Messages are gone
// through by number, which never changes: one that is there from the first slice to the last is
// exported once, in one of its states; one that comes or goes may be missing.
func (s *Store) Export(c *ExportCursor, dst []byte) (out []byte, more bool) {
	if !c.begun {
		c.names, c.begun = s.names.All(), true
	}
	limit := slicing{c.Entries + sliceEntries, len(dst) + sliceBytes}
	for len(c.names) > 0 && c.large == nil && !limit.reached(c, dst) {
		sh := s.shardOf(bytesOf(c.names[0]))
		sh.mu.Lock()
		done := true
		if q := sh.queues[c.names[0]]; q != nil {
			dst, done = sh.export(q, c, dst, limit)
		}
		sh.mu.Unlock()
		if done {
			c.names = c.names[1:]
			c.number, c.ids, c.id, c.order = 0, false, nil, 0
		}
	}
	if l := c.large; l != nil {
		dst = append(dst, l.bytes...)
		l.release()
		c.large = nil
	}
	return dst, len(c.names) > 0
}

// slicing is where a slice ends.
type slicing struct {
	entries uint64
	bytes   int
}

func (l slicing) reached(c *ExportCursor, dst []byte) bool {
	return c.Entries >= l.entries || len(dst) >= l.bytes
}

// export appends a slice of a queue and says whether that was the rest of it.
func (sh *shard) export(q *queue, c *ExportCursor, dst []byte, l slicing) (out []byte, done bool) {
	dst = effect.AppendQueue(dst, &effect.Queue{
		Kind: effect.QueueSet, Name: bytesOf(q.name), Message: q.number, Seq: q.seq,
		Settings: q.set,
	})
	if c.number == 0 {
		c.Entries++
	}
	if !c.ids {
		for ref := sh.pageFrom(q, c.number>>pageShift); ref != 0; ref = sh.page(ref).next {
			p := sh.page(ref)
			for i := range p.refs {
				number := p.number()<<pageShift | uint64(i)
				if p.refs[i] == 0 || number < c.number {
					continue
				}
				if c.large != nil || l.reached(c, dst) {
					return dst, false
				}
				dst = sh.exportMessage(q, c, p.refs[i], dst)
				c.number = number + 1
			}
		}
		if c.ids = true; c.large != nil {
			return dst, false
		}
	}
	return sh.exportIDs(q, c, dst, l)
}

// exportMessage appends a message, a large payload excepted: that is left in the cursor.
func (sh *shard) exportMessage(q *queue, c *ExportCursor, ref slab.Ref, dst []byte) []byte {
	m := sh.message(ref)
	e := sh.effectOf(q, m)
	c.Entries++
	if !m.isLarge() {
		return effect.AppendQueue(dst, &e)
	}
	c.large = sh.largeOf(m)
	c.large.retain()
	return effect.AppendQueueHead(dst, &e, len(e.Payload))
}

// effectOf is the QueuePut that makes the message as it is now.
func (sh *shard) effectOf(q *queue, m *message) effect.Queue {
	p := sh.placeOf(q, m)
	return effect.Queue{
		Kind: effect.QueuePut, Name: bytesOf(q.name), Message: m.id, Seq: p.seq, State: p.state,
		Reason: p.reason, Form: effect.PayloadForm(m.form & formMask), Priority: m.priority,
		Retries: uint32(p.retries), MaxRetry: uint32(m.most), Created: m.created, Due: p.due,
		Expires: p.expires, Token: p.token, Push: p.push, Consumer: p.consumer,
		Headers: m.headerBytes(), Payload: sh.payload(m),
	}
}

// exportIDs appends deduplication ids and says whether those were all that are left.
func (sh *shard) exportIDs(q *queue, c *ExportCursor, dst []byte, l slicing) ([]byte, bool) {
	if q.dedup == nil {
		return dst, true
	}
	ref := q.dedup.oldest
	if c.id != nil {
		if at := sh.recall(q, c.id); at != 0 && sh.memoryAt(at).order == c.order {
			ref = sh.memoryAt(at).newer
		} else { // it has run out, and most of those before it
			for ref != 0 && sh.memoryAt(ref).order <= c.order {
				ref = sh.memoryAt(ref).newer
			}
		}
	}
	for ; ref != 0; ref = sh.memoryAt(ref).newer {
		if l.reached(c, dst) {
			return dst, false
		}
		d := sh.memoryAt(ref)
		dst = effect.AppendQueue(dst, d.effect(q))
		c.Entries++
		c.order, c.id = d.order, append(c.id[:0], d.id()...)
	}
	return dst, true
}

// effect is the QueueDedup that makes q remember d.
func (d *memory) effect(q *queue) *effect.Queue {
	return &effect.Queue{
		Kind: effect.QueueDedup, Name: bytesOf(q.name), Message: d.number, DedupUntil: d.at,
		Dedup: d.id(),
	}
}
