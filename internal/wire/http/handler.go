package httpwire

import (
	nethttp "net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/wire/ws"
)

// DefaultMaxBody bounds a request's body in bytes unless Options say otherwise. The reference
// server's 2 MB would refuse values that the store holds with ease.
const DefaultMaxBody = 16 << 20

// DefaultThreshold is the size in bytes from which answers are worth compressing.
const DefaultThreshold = 1024

// DefaultMaxReply bounds an answer in bytes unless Options say otherwise. A value alone, by
// GET /kv/{key}, is not bound by it.
const DefaultMaxReply = 256 << 20

// DefaultPing is Options.PingEvery unless it is set.
const DefaultPing = 30 * time.Second

// NeverPing as Options.PingEvery keeps silent peers of feeds for ever.
const NeverPing time.Duration = -1

// Options configures a Handler. The zero value is usable.
type Options struct {
	// MaxBody bounds a request's body, in bytes; 0 = DefaultMaxBody.
	MaxBody int
	// MaxReply bounds an answer, in bytes, to the size of one value more; 0 = DefaultMaxReply.
	MaxReply int
	// MessagePack makes it, not JSON, the language of answers when Accept does not say.
	MessagePack bool
	// Compression allows gzip and zstd answers from CompressionThreshold bytes on (0 =
	// DefaultThreshold).
	Compression          bool
	CompressionThreshold int
	// SocketCompression compresses the messages of WebSockets whose clients offer
	// permessage-deflate, in both directions, and without memory of messages before.
	SocketCompression bool
	// Ready says why /readyz should fail, or nil. Optional.
	Ready func() error
	// Extra are exact paths served by others, on the net/http lane only; they win over routes.
	Extra map[string]nethttp.Handler
	// PingEvery is after how much silence the peer of a feed is pinged, and after how much more it
	// is given up; 0 = DefaultPing, and NeverPing leaves silent peers alone.
	PingEvery time.Duration
	// Counters counts the commands of the net/http lane. Optional.
	Counters *command.Counters
}

// Handler answers HTTP requests by the command table. It is safe for concurrent use.
type Handler struct {
	engine   *command.Engine
	options  Options
	standard encoding
	routes   *node
	command  *endpoint             // POST commandPath, found without walking the routes
	kinds    map[string]*feedPoint // of subscriptions of multiplexed WebSockets
	known    string                // their names, for people
	encoders *compressor
	feeds    atomic.Uint64 // opened so far
	pool     sync.Pool     // of *exchange
	sessions sync.Pool     // of *laneSession, for the net/http lane
	zippers  sync.Pool     // of *ws.Deflater
}

// NewHandler makes a handler of the routes of e's table and the services beside them. It panics
// on contradictory routes: they are part of the program.
func NewHandler(e *command.Engine, o Options) *Handler {
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.MaxReply <= 0 {
		o.MaxReply = DefaultMaxReply
	}
	if o.PingEvery == 0 {
		o.PingEvery = DefaultPing
	}
	if o.CompressionThreshold <= 0 {
		o.CompressionThreshold = DefaultThreshold
	}
	h := &Handler{engine: e, options: o, routes: newNode(), encoders: newCompressor()}
	if o.MessagePack {
		h.standard = encodingPack
	}
	h.pool.New = func() any {
		x := new(exchange)
		x.dec.table, x.dec.limits = e.Table, &e.Limits
		x.json.most, x.pack.most, x.raw.most = o.MaxReply, o.MaxReply, o.MaxReply
		return x
	}
	h.sessions.New = func() any { return newLane(o.Counters) }
	h.zippers.New = func() any { return new(ws.Deflater) }
	h.addServices()
	h.command = h.routes.find("POST", []byte(commandPath), new(params))
	for _, row := range e.Table.Rows() {
		for i := range row.Routes {
			h.addRoute(row, &row.Routes[i])
		}
		if row.Feed != nil {
			h.addFeed(row)
		}
	}
	h.addKinds()
	return h
}

func (h *Handler) addRoute(row *command.Row, route *command.Route) {
	e := &endpoint{row: row, route: route, body: -1}
	if route.Body != "" {
		e.body = row.Index([]byte(route.Body))
	}
	if route.Lines != nil {
		e.stream, e.style = &feedPoint{Feed: route.Lines, row: row}, lineStyle
	}
	h.routes.add(route.Method, route.Path, e)
}

// acquire prepares an exchange for a session.
func (h *Handler) acquire(s *command.Session) *exchange {
	x := h.pool.Get().(*exchange)
	x.session = s
	return x
}

func (h *Handler) release(x *exchange) {
	x.json.drop(0)
	x.pack.drop(0)
	x.raw.reset()
	x.shrink()
	h.pool.Put(x)
}

// find resolves the request's endpoint, or nil.
func (h *Handler) find(x *exchange) *endpoint {
	x.params.n = 0
	if string(x.req.path) == commandPath && x.req.method == "POST" {
		return h.command
	}
	if len(x.req.path) == 0 || x.req.path[0] != '/' {
		return nil
	}
	return h.routes.find(x.req.method, x.req.path, &x.params)
}

// attempt runs a request whose command may wait in its session's line: false means that it does,
// and that the same request is to be attempted again when it is woken.
func (h *Handler) attempt(x *exchange, e *endpoint) (answered bool) {
	if p := x.session.Parking; p != nil {
		p.Parked = false
	}
	h.serve(x, e)
	return h.engine.Answered(x.session)
}

// serve answers one whole request: the same code for both lanes. e is what find said.
func (h *Handler) serve(x *exchange, e *endpoint) {
	x.begin()
	body := encodingJSON
	if len(x.req.body) > 0 {
		body, _ = bodyEncoding(x.req.contentType)
	}
	x.encoding = answerEncoding(x.req.accept, body, h.standard)
	switch {
	case e == nil:
		h.serveUnrouted(x)
	case len(x.req.contentEncoding) > 0 && !equalFold(x.req.contentEncoding, "identity"):
		x.plain(415, "Content-Encoding is not supported: send the body as it is\n")
	case e.serve != nil:
		e.serve(h, x)
	default:
		h.serveRoute(x, e)
	}
	h.compress(x)
}
