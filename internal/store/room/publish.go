package room

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
)

// Publish appends an event to a room and returns its offset: 0 for the first, then one more each
// time. What the room's bounds no longer allow goes with it, unless in an atomic section, where it
// waits for Unlock.
func (t *Tx) Publish(name []byte, e *Event) (offset uint64, err error) {
	if err := checkEvent(e); err != nil {
		return 0, err
	}
	r := t.find(name)
	if r == nil && !e.AutoCreate {
		return 0, notFound(name)
	}
	next := uint64(0)
	if r != nil {
		next = r.next
	}
	if e.Expect && e.Expected != next {
		return 0, errs.Newf(errs.OffsetConflict, "Offset conflict: the next offset of room '%s' "+
			"is %d, not %d: another writer came first", name, next, e.Expected)
	}
	if r == nil {
		if r, err = t.create(name, Settings{}); err != nil {
			return 0, err
		}
	}
	return next, t.publish(r, &effect.Room{
		Kind: effect.RoomPublish, Offset: next, Time: t.now, Form: e.Form, Event: e.Name,
		Data: e.Data, Metadata: e.Metadata,
	})
}

// bound is the offset that a room may begin with at now, by its settings.
func (sh *shard) bound(r *room, now int64) uint64 {
	first := r.first
	if most := r.set.MaxEvents; most != None && int64(r.next-first) > most {
		first = r.next - uint64(most)
		if slow := r.audience.slowest(first); slow < first {
			first = max(slow, r.first)
			if hard := max(sh.store.hard, most); int64(r.next-first) > hard {
				first = r.next - uint64(hard)
			}
		}
	}
	if r.set.MaxBytes != None && r.bytes > r.set.MaxBytes {
		first = max(first, sh.boundBytes(r))
	}
	if age := r.set.MaxAge; age != None && first < r.next {
		if sh.oldest(r) <= now-age {
			first = max(first, sh.since(r, now-age+1))
		}
	}
	return first
}

// boundBytes is the lowest offset from which on a room's frames fit into its MaxBytes; the newest
// event is left in any case.
func (sh *shard) boundBytes(r *room) uint64 {
	n, bytes := 0, r.bytes
	i := uint32(r.first - r.segs[0].first)
	for offset := r.first; ; offset++ {
		if bytes <= r.set.MaxBytes || offset+1 == r.next {
			return offset
		}
		g := &r.segs[n]
		bytes -= int64(sh.at(g, i+1) - sh.at(g, i))
		if i++; i == g.count {
			n, i = n+1, 0
		}
	}
}

// retain removes what a room's bounds do not allow any more.
func (t *Tx) retain(r *room) {
	if first := r.shard.bound(r, t.now); first > r.first {
		r.dropped += int64(first - r.first)
		t.trim(r, first)
	}
}
