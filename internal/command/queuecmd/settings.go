package queuecmd

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/lines"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/queue"
)

// value is what a setting is given, or has: one of the first three, by the setting's type.
// Fractions are in thousandths.
type value struct {
	n    int64
	text string
	on   bool
	// word is how a number was given if not by digits: none is a 0 that a new queue has, too.
	word word
}

// word is what may stand for a number.
type word uint8

const (
	digits word = iota
	none
	standard // what the server makes queues with
)

// setting is a property of a queue under its name on the wire.
type setting struct {
	name string
	kind command.FieldType // ValueField: a fraction
	doc  string
	most int64 // of a number
	// needed settings can't be 0: it is the default.
	needed bool
	// silent settings are another spelling of one that is shown.
	silent bool
	set    func(s *queue.Settings, v value)
	get    func(s *queue.Settings) value
}

// Bounds of settings are the store's: it has the last word, these keep the arithmetic sound.
const (
	mostDepth    = 1_000_000_000_000
	mostRetries  = 65_535
	mostPrefetch = 1_000_000
	mostMillis   = 30 * 24 * 3_600_000 // of deadlines and windows
	mostFactor   = 100
)

func whole(at func(*queue.Settings) *int64, unit int64) (
	set func(*queue.Settings, value), get func(*queue.Settings) value,
) {
	return func(s *queue.Settings, v value) { *at(s) = v.n * unit },
		func(s *queue.Settings) value { return value{n: *at(s) / unit} }
}

func short(at func(*queue.Settings) *uint32) (
	set func(*queue.Settings, value), get func(*queue.Settings) value,
) {
	return func(s *queue.Settings, v value) { *at(s) = uint32(v.n) },
		func(s *queue.Settings) value { return value{n: int64(*at(s))} }
}

// with completes a setting by how it is written and read.
func (s setting) with(
	set func(*queue.Settings, value), get func(*queue.Settings) value,
) setting {
	s.set, s.get = set, get
	return s
}

var settings = []setting{
	setting{name: "max_depth", kind: command.UintField, most: mostDepth,
		doc: "Ready and delayed messages it may hold; 0: no bound.",
	}.with(whole(func(s *queue.Settings) *int64 { return &s.MaxDepth }, 1)),
	setting{name: "ack_deadline_secs", kind: command.UintField, most: mostMillis / 1000,
		needed: true,
		doc:    "Seconds until a delivered message goes to others unless acknowledged.",
		silent: true,
	}.with(whole(func(s *queue.Settings) *int64 { return &s.AckDeadline }, 1000)),
	setting{name: "default_max_retries", kind: command.UintField, most: mostRetries,
		doc: "Failed deliveries a message survives, of those that bring no number.",
	}.with(short(func(s *queue.Settings) *uint32 { return &s.MaxRetries })),
	setting{name: "default_priority", kind: command.UintField,
		most: queue.Priorities - 1,
		doc:  "Priority of messages that bring none.",
	}.with(
		func(s *queue.Settings, v value) { s.Priority = uint8(v.n) },
		func(s *queue.Settings) value { return value{n: int64(s.Priority)} }),
	setting{name: "prefetch_limit", kind: command.UintField, most: mostPrefetch,
		doc: "Messages one consumer may hold without acknowledging them; 0: no bound.",
	}.with(short(func(s *queue.Settings) *uint32 { return &s.Prefetch })),
	setting{name: "ack_deadline_ms", kind: command.UintField, most: mostMillis, needed: true,
		doc: "ack_deadline_secs in milliseconds.",
	}.with(whole(func(s *queue.Settings) *int64 { return &s.AckDeadline }, 1)),
	setting{name: "overflow", kind: command.StringField,
		doc: "What a full queue does: reject the new message, or drop_oldest, of the " +
			"lowest priority there is.",
	}.with(
		func(s *queue.Settings, v value) { s.DropOldest = v.text == dropOldest },
		func(s *queue.Settings) value {
			if s.DropOldest {
				return value{text: dropOldest}
			}
			return value{text: reject}
		}),
	setting{name: "backoff_base_ms", kind: command.UintField, most: mostMillis,
		doc: "Milliseconds until the first retry; 0: all are at once.",
	}.with(whole(func(s *queue.Settings) *int64 { return &s.BackoffBase }, 1)),
	setting{name: "backoff_factor", kind: command.ValueField, most: mostFactor, needed: true,
		doc: "How many times longer each further delay is.",
	}.with(short(func(s *queue.Settings) *uint32 { return &s.BackoffMilli })),
	setting{name: "backoff_cap_ms", kind: command.UintField, most: mostMillis, needed: true,
		doc: "The longest such delay, in milliseconds.",
	}.with(whole(func(s *queue.Settings) *int64 { return &s.BackoffCap }, 1)),
	setting{name: "backoff_jitter", kind: command.ValueField, most: 1,
		doc: "Share of a delay that is random, up and down.",
	}.with(short(func(s *queue.Settings) *uint32 { return &s.JitterMilli })),
	setting{name: "dead_letter_queue", kind: command.StringField,
		doc: "The queue that takes what failed too often, was rejected, expired or " +
			"overflowed; empty: none.",
	}.with(
		func(s *queue.Settings, v value) { s.DeadLetter = v.text },
		func(s *queue.Settings) value { return value{text: s.DeadLetter} }),
	setting{name: "ttl_ms", kind: command.UintField, most: farthest,
		doc: "Milliseconds that messages wait at most; 0: until they are taken.",
	}.with(whole(func(s *queue.Settings) *int64 { return &s.TTL }, 1)),
	setting{name: "dedup_window_secs", kind: command.UintField, most: mostMillis / 1000,
		doc: "Seconds during which a second message with the same dedup_id is left out; " +
			"0: none is.",
	}.with(whole(func(s *queue.Settings) *int64 { return &s.DedupWindow }, 1000)),
	setting{name: "single_active_consumer", kind: command.BoolField,
		doc: "One consumer at a time gets the messages.",
	}.with(
		func(s *queue.Settings, v value) { s.SingleActive = v.on },
		func(s *queue.Settings) value { return value{on: s.SingleActive} }),
}

// The words of the overflow setting.
const (
	reject     = "reject"
	dropOldest = "drop_oldest"
)

// settingNames are the names of all settings, for people.
func settingNames() string {
	names := make([]string, len(settings))
	for i := range settings {
		names[i] = settings[i].name
	}
	return strings.Join(names, ", ")
}

// fraction says whether the setting is in thousandths.
func (s *setting) fraction() bool { return s.kind == command.ValueField }

// unset says whether v is what clients send to queue.create for what their users left out.
func (s *setting) unset(v value) bool { return v == value{} && s.kind != command.BoolField }

// read checks what a setting is given as a word.
func (s *setting) read(given []byte) (v value, err error) {
	switch s.kind {
	case command.BoolField:
		on, ok := truth(given)
		if !ok {
			return v, errs.Value(s.name + " must be true or false")
		}
		v.on = on
	case command.StringField:
		v.text = string(given)
	default:
		return s.readNumber(given)
	}
	return v, s.check(v)
}

// readNumber reads digits, none or default. Of a fraction three digits behind the point count.
func (s *setting) readNumber(given []byte) (v value, err error) {
	switch {
	case lines.Is(given, "NONE") && !s.needed:
		v.word = none
		return v, nil
	case lines.Is(given, "DEFAULT"):
		v.word = standard
		return v, nil
	case s.fraction():
		return s.readFraction(given)
	}
	n, ok := lines.Natural(given)
	if !ok {
		f, err := strconv.ParseFloat(string(given), 64) // some clients know no other numbers
		if n = int64(f); err != nil || f < 0 || f != math.Trunc(f) || math.IsInf(f, 0) {
			words := ", none or default"
			if s.needed {
				words = " or default"
			}
			return v, errs.Newf(errs.BadValue,
				"Invalid value: %s must be a whole number of 0 or more%s", s.name, words)
		}
		if f > float64(s.most) {
			n = math.MaxInt64
		}
	}
	v.n = n
	return v, s.check(v)
}

func (s *setting) readFraction(given []byte) (v value, err error) {
	f, err := strconv.ParseFloat(string(given), 64)
	if err != nil || f < 0 || f > float64(s.most) || math.IsNaN(f) {
		return v, errs.Newf(errs.BadValue, "Invalid value: %s must be a number from 0 to %d",
			s.name, s.most)
	}
	v.n = int64(math.Round(f * 1000))
	if s.needed && v.n != 0 && v.n < 1000 {
		return v, errs.Newf(errs.BadValue, "Invalid value: %s must be 1 or more, or 0 for the "+
			"default", s.name)
	}
	return v, nil
}

// check refuses what is out of bounds.
func (s *setting) check(v value) error {
	switch {
	case s.kind == command.UintField && v.n > s.most:
		return errs.Newf(errs.BadValue, "Invalid value: %s must be at most %d", s.name, s.most)
	case s.name == "overflow" && v.text != "" && v.text != reject && v.text != dropOldest:
		return errs.Value("overflow must be reject or drop_oldest")
	case s.name == "dead_letter_queue" && len(v.text) > queue.MaxNameBytes:
		return errs.Newf(errs.TooLarge, "Invalid request: dead_letter_queue is %d bytes long; "+
			"the limit is %d", len(v.text), queue.MaxNameBytes)
	}
	return nil
}

// change is what a caller wants of a queue's settings.
type change struct {
	at []*setting
	to []value
}

func (h *change) add(s *setting, v value) {
	h.at, h.to = append(h.at, s), append(h.to, v)
}

// apply changes s. Of a new queue what is unset stays what it is.
func (h *change) apply(s, defaults *queue.Settings, isNew bool) {
	for i, at := range h.at {
		switch v := h.to[i]; {
		case isNew && at.unset(v):
		case v.word == standard:
			at.set(s, at.get(defaults))
		default:
			at.set(s, v)
		}
	}
}

// create makes a queue unless it exists. The store gives a new one the default of whatever is
// zero, so that what is to be zero is changed at once.
func (h *change) create(c *command.Ctx, name []byte) error {
	defaults := c.Engine.Queues.Defaults()
	wanted := defaults
	h.apply(&wanted, &defaults, true)
	created, err := c.Queues.Create(name, wanted)
	if err != nil || !created {
		return err
	}
	return c.Queues.Update(name, func(s *queue.Settings) { h.apply(s, &defaults, true) })
}

// update changes the settings of a queue, each to exactly what was given.
func (h *change) update(c *command.Ctx, name []byte) error {
	defaults := c.Engine.Queues.Defaults()
	return c.Queues.Update(name, func(s *queue.Settings) { h.apply(s, &defaults, false) })
}

// settingFields are the settings as fields, in the order of the table.
func settingFields() []command.Field {
	fields := make([]command.Field, len(settings))
	for i := range settings {
		s := &settings[i]
		fields[i] = command.Field{Name: s.name, Type: s.kind, Doc: s.doc}
		if s.kind == command.UintField || s.fraction() { // or a word
			least := 0
			if s.needed {
				least = 1
			}
			fields[i].Type = command.ValueField
			fields[i].Doc = fmt.Sprintf("%s %d to %d.", s.doc, least, s.most)
		}
	}
	return fields
}

// readSettings reads the setting fields of a, which begin at field first, and adds them to h.
func (h *change) readSettings(a *command.Args, first int) error {
	for i := range settings {
		s, given := &settings[i], &a.Vals[first+i]
		if !given.Set || given.JSON && string(given.B) == "null" {
			continue
		}
		v := value{on: given.Bool}
		var err error
		if s.kind != command.BoolField {
			v, err = s.read(given.B)
		}
		if err != nil {
			return err
		}
		h.add(s, v)
	}
	return h.conflict()
}

// conflict refuses both spellings of the deadline, and forgets the one that is unset.
func (h *change) conflict() error {
	var secs, millis bool
	for i, s := range h.at {
		given := !s.unset(h.to[i])
		secs = secs || given && s.name == "ack_deadline_secs"
		millis = millis || given && s.name == "ack_deadline_ms"
	}
	if secs && millis {
		return errDeadlines
	}
	for i := len(h.at) - 1; i >= 0; i-- {
		name := h.at[i].name
		if h.at[i].unset(h.to[i]) && (secs && name == "ack_deadline_ms" ||
			millis && name == "ack_deadline_secs") {
			h.at, h.to = slices.Delete(h.at, i, i+1), slices.Delete(h.to, i, i+1)
		}
	}
	return nil
}

// replySettings writes the settings as a map.
func replySettings(r command.Reply, s *queue.Settings) {
	shown := 0
	for i := range settings {
		if !settings[i].silent {
			shown++
		}
	}
	r.Map(shown)
	for i := range settings {
		at := &settings[i]
		if at.silent {
			continue
		}
		r.Str(at.name)
		switch v := at.get(s); {
		case at.fraction():
			r.Float(float64(v.n) / 1000)
		case at.kind == command.BoolField:
			r.Bool(v.on)
		case at.kind == command.StringField && v.text == "":
			r.Null()
		case at.kind == command.StringField:
			r.Text([]byte(v.text))
		default:
			r.Int(v.n)
		}
	}
}
