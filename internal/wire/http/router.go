package httpwire

import (
	"fmt"
	"slices"
	"strings"

	"github.com/synapdb/synap/internal/command"
)

// maxParams bounds the braces of one route.
const maxParams = 4

// endpoint is what one method of one path does: a route of the table, or a service of the
// handler's own.
type endpoint struct {
	method string
	serve  func(h *Handler, x *exchange) // set for services
	feed   *feedPoint                    // set for WebSockets
	mux    bool                          // it is the multiplexed WebSocket
	stream *feedPoint                    // set where answers may go on, in style
	style  style
	row    *command.Row
	route  *command.Route
	fields [maxParams]int // the field that each brace fills
	body   int            // the field of a raw body, or -1
}

// waits says whether serving e may take long, which would hold up a whole event loop.
func (e *endpoint) waits() bool {
	return e != nil && e.row != nil && e.row.Has(command.Blocking)
}

// changes says whether serving e may change data.
func (e *endpoint) changes() bool { return e != nil && e.row != nil && e.row.Has(command.Write) }

// node is one segment of the tree of paths. Fixed segments win over braces, as in most routers.
type node struct {
	fixed     map[string]*node
	brace     *node
	endpoints []*endpoint
}

func newNode() *node { return &node{fixed: map[string]*node{}} }

// add panics on a route that names no field or stands twice: routes are part of the program.
func (n *node) add(method, path string, e *endpoint) {
	e.method = method
	braces := 0
	for _, seg := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		next := n.fixed[seg]
		if strings.HasPrefix(seg, "{") {
			e.fields[braces] = e.row.Index([]byte(strings.Trim(seg, "{}")))
			if e.fields[braces] < 0 {
				panic(fmt.Sprintf("route %s %s names no field of %s", method, path, e.row.Name))
			}
			braces++
			if n.brace == nil {
				n.brace = newNode()
			}
			next = n.brace
		} else if next == nil {
			next = newNode()
			n.fixed[seg] = next
		}
		n = next
	}
	for _, other := range n.endpoints {
		if other.method == method {
			panic(fmt.Sprintf("route %s %s is in the table twice", method, path))
		}
	}
	n.endpoints = append(n.endpoints, e)
}

// params are the segments that braces matched, still percent-encoded.
type params struct {
	seg [maxParams][]byte
	n   int
}

// find returns the endpoint for method and path (which starts with '/'), or nil.
func (n *node) find(method string, path []byte, p *params) *endpoint {
	if len(path) == 0 {
		for _, e := range n.endpoints {
			if e.method == method {
				return e
			}
		}
		return nil
	}
	seg, rest := cutSegment(path)
	if next := n.fixed[string(seg)]; next != nil {
		if e := next.find(method, rest, p); e != nil {
			return e
		}
	}
	if n.brace == nil || len(seg) == 0 || p.n == maxParams {
		return nil
	}
	p.seg[p.n] = seg
	p.n++
	if e := n.brace.find(method, rest, p); e != nil {
		return e
	}
	p.n--
	return nil
}

// allowed collects the methods that path knows.
func (n *node) allowed(path []byte, methods []string) []string {
	if len(path) == 0 {
		for _, e := range n.endpoints {
			if !slices.Contains(methods, e.method) {
				methods = append(methods, e.method)
			}
		}
		return methods
	}
	seg, rest := cutSegment(path)
	if next := n.fixed[string(seg)]; next != nil {
		methods = next.allowed(rest, methods)
	}
	if n.brace != nil && len(seg) > 0 {
		methods = n.brace.allowed(rest, methods)
	}
	return methods
}

// cutSegment splits "/a/b" into "a" and "/b".
func cutSegment(path []byte) (seg, rest []byte) {
	path = path[1:]
	for i, c := range path {
		if c == '/' {
			return path[:i], path[i:]
		}
	}
	return path, nil
}

// percentDecode appends what b means to dst. Plus signs become spaces in a query.
func percentDecode(dst, b []byte, query bool) ([]byte, bool) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c == '+' && query:
			c = ' '
		case c == '%':
			if i+2 >= len(b) {
				return dst, false
			}
			high, low := hexValue(b[i+1]), hexValue(b[i+2])
			if high < 0 || low < 0 {
				return dst, false
			}
			c = byte(high<<4 | low)
			i += 2
		}
		dst = append(dst, c)
	}
	return dst, true
}
