package httpwire

import (
	"slices"
	"strings"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/errs"
)

// commandPath is where nearly all requests go.
const commandPath = "/api/v1/command"

// addServices routes what is not a command of the table.
func (h *Handler) addServices() {
	add := func(method, path string, serve func(*Handler, *exchange)) {
		h.routes.add(method, path, &endpoint{serve: serve})
	}
	add("POST", commandPath, (*Handler).serveCommand)
	h.routes.add("GET", muxPath, &endpoint{mux: true, serve: (*Handler).serveFeedRequest})
	add("GET", "/health", (*Handler).serveHealth)
	add("GET", "/livez", (*Handler).serveLive)
	add("GET", "/healthz", (*Handler).serveLive)
	add("GET", "/readyz", (*Handler).serveReady)
}

// serveCommand answers the envelope: contract sections 1.1 and 1.2.
func (h *Handler) serveCommand(x *exchange) {
	body, ok := bodyEncoding(x.req.contentType)
	if !ok {
		x.plain(415, "Expected request with `Content-Type: application/json`\n")
		return
	}
	c, k, err := x.readEnvelope(body)
	if err != nil {
		x.plain(400, "Failed to parse the request body as "+err.Error()+"\n")
		return
	}
	if why := c.incomplete(k); why != "" {
		x.plain(422, "Failed to read the envelope: "+why+"\n")
		return
	}
	h.runCall(x, &c)
}

// readEnvelope reads the body, which is of kind k and has nothing behind it.
func (x *exchange) readEnvelope(language encoding) (c call, k kind, err error) {
	src := x.source(language)
	k, err = src.kind()
	if err == nil && k == kindObject {
		c, err = x.dec.call(src, &x.args)
	} else if err == nil {
		err = src.skip()
	}
	if err == nil {
		err = src.end()
	}
	return c, k, err
}

// incomplete says what keeps c from being an envelope, or nothing.
func (c *call) incomplete(body kind) string {
	switch {
	case body != kindObject:
		return "the body must be an object, not " + kindNames[body]
	case c.wrongKind != "":
		return "`" + c.wrongKind + "` must be a string"
	case !c.hasName:
		return "missing field `command`"
	case !c.hasID:
		return "missing field `request_id`"
	case !c.hasPayload:
		return "missing field `payload`"
	}
	return ""
}

// runCall executes an envelope and writes the answer's envelope around the result.
func (h *Handler) runCall(x *exchange, c *call) {
	if x.fast && c.row != nil && c.row.Has(command.Blocking) {
		x.away = true
		return
	}
	r := x.reply()
	start := r.Mark()
	err := x.dec.fault
	pairs := 4
	var level command.Level
	if c.row == nil {
		err = errs.New(errs.UnknownCommand, "Unknown command: "+string(c.name))
	} else if err == nil {
		err = x.args.Validate()
	}
	if err == nil && c.hasLevel {
		level, err = h.engine.ReadLevel(c.level)
		pairs = 5
	}
	if err == nil {
		x.openEnvelope(c, pairs, true)
		x.session.Level = level
		err = h.engine.Call(x.session, &x.args, r)
		x.session.Level = command.DefaultLevel
		if x.session.Parked() {
			return
		}
		if err == nil && x.over() {
			err = errOver
		}
	}
	if err != nil {
		r.Rewind(start)
		x.failEnvelope(c, err)
		return
	}
	r.Str("error")
	r.Null()
	if c.hasLevel { // the answer does not leave before it is true
		r.Str("durability")
		r.Str(level.String())
	}
	x.take()
}

// failEnvelope answers that c failed.
func (x *exchange) failEnvelope(c *call, err error) {
	x.openEnvelope(c, 5, false)
	r := x.reply()
	r.Null()
	r.Str("error")
	r.Str(err.Error())
	r.Str("code")
	r.Str(errs.Of(err).Code())
	x.take()
}

// openEnvelope writes the answer's envelope up to the payload. A request_id that came as JSON
// goes back byte for byte.
func (x *exchange) openEnvelope(c *call, pairs int, success bool) {
	r := x.reply()
	r.Map(pairs)
	r.Str("success")
	r.Bool(success)
	r.Str("request_id")
	switch {
	case c.echo != nil && x.encoding == encodingPack:
		x.pack.put(append(x.pack.room(), c.echo...))
	case c.echo != nil:
		r.JSON(c.echo)
	case x.encoding == encodingJSON && c.idText != nil:
		r.JSON(c.idText)
	default:
		r.Text(c.id)
	}
	r.Str("payload")
}

// serveUnrouted answers preflights and requests that no endpoint takes.
func (h *Handler) serveUnrouted(x *exchange) {
	var methods []string
	if len(x.req.path) > 0 && x.req.path[0] == '/' {
		methods = h.routes.allowed(x.req.path, nil)
	}
	if slices.Contains(methods, "GET") {
		methods = append(methods, "HEAD")
	}
	switch {
	case x.req.method == "OPTIONS":
		h.servePreflight(x, methods)
	case len(methods) > 0:
		x.header("Allow", strings.Join(append(methods, "OPTIONS"), ", "))
		x.failure(405, "Method not allowed: "+x.req.method)
	default:
		x.failure(404, "No such route: "+string(x.req.path))
	}
}

// servePreflight allows any origin, method and header.
func (h *Handler) servePreflight(x *exchange, methods []string) {
	if len(methods) == 0 {
		methods = []string{"GET", "POST", "PUT", "DELETE"}
	}
	x.status = 204
	x.header("Access-Control-Allow-Methods", strings.Join(append(methods, "OPTIONS"), ", "))
	asked := "*"
	if len(x.req.askedHeaders) > 0 {
		asked = string(x.req.askedHeaders)
	}
	x.header("Access-Control-Allow-Headers", asked)
	x.header("Access-Control-Max-Age", "86400")
}

// failure answers {"error", "code"} with code being the HTTP status: contract section 1.4.
func (x *exchange) failure(status int, text string) {
	x.status = status
	x.json.reset()
	x.pack.reset()
	r := x.reply()
	r.Map(2)
	r.Str("error")
	r.Str(text)
	r.Str("code")
	r.Int(int64(status))
	x.take()
}

func (h *Handler) serveHealth(x *exchange) {
	r := x.reply()
	r.Map(3)
	r.Str("status")
	r.Str("healthy")
	r.Str("service")
	r.Str("synap")
	r.Str("version")
	r.Str(h.engine.Server.Version)
	x.take()
}

func (h *Handler) serveLive(x *exchange) { x.plain(200, "ok\n") }

func (h *Handler) serveReady(x *exchange) {
	if h.options.Ready != nil {
		if err := h.options.Ready(); err != nil {
			x.plain(503, "not ready: "+err.Error()+"\n")
			return
		}
	}
	x.plain(200, "ok\n")
}
