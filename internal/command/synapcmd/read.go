package synapcmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
)

func readRows() []*command.Row {
	return []*command.Row{{
		Name: "kv.get", Flags: reads,
		Summary: "Returns a value, or null.",
		Fields: []command.Field{keyField,
			{Name: "type", Type: command.StringField, Doc: `"string" (default) or "bytes".`},
			flag("with_version", "Return {value, version, ttl} instead of the value alone."),
		},
		Call: get,
		Routes: []command.Route{
			{Method: "GET", Path: "/kv/get/{key}", Call: getREST},
			{Method: "GET", Path: "/kv/{key}", Call: getRaw, Raw: true},
		},
	}, {
		Name: "kv.exists", Flags: reads,
		Summary: "Says whether a key exists.",
		Fields:  []command.Field{keyField},
		Call: func(c *command.Ctx, a *command.Args) error {
			_, found := c.Tx.Peek(c.DB, a.Bytes(0))
			return replyBool(c.Reply, "exists", found)
		},
	}, {
		Name: "kv.strlen", Flags: reads,
		Summary: "Returns the length of a value in bytes, 0 if there is none.",
		Fields:  []command.Field{keyField},
		Call: func(c *command.Ctx, a *command.Args) error {
			length := 0
			if e, found := c.Tx.Get(c.DB, a.Bytes(0)); found {
				length = e.Len()
			}
			return replyInt(c.Reply, "length", int64(length))
		},
		Routes: []command.Route{{Method: "GET", Path: "/kv/{key}/strlen"}},
	}}
}

// Positions of the fields of kv.get.
const (
	getKey = iota
	getType
	getVersion
)

// form reads the type field of kv.get: how the value is written.
func form(a *command.Args) (func(command.Reply, kv.Entry), error) {
	if !a.Has(getType) {
		return text, nil
	}
	switch string(a.Bytes(getType)) {
	case "string":
		return text, nil
	case "bytes":
		return binary, nil
	}
	return nil, errs.Value(`type must be "string" or "bytes"`)
}

func get(c *command.Ctx, a *command.Args) error {
	write, err := form(a)
	if err != nil {
		return err
	}
	e, found := c.Tx.Get(c.DB, a.Bytes(getKey))
	switch {
	case !found:
		c.Reply.Null()
	case a.Bool(getVersion):
		c.Reply.Map(3)
		c.Reply.Str("value")
		write(c.Reply, e)
		pairInt(c.Reply, "version", int64(e.Version()))
		c.Reply.Str("ttl")
		replyTTL(c, e)
	default:
		write(c.Reply, e)
	}
	return nil
}

// getREST is get, but an absent key is an object with an error, under status 200.
func getREST(c *command.Ctx, a *command.Args) error {
	if _, found := c.Tx.Peek(c.DB, a.Bytes(getKey)); !found {
		c.Tx.Get(c.DB, a.Bytes(getKey)) // a miss like any other
		c.Reply.Map(1)
		pairStr(c.Reply, "error", "Key not found")
		return nil
	}
	return get(c, a)
}

// getRaw writes the value alone; an absent key is an error.
func getRaw(c *command.Ctx, a *command.Args) error {
	e, found := c.Tx.Get(c.DB, a.Bytes(getKey))
	if !found {
		return errs.NoKey(a.Bytes(getKey))
	}
	typed(c.Reply, e)
	return nil
}

// replyTTL writes the remaining seconds, rounded up so that a living key never shows 0, or null.
func replyTTL(c *command.Ctx, e kv.Entry) {
	if e.Deadline() == 0 {
		c.Reply.Null()
		return
	}
	c.Reply.Int((e.Deadline() - c.Now + 999) / 1000)
}
