package errs_test

import (
	"fmt"
	"testing"

	"github.com/synapdb/synap/internal/errs"
)

func TestTextsAndStatusesOfTheContract(t *testing.T) {
	for _, c := range []struct {
		err    *errs.Error
		text   string
		code   string
		status int
	}{
		{errs.Request("why"), "Invalid request: why", "bad_request", 400},
		{errs.Missing("key"), "Invalid request: Missing 'key' field", "missing_field", 400},
		{errs.Value("why"), "Invalid value: why", "bad_value", 400},
		{errs.NoKey([]byte("k")), "Key not found: k", "key_not_found", 404},
		{errs.New(errs.KeyExpired, "Key expired"), "Key expired", "key_expired", 410},
		{errs.Newf(errs.MemoryLimit, "Memory limit exceeded"), "Memory limit exceeded",
			"memory_limit", 507},
		{errs.New(errs.Storage, "disk full"), "disk full", "storage", 507},
		{errs.New(errs.Loading, "LOADING"), "LOADING", "loading", 503},
	} {
		if c.err.Error() != c.text || c.err.Kind.Code() != c.code ||
			c.err.Kind.HTTPStatus() != c.status {
			t.Errorf("got %q %s %d, want %q %s %d", c.err, c.err.Kind.Code(),
				c.err.Kind.HTTPStatus(), c.text, c.code, c.status)
		}
	}
}

func TestKindSurvivesWrapping(t *testing.T) {
	wrapped := fmt.Errorf("while reading: %w", errs.Missing("key"))
	if got := errs.Of(wrapped); got != errs.MissingField {
		t.Errorf("kind of a wrapped error is %v", got.Code())
	}
	if got := errs.Of(fmt.Errorf("unknown")); got != errs.Internal {
		t.Errorf("kind of a foreign error is %v", got.Code())
	}
}
