package synapcmd

import (
	"encoding/json"
	"math"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
)

func writeRows() []*command.Row {
	return []*command.Row{{
		Name: "kv.set", Flags: grows,
		Summary: "Stores a value, on conditions and with a time to live if wanted.",
		Fields: []command.Field{keyField, valueField, ttlField,
			flag("nx", "Only if the key is absent."),
			flag("xx", "Only if the key exists."),
			flag("keepttl", "Keep the time to live of an existing key."),
			flag("get", "Return the old value as old_value."),
			{Name: "if_version", Type: command.UintField,
				Doc: "Only if the key has this version; 0: only if it is absent. Else an error."},
			flag("with_version", "Return the new version."),
			{Name: "expiry", Type: command.ValueField, Doc: `{"type", "value"}: a time to live ` +
				"in seconds or milliseconds, or a moment in unix_seconds or unix_milliseconds."},
		},
		Call: set,
		Routes: []command.Route{
			{Method: "POST", Path: "/kv/set", Call: setREST},
			{Method: "PUT", Path: "/kv/{key}", Call: setREST, Body: "value"},
		},
	}, {
		Name: "kv.getset", Flags: grows,
		Summary: "Stores a value and returns the one before, or null.",
		Fields:  []command.Field{keyField, valueField},
		Call: func(c *command.Ctx, a *command.Args) error {
			if e, found := c.Tx.Get(c.DB, a.Bytes(0)); found {
				text(c.Reply, e)
			} else {
				c.Reply.Null()
			}
			plan.Set(c.Tx, c.DB, a.Bytes(0), a.Bytes(1), plan.SetOptions{Flags: valueFlags(a, 1)})
			return nil
		},
		Routes: []command.Route{{Method: "POST", Path: "/kv/{key}/getset"}},
	}, {
		Name: "kv.del", Flags: writes,
		Summary: "Removes a key and says whether it was there.",
		Fields:  []command.Field{keyField},
		Call: func(c *command.Ctx, a *command.Args) error {
			return replyBool(c.Reply, "deleted", plan.Delete(c.Tx, c.DB, a.Bytes(0)))
		},
		Routes: []command.Route{
			{Method: "DELETE", Path: "/kv/del/{key}", Call: delREST},
			{Method: "DELETE", Path: "/kv/{key}", Call: delREST},
		},
	}}
}

// Positions of the fields of kv.set.
const (
	setKey = iota
	setValue
	setTTL
	setNX
	setXX
	setKeepTTL
	setGet
	setIfVersion
	setWithVersion
	setExpiry
)

// valueFlags are the flags a value is stored with.
func valueFlags(a *command.Args, field int) effect.Flag {
	if a.Vals[field].JSON {
		return effect.JSON
	}
	return 0
}

// setResult is what became of a kv.set.
type setResult struct {
	written bool
	version uint32
}

func set(c *command.Ctx, a *command.Args) error {
	o, err := setOptions(c, a)
	if err != nil {
		return err
	}
	if err := checkVersion(c, a); err != nil {
		return err
	}
	conditional := o.NX || o.XX
	pairs := 1
	for _, asked := range []bool{conditional || a.Bool(setGet), a.Bool(setGet),
		a.Bool(setWithVersion) || a.Has(setIfVersion)} {
		if asked {
			pairs++
		}
	}
	c.Reply.Map(pairs)
	c.Reply.Str("success")
	c.Reply.Bool(true)
	if a.Bool(setGet) {
		replyOld(c, a)
	}
	res := store(c, a, o)
	if conditional || a.Bool(setGet) {
		c.Reply.Str("written")
		c.Reply.Bool(res.written)
	}
	if a.Bool(setWithVersion) || a.Has(setIfVersion) {
		pairInt(c.Reply, "version", int64(res.version))
	}
	return nil
}

// setREST is set with the reply of the REST routes.
func setREST(c *command.Ctx, a *command.Args) error {
	o, err := setOptions(c, a)
	if err != nil {
		return err
	}
	if err := checkVersion(c, a); err != nil {
		return err
	}
	pairs := 3
	if a.Bool(setGet) {
		pairs++
	}
	if a.Bool(setWithVersion) || a.Has(setIfVersion) {
		pairs++
	}
	c.Reply.Map(pairs)
	c.Reply.Str("success")
	c.Reply.Bool(true)
	replyText(c.Reply, "key", a.Bytes(setKey))
	if a.Bool(setGet) {
		replyOld(c, a)
	}
	res := store(c, a, o)
	c.Reply.Str("written")
	c.Reply.Bool(res.written)
	if a.Bool(setWithVersion) || a.Has(setIfVersion) {
		pairInt(c.Reply, "version", int64(res.version))
	}
	return nil
}

// replyOld writes the value before the change: it must be read before the store is changed.
func replyOld(c *command.Ctx, a *command.Args) {
	c.Reply.Str("old_value")
	if e, found := c.Tx.Get(c.DB, a.Bytes(setKey)); found {
		typed(c.Reply, e)
	} else {
		c.Reply.Null()
	}
}

// store changes the key. The version is the present one if nothing was written, 0 without a key.
func store(c *command.Ctx, a *command.Args, o plan.SetOptions) setResult {
	version, written := plan.Set(c.Tx, c.DB, a.Bytes(setKey), a.Bytes(setValue), o)
	if !written {
		if e, found := c.Tx.Peek(c.DB, a.Bytes(setKey)); found {
			version = e.Version()
		}
	}
	return setResult{written, version}
}

// setOptions reads the conditions and the deadline.
func setOptions(c *command.Ctx, a *command.Args) (o plan.SetOptions, err error) {
	o = plan.SetOptions{NX: a.Bool(setNX), XX: a.Bool(setXX), KeepTTL: a.Bool(setKeepTTL),
		Flags: valueFlags(a, setValue)}
	expiry := a.Has(setExpiry) && string(a.Bytes(setExpiry)) != "null"
	switch {
	case o.NX && o.XX:
		return o, errs.Request("nx and xx exclude each other")
	case a.Has(setTTL) && expiry:
		return o, errs.Request("ttl and expiry exclude each other")
	case o.KeepTTL && (a.Has(setTTL) || expiry):
		return o, errs.Request("keepttl excludes ttl and expiry")
	case a.Has(setTTL):
		o.Deadline, err = after(c.Now, a.Int(setTTL, 0))
	case expiry:
		o.Deadline, err = expiryDeadline(c.Now, a.Bytes(setExpiry))
	}
	return o, err
}

// after is the deadline of a time to live in seconds.
func after(now, seconds int64) (int64, error) {
	if seconds <= 0 {
		return 0, errs.New(errs.InvalidTTL, "Invalid TTL: it must be at least 1 second; "+
			"leave it out for a value that lives forever")
	}
	return deadline(now, seconds, 1000)
}

// maxDeadline is far enough for anybody (the year 287396) and safe to add to.
const maxDeadline = math.MaxInt64 >> 10

// deadline is base + n units, in ms since the Unix epoch, if that can be represented.
func deadline(base, n, unit int64) (int64, error) {
	if n > (maxDeadline-base)/unit {
		return 0, errs.New(errs.InvalidTTL, "Invalid TTL: it is too large")
	}
	return base + n*unit, nil
}

// expiryDeadline reads the object of the expiry field.
func expiryDeadline(now int64, object []byte) (int64, error) {
	var x struct {
		Type  string `json:"type"`
		Value *int64 `json:"value"`
	}
	if json.Unmarshal(object, &x) != nil || x.Value == nil {
		return 0, errs.New(errs.InvalidTTL,
			`Invalid TTL: expiry must be {"type": …, "value": a whole number}`)
	}
	base, unit := int64(0), int64(1)
	switch x.Type {
	case "seconds":
		base, unit = now, 1000
	case "milliseconds":
		base = now
	case "unix_seconds":
		unit = 1000
	case "unix_milliseconds":
	default:
		return 0, errs.New(errs.InvalidTTL, "Invalid TTL: the type of expiry must be seconds, "+
			"milliseconds, unix_seconds or unix_milliseconds")
	}
	if *x.Value <= 0 {
		return 0, errs.New(errs.InvalidTTL, "Invalid TTL: it must be positive")
	}
	return deadline(base, *x.Value, unit)
}

func delREST(c *command.Ctx, a *command.Args) error {
	deleted := plan.Delete(c.Tx, c.DB, a.Bytes(0))
	c.Reply.Map(2)
	c.Reply.Str("deleted")
	c.Reply.Bool(deleted)
	replyText(c.Reply, "key", a.Bytes(0))
	return nil
}
