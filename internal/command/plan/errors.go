package plan

import (
	"errors"

	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
)

// Why a plan came to nothing. A dialect translates them into its own words by ==.
var (
	// ErrNotInteger says that the stored value is not a signed 64-bit decimal number.
	ErrNotInteger = errors.New("value is not an integer")
	// ErrOverflow says that the result would not fit into a signed 64-bit number.
	ErrOverflow = errors.New("integer overflow")
	// ErrNotFloat says that the stored value or the increment is not a number.
	ErrNotFloat = errors.New("value is not a number")
	// ErrNotFinite says that the result would be infinite or not a number.
	ErrNotFinite = errors.New("result is not finite")
	// ErrTooLarge says that the value would be over kv.MaxValueBytes.
	ErrTooLarge = errors.New("value is too large")
	// ErrNoKey says that the source key is absent.
	ErrNoKey = errors.New("no such key")
	// ErrExists says that the destination key exists and may not be replaced.
	ErrExists = errors.New("destination exists")
)

// unasked is how long a record may be with a value that a plan made itself without asking: the
// journal leaves more than that free.
const unasked = 64 << 10

// admitted says why the journal can't take a value that a plan made itself, or nil. The engine has
// asked for the command's arguments only.
func admitted(tx *kv.Tx, value []byte) error {
	if tx.Recorded()+len(value) <= unasked {
		return nil
	}
	if err := tx.Admit(len(value)); err != nil {
		return errs.New(errs.Storage, err.Error())
	}
	return nil
}
