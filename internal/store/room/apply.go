package room

import (
	"github.com/synapdb/synap/internal/effect"
)

// Effects are applied by the functions of this file alone: live, in recovery and on replicas.

// set applies a RoomSet, making the room if r is nil.
func (t *Tx) set(r *room, name string, e *effect.Room) *room {
	s := t.s
	raise(&s.generation, e.Generation)
	made := r == nil
	switch {
	case made:
		r = s.shardOf(bytesOf(name)).add(name)
		r.generation = e.Generation
	case r.generation < e.Generation:
		t.dismiss(r)
		r.shard.empty(r)
		r.generation = e.Generation
	}
	if t.atomic {
		t.save(r)
		u := undo{r: r, kind: effect.RoomSet}
		if !made {
			old := r.set
			u.settings = &old
		}
		t.undo = append(t.undo, u)
	}
	r.set = e.Settings
	if e.First > r.next {
		r.shard.jump(r, e.First)
	} else if e.First > r.first {
		r.shard.cut(r, e.First)
	}
	t.record(r, e)
	return r
}

// publish applies a RoomPublish, whose offset is the room's next. Live it decides here what goes,
// because that depends on the event's frame. It fails when the system has no memory; then nothing
// happened.
func (t *Tx) publish(r *room, e *effect.Room) error {
	sh := r.shard
	if err := sh.open(); err != nil {
		return err
	}
	d := draft{
		offset: e.Offset, time: max(e.Time, r.last), data: e.Data, metadata: e.Metadata,
		escaped: !plain(e.Event), form: e.Form,
	}
	if len(d.data) == 0 {
		d.data = null
	}
	sh.quoted = appendQuoted(sh.quoted[:0], e.Event)
	d.quoted = sh.quoted
	if err := sh.appendEvent(r, &d); err != nil {
		return err
	}
	if t.atomic {
		t.save(r)
		t.undo = append(t.undo, undo{r: r, kind: effect.RoomPublish})
	}
	r.active = max(r.active, t.now)
	e.Time = d.time
	if !t.quiet && !t.atomic {
		if e.First = sh.bound(r, t.now); e.First <= r.first {
			e.First = 0
		}
	}
	t.record(r, e)
	if e.First > r.first {
		if !t.quiet {
			r.dropped += int64(e.First - r.first)
		}
		sh.cut(r, e.First)
	}
	t.touch(r)
	return nil
}

var null = []byte("null")

// trim applies a RoomTrim: events below first, which is at most r.next, go.
func (t *Tx) trim(r *room, first uint64) {
	t.record(r, &effect.Room{Kind: effect.RoomTrim, First: first})
	r.shard.cut(r, first)
}

// cursor applies a RoomCursor.
func (t *Tx) cursor(r *room, e *effect.Room) {
	old, had := r.cursors[string(e.Consumer)]
	if t.atomic {
		t.undo = append(t.undo, undo{
			r: r, kind: effect.RoomCursor, consumer: string(e.Consumer), offset: old, had: had,
		})
	}
	t.record(r, e)
	r.setCursor(string(e.Consumer), e.Offset, !e.Gone)
}

// setCursor gives a consumer a cursor, or takes it.
func (r *room) setCursor(consumer string, offset uint64, has bool) {
	if !has {
		if _, had := r.cursors[consumer]; had {
			delete(r.cursors, consumer)
			r.names -= int64(len(consumer))
		}
	} else {
		if r.cursors == nil {
			r.cursors = map[string]uint64{}
		}
		if _, had := r.cursors[consumer]; !had {
			r.names += int64(len(consumer))
		}
		r.cursors[consumer] = offset
	}
	r.shard.measure(r)
}

// discard applies a RoomDelete.
func (t *Tx) discard(r *room) {
	t.record(r, &effect.Room{Kind: effect.RoomDelete})
	t.dismiss(r)
	st := r.stats()
	r.shard.gone.count(&st)
	r.shard.empty(r)
	r.shard.drop(r)
}

// apply applies an effect from outside. It fails when the system has no memory.
func (t *Tx) apply(e *effect.Room) error {
	if e.Kind == effect.RoomSet && len(e.Name) == 0 {
		raise(&t.s.generation, e.Generation)
		return nil
	}
	r := t.find(e.Name)
	if e.Kind == effect.RoomSet {
		switch {
		case r == nil:
			t.set(nil, string(e.Name), e)
		case r.generation <= e.Generation:
			t.set(r, r.name, e)
		}
		return nil
	}
	if r == nil || r.generation != e.Generation {
		return nil // about a room that is deleted later in the journal than the snapshot was made
	}
	switch e.Kind {
	case effect.RoomDelete:
		t.discard(r)
	case effect.RoomPublish:
		if e.Offset > r.next { // a journal has no such gap; if it had, readers are told
			r.shard.jump(r, e.Offset)
		}
		if e.Offset == r.next {
			return t.publish(r, e)
		}
		// An event that is there has removed what it had to, in the same moment.
	case effect.RoomTrim:
		if first := min(e.First, r.next); first > r.first {
			t.trim(r, first)
		}
	case effect.RoomCursor:
		t.cursor(r, e)
	}
	return nil
}
