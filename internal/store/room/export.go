package room

import (
	"github.com/synapdb/synap/internal/effect"
)

// A shard is locked for one slice of an export: up to sliceEvents events, or sliceBytes of them and
// one event more, or all cursors of a room.
const (
	sliceEvents = 256
	sliceBytes  = 64 << 10
)

// ExportCursor is how far an Export came: it holds names and offsets, no places in memory, so any
// change between two slices is harmless. The zero value is the beginning. Not safe for concurrent
// use.
type ExportCursor struct {
	// Entries counts those exported so far: rooms, events, cursors.
	Entries uint64

	begun      bool
	names      []string // still to come, the one at work first
	generation uint64   // of that, 0 = not begun
	offset     uint64   // events of it below are done
}

// Export appends the next slice of the store to dst, as effects, and says whether there may be
// more. A slice may be empty. Blocks for Import are slices, or some of them one after the other:
// each says the settings of its rooms again.
//
// The store is in use meanwhile, so the slices together show no single moment. Events are gone
// through by offset: one that is there from the first slice to the last is exported once; one that
// comes or goes may be missing, but then the journal has it, or a later slice says what is trimmed.
func (s *Store) Export(c *ExportCursor, dst []byte) (out []byte, more bool) {
	if !c.begun {
		c.names, c.begun = s.names.All(), true
		dst = effect.AppendRoom(dst, &effect.Room{
			Kind: effect.RoomSet, Generation: s.generation.Load(),
		})
	}
	entries, bytes := c.Entries+sliceEvents, len(dst)+sliceBytes
	for len(c.names) > 0 && c.Entries < entries && len(dst) < bytes {
		sh := s.shardOf(bytesOf(c.names[0]))
		sh.mu.Lock()
		done := true
		if r := sh.rooms[c.names[0]]; r != nil {
			dst, done = sh.export(r, c, dst, entries, bytes)
		}
		sh.mu.Unlock()
		if done {
			c.names = c.names[1:]
			c.generation, c.offset = 0, 0
		}
	}
	return dst, len(c.names) > 0
}

// export appends a slice of a room and says whether that was the rest of it.
func (sh *shard) export(r *room, c *ExportCursor, dst []byte, entries uint64, most int) (
	out []byte, done bool,
) {
	if c.generation != r.generation { // another one since the last slice, too
		c.generation, c.offset = r.generation, 0
		c.Entries++
	}
	dst = effect.AppendRoom(dst, r.effect())
	name := bytesOf(r.name)
	for c.offset = max(c.offset, r.first); c.offset < r.next; c.offset++ {
		if c.Entries >= entries || len(dst) >= most {
			return dst, false
		}
		segment, i := r.find(c.offset)
		v, _ := r.view(&r.segs[segment], i, nil)
		dst = effect.AppendRoom(dst, v.effect(name, r.generation))
		c.Entries++
	}
	for consumer, offset := range r.cursors {
		dst = effect.AppendRoom(dst, cursorEffect(r, consumer, offset))
		c.Entries++
	}
	return dst, true
}

// effect is the RoomSet that makes the room.
func (r *room) effect() *effect.Room {
	return &effect.Room{
		Kind: effect.RoomSet, Name: bytesOf(r.name), Generation: r.generation, First: r.first,
		Settings: r.set,
	}
}

// effect is the RoomPublish that appends the event.
func (v *View) effect(name []byte, generation uint64) *effect.Room {
	return &effect.Room{
		Kind: effect.RoomPublish, Name: name, Generation: generation, Offset: v.Offset,
		Time: v.Time, Form: v.Form, Event: v.Name, Data: v.Data, Metadata: v.Metadata,
	}
}

func cursorEffect(r *room, consumer string, offset uint64) *effect.Room {
	return &effect.Room{
		Kind: effect.RoomCursor, Name: bytesOf(r.name), Generation: r.generation,
		Consumer: bytesOf(consumer), Offset: offset,
	}
}
