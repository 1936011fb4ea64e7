package httpwire

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
	"github.com/synapdb/synap/internal/store/kv"
)

// keepBytes is how much of a buffer an idle exchange keeps.
const keepBytes = 256 << 10

// encoding is the language of a body.
type encoding uint8

const (
	encodingJSON encoding = iota
	encodingPack
)

// exchange is one request and its answer, with everything needed on the way. Exchanges are
// pooled: a request allocates nothing that a former one allocated.
type exchange struct {
	req     request
	params  params
	session *command.Session
	fast    bool // on the fast lane, which must not wait
	away    bool // nothing was run: the request may block, so it is the net/http lane's

	args     command.Args
	dec      decoder
	jsonBody jsonSource
	packBody packSource

	json jsonWriter
	pack packWriter
	raw  rawWriter

	// The answer.
	status  int
	ctype   string
	headers []headerField
	body    []byte    // in a buffer of one of the writers, or of zip
	large   *kv.Large // the body instead of body, when not nil
	zip     []byte
	pulled  []byte    // frames of a feed that are sent in another form
	roused  []muxItem // of a multiplexed WebSocket, this round

	encoding encoding // of the answer
	date     dateCache
	bodyBuf  []byte // the request's body on the net/http lane
}

// headerField is one header of an answer beyond the usual ones.
type headerField struct{ name, value string }

// begin forgets the last request's answer.
func (x *exchange) begin() {
	x.status, x.ctype, x.body, x.large = 200, typeJSON, nil, nil
	x.headers = x.headers[:0]
	x.dec.reset()
	x.json.reset()
	x.pack.reset()
	x.raw.reset()
}

// shrink gives back what an unusually large request made grow.
func (x *exchange) shrink() {
	if cap(x.json.buf) > keepBytes {
		x.json.buf = nil
	}
	if cap(x.pack.buf) > keepBytes {
		x.pack.buf = nil
	}
	if cap(x.raw.buf) > keepBytes {
		x.raw.buf = nil
	}
	if cap(x.pulled) > keepBytes {
		x.pulled = nil
	}
	if cap(x.zip) > keepBytes {
		x.zip = nil
	}
	if cap(x.bodyBuf) > keepBytes || cap(x.dec.arena) > keepBytes {
		x.bodyBuf, x.dec.arena, x.args = nil, nil, command.Args{}
	}
	for i := range x.args.Vals {
		if v := &x.args.Vals[i]; cap(v.List) > 1024 || cap(v.Commands) > 256 {
			x.args = command.Args{}
			break
		}
	}
	// The sources hold the body's buffer too.
	x.jsonBody, x.packBody = jsonSource{}, packSource{}
	x.body, x.req, x.session = nil, request{}, nil
	x.fast, x.away = false, false
}

// source opens the request's body.
func (x *exchange) source(e encoding) source {
	if e == encodingPack {
		x.packBody = packSource{buf: x.req.body}
		return &x.packBody
	}
	x.jsonBody = jsonSource{buf: x.req.body, arena: &x.dec.arena}
	return &x.jsonBody
}

// reply is the writer of the answer's language.
func (x *exchange) reply() command.Reply {
	if x.encoding == encodingPack {
		return &x.pack
	}
	return &x.json
}

// errOver refuses an answer over the bound. A write among its commands has happened.
var errOver = errs.New(errs.TooLarge,
	"Invalid request: the answer would be too large; ask for less at once")

// over says whether the answer is over the bound.
func (x *exchange) over() bool { return x.json.over || x.pack.over || x.raw.over }

// take makes what reply wrote the body of the answer.
func (x *exchange) take() {
	if x.encoding == encodingPack {
		x.pack.finish()
		x.body, x.ctype = x.pack.buf, typePack
		return
	}
	x.json.finish()
	x.body, x.ctype = x.json.buf, typeJSON
}

// plain answers with a line of text.
func (x *exchange) plain(status int, text string) {
	x.status, x.ctype = status, typeText
	x.json.reset()
	x.json.buf = append(x.json.buf, text...)
	x.body = x.json.buf
}

// header adds a header to the answer.
func (x *exchange) header(name, value string) {
	x.headers = append(x.headers, headerField{name, value})
}
