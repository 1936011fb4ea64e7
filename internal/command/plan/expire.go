package plan

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
)

// Condition is a set of conditions on the deadline a key has before it is moved.
type Condition uint8

// The conditions of Expire. A key without a deadline counts as one that never expires.
const (
	IfNone    Condition = 1 << iota // NX: it has no deadline
	IfAny                           // XX: it has a deadline
	IfLater                         // GT: the new deadline is later than the present one
	IfEarlier                       // LT: the new deadline is earlier than the present one
)

// Expire moves the deadline of key to deadline, in ms since the Unix epoch, and says whether it
// did. A deadline that is not in the future removes the key at once.
func Expire(tx *kv.Tx, db uint8, key []byte, deadline int64, when Condition) bool {
	e, found := tx.Peek(db, key)
	if !found || !when.holds(e.Deadline(), deadline) {
		return false
	}
	if deadline <= tx.Now() {
		tx.Apply(effect.Effect{Kind: effect.Delete, DB: db, Key: key})
		return true
	}
	tx.Apply(effect.Effect{Kind: effect.Deadline, DB: db, Key: key, Deadline: deadline})
	return true
}

func (c Condition) holds(present, next int64) bool {
	switch {
	case c&IfNone != 0 && present != 0,
		c&IfAny != 0 && present == 0,
		c&IfLater != 0 && (present == 0 || next <= present),
		c&IfEarlier != 0 && present != 0 && next >= present:
		return false
	}
	return true
}

// Persist removes the deadline of key and says whether there was one.
func Persist(tx *kv.Tx, db uint8, key []byte) bool {
	e, found := tx.Peek(db, key)
	if !found || e.Deadline() == 0 {
		return false
	}
	tx.Apply(effect.Effect{Kind: effect.Deadline, DB: db, Key: key})
	return true
}
