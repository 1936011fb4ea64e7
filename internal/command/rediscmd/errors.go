package rediscmd

import (
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/errs"
)

// Failures worded as Redis words them.
var (
	errSyntax     = errs.New(errs.Redis, "ERR syntax error")
	errInteger    = errs.New(errs.Redis, "ERR value is not an integer or out of range")
	errFloat      = errs.New(errs.Redis, "ERR value is not a valid float")
	errNotFinite  = errs.New(errs.Redis, "ERR increment would produce NaN or Infinity")
	errOverflow   = errs.New(errs.Redis, "ERR increment or decrement would overflow")
	errDecrement  = errs.New(errs.Redis, "ERR decrement would overflow")
	errNoKey      = errs.New(errs.Redis, "ERR no such key")
	errOffset     = errs.New(errs.Redis, "ERR offset is out of range")
	errSameObject = errs.New(errs.Redis, "ERR source and destination objects are the same")
	errDatabase   = errs.New(errs.Redis, "ERR DB index is out of range")
	errCursor     = errs.New(errs.Redis, "ERR invalid cursor")
	errMemory     = errs.New(errs.Redis,
		"OOM command not allowed when used memory > 'maxmemory'.")
	errInt32 = errs.New(errs.Redis,
		"ERR value is out of range, value must between -2147483648 and 2147483647")
	errTooLarge = errs.New(errs.Redis,
		"ERR string exceeds maximum allowed size (proto-max-bulk-len)")
)

// wordings are Redis' words for the failures of plans.
var wordings = map[error]error{
	plan.ErrNotInteger: errInteger,
	plan.ErrOverflow:   errOverflow,
	plan.ErrNotFloat:   errFloat,
	plan.ErrNotFinite:  errNotFinite,
	plan.ErrTooLarge:   errTooLarge,
	plan.ErrNoKey:      errNoKey,
}

// worded translates a failure of a plan.
func worded(err error) error {
	if words, ok := wordings[err]; ok {
		return words
	}
	return err
}

func errExpireTime(command string) error {
	return errs.Newf(errs.Redis, "ERR invalid expire time in '%s' command", command)
}

func errArity(command string) error {
	return errs.Newf(errs.Redis, "ERR wrong number of arguments for '%s' command", command)
}
