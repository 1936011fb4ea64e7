package room

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/synapdb/synap/internal/effect"
)

// ReplayRecord applies the effects over rooms of a record written at timeMillis, exactly; those
// over keys and queues, in front of them, are left out. It is not recorded again. A malformed
// record changes nothing and is an error.
//
// Applied in order from any point before a state was exported, records lead to the same state as
// live: an event that is there is not appended again, one that was trimmed does not come back, and
// what is about a room of another generation does nothing.
func (s *Store) ReplayRecord(timeMillis int64, payload []byte) error {
	var err error
	for len(payload) > 0 && payload[0] < byte(effect.FirstRoom) {
		if payload[0] < byte(effect.FirstQueue) {
			_, payload, err = effect.Decode(payload)
		} else {
			_, payload, err = effect.DecodeQueue(payload)
		}
		if err != nil {
			return err
		}
	}
	var t Tx
	s.Begin(&t, timeMillis)
	t.quiet, t.silent = true, true
	for rest := payload; len(rest) > 0; {
		e, more, err := effect.DecodeRoom(rest)
		if err != nil {
			return err
		}
		if err := storable(&e); err != nil {
			return err
		}
		t.Declare(e.Name)
		rest = more
	}
	t.Lock()
	defer t.Unlock()
	for rest := payload; len(rest) > 0; {
		var e effect.Room
		e, rest, _ = effect.DecodeRoom(rest) // it was well-formed above
		if err := t.apply(&e); err != nil {
			return err
		}
	}
	return nil
}

// run is a part of a block whose events can't be appended yet: blocks may come in any order, events
// have to be in theirs.
type run struct {
	room       *room
	generation uint64
	offset     uint64 // of its first event
	events     int
	effects    []byte // RoomPublish of one room, with offsets that follow each other
}

// Import adds what Export wrote, at now (ms since the Unix epoch). It is not recorded. Several may
// run at once; FinishImport ends it. A block that is no such thing is an error; then some of it may
// have been added.
func (s *Store) Import(now int64, block []byte) error {
	var t Tx
	var in *shard // locked while not nil
	defer func() {
		if in != nil {
			t.Unlock()
		}
	}()
	for len(block) > 0 {
		e, rest, err := effect.DecodeRoom(block)
		if err != nil {
			return err
		}
		if err := storable(&e); err != nil {
			return err
		}
		if sh := s.shardOf(e.Name); sh != in {
			if in != nil {
				t.Unlock()
			}
			s.Begin(&t, now)
			t.quiet, t.silent = true, true
			t.shards.Add(sh.number)
			t.Lock()
			in = sh
		}
		switch r := t.find(e.Name); {
		case e.Kind == effect.RoomSet || e.Kind == effect.RoomCursor && r != nil:
			err = t.apply(&e)
			if r = t.find(e.Name); r != nil && err == nil {
				err = t.catchUp(in, r)
			}
		case e.Kind == effect.RoomPublish && r != nil:
			err = t.importEvent(in, r, &e, block[:len(block)-len(rest)])
		default:
			err = fmt.Errorf("%w: kind %d in a block, or an event before its room",
				effect.ErrMalformed, e.Kind)
		}
		if err != nil {
			return err
		}
		block = rest
	}
	return nil
}

// importEvent appends an event, or keeps it until those before it have come.
func (t *Tx) importEvent(sh *shard, r *room, e *effect.Room, raw []byte) error {
	if e.Generation != r.generation || e.Offset <= r.next {
		if err := t.apply(e); err != nil || len(sh.ahead) == 0 {
			return err
		}
		return t.catchUp(sh, r)
	}
	for i := range sh.ahead { // the block's last event is in the last of them
		x := &sh.ahead[len(sh.ahead)-1-i]
		if x.room == r && x.generation == r.generation && x.follows(e.Offset) {
			x.effects = append(x.effects, raw...)
			x.events++
			return nil
		}
	}
	sh.ahead = append(sh.ahead, run{
		room: r, generation: r.generation, offset: e.Offset, effects: bytes.Clone(raw), events: 1,
	})
	return nil
}

func (x *run) follows(offset uint64) bool { return offset == x.offset+uint64(x.events) }

// catchUp applies what was kept of a room, as far as it follows on.
func (t *Tx) catchUp(sh *shard, r *room) error {
	for i := 0; i < len(sh.ahead); i++ {
		x := sh.ahead[i]
		if x.room != r || x.generation == r.generation && x.offset > r.next {
			continue
		}
		sh.ahead = slices.Delete(sh.ahead, i, i+1)
		if err := t.applyRun(&x); err != nil {
			return err
		}
		i = -1 // others may follow on now
	}
	return nil
}

func (t *Tx) applyRun(x *run) error {
	for rest := x.effects; len(rest) > 0; {
		var e effect.Room
		e, rest, _ = effect.DecodeRoom(rest) // it was well-formed when it came
		if err := t.apply(&e); err != nil {
			return err
		}
	}
	return nil
}

// FinishImport appends what is left of imported events though some before them never came: a gap
// that readers are told of. It is also called at the end of replaying.
func (s *Store) FinishImport() {
	for i := range s.shards {
		sh := &s.shards[i]
		var t Tx
		s.Begin(&t, 0)
		t.quiet, t.silent = true, true
		t.shards.Add(sh.number)
		t.Lock()
		slices.SortFunc(sh.ahead, func(a, b run) int { return cmp.Compare(a.offset, b.offset) })
		for i := range sh.ahead {
			_ = t.applyRun(&sh.ahead[i]) // without memory for a large event those after it remain
		}
		sh.ahead = nil
		t.Unlock()
	}
}
