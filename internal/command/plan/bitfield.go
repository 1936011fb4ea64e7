package plan

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
)

// FieldKind is what a FieldOp does.
type FieldKind uint8

// The kinds of FieldOp.
const (
	GetField  FieldKind = iota // the result is the field
	SetField                   // stores Operand; the result is the old field
	IncrField                  // adds Operand; the result is the new field
)

// Overflow says what becomes of a result that does not fit into its field.
type Overflow uint8

// The ways to overflow.
const (
	Wrap     Overflow = iota // keep the low bits
	Saturate                 // take the nearest number that fits
	Fail                     // change nothing; the op has no result
)

// FieldOp is one operation on an integer of Width bits at bit number At of a string.
type FieldOp struct {
	Kind     FieldKind
	Overflow Overflow
	Signed   bool
	Width    uint8 // bits: 1..64 signed, 1..63 unsigned
	At       int64 // 0 or more
	Operand  int64
}

// end is the number of bytes a string needs to hold the field.
func (op *FieldOp) end() int64 { return (op.At + int64(op.Width) + 7) >> 3 }

// Fields runs operations on one string, as BITFIELD does. They are one change to those who watch
// the key: the first effect says BySetBit, the others ByBitfieldRest. Make it with NewFields.
type Fields struct {
	tx   *kv.Tx
	db   uint8
	key  []byte
	need int64 // bytes, for every op that writes
	told bool
}

// NewFields prepares for ops, which are then Run. Error: ErrTooLarge.
func NewFields(tx *kv.Tx, db uint8, key []byte, ops []FieldOp) (Fields, error) {
	f := Fields{tx: tx, db: db, key: key}
	for i := range ops {
		if ops[i].Kind != GetField {
			f.need = max(f.need, ops[i].end())
		}
	}
	if f.need > kv.MaxValueBytes {
		return f, ErrTooLarge
	}
	return f, nil
}

// Close makes the string as long as the ops that write need it even if all of them failed.
func (f *Fields) Close() {
	f.told = true // it does not count
	e, found := f.tx.Peek(f.db, f.key)
	f.grow(e, found)
}

// grow makes the string long enough, and says whether it was not: then e is no longer good.
func (f *Fields) grow(e kv.Entry, found bool) bool {
	if f.need == 0 || found && int64(e.Len()) >= f.need {
		return false
	}
	patch(f.tx, target{f.db, f.key, e, found, f.cause()}, int(f.need-1), []byte{0})
	return true
}

func (f *Fields) cause() effect.Cause {
	if f.told {
		return effect.ByBitfieldRest
	}
	f.told = true
	return effect.BySetBit
}

// Run runs op. ok is false if it failed by overflow.
func (f *Fields) Run(op *FieldOp) (result int64, ok bool) {
	e, found := f.tx.Peek(f.db, f.key)
	var value []byte
	if found {
		value = e.Value()
	}
	old := op.read(value)
	if op.Kind == GetField {
		return old, true
	}
	base, by := op.Operand, int64(0)
	if op.Kind == IncrField {
		base, by = old, op.Operand
	}
	next, fits := op.add(base, by)
	if !fits && op.Overflow == Fail {
		return 0, false
	}
	if f.grow(e, found) {
		e, _ = f.tx.Peek(f.db, f.key)
	}
	if next != old {
		f.write(op, e, next)
	}
	if op.Kind == SetField {
		return old, true
	}
	return next, true
}

// window is the bytes around the field: a field of 64 bits may touch nine.
func (op *FieldOp) window(value []byte) (w [9]byte, offset int) {
	if first := op.At >> 3; first < int64(len(value)) {
		copy(w[:], value[first:])
	}
	return w, int(op.At >> 3)
}

// read extracts the field; bits beyond the end of value are 0.
func (op *FieldOp) read(value []byte) int64 {
	w, _ := op.window(value)
	var field uint64
	at := int(op.At & 7)
	for i := at; i < at+int(op.Width); i++ {
		field = field<<1 | uint64(w[i>>3]>>(7-i&7))&1
	}
	return op.signed(field)
}

// write patches the bytes that the field of op touches; the string is long enough.
func (f *Fields) write(op *FieldOp, e kv.Entry, next int64) {
	w, offset := op.window(e.Value())
	at := int(op.At & 7)
	for i := at + int(op.Width) - 1; i >= at; i-- {
		mask := byte(1) << (7 - i&7)
		w[i>>3] &^= mask
		if next&1 == 1 {
			w[i>>3] |= mask
		}
		next >>= 1
	}
	touched := (at + int(op.Width) + 7) >> 3
	patch(f.tx, target{f.db, f.key, e, true, f.cause()}, offset, w[:touched])
}

// signed reads the low Width bits of field as the field's type does.
func (op *FieldOp) signed(field uint64) int64 {
	unused := 64 - op.Width
	if op.Signed {
		return int64(field<<unused) >> unused
	}
	return int64(field << unused >> unused)
}

// add is base + by in the field's type. If that does not fit, it is what Overflow makes of it.
func (op *FieldOp) add(base, by int64) (sum int64, fits bool) {
	lowest, highest := int64(0), int64(1)<<op.Width-1
	if op.Signed {
		highest = int64(uint64(1)<<(op.Width-1) - 1)
		lowest = -highest - 1
	}
	sum = base + by
	wrappedUp := by > 0 && sum < base
	wrappedDown := by < 0 && sum > base
	// SET reads its operand as unsigned for an unsigned field: -1 is far above, not below.
	above := wrappedUp || !wrappedDown && sum > highest || !op.Signed && base < 0
	below := wrappedDown || !wrappedUp && sum < lowest
	if !above && !below {
		return sum, true
	}
	switch {
	case op.Overflow != Saturate:
		return op.signed(uint64(sum)), false
	case above:
		return highest, false
	}
	return lowest, false
}
