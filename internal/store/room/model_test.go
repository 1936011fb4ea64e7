package room

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
)

// model runs the store and its twin side by side.
type model struct {
	s      *Store
	j      *recorder
	w      *twin
	subs   []*twinSub
	marked []string // rooms that the present Tx published to
	eased  []string // rooms whose bounds its atomic section changed
	atomic bool
	undo   []func()
}

var modelRooms = []string{"a", "b", "quo\"te", "line\nbreak", "ünï", "d"}

func modelStore(t tester, shards int) *Store {
	s, err := New(Options{Shards: shards, HardEvents: 40, Inactive: 5000, Sweep: 1,
		Defaults: Settings{MaxEvents: 20, MaxAge: 3000}})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return s
}

func newModel(t tester, shards int) *model {
	m := &model{s: modelStore(t, shards), j: &recorder{}, w: &twin{
		now: epoch, hard: 40, inactive: 5000, rooms: map[string]*twinRoom{},
	}}
	m.s.SetJournal(m.j)
	return m
}

func drawName(t *rapid.T) string { return rapid.SampledFrom(modelRooms).Draw(t, "room") }

func drawSettings(t *rapid.T) Settings {
	return Settings{
		MaxEvents: rapid.SampledFrom([]int64{0, 0, None, 1, 5, 60}).Draw(t, "max events"),
		MaxBytes:  rapid.SampledFrom([]int64{0, 0, None, 1, 700, 5000}).Draw(t, "max bytes"),
		MaxAge:    rapid.SampledFrom([]int64{0, 0, None, 1, 500}).Draw(t, "max age"),
	}
}

func drawEvent(t *rapid.T) Event {
	size := rapid.SampledFrom([]int{0, 1, 20, 20, 100, 1000, 3000, 70_000, 600_000}).Draw(t, "size")
	if size > 1000 && rapid.IntRange(0, 5).Draw(t, "rare") > 0 {
		size = 30
	}
	e := Event{
		Name: []byte(rapid.SampledFrom([]string{"tick", "tock", "es\"c\\ape", "\x01", "ä",
			strings.Repeat("\n", MaxNameBytes)}).Draw(t, "name")),
		Data: bytes.Repeat([]byte("7"), size),
		Form: effect.EventForm(rapid.IntRange(0, mostForm).Draw(t, "form")),
	}
	if rapid.Bool().Draw(t, "with metadata") {
		e.Metadata = fmt.Appendf(nil, `{"m":%d}`, size)
	}
	return e
}

// do runs f as one Tx over everything and settles what its end does.
func (m *model) do(t *rapid.T, f func(*Tx)) {
	m.s.do(m.w.now, func(tx *Tx) {
		if m.atomic = rapid.IntRange(0, 3).Draw(t, "atomic") == 0; m.atomic {
			tx.Atomic()
		}
		f(tx)
		if m.atomic && rapid.Bool().Draw(t, "rollback") {
			tx.Rollback()
			for _, undo := range slices.Backward(m.undo) {
				undo()
			}
			m.marked, m.eased = nil, nil
		}
		m.undo = nil
	})
	for _, name := range m.eased {
		m.w.retain(m.w.rooms[name])
	}
	for _, name := range m.marked {
		m.w.retain(m.w.rooms[name])
		m.w.rooms[name].wake()
	}
	m.marked, m.eased = nil, nil
}

func (m *model) publish(t *rapid.T) {
	m.do(t, func(tx *Tx) {
		for range rapid.SampledFrom([]int{1, 1, 3, 30}).Draw(t, "events") {
			m.publishOne(t, tx)
		}
	})
}

func (m *model) publishOne(t *rapid.T, tx *Tx) {
	name, e := drawName(t), drawEvent(t)
	r := m.w.rooms[name]
	next := uint64(0)
	if r != nil {
		next = uint64(r.next())
	}
	if e.AutoCreate = rapid.Bool().Draw(t, "create"); rapid.Bool().Draw(t, "expect") {
		e.Expect, e.Expected = true, next+uint64(rapid.IntRange(0, 1).Draw(t, "late"))
	}
	offset, err := tx.Publish([]byte(name), &e)
	switch {
	case r == nil && !e.AutoCreate:
		wants(t, err, errs.RoomNotFound, "Invalid request: Room '"+name+"' not found")
		return
	case e.Expect && e.Expected != next:
		wants(t, err, errs.OffsetConflict, fmt.Sprintf("Offset conflict: the next offset of "+
			"room '%s' is %d, not %d: another writer came first", name, next, e.Expected))
		return
	case err != nil || offset != next:
		t.Fatalf("offset %d, not %d: %v", offset, next, err)
	}
	if r == nil {
		r = m.made(t, tx, name, Settings{})
	}
	m.undo = append(m.undo, func() { r.events = r.events[:next] })
	m.w.publish(name, r, e)
	m.marked = append(m.marked, name)
	if !m.atomic {
		m.w.retain(r)
	}
}

// made notes that the store made a room.
func (m *model) made(t *rapid.T, tx *Tx, name string, set Settings) *twinRoom {
	r := m.w.create(name, set, m.s.defaults)
	info, err := tx.Info([]byte(name))
	if err != nil || info.Generation <= m.w.highest {
		t.Fatalf("generation %d after %d: %v", info.Generation, m.w.highest, err)
	}
	r.generation, m.w.highest = info.Generation, info.Generation
	m.undo = append(m.undo, func() { delete(m.w.rooms, name) })
	return r
}

func wants(t tester, err error, kind errs.Kind, text string) {
	t.Helper()
	if errs.Of(err) != kind || err.Error() != text {
		t.Fatalf("error %q of kind %q, not %q", err, errs.Of(err).Code(), text)
	}
}

func (m *model) create(t *rapid.T) {
	name, set := drawName(t), drawSettings(t)
	m.do(t, func(tx *Tx) {
		r := m.w.rooms[name]
		if rapid.Bool().Draw(t, "or get") {
			created, err := tx.GetOrCreate([]byte(name), set)
			if err != nil || created != (r == nil) {
				t.Fatalf("created: %v, %v", created, err)
			}
		} else if err := tx.Create([]byte(name), set); r != nil {
			wants(t, err, errs.RoomExists, "Invalid request: Room '"+name+"' already exists")
		} else if err != nil {
			t.Fatalf("%v", err)
		}
		if r == nil {
			m.made(t, tx, name, set)
		}
	})
}

func (m *model) update(t *rapid.T) {
	name, set := drawName(t), drawSettings(t)
	m.do(t, func(tx *Tx) {
		r := m.w.rooms[name]
		got, err := tx.Update([]byte(name), set)
		if r == nil {
			wants(t, err, errs.RoomNotFound, "Invalid request: Room '"+name+"' not found")
			return
		}
		old := r.set
		m.undo = append(m.undo, func() { r.set = old })
		set.Created = old.Created
		if complete(&set, &old); err != nil || got != set {
			t.Fatalf("settings %+v, not %+v: %v", got, set, err)
		}
		r.set = set
		if m.atomic {
			m.eased = append(m.eased, name)
		} else {
			m.w.retain(r)
		}
	})
}

func (m *model) remove(t *rapid.T) {
	name := drawName(t)
	m.s.do(m.w.now, func(tx *Tx) {
		if err := tx.Delete([]byte(name)); (err == nil) != (m.w.rooms[name] != nil) {
			t.Fatalf("%v", err)
		}
	})
	if m.w.rooms[name] != nil {
		m.w.remove(name)
	}
}

func (m *model) trim(t *rapid.T) {
	name := drawName(t)
	r := m.w.rooms[name]
	if r == nil {
		return
	}
	first := rapid.IntRange(0, r.next()+2).Draw(t, "first")
	m.s.do(m.w.now, func(tx *Tx) {
		n, err := tx.Trim([]byte(name), uint64(first))
		first = max(r.first, min(first, r.next()))
		if err != nil || n != int64(first-r.first) {
			t.Fatalf("%d trimmed: %v", n, err)
		}
		r.first = first
	})
}

func (m *model) commit(t *rapid.T) {
	name := drawName(t)
	consumer := rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "consumer")
	m.do(t, func(tx *Tx) {
		r := m.w.rooms[name]
		if r == nil {
			return
		}
		before := maps.Clone(r.cursors)
		m.undo = append(m.undo, func() { r.cursors = before })
		if _, had := r.cursors[consumer]; rapid.IntRange(0, 3).Draw(t, "forget") == 0 {
			if ok, err := tx.Forget([]byte(name), []byte(consumer)); err != nil || ok != had {
				t.Fatalf("forgotten: %v, %v", ok, err)
			}
			delete(r.cursors, consumer)
			return
		}
		offset := rapid.Uint64Range(0, 50).Draw(t, "offset")
		if err := tx.Commit([]byte(name), []byte(consumer), offset); err != nil {
			t.Fatalf("%v", err)
		}
		r.cursors[consumer], r.active = offset, max(r.active, m.w.now)
	})
}

func (m *model) tick(t *rapid.T) {
	m.w.now += rapid.Int64Range(1, 2000).Draw(t, "ms")
	if rapid.Bool().Draw(t, "maintain") {
		for m.s.Maintain(m.w.now, rapid.SampledFrom([]int64{1, 1000}).Draw(t, "budget")) ==
			m.w.now {
		}
		m.w.maintain()
	}
}

func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t, rapid.SampledFrom([]int{1, 4}).Draw(t, "shards"))
		defer m.s.Close()
		t.Repeat(m.actions())
		again := modelStore(t, rapid.SampledFrom([]int{1, 2, 8}).Draw(t, "other shards"))
		defer again.Close()
		m.j.replay(t, again, 0)
		again.sound(t)
		if again.Digest() != m.s.Digest() {
			t.Fatalf("replaying leads to another state")
		}
	})
}
