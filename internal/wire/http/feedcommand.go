package httpwire

import (
	"fmt"
	"maps"
	"slices"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
)

// feedCommand is a row that a peer's frames may stand for.
type feedCommand struct {
	row  *command.Row
	path [maxParams]int // the field that each brace of the feed's path fills, or -1
}

// newFeedCommand matches the path of a feed with the fields of one of its commands. A brace fills
// the field of the same name.
func newFeedCommand(e *endpoint, row *command.Row, name string) *feedCommand {
	if row == nil || row.Has(command.Blocking) {
		panic(fmt.Sprintf("feed %s: %s is no command, or may block", e.row.Feed.Path, name))
	}
	c := &feedCommand{row: row}
	for i := range c.path {
		c.path[i] = row.Index([]byte(e.row.Fields[e.fields[i]].Name))
	}
	return c
}

func sortedNames(m map[string]*feedCommand) []string { return slices.Sorted(maps.Keys(m)) }

// mention is a member of a peer's frame that its answer repeats, as its JSON text.
type mention struct {
	name string
	text []byte
}

// feedCall is a frame {"command": name, …} of a peer.
type feedCall struct {
	name     []byte // nil if it has none that is a string
	mentions [2]mention
}

// answered says whether the peer wants an answer to what succeeds.
func (c *feedCall) answered() bool { return c.mentions[0].text != nil }

// command runs one frame of the peer. What succeeds is answered only if the frame has a
// request_id; what fails always is.
func (r *feedRound) command(message []byte) {
	x := r.x
	r.read = false // x.args become the command's
	x.dec.reset()
	x.json.reset()
	c, err := r.readCall(message)
	if err == nil {
		err = r.run(&c)
	}
	switch {
	case err != nil:
		x.json.reset()
		writeFailure(&x.json, err, c.mentions[:])
		r.frame()
	case c.answered():
		r.frame()
	default:
		x.json.reset()
	}
}

// readCall reads what the door itself needs of a frame.
func (r *feedRound) readCall(message []byte) (c feedCall, err error) {
	x := r.x
	c.mentions = [2]mention{{name: "request_id"}, {name: "message_id"}}
	x.req = request{body: message}
	src := x.source(encodingJSON)
	k, err := src.kind()
	if err != nil {
		return c, errs.Request(err.Error())
	}
	if k != kindObject {
		return c, errs.Request("a frame must be an object, not " + kindNames[k])
	}
	if err = c.members(src); err == nil {
		err = src.end()
	}
	if err != nil {
		return c, errs.Request(err.Error())
	}
	return c, nil
}

func (c *feedCall) members(src source) error {
	n, err := src.enter()
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		key, more, err := src.key(i, n)
		if err != nil || !more {
			return err
		}
		k, err := src.kind()
		if err != nil {
			return err
		}
		start := src.pos() // kind skipped the white space
		if string(key) == "command" && k == kindString {
			c.name, err = src.str()
		} else {
			err = src.skip()
		}
		if err != nil {
			return err
		}
		for j := range c.mentions {
			if m := &c.mentions[j]; string(key) == m.name && k != kindNull {
				m.text = src.(*jsonSource).buf[start:src.pos()]
			}
		}
	}
}

// run executes a frame and writes {type, request_id, success, payload}.
func (r *feedRound) run(c *feedCall) error {
	x := r.x
	target := r.point.commands[string(c.name)]
	switch {
	case c.name == nil:
		return errs.Newf(errs.MissingField, "Invalid request: Missing 'command' field: it must be "+
			"a string; this socket knows %s", r.point.known)
	case target == nil:
		return errs.Newf(errs.UnknownCommand,
			"Unknown command: %s; this socket knows %s", c.name, r.point.known)
	}
	if err := x.dec.payload(x.source(encodingJSON), &x.args, target.row); err != nil {
		return errs.Request(err.Error())
	}
	if err := r.pathFields(target); err != nil {
		return err
	}
	if x.dec.fault != nil {
		return x.dec.fault
	}
	if err := x.args.Validate(); err != nil {
		return err
	}
	w := &x.json
	w.Map(4)
	w.Str("type")
	w.Text(c.name)
	w.Str("request_id")
	w.JSON(orNull(c.mentions[0].text))
	w.Str("success")
	w.Bool(true)
	w.Str("payload")
	err := r.h.engine.Call(x.session, &x.args, w)
	if err == nil && x.over() {
		err = errOver
	}
	return err
}

// orNull is text, or null.
func orNull(text []byte) []byte {
	if text == nil {
		return []byte("null")
	}
	return text
}

// pathFields fills what the socket's path says: a frame can't speak for another queue.
func (r *feedRound) pathFields(target *feedCommand) error {
	x := r.x
	x.params.n = 0
	r.h.routes.find("GET", stringBytes(r.path), &x.params)
	for i := range x.params.n {
		at := target.path[i]
		if at < 0 {
			continue
		}
		text, ok := x.decoded(x.params.seg[i], false)
		if !ok {
			return errs.Request("bad percent-encoding in the path")
		}
		clearValue(&x.args.Vals[at])
		x.dec.word(&target.row.Fields[at], &x.args.Vals[at], text)
	}
	return nil
}

// writeFailure writes {type: "error", error, code} and what of the peer's frame it is about.
func writeFailure(w command.Reply, err error, about []mention) {
	n := 3
	for _, m := range about {
		if m.text != nil {
			n++
		}
	}
	w.Map(n)
	w.Str("type")
	w.Str("error")
	w.Str("error")
	w.Str(err.Error())
	w.Str("code")
	w.Str(errs.Of(err).Code())
	for _, m := range about {
		if m.text != nil {
			w.Str(m.name)
			w.JSON(m.text)
		}
	}
}
