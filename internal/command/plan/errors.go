package plan

import "errors"

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
