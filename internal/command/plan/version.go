package plan

import (
	"fmt"

	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
)

// CheckVersion fails with CASFailed unless a key has a version; 0 is that of an absent key.
func CheckVersion(tx *kv.Tx, db uint8, key []byte, want int64) error {
	var actual int64
	if e, found := tx.Peek(db, key); found {
		actual = int64(e.Version())
	}
	if actual == want {
		return nil
	}
	return CASFailed(fmt.Sprintf("version %d", want), fmt.Sprintf("version %d", actual))
}

// CASFailed says, in the contract's words, that a comparison did not hold.
func CASFailed(expected, actual string) error {
	return errs.New(errs.CASFailed,
		"CAS failed - expected: "+expected+", actual: "+actual)
}
