package plan

import (
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

// GrowForFields makes the string under key long enough for every writing op, as BITFIELD does
// even where an op then fails. Error: ErrTooLarge.
func GrowForFields(tx *kv.Tx, db uint8, key []byte, ops []FieldOp) error {
	var need int64
	for i := range ops {
		if ops[i].Kind != GetField {
			need = max(need, ops[i].end())
		}
	}
	if need > kv.MaxValueBytes {
		return ErrTooLarge
	}
	e, found := tx.Peek(db, key)
	if need == 0 || found && int64(e.Len()) >= need {
		return nil
	}
	patch(tx, db, key, e, found, int(need-1), []byte{0})
	return nil
}

// Field runs op. ok is false if it failed by overflow. The string must be long enough for a
// writing op: see GrowForFields.
func Field(tx *kv.Tx, db uint8, key []byte, op *FieldOp) (result int64, ok bool) {
	e, found := tx.Peek(db, key)
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
	if next != old {
		op.write(tx, db, key, e, value, next)
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

// write patches the bytes the field touches.
func (op *FieldOp) write(tx *kv.Tx, db uint8, key []byte, e kv.Entry, value []byte, next int64) {
	w, offset := op.window(value)
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
	patch(tx, db, key, e, true, offset, w[:touched])
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
