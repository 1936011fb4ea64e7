package httpwire

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
)

// decoder turns bodies, paths and queries into command.Args. Two kinds of failure are kept
// apart: a malformed body is returned as an error, a wrong field is noted in fault and the rest
// of the body is still checked.
type decoder struct {
	table  *command.Table
	limits *command.Limits
	arena  []byte // unescaped strings and compacted JSON; grows, never moves what was handed out
	fault  error  // the first wrong field of the present payload
	batch  bool   // inside a list of commands
}

func (d *decoder) reset() { d.arena, d.fault, d.batch = d.arena[:0], nil, false }

// note keeps the first fault.
func (d *decoder) note(err error) {
	if d.fault == nil {
		d.fault = err
	}
}

// payload reads the fields of row out of an object. Anything else leaves all fields unset: the
// command then reports its first missing field. Unknown fields are checked and skipped; of a
// doubled field the last counts; of a field and its alias the field counts.
func (d *decoder) payload(src source, a *command.Args, row *command.Row) error {
	a.Reset(row)
	d.fault = nil
	k, err := src.kind()
	if err != nil {
		return err
	}
	if k != kindObject {
		return src.skip()
	}
	n, err := src.enter()
	if err != nil {
		return err
	}
	var own uint64 // fields set by their own name
	for i := 0; ; i++ {
		key, more, err := src.key(i, n)
		if err != nil || !more {
			return err
		}
		at := row.Index(key)
		if at < 0 {
			err = src.skip()
		} else {
			err = d.named(src, a, at, row.Fields[at].Name == string(key), &own)
		}
		if err != nil {
			return err
		}
	}
}

// named reads the value of field at, met under its own name or an alias.
func (d *decoder) named(src source, a *command.Args, at int, isOwn bool, own *uint64) error {
	f, v := &a.Row.Fields[at], &a.Vals[at]
	k, err := src.kind()
	if err != nil {
		return err
	}
	bit := uint64(1) << at
	if !isOwn && *own&bit != 0 {
		return src.skip()
	}
	if k == kindNull && f.Type != command.ValueField && f.Type != command.JSONField {
		if *own&bit != 0 { // a later null takes the value back
			clearValue(v)
			*own &^= bit
		}
		return src.skip()
	}
	clearValue(v)
	if isOwn {
		*own |= bit
	}
	return d.value(src, k, f, v)
}

// clearValue empties v and keeps its buffers.
func clearValue(v *command.Value) {
	*v = command.Value{
		List: v.List[:0], ListJSON: v.ListJSON[:0], Commands: v.Commands[:0],
	}
}

// value reads one field whose next value is of kind k.
func (d *decoder) value(src source, k kind, f *command.Field, v *command.Value) error {
	var err error
	switch f.Type {
	case command.KeyField, command.StringField, command.QueueField,
		command.RoomField:
		if k != kindString && k != kindBinary {
			return d.wrong(src, f, k, "a string")
		}
		v.B, err = src.str()
	case command.ValueField:
		v.B, v.JSON, err = d.any(src, k)
	case command.IntField, command.UintField:
		return d.number(src, k, f, v)
	case command.BoolField:
		if k != kindBool {
			return d.wrong(src, f, k, "true or false")
		}
		v.Bool, err = src.boolean()
	case command.KeyListField, command.StringListField:
		return d.strings(src, k, f, v)
	case command.PairListField:
		return d.pairs(src, k, f, v)
	case command.PayloadField:
		v.B, v.Form, err = d.message(src, k)
	case command.JSONField:
		v.B, v.Form, err = d.json(src, k)
	case command.ObjectField:
		if k != kindObject {
			return d.wrong(src, f, k, "an object")
		}
		v.B, v.JSON, err = d.any(src, k)
	case command.ObjectListField:
		return d.objects(src, k, f, v)
	case command.GuardField:
		return d.guard(src, k, f, v)
	default:
		return d.commands(src, k, f, v)
	}
	v.Set = err == nil
	return err
}

// any reads any value: strings as their bytes, anything else as compact JSON text.
func (d *decoder) any(src source, k kind) (b []byte, isJSON bool, err error) {
	if k == kindString || k == kindBinary {
		b, err = src.str()
	} else {
		isJSON = true
		start := len(d.arena)
		d.arena, err = src.text(d.arena)
		b = d.arena[start:len(d.arena):len(d.arena)]
	}
	d.bound("value", b)
	return b, isJSON, err
}

// bound notes a value over the limit.
func (d *decoder) bound(what string, b []byte) {
	if most := d.limits.ValueBytes; most > 0 && len(b) > most {
		d.note(errs.Newf(errs.TooLarge,
			"Invalid request: %s is %d bytes long; the limit is %d", what, len(b), most))
	}
}

func (d *decoder) number(src source, k kind, f *command.Field, v *command.Value) error {
	var ok bool
	var err error
	switch k {
	case kindNumber:
		v.Int, ok, err = src.integer()
	case kindString:
		var text []byte
		text, err = src.str()
		v.Int, ok = wholeNumber(text)
	default:
		return d.wrong(src, f, k, "a number")
	}
	v.Set = d.integer(f, v.Int, ok)
	return err
}

// integer notes what is wrong with a number.
func (d *decoder) integer(f *command.Field, i int64, ok bool) bool {
	switch {
	case !ok:
		d.note(errs.Request("Field '" + f.Name + "' must be a whole number of 64 bits"))
	case i < 0 && f.Type == command.UintField:
		d.note(errs.Request("Field '" + f.Name + "' must not be negative"))
	default:
		return true
	}
	return false
}

// wrong notes a value of another kind than the field wants, and skips it. The contract's words
// for an absent field open the text, because the reference server reads a wrong kind as absent.
func (d *decoder) wrong(src source, f *command.Field, k kind, want string) error {
	why := "Field '" + f.Name + "' must be " + want + ", not " + kindNames[k]
	if f.Required {
		why = "Missing '" + f.Name + "' field: it must be " + want + ", not " + kindNames[k]
	}
	d.note(errs.Request(why))
	return src.skip()
}

func (d *decoder) strings(src source, k kind, f *command.Field, v *command.Value) error {
	if k != kindArray {
		return d.wrong(src, f, k, "an array of strings")
	}
	n, err := src.enter()
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		more, err := src.elem(i, n)
		if err != nil || !more {
			v.Set = err == nil
			return err
		}
		if k, err = src.kind(); err != nil {
			return err
		}
		if f.Type == command.StringListField && d.full(f, i) {
			if err = src.skip(); err != nil {
				return err
			}
			continue
		}
		if k != kindString && k != kindBinary {
			if err = d.wrong(src, f, k, "an array of strings"); err != nil {
				return err
			}
			continue
		}
		b, err := src.str()
		if err != nil {
			return err
		}
		v.List = append(v.List, b)
	}
}
