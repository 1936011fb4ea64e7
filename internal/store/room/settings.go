package room

import (
	"fmt"
	"unicode/utf8"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
)

const (
	mostEvents = 1_000_000_000
	mostBytes  = 1 << 40
	mostAge    = 3660 * 24 * 3600 * 1000 // ten years
	mostTime   = 1 << 47                 // ms since the Unix epoch
	mostOffset = 1 << 56

	defaultHard  = 100_000 // events
	defaultSweep = 60_000  // ms
)

// builtin are the defaults of defaults.
var builtin = Settings{MaxEvents: 10_000, MaxBytes: None, MaxAge: 3_600_000}

// complete gives the zero values of settings those of d.
func complete(o, d *Settings) {
	for _, f := range [...]struct{ to, from *int64 }{
		{&o.MaxEvents, &d.MaxEvents}, {&o.MaxBytes, &d.MaxBytes}, {&o.MaxAge, &d.MaxAge},
	} {
		if *f.to == 0 {
			*f.to = *f.from
		}
	}
}

// check says why complete settings are out of bounds. Names are those of the wire.
func check(o *Settings) error {
	for _, f := range [...]struct {
		field      string
		value, top int64
	}{
		{"max_events", o.MaxEvents, mostEvents},
		{"max_bytes", o.MaxBytes, mostBytes},
		{"max_age in ms", o.MaxAge, mostAge},
	} {
		if f.value != None && (f.value < 1 || f.value > f.top) {
			return errs.Value(fmt.Sprintf("%s must be 1..%d, or -1 for none, not %d", f.field,
				f.top, f.value))
		}
	}
	return nil
}

// checkName says why bytes can't name what; rooms and events are named in JSON text.
func checkName(what string, name []byte) error {
	if len(name) == 0 || len(name) > MaxNameBytes {
		return errs.Value(fmt.Sprintf("the name of %s must have 1..%d bytes, not %d", what,
			MaxNameBytes, len(name)))
	}
	if !utf8.Valid(name) {
		return errs.Value("the name of " + what + " must be UTF-8")
	}
	return nil
}

func checkEvent(e *Event) error {
	if err := checkName("an event", e.Name); err != nil {
		return err
	}
	switch {
	case len(e.Data) > MaxDataBytes:
		return errs.Newf(errs.TooLarge, "Invalid value: an event has at most %d bytes, not %d",
			MaxDataBytes, len(e.Data))
	case len(e.Metadata) > MaxMetadataBytes:
		return errs.Newf(errs.TooLarge, "Invalid value: metadata have at most %d bytes, not %d",
			MaxMetadataBytes, len(e.Metadata))
	case e.Form > mostForm:
		return errs.Value(fmt.Sprintf("form must be 0..%d, not %d", mostForm, e.Form))
	}
	return nil
}

func notFound(name []byte) error {
	return errs.Newf(errs.RoomNotFound, "Invalid request: Room '%s' not found", name)
}

// storable says why an effect from outside can't be applied.
func storable(e *effect.Room) error {
	ok := len(e.Name) <= MaxNameBytes && utf8.Valid(e.Name) && e.Generation <= mostOffset &&
		e.Offset < mostOffset && e.First <= mostOffset && validTime(e.Time)
	if e.Kind != effect.RoomSet {
		ok = ok && len(e.Name) > 0
	} else if len(e.Name) > 0 {
		ok = ok && validTime(e.Settings.Created) && check(&e.Settings) == nil
	}
	switch e.Kind {
	case effect.RoomPublish:
		ok = ok && len(e.Event) > 0 && len(e.Event) <= MaxNameBytes && utf8.Valid(e.Event) &&
			len(e.Data) <= MaxDataBytes && len(e.Metadata) <= MaxMetadataBytes
	case effect.RoomCursor:
		ok = ok && len(e.Consumer) > 0 && len(e.Consumer) <= MaxNameBytes
	}
	if !ok {
		return fmt.Errorf("%w: kind %d on a room of %d bytes: generation %d, offset %d, first %d",
			effect.ErrMalformed, e.Kind, len(e.Name), e.Generation, e.Offset, e.First)
	}
	return nil
}

func validTime(t int64) bool { return t >= 0 && t <= mostTime }
