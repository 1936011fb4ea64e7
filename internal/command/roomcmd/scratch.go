package roomcmd

import (
	"sync"

	"github.com/synapdb/synap/internal/store/room"
)

// What an idle scratch has room for.
const (
	keepViews = 256
	keepBytes = 64 << 10
)

// scratch is what a command needs for the moment. It is pooled, not of a session: few commands run
// at once, and many sessions are connected.
type scratch struct {
	views   []room.View
	query   room.Query
	event   room.Event
	offsets []uint64
	text    []byte
	id      [48]byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func borrow() *scratch { return scratches.Get().(*scratch) }

// giveBack forgets all that was borrowed: it belongs to stores and requests.
func (s *scratch) giveBack() {
	clear(s.views)
	s.views, s.offsets, s.text = s.views[:0], s.offsets[:0], s.text[:0]
	s.query, s.event = room.Query{}, room.Event{}
	if cap(s.views) > keepViews || cap(s.offsets) > keepViews {
		s.views, s.offsets = nil, nil
	}
	if cap(s.text) > keepBytes {
		s.text = nil
	}
	scratches.Put(s)
}
