package httpwire

import (
	"encoding/base64"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
)

// message reads a payload and tells how it was given: an array of whole numbers 0..255, or binary
// data, is bytes; a string is text; anything else is its JSON text.
func (d *decoder) message(src source, k kind) (b []byte, form effect.PayloadForm, err error) {
	start := len(d.arena)
	switch k {
	case kindBinary:
		b, err = src.str()
	case kindString:
		// MessagePack lets bytes that are no text pass for a string.
		if b, err = src.str(); validText(b) {
			form = effect.TextForm
		}
	case kindArray:
		var ok bool
		if d.arena, ok, err = src.octets(d.arena); ok || err != nil {
			b = d.arena[start:len(d.arena):len(d.arena)]
			break
		}
		fallthrough
	default:
		form = effect.JSONForm
		d.arena, err = src.text(d.arena)
		b = d.arena[start:len(d.arena):len(d.arena)]
	}
	d.bound("payload", b)
	return b, form, err
}

// json reads any value as its compact JSON text. MessagePack's binary data becomes a string of
// base64.
func (d *decoder) json(src source, k kind) (b []byte, form effect.PayloadForm, err error) {
	start := len(d.arena)
	if form = effect.JSONForm; k == kindBinary {
		form = effect.BytesForm
		if b, err = src.str(); err == nil {
			d.arena = append(d.arena, '"')
			d.arena = base64.StdEncoding.AppendEncode(d.arena, b)
			d.arena = append(d.arena, '"')
		}
	} else {
		d.arena, err = src.text(d.arena)
	}
	b = d.arena[start:len(d.arena):len(d.arena)]
	d.bound("data", b)
	return b, form, err
}

// full notes that a list has more items than one request may.
func (d *decoder) full(f *command.Field, items int) bool {
	most := d.limits.BatchItems
	if most <= 0 || items < most {
		return false
	}
	d.note(errs.Newf(errs.TooLarge,
		"Invalid request: Field '%s' holds at most %d items; send it in parts", f.Name, most))
	return true
}

// objects reads [{fields} …], or one such object. The first fault of an item is that of the whole.
func (d *decoder) objects(src source, k kind, f *command.Field, v *command.Value) error {
	if k == kindObject {
		v.Set = true
		return d.object(src, f, nextItem(v), 0)
	}
	if k != kindArray {
		return d.wrong(src, f, k, "an object or an array of objects")
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
		switch {
		case d.full(f, i):
			err = src.skip()
		case k != kindObject:
			d.note(errs.Newf(errs.BadRequest, "Invalid request: Field '%s' must be an array of "+
				"objects; item %d is %s", f.Name, i, kindNames[k]))
			err = src.skip()
		default:
			err = d.object(src, f, nextItem(v), i)
		}
		if err != nil {
			return err
		}
	}
}

// object reads item i of an ObjectListField.
func (d *decoder) object(src source, f *command.Field, item *command.Item, i int) error {
	outer := d.fault
	err := d.payload(src, &item.Args, f.Item)
	inner := d.fault
	if d.fault = outer; inner != nil {
		d.note(command.InItem(inner, f.Name, i))
	}
	return err
}

// guard reads {key, version}.
func (d *decoder) guard(src source, k kind, f *command.Field, v *command.Value) error {
	if k != kindObject {
		return d.wrong(src, f, k, "an object of key and version")
	}
	n, err := src.enter()
	if err != nil {
		return err
	}
	keyed, versioned := false, false
	for i := 0; ; i++ {
		name, more, err := src.key(i, n)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		k, err := src.kind()
		switch {
		case err != nil:
		case string(name) == "key" && (k == kindString || k == kindBinary):
			keyed = true
			v.B, err = src.str()
		case string(name) == "version" && (k == kindNumber || k == kindString):
			number := command.Field{Name: f.Name + ".version", Type: command.UintField}
			versioned = true
			err = d.number(src, k, &number, v)
		default:
			err = src.skip()
		}
		if err != nil {
			return err
		}
	}
	if v.Set = keyed && versioned; !v.Set {
		d.note(errs.Request("Field '" + f.Name + "' must have 'key', a string, and 'version', " +
			"a number; 0 stands for an absent key"))
	}
	return nil
}
