package roomcmd

import (
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/room"
)

// setting is a bound of a room under its name on the wire. On the wire 0 is the default.
type setting struct {
	name string
	doc  string
	most int64
	unit int64
	at   func(*room.Settings) *int64
}

// Bounds of settings are the store's: it has the last word, these keep the arithmetic sound.
const (
	mostEvents = 1_000_000_000
	mostBytes  = 1 << 40
	mostSecs   = 3660 * 24 * 3600
)

func maxAge(s *room.Settings) *int64 { return &s.MaxAge }

var settings = [...]setting{
	{"max_events", "Events kept, the newest; more while a subscriber has not read them.",
		mostEvents, 1, func(s *room.Settings) *int64 { return &s.MaxEvents }},
	{"max_bytes", "Bytes of encoded events kept.", mostBytes, 1,
		func(s *room.Settings) *int64 { return &s.MaxBytes }},
	{"retention_secs", "Seconds that an event is kept.", mostSecs, 1000, maxAge},
	{"retention_ms", "The same in milliseconds.", mostSecs * 1000, 1, maxAge},
}

// change is what a caller wants of a room's settings.
type change struct {
	given [len(settings)]bool
	to    [len(settings)]int64
}

// add notes a value, which is within its bounds then.
func (h *change) add(i int, n int64) error {
	s := &settings[i]
	if n < room.None || n > s.most {
		return errs.Newf(errs.BadValue, "Invalid value: %s must be 1 to %d, -1 for no bound, or 0 "+
			"for the default, not %d", s.name, s.most, n)
	}
	h.given[i], h.to[i] = true, n
	return nil
}

// settled are the settings as the store wants them: what is 0 is left to it, or is what defaults
// say, unless that is nil.
func (h *change) settled(defaults *room.Settings) (o room.Settings, err error) {
	for i := range settings {
		s := &settings[i]
		n, at := h.to[i], s.at(&o)
		switch {
		case !h.given[i]:
		case n == 0:
			if defaults != nil && *at == 0 {
				*at = *s.at(defaults)
			}
		case i > 0 && s.name == "retention_ms" && h.to[i-1] != 0:
			return o, errRetentions
		case n == room.None:
			*at = room.None
		default:
			*at = n * s.unit
		}
	}
	return o, nil
}

// settingFields are the settings as fields, in the order of the table.
func settingFields() []command.Field {
	fields := make([]command.Field, len(settings))
	for i := range settings {
		fields[i] = command.Field{Name: settings[i].name, Type: command.IntField,
			Doc: settings[i].doc + " -1: no bound; 0: the default."}
	}
	return fields
}

// Positions of the fields of rows with settings.
const (
	madeRoom = iota
	madeConfig
	madeSettings
)

// withSettings are the fields of a row that takes a room and settings.
func withSettings() []command.Field {
	return append([]command.Field{roomField, {
		Name: "config", Type: command.ObjectListField,
		Doc:  "The settings below as an object; outside of it they win.",
		Item: &command.Row{Name: "config", Fields: settingFields()},
	}}, settingFields()...)
}

// read gathers the settings of a, those outside of config last, so that they win.
func (h *change) read(a *command.Args) error {
	configs := a.Vals[madeConfig].Commands
	if len(configs) > 1 {
		return errConfigs
	}
	for i := range configs {
		if err := h.readFields(&configs[i].Args, 0); err != nil {
			return err
		}
	}
	return h.readFields(a, madeSettings)
}

func (h *change) readFields(a *command.Args, first int) error {
	for i := range settings {
		if !a.Has(first + i) {
			continue
		}
		if err := h.add(i, a.Int(first+i, 0)); err != nil {
			return err
		}
	}
	return nil
}

// readLine gathers the settings named by the rest of a line.
func (h *change) readLine(l *lines.Reader) error {
	for l.More() {
		i := 0
		for i < len(settings) && !strings.EqualFold(string(l.Words[0]), settings[i].name) {
			i++
		}
		if i == len(settings) {
			l.Bad()
			break
		}
		l.Word()
		if n := l.Integer(settings[i].name); l.Err == nil {
			l.Err = h.add(i, n)
		}
	}
	return l.Err
}

// replySettings writes settings as a map.
func replySettings(r command.Reply, s *room.Settings) {
	r.Map(3)
	pairInt(r, "max_events", s.MaxEvents)
	pairInt(r, "max_bytes", s.MaxBytes)
	pairInt(r, "retention_ms", s.MaxAge)
}
