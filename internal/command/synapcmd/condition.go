package synapcmd

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/errs"
)

func conditionRows() []*command.Row {
	return []*command.Row{{
		Name: "kv.cas", Flags: grows,
		Summary: "Stores a value if the present one, or its version, is what the caller expects.",
		Fields: []command.Field{keyField,
			{Name: "expected", Type: command.ValueField,
				Doc: "The present value, compared byte for byte; null: the key is absent."},
			{Name: "version", Type: command.UintField,
				Doc: "The present version; 0: the key is absent."},
			valueField, ttlField,
			flag("keepttl", "Keep the time to live of an existing key."),
		},
		Call: cas,
	}}
}

// Positions of the fields of kv.cas.
const (
	casKey = iota
	casExpected
	casVersion
	casValue
	casTTL
	casKeepTTL
)

func cas(c *command.Ctx, a *command.Args) error {
	if !a.Has(casExpected) && !a.Has(casVersion) {
		return errs.Missing("expected")
	}
	o := plan.SetOptions{KeepTTL: a.Bool(casKeepTTL), Flags: valueFlags(a, casValue)}
	if a.Has(casTTL) {
		if o.KeepTTL {
			return errs.Request("keepttl excludes ttl")
		}
		var err error
		if o.Deadline, err = after(c.Now, a.Int(casTTL, 0)); err != nil {
			return err
		}
	}
	if a.Has(casExpected) {
		if err := compare(c, a); err != nil {
			return err
		}
	}
	if a.Has(casVersion) {
		if err := plan.CheckVersion(c.Tx, c.DB, a.Bytes(casKey), a.Int(casVersion, 0)); err != nil {
			return err
		}
	}
	version, _ := plan.Set(c.Tx, c.DB, a.Bytes(casKey), a.Bytes(casValue), o)
	c.Reply.Map(2)
	c.Reply.Str("success")
	c.Reply.Bool(true)
	pairInt(c.Reply, "version", int64(version))
	return nil
}

// compare fails unless the key's value is the expected one.
func compare(c *command.Ctx, a *command.Args) error {
	want := a.Bytes(casExpected)
	absent := a.Vals[casExpected].JSON && string(want) == "null"
	e, found := c.Tx.Peek(c.DB, a.Bytes(casKey))
	if !found && absent || found && !absent && bytes.Equal(e.Value(), want) {
		return nil
	}
	actual := "null"
	if found {
		actual = excerpt(e.Value())
	}
	return plan.CASFailed(excerpt(want), actual)
}

// checkVersion turns the if_version of kv.set into an error: unlike nx and xx, which are
// questions, a version is a claim, and a claim that fails must also fail an atomic batch.
func checkVersion(c *command.Ctx, a *command.Args) error {
	if !a.Has(setIfVersion) {
		return nil
	}
	return plan.CheckVersion(c.Tx, c.DB, a.Bytes(setKey), a.Int(setIfVersion, 0))
}

// excerpt is at most 128 bytes of a value, for an error text.
func excerpt(b []byte) string {
	if !utf8.Valid(b) {
		return fmt.Sprintf("<binary data: %d bytes>", len(b))
	}
	const most = 128
	if len(b) <= most {
		return string(b)
	}
	cut := most
	for !utf8.RuneStart(b[cut]) {
		cut--
	}
	return string(b[:cut]) + "…"
}
