package plan

import (
	"bytes"

	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
)

// Place is a key of a database.
type Place struct {
	DB  uint8
	Key []byte
}

func (p Place) is(q Place) bool { return p.DB == q.DB && bytes.Equal(p.Key, q.Key) }

// Rename moves value, flags and deadline from one place to another and removes the source. Without
// replace an existing destination is an error; a place renamed to itself exists. Errors: ErrNoKey,
// ErrExists, or errs.Storage.
func Rename(tx *kv.Tx, from, to Place, replace bool) error {
	if from.is(to) {
		if _, found := tx.Peek(from.DB, from.Key); !found {
			return ErrNoKey
		}
		if !replace {
			return ErrExists
		}
		return nil
	}
	leaves, comes := effect.ByRenameFrom, effect.ByRenameTo
	if from.DB != to.DB {
		leaves, comes = effect.ByMoveFrom, effect.ByMoveTo
	}
	if err := transfer(tx, from, to, replace, comes); err != nil {
		return err
	}
	tx.Apply(effect.Effect{Kind: effect.Delete, DB: from.DB, Key: from.Key, Cause: leaves})
	return nil
}

// Copy stores value, flags and deadline of one place under another, different one. Without
// replace an existing destination is an error. Errors: ErrNoKey, ErrExists, or
// errs.Storage.
func Copy(tx *kv.Tx, from, to Place, replace bool) error {
	return transfer(tx, from, to, replace, effect.ByCopyTo)
}

func transfer(tx *kv.Tx, from, to Place, replace bool, cause effect.Cause) error {
	e, found := tx.Peek(from.DB, from.Key)
	if !found {
		return ErrNoKey
	}
	if _, exists := tx.Peek(to.DB, to.Key); exists && !replace {
		return ErrExists
	}
	if err := admitted(tx, e.Value()); err != nil {
		return err
	}
	tx.Apply(effect.Effect{
		Kind: effect.Set, DB: to.DB, Flags: e.Flags(), Deadline: e.Deadline(), Key: to.Key,
		Value: e.Value(), Cause: cause,
	})
	return nil
}
