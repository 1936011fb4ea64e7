package httpwire

import (
	"errors"
	"io"
	nethttp "net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/synapdb/synap/internal/command"
)

// ServeHTTP answers what the fast lane leaves to net/http. It implements net/http.Handler.
//
// A chunked HTTP/1 request is the last of its connection: beside Transfer-Encoding net/http
// ignores a Content-Length, so a proxy in front may see another end of the request than it does,
// and what follows may be smuggled.
func (h *Handler) ServeHTTP(w nethttp.ResponseWriter, r *nethttp.Request) {
	if r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
		w.Header().Set("Connection", "close")
	}
	if extra := h.options.Extra[r.URL.EscapedPath()]; extra != nil {
		extra.ServeHTTP(w, r)
		return
	}
	s := h.sessions.Get().(*laneSession)
	x := h.acquire(&s.Session)
	x.read(r)
	e := h.find(x)
	if r.Method == "HEAD" && (e.changes() || x.streams(e)) {
		e, x.req.method = nil, r.Method
	}
	if x.streams(e) {
		h.streamHTTP(w, r, s, x, e)
		return
	}
	answered := true
	if err := h.readBody(x, e, w, r); err != nil {
		x.begin()
		x.tooLarge(err, e)
		if r.ProtoMajor == 1 { // HTTP/2 ends the stream, and would end the whole connection
			w.Header().Set("Connection", "close")
		}
	} else {
		answered = h.attend(x, e, s, w, r)
	}
	level, wrote := s.TakeRequired()
	failed := h.engine.Commit(level) != nil && wrote && level > command.MemoryLevel || !answered
	if !failed {
		x.write(w, r.ProtoMajor)
	}
	if x.large != nil {
		x.large.Release()
		x.large = nil
	}
	h.release(x)
	h.sessions.Put(s)
	if failed { // not durable, so not answered, or nobody asks any more: how net/http cuts it
		panic(nethttp.ErrAbortHandler)
	}
}

// read fills x.req from r, body excepted. A HEAD is served as the GET it asks about; net/http
// drops the body, so that a GET that changes something, as consuming does, has no HEAD.
func (x *exchange) read(r *nethttp.Request) {
	path, query := r.RequestURI, ""
	if !strings.HasPrefix(path, "/") { // absolute form, or a request made by a test
		path, query = r.URL.EscapedPath(), r.URL.RawQuery
	} else if i := strings.IndexByte(path, '?'); i >= 0 {
		path, query = path[:i], path[i+1:]
	}
	method := r.Method
	if method == "HEAD" {
		method = "GET"
	}
	get := func(name string) []byte { return []byte(strings.Join(r.Header.Values(name), ",")) }
	x.req = request{
		method: method, path: []byte(path), query: []byte(query),
		contentType:     []byte(r.Header.Get("Content-Type")),
		contentEncoding: get("Content-Encoding"),
		accept:          get("Accept"),
		acceptEncoding:  get("Accept-Encoding"),
		askedHeaders:    get("Access-Control-Request-Headers"),
		upgrade:         strings.Contains(strings.ToLower(string(get("Upgrade"))), "websocket"),
		wsKey:           get("Sec-WebSocket-Key"),
		wsVersion:       get("Sec-WebSocket-Version"),
		lastEvent:       get("Last-Event-Id"),
	}
	if x.req.upgrade { // it can't be served here: only its other faults are told
		x.req.seen = hasUpgradeOption
	}
}

// errTooLarge says that a body is over the bound.
var errTooLarge = errors.New("request body too large")

// leastBodyBuf is the first size of a body's buffer, in bytes.
const leastBodyBuf = 4 << 10

// readBody reads the body if there is an endpoint for it. The buffer doubles with what arrives;
// what was declared is not believed.
func (h *Handler) readBody(
	x *exchange, e *endpoint, w nethttp.ResponseWriter, r *nethttp.Request,
) error {
	if e == nil || r.Body == nil || r.Body == nethttp.NoBody {
		return nil
	}
	if r.ContentLength > int64(h.options.MaxBody) {
		return errTooLarge
	}
	body := nethttp.MaxBytesReader(w, r.Body, int64(h.options.MaxBody))
	buf := x.bodyBuf[:0]
	for {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, max(len(buf), leastBodyBuf))
		}
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			x.bodyBuf, x.req.body = buf, buf
			return nil
		}
		if err != nil {
			x.bodyBuf = buf
			return err
		}
	}
}

// tooLarge answers a body that could not be read: over the bound, or broken off.
func (x *exchange) tooLarge(err error, e *endpoint) {
	status, text := 400, "Failed to read the request body"
	var over *nethttp.MaxBytesError
	if errors.Is(err, errTooLarge) || errors.As(err, &over) {
		status, text = 413, "Request body too large"
	}
	x.encoding = encodingJSON
	if e.serve != nil {
		x.plain(status, text+"\n")
		return
	}
	x.failure(status, text)
}

// write sends the answer through net/http, over a major version of HTTP. What an answer says of the
// connection is HTTP/1's alone: clients of HTTP/2 fail streams that mention it.
func (x *exchange) write(w nethttp.ResponseWriter, major int) {
	header := w.Header()
	for _, f := range x.headers {
		if major == 1 || f.name != "Connection" && f.name != "Upgrade" {
			header.Set(f.name, f.value)
		}
	}
	if x.req.close && major == 1 {
		header.Set("Connection", "close")
	}
	header.Set("Access-Control-Allow-Origin", "*")
	body := x.body
	if x.large != nil {
		body = x.large.Bytes()
	}
	if x.status != nethttp.StatusNoContent {
		header.Set("Content-Type", x.ctype)
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(x.status)
	_, _ = w.Write(body) // a client that left is nobody's failure
}
