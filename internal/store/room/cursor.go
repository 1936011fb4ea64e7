package room

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
)

// Commit remembers that a consumer wants offset next. It may go back, and ahead of the room.
func (t *Tx) Commit(name, consumer []byte, offset uint64) error {
	r, err := t.need(name)
	if err != nil {
		return err
	}
	if err := checkName("a consumer", consumer); err != nil {
		return err
	}
	old, had := r.cursors[string(consumer)]
	switch {
	case offset >= mostOffset:
		return errs.Value("offset is too large")
	case !had && len(r.cursors) >= MaxConsumers:
		return errs.Newf(errs.TooLarge, "Invalid value: room '%s' has cursors of %d consumers, "+
			"which is the most; forget some", name, MaxConsumers)
	}
	r.active = max(r.active, t.now)
	if !had || old != offset {
		t.cursor(r, &effect.Room{Kind: effect.RoomCursor, Consumer: consumer, Offset: offset})
	}
	return nil
}

// Cursor returns what a consumer committed last; false if it never did.
func (t *Tx) Cursor(name, consumer []byte) (offset uint64, ok bool, err error) {
	r, err := t.need(name)
	if err != nil {
		return 0, false, err
	}
	offset, ok = r.cursors[string(consumer)]
	return offset, ok, nil
}

// Forget removes a consumer's cursor, and says whether there was one.
func (t *Tx) Forget(name, consumer []byte) (bool, error) {
	r, err := t.need(name)
	if err != nil {
		return false, err
	}
	_, had := r.cursors[string(consumer)]
	if had {
		t.cursor(r, &effect.Room{Kind: effect.RoomCursor, Consumer: consumer, Gone: true})
	}
	return had, nil
}
