package command

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store"
)

// FieldType says how a named argument is read from JSON, MessagePack, a path or a query.
type FieldType uint8

// The types of field. Key, KeyList and PairList are also what the engine locks.
const (
	// KeyField is one key: a string of 1..kv.MaxKeyBytes bytes.
	KeyField FieldType = iota
	// StringField is text.
	StringField
	// ValueField is any JSON value: strings as their bytes, anything else as compact JSON text.
	ValueField
	// IntField is a signed 64-bit number.
	IntField
	// UintField is a number of 0 or more.
	UintField
	// BoolField is true or false.
	BoolField
	// KeyListField is a list of keys.
	KeyListField
	// PairListField is a list of {key, value} objects or [key, value] arrays.
	PairListField
	// CommandListField is a list of {command, payload} objects, each decoded by its own row.
	CommandListField
	// QueueField is the name of a queue, a string of 1..queue.MaxNameBytes bytes: it is locked.
	QueueField
	// PayloadField is a message: an array of numbers 0..255 or MessagePack's binary is bytes
	// (Form BytesForm), a string its UTF-8 bytes (TextForm), anything else its JSON text
	// (JSONForm).
	PayloadField
	// ObjectListField is a list of objects with the fields of Field.Item, or one such object:
	// they become Commands. One that is wrong fails the whole.
	ObjectListField
	// GuardField is an object {key, version}: the key is locked, and in B; the version in Int.
	GuardField
	// StringListField is a list of strings, in List.
	StringListField
	// ObjectField is a JSON object, as its compact text.
	ObjectField
	// RoomField is the name of a room, a UTF-8 string of 1..room.MaxNameBytes bytes: it is locked.
	RoomField
	// JSONField is any JSON value, a string too, as its compact text (Form JSONForm). MessagePack's
	// binary data is a string of base64 (BytesForm).
	JSONField
)

// Field is one named argument of a Synap row.
type Field struct {
	Name     string
	Aliases  []string
	Type     FieldType
	Required bool
	Doc      string
	Item     *Row // ObjectListField: the fields of each object; it is in no table
}

// Value is one decoded argument. B of a StringField or ValueField borrows from the request.
type Value struct {
	Set  bool // present and not null; as a ValueField or JSONField null is present, as JSON text
	Bool bool
	JSON bool // a ValueField that was not a string
	Int  int64
	B    []byte
	List [][]byte // KeyListField: the keys; PairListField: key, value, key, value …
	// ListJSON says of each pair of a PairListField whether its value was not a string.
	ListJSON []bool
	// Commands are the items of a CommandListField or ObjectListField.
	Commands []Item
	// Form is how a PayloadField or JSONField was given.
	Form effect.PayloadForm
}

// Item is one command of a batch. Err, when set, is why it could not be decoded.
type Item struct {
	Args Args // Args.Row is nil when Err is set before a row was found
	Err  error
}

// Args are the decoded arguments of one Synap command, by the position of their Field.
// They are reused between requests: see Reset.
type Args struct {
	Row  *Row
	Vals []Value
}

// Reset prepares a for row.
func (a *Args) Reset(row *Row) {
	a.Row = row
	for len(a.Vals) < len(row.Fields) {
		a.Vals = append(a.Vals, Value{})
	}
	for i := range row.Fields {
		if v := &a.Vals[i]; !v.clean() {
			*v = Value{List: v.List[:0], ListJSON: v.ListJSON[:0], Commands: v.Commands[:0]}
		}
	}
}

// clean says whether v is as Reset leaves it: most fields of most requests are, and telling so is
// cheaper than clearing.
func (v *Value) clean() bool {
	return !v.Set && !v.Bool && !v.JSON && v.B == nil &&
		len(v.List) == 0 && len(v.ListJSON) == 0 && len(v.Commands) == 0
}

// Index finds the field called name, or -1.
func (r *Row) Index(name []byte) int {
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Name == string(name) {
			return i
		}
		for _, alias := range f.Aliases {
			if alias == string(name) {
				return i
			}
		}
	}
	return -1
}

// Validate reports the first required field that is absent, and names out of bounds.
func (a *Args) Validate() error {
	for i := range a.Row.Fields {
		f, v := &a.Row.Fields[i], &a.Vals[i]
		if !v.Set {
			if f.Required {
				return errs.Missing(f.Name)
			}
			continue
		}
		if err := v.check(f); err != nil {
			return err
		}
	}
	return nil
}

// check reports what of a field would be out of the stores' bounds.
func (v *Value) check(f *Field) error {
	switch f.Type {
	case KeyField, GuardField:
		return CheckKey(v.B)
	case QueueField:
		return CheckQueue(v.B)
	case RoomField:
		return CheckRoom(v.B)
	case KeyListField:
		for _, k := range v.List {
			if err := CheckKey(k); err != nil {
				return err
			}
		}
	case PairListField:
		for j := 0; j < len(v.List); j += 2 {
			if err := CheckKey(v.List[j]); err != nil {
				return err
			}
		}
	case ObjectListField:
		for j := range v.Commands {
			if err := v.Commands[j].Args.Validate(); err != nil {
				return InItem(err, f.Name, j)
			}
		}
	}
	return nil
}

// InItem says of an error which item of a list it is about; its kind stays.
func InItem(err error, field string, item int) error {
	return errs.Newf(errs.Of(err), "%s, in %s[%d]", err, field, item)
}

// declare tells tx which keys the command touches and adds up the bytes it brings.
func (a *Args) declare(tx *store.Tx, db uint8) (bytes int) {
	for i := range a.Row.Fields {
		v := &a.Vals[i]
		bytes += len(v.B)
		switch a.Row.Fields[i].Type {
		case KeyField, GuardField:
			if v.Set {
				tx.Keys.Declare(db, v.B)
			}
		case QueueField:
			if v.Set {
				tx.DeclareQueue(v.B)
			}
		case RoomField:
			if v.Set {
				tx.DeclareRoom(v.B)
			}
		case ObjectListField:
			for j := range v.Commands {
				bytes += v.Commands[j].Args.declare(tx, db) + perCommandBytes
			}
		case KeyListField:
			for _, key := range v.List {
				tx.Keys.Declare(db, key)
			}
		case PairListField:
			for j := 0; j < len(v.List); j += 2 {
				tx.Keys.Declare(db, v.List[j])
			}
		}
		for _, b := range v.List {
			bytes += len(b) + recordWordBytes
		}
	}
	return bytes
}

// The accessors below take the position of a field in its row's Fields.

// Has says whether field i was given.
func (a *Args) Has(i int) bool { return a.Vals[i].Set }

// Bytes is a key, string or value.
func (a *Args) Bytes(i int) []byte { return a.Vals[i].B }

// Bool is a flag; absent means false.
func (a *Args) Bool(i int) bool { return a.Vals[i].Bool }

// Int is a number, or def when absent.
func (a *Args) Int(i int, def int64) int64 {
	if !a.Vals[i].Set {
		return def
	}
	return a.Vals[i].Int
}

// List is a list of keys, or of keys and values in turn.
func (a *Args) List(i int) [][]byte { return a.Vals[i].List }
