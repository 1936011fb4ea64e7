package synapcmd

import (
	"errors"

	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
)

var (
	errNotInteger = errs.Value("Value is not a valid integer")
	errTooLarge   = errs.Newf(errs.TooLarge,
		"Invalid value: the result would be over the limit of %d bytes", kv.MaxValueBytes)
	errTaken    = errs.Request("Destination key already exists")
	errNoTaking = errs.Request("Destination key already exists and replace=false")
	errSameKey  = errs.Request("source and destination are the same key")
	errCursor   = errs.Request("Invalid cursor")
	errFlush    = errs.Request("FLUSHDB is disabled. " +
		"Set kv_store.allow_flush_commands to true to allow it over HTTP.")
)

// worded translates a failure of a plan that touched key.
func worded(err error, key []byte) error {
	switch {
	case errors.Is(err, plan.ErrNotInteger):
		return errNotInteger
	case errors.Is(err, plan.ErrTooLarge):
		return errTooLarge
	case errors.Is(err, plan.ErrNoKey):
		return errs.NoKey(key)
	}
	return err
}
