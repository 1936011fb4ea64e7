package synapcmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/plan"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
)

func manyRows() []*command.Row {
	keys := command.Field{
		Name: "keys", Type: command.KeyListField, Required: true, Doc: "The keys.",
	}
	pairs := command.Field{
		Name: "pairs", Type: command.PairListField, Required: true,
		Doc: "{key, value} objects or [key, value] arrays.",
	}
	optional := pairs
	optional.Required = false
	return []*command.Row{{
		Name: "kv.mget", Flags: command.Read,
		Summary: "Returns many values in order, each as the JSON it was given as.",
		Fields:  []command.Field{keys}, Call: mget,
	}, {
		Name: "kv.mset", Flags: command.Write | command.Grows,
		Summary: "Stores many values at once.",
		Fields:  []command.Field{pairs},
		Call: func(c *command.Ctx, a *command.Args) error {
			storePairs(c, a, 0)
			return replyBool(c.Reply, "success", true)
		},
	}, {
		Name: "kv.mdel", Flags: command.Write,
		Summary: "Removes many keys and counts those that were there.",
		Fields:  []command.Field{keys},
		Call: func(c *command.Ctx, a *command.Args) error {
			var n int64
			for _, key := range a.List(0) {
				if plan.Delete(c.Tx, c.DB, key) {
					n++
				}
			}
			return replyInt(c.Reply, "deleted", n)
		},
	}, {
		Name: "kv.msetnx", Flags: command.Write | command.Grows,
		Summary: "Stores many values if none of their keys exists; one pair may stand alone.",
		Fields: []command.Field{optional,
			{Name: "key", Type: command.KeyField, Doc: "The key of a single pair."},
			{Name: "value", Type: command.ValueField, Doc: "The value of a single pair."},
		},
		Call:   msetnx,
		Routes: []command.Route{{Method: "POST", Path: "/kv/msetnx"}},
	}}
}

func mget(c *command.Ctx, a *command.Args) error {
	c.Reply.Map(1)
	c.Reply.Str("values")
	c.Reply.Array(len(a.List(0)))
	for _, key := range a.List(0) {
		if e, found := c.Tx.Get(c.DB, key); found {
			typed(c.Reply, e)
		} else {
			c.Reply.Null()
		}
	}
	return nil
}

// storePairs stores every pair of a PairListField.
func storePairs(c *command.Ctx, a *command.Args, field int) {
	v := &a.Vals[field]
	for i := 0; i < len(v.List); i += 2 {
		o := plan.SetOptions{}
		if v.ListJSON[i/2] {
			o.Flags = effect.JSON
		}
		plan.Set(c.Tx, c.DB, v.List[i], v.List[i+1], o)
	}
}

func msetnx(c *command.Ctx, a *command.Args) error {
	if a.Has(0) {
		free := !plan.AnyExists(c.Tx, c.DB, a.List(0), 2)
		if free {
			storePairs(c, a, 0)
		}
		return replyBool(c.Reply, "success", free)
	}
	if !a.Has(1) || !a.Has(2) {
		return errs.Missing("pairs")
	}
	o := plan.SetOptions{NX: true, Flags: valueFlags(a, 2)}
	_, stored := plan.Set(c.Tx, c.DB, a.Bytes(1), a.Bytes(2), o)
	return replyBool(c.Reply, "success", stored)
}
