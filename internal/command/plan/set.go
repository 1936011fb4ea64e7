package plan

import (
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
)

// SetOptions say under which conditions and how a value is stored. The zero value stores it
// unconditionally, without a deadline.
type SetOptions struct {
	NX bool // only if the key is absent
	XX bool // only if the key exists
	// IfVersion, unless 0, is the version the key must have.
	IfVersion uint32
	// KeepTTL keeps the deadline of an existing key; Deadline is then ignored.
	KeepTTL bool
	// Deadline is in ms since the Unix epoch; 0 means never. One in the past stores a value that
	// no reader sees.
	Deadline int64
	Flags    effect.Flag
}

// Set stores value under key if the options allow it, and returns the key's new version. A caller
// that wants the old value looks at it (Peek) before.
func Set(tx *kv.Tx, db uint8, key, value []byte, o SetOptions) (version uint32, stored bool) {
	var cause effect.Cause
	if o.NX || o.XX || o.KeepTTL || o.IfVersion != 0 {
		e, found := tx.Peek(db, key)
		if found && o.NX || !found && (o.XX || o.IfVersion != 0) {
			return 0, false
		}
		if found && o.IfVersion != 0 && e.Version() != o.IfVersion {
			return e.Version(), false
		}
		if o.KeepTTL {
			o.Deadline = 0
			if found && e.Deadline() != 0 {
				o.Deadline, cause = e.Deadline(), effect.ByKeepTTL
			}
		}
	}
	return tx.Apply(effect.Effect{
		Kind: effect.Set, DB: db, Flags: o.Flags, Deadline: o.Deadline, Key: key, Value: value,
		Cause: cause,
	}), true
}

// AnyExists says whether one of every step-th word of words, from the first on, is a live key:
// the condition of MSETNX, whose words are key, value, key, value …
func AnyExists(tx *kv.Tx, db uint8, words [][]byte, step int) bool {
	for i := 0; i < len(words); i += step {
		if _, found := tx.Peek(db, words[i]); found {
			return true
		}
	}
	return false
}

// Delete removes key and says whether it was there.
func Delete(tx *kv.Tx, db uint8, key []byte) bool {
	if _, found := tx.Peek(db, key); !found {
		return false
	}
	tx.Apply(effect.Effect{Kind: effect.Delete, DB: db, Key: key})
	return true
}
