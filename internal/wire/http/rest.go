package httpwire

import (
	"bytes"
	"errors"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/effect"
	"github.com/synapdb/synap/internal/errs"
)

// serveRoute runs a command by one of its REST routes.
func (h *Handler) serveRoute(x *exchange, e *endpoint) {
	if status, err := x.readRoute(e); err != nil {
		x.failure(status, err.Error())
		return
	}
	run := e.row.Call
	if e.route.Call != nil {
		run = e.route.Call
	}
	r := x.reply()
	if e.route.Raw {
		r = &x.raw
	}
	err := h.engine.CallAs(x.session, &x.args, run, e.row.Flags, r)
	x.session.Level = command.DefaultLevel // a batch may have changed it
	if x.session.Parked() {
		return
	}
	if err == nil && x.over() {
		err = errOver
	}
	switch {
	case err != nil:
		x.failure(errs.Of(err).HTTPStatus(), err.Error())
	case e.route.Raw:
		x.takeRaw()
	default:
		x.take()
	}
}

// takeRaw makes one value's bytes the answer. Browsers must not guess at what they are.
func (x *exchange) takeRaw() {
	x.raw.finish()
	x.body, x.large, x.ctype = x.raw.buf, x.raw.value, x.raw.ctype
	x.raw.value = nil
	x.header("X-Content-Type-Options", "nosniff")
}

// readRoute fills x.args from body, path and query, the later ones winning. status belongs to err.
func (x *exchange) readRoute(e *endpoint) (status int, err error) {
	x.args.Reset(e.row)
	switch {
	case e.body >= 0:
		if status, err := x.rawBody(e); err != nil {
			return status, err
		}
	case e.method == "POST" || e.method == "PUT":
		if status, err := x.bodyFields(e); err != nil {
			return status, err
		}
	}
	if err := x.queryFields(e.row); err != nil {
		return 400, err
	}
	for i := range x.params.n {
		at := e.fields[i]
		text, ok := x.decoded(x.params.seg[i], false)
		if !ok {
			return 400, errs.Request("bad percent-encoding in the path")
		}
		clearValue(&x.args.Vals[at])
		x.dec.word(&e.row.Fields[at], &x.args.Vals[at], text)
	}
	if x.dec.fault != nil {
		return errs.Of(x.dec.fault).HTTPStatus(), x.dec.fault
	}
	if err := x.args.Validate(); err != nil {
		return errs.Of(err).HTTPStatus(), err
	}
	return 0, nil
}

func (x *exchange) rawBody(e *endpoint) (int, error) {
	v := &x.args.Vals[e.body]
	v.Set, v.B = true, x.req.body
	if most := x.dec.limits.ValueBytes; most > 0 && len(v.B) > most {
		return 413, errs.Newf(errs.TooLarge,
			"Invalid request: value is %d bytes long; the limit is %d", len(v.B), most)
	}
	return 0, nil
}

func (x *exchange) bodyFields(e *endpoint) (int, error) {
	if len(x.req.body) == 0 { // what is missing is told by the fields themselves
		return 0, nil
	}
	body, ok := bodyEncoding(x.req.contentType)
	if !ok {
		return 415, errs.Request("Content-Type must be application/json or application/msgpack")
	}
	src := x.source(body)
	k, err := src.kind()
	switch {
	case err != nil:
	case k == kindObject:
		err = x.dec.payload(src, &x.args, e.row)
	default:
		err = src.skip() // what begins like null may not be JSON at all
	}
	if err == nil {
		err = src.end()
	}
	if err == nil && k != kindObject {
		err = errs.Request("the body must be an object, not " + kindNames[k])
	}
	var bad *syntaxError
	if errors.As(err, &bad) {
		return 400, errs.Request(err.Error())
	}
	return 400, err
}

// queryFields reads name=value pairs. Unknown names are ignored, as in bodies.
func (x *exchange) queryFields(row *command.Row) error {
	for q := x.req.query; len(q) > 0; {
		var item []byte
		item, q, _ = bytes.Cut(q, []byte{'&'})
		name, text, _ := bytes.Cut(item, []byte{'='})
		name, ok := x.decoded(name, true)
		if !ok {
			return errs.Request("bad percent-encoding in the query")
		}
		at := row.Index(name)
		if at < 0 {
			continue
		}
		if text, ok = x.decoded(text, true); !ok {
			return errs.Request("bad percent-encoding in the query")
		}
		x.dec.word(&row.Fields[at], &x.args.Vals[at], text)
	}
	return nil
}

// decoded is percentDecode into the arena; text without escapes is not copied.
func (x *exchange) decoded(b []byte, query bool) ([]byte, bool) {
	if bytes.IndexByte(b, '%') < 0 && (!query || bytes.IndexByte(b, '+') < 0) {
		return b, true
	}
	start := len(x.dec.arena)
	var ok bool
	x.dec.arena, ok = percentDecode(x.dec.arena, b, query)
	return x.dec.arena[start:len(x.dec.arena):len(x.dec.arena)], ok
}

// word reads a field from text of a path or query. A list grows by one.
func (d *decoder) word(f *command.Field, v *command.Value, text []byte) {
	switch f.Type {
	case command.KeyField, command.StringField, command.ValueField, command.QueueField,
		command.RoomField:
		v.B, v.JSON, v.Set = text, false, true
	case command.PayloadField:
		v.B, v.Form, v.Set = text, effect.BytesForm, true
		if validText(text) {
			v.Form = effect.TextForm
		}
	case command.JSONField: // a string
		if !validText(text) {
			d.note(errs.Request("Field '" + f.Name + "' must be UTF-8"))
			return
		}
		start := len(d.arena)
		d.arena = appendQuoted(d.arena, text)
		v.B, v.Form, v.Set = d.arena[start:len(d.arena):len(d.arena)], effect.JSONForm, true
	case command.IntField, command.UintField:
		var ok bool
		v.Int, ok = wholeNumber(text)
		v.Set = d.integer(f, v.Int, ok)
	case command.BoolField:
		switch string(text) {
		case "", "1", "true":
			v.Bool, v.Set = true, true
		case "0", "false":
			v.Bool, v.Set = false, true
		default:
			d.note(errs.Request("Field '" + f.Name + "' must be true or false"))
		}
	case command.KeyListField, command.StringListField:
		if f.Type == command.StringListField && len(text) == 0 {
			return // name= is no item
		}
		if f.Type == command.StringListField && d.full(f, len(v.List)) {
			return
		}
		v.List, v.Set = append(v.List, text), true
	default:
		d.note(errs.Request("Field '" + f.Name + "' cannot be given in a path or query"))
	}
}
