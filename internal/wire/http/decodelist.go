package httpwire

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
)

// pairs reads [{key, value} …], [[key, value] …] or, as a convenience, {key: value …}.
func (d *decoder) pairs(src source, k kind, f *command.Field, v *command.Value) error {
	if k != kindArray && k != kindObject {
		return d.wrong(src, f, k, "an array of pairs")
	}
	n, err := src.enter()
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		var more bool
		var name []byte
		if k == kindObject {
			name, more, err = src.key(i, n)
		} else {
			more, err = src.elem(i, n)
		}
		if err != nil || !more {
			v.Set = err == nil
			return err
		}
		if k == kindObject {
			err = d.pairValue(src, v, name)
		} else {
			err = d.pair(src, f, v)
		}
		if err != nil {
			return err
		}
	}
}

// pairValue reads the value that belongs to key and adds both to v.
func (d *decoder) pairValue(src source, v *command.Value, key []byte) error {
	k, err := src.kind()
	if err != nil {
		return err
	}
	b, isJSON, err := d.any(src, k)
	v.List = append(v.List, key, b)
	v.ListJSON = append(v.ListJSON, isJSON)
	return err
}

// pair reads one element of a list of pairs.
func (d *decoder) pair(src source, f *command.Field, v *command.Value) error {
	k, err := src.kind()
	if err != nil {
		return err
	}
	switch k {
	case kindArray:
		return d.pairArray(src, f, v)
	case kindObject:
		return d.pairObject(src, f, v)
	default:
		return d.wrong(src, f, k, "an array of pairs")
	}
}

func (d *decoder) pairArray(src source, f *command.Field, v *command.Value) error {
	n, err := src.enter()
	if err != nil {
		return err
	}
	var key []byte
	keyed, valued := false, false
	i := 0
	for ; ; i++ {
		more, err := src.elem(i, n)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		switch k, err := src.kind(); {
		case err != nil:
			return err
		case i == 0 && (k == kindString || k == kindBinary):
			keyed = true
			if key, err = src.str(); err != nil {
				return err
			}
		case i == 1 && keyed:
			valued = true
			if err := d.pairValue(src, v, key); err != nil {
				return err
			}
		default:
			if err := src.skip(); err != nil {
				return err
			}
		}
	}
	if !valued || i != 2 {
		d.note(errs.Request("Field '" + f.Name + "': a pair must be [key, value]"))
	}
	return nil
}

func (d *decoder) pairObject(src source, f *command.Field, v *command.Value) error {
	n, err := src.enter()
	if err != nil {
		return err
	}
	var key, value []byte
	keyed, valued, isJSON := false, false, false
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
			key, err = src.str()
		case string(name) == "value":
			valued = true
			value, isJSON, err = d.any(src, k)
		default:
			err = src.skip()
		}
		if err != nil {
			return err
		}
	}
	if !keyed || !valued {
		d.note(errs.Request("Field '" + f.Name + "': a pair must have 'key' and 'value'"))
		return nil
	}
	v.List = append(v.List, key, value)
	v.ListJSON = append(v.ListJSON, isJSON)
	return nil
}

// commands reads [{command, payload} …]. An item that does not decode keeps its own error; only
// a list over the limits fails as a whole.
func (d *decoder) commands(src source, k kind, f *command.Field, v *command.Value) error {
	if k != kindArray {
		return d.wrong(src, f, k, "an array of commands")
	}
	n, err := src.enter()
	if err != nil {
		return err
	}
	outer, start := d.fault, src.pos()
	d.batch = true
	var over error
	for i := 0; ; i++ {
		more, err := src.elem(i, n)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if most := d.limits.BatchItems; most > 0 && i >= most {
			over = errs.Newf(errs.TooLarge,
				"Invalid request: a batch holds at most %d commands; send it in parts", most)
			err = src.skip()
		} else {
			err = d.item(src, nextItem(v))
		}
		if err != nil {
			return err
		}
	}
	if most := d.limits.BatchBytes; most > 0 && src.pos()-start > most && over == nil {
		over = errs.Newf(errs.TooLarge,
			"Invalid request: a batch holds at most %d bytes; send it in parts", most)
	}
	d.batch, d.fault = false, outer
	if over != nil {
		d.note(over)
	}
	v.Set = true
	return nil
}

// nextItem lengthens v.Commands by one and reuses what was there before.
func nextItem(v *command.Value) *command.Item {
	n := len(v.Commands)
	if n < cap(v.Commands) {
		v.Commands = v.Commands[:n+1]
	} else {
		v.Commands = append(v.Commands, command.Item{})
	}
	item := &v.Commands[n]
	item.Err, item.Args.Row = nil, nil
	return item
}

// item reads one command of a batch.
func (d *decoder) item(src source, item *command.Item) error {
	k, err := src.kind()
	if err != nil {
		return err
	}
	if k != kindObject {
		item.Err = errs.Request("a command of a batch must be an object, not " + kindNames[k])
		return src.skip()
	}
	c, err := d.call(src, &item.Args)
	if err != nil {
		return err
	}
	switch {
	case !c.hasName:
		item.Err = errs.Missing("command")
	case c.row == nil:
		item.Err = errs.New(errs.UnknownCommand, "Unknown command: "+string(c.name))
	case c.hasLevel:
		item.Err = errItemLevel
	case isBatch(c.row):
		item.Err = errs.Request("a batch cannot hold another batch")
	case !c.decoded:
		item.Args.Reset(c.row)
		item.Err = item.Args.Validate()
	case d.fault != nil:
		item.Err = d.fault
	default:
		item.Err = item.Args.Validate()
	}
	return nil
}

// errItemLevel refuses what would be ignored: a batch is answered as a whole.
var errItemLevel = errs.Request("durability belongs to the batch, not to one of its commands")

// isBatch says whether row takes a list of commands itself.
func isBatch(row *command.Row) bool {
	for i := range row.Fields {
		if row.Fields[i].Type == command.CommandListField {
			return true
		}
	}
	return false
}
