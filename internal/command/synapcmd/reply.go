package synapcmd

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/store/kv"
)

// largeForms is what a Reply may know beside Large, so that big values are never copied or
// translated under a lock.
type largeForms interface {
	// LargeBytes is Bytes for a retained value.
	LargeBytes(*kv.Large)
	// LargeJSON is JSON for a retained value.
	LargeJSON(*kv.Large)
}

// text replies with a value as a string, whatever it was given as.
func text(r command.Reply, e kv.Entry) {
	if l, ok := e.Large(); ok {
		r.Large(l)
		return
	}
	r.Text(e.Value())
}

// typed replies with a value as the JSON it was given as.
func typed(r command.Reply, e kv.Entry) {
	if e.Flags()&effect.JSON == 0 {
		text(r, e)
		return
	}
	if forms, ok := r.(largeForms); ok {
		if l, ok := e.Large(); ok {
			forms.LargeJSON(l)
			return
		}
	}
	r.JSON(e.Value())
}

// binary replies with a value as bytes.
func binary(r command.Reply, e kv.Entry) {
	if forms, ok := r.(largeForms); ok {
		if l, ok := e.Large(); ok {
			forms.LargeBytes(l)
			return
		}
	}
	r.Bytes(e.Value())
}

// The replies of one name and one value, and a few more of fixed shape.

func replyBool(r command.Reply, name string, b bool) error {
	r.Map(1)
	r.Str(name)
	r.Bool(b)
	return nil
}

func replyInt(r command.Reply, name string, n int64) error {
	r.Map(1)
	r.Str(name)
	r.Int(n)
	return nil
}

func replyText(r command.Reply, name string, text []byte) {
	r.Str(name)
	r.Text(text)
}

func pairStr(r command.Reply, name, value string) {
	r.Str(name)
	r.Str(value)
}

func pairInt(r command.Reply, name string, n int64) {
	r.Str(name)
	r.Int(n)
}
