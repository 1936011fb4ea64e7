package httpwire

import "bytes"

// Bounds of the fast lane. Whatever exceeds them is for net/http, which has bounds of its own.
const (
	maxHeadBytes = 16 << 10
	maxFastBody  = 64 << 10
	maxFields    = 64
)

// lane says who goes on with the bytes at hand.
type lane uint8

const (
	laneFast  lane = iota // a whole plain request was parsed
	laneMore              // plausible, but not whole yet
	laneOther             // for net/http
)

// methods the fast lane serves, each with the space that ends it.
var methods = [...]string{"GET ", "POST ", "PUT ", "DELETE "}

// parse reads one plain HTTP/1.1 request from the start of in:
//
//	METHOD SP /path[?query] SP HTTP/1.1 CRLF
//	( token ":" OWS value OWS CRLF )*
//	CRLF
//	body of exactly Content-Length bytes
//
// n is its length when it is whole; need, when it is not, is how long it will be if that is
// known. Anything outside this grammar is laneOther: the fast lane refuses nothing itself, so
// that there is one judge of malformed requests and nothing to smuggle between two.
func (r *request) parse(in []byte) (n, need int, l lane) {
	*r = request{}
	end := bytes.Index(in[:min(len(in), maxHeadBytes)], []byte("\r\n\r\n"))
	if end < 0 {
		return 0, 0, unfinished(in)
	}
	rest, ok := r.requestLine(in[:end+2])
	if !ok {
		return 0, 0, laneOther
	}
	length := 0
	for fields := 0; len(rest) > 0; fields++ {
		line := bytes.IndexByte(rest, '\n')
		if line < 1 || rest[line-1] != '\r' || fields == maxFields {
			return 0, 0, laneOther
		}
		if !r.header(rest[:line-1], &length) {
			return 0, 0, laneOther
		}
		rest = rest[line+1:]
	}
	// Without Upgrade the option asks for nothing that is known here.
	r.upgrade = r.seen&hasUpgrade != 0
	if r.seen&hasHost == 0 || length > maxFastBody || r.seen&hasUpgradeOption != 0 && !r.upgrade {
		return 0, 0, laneOther
	}
	total := end + 4 + length
	if len(in) < total {
		return 0, total, laneMore
	}
	r.body = in[end+4 : total]
	return total, 0, laneFast
}

// unfinished judges bytes without an end of head: still plausible, or not for the fast lane.
func unfinished(in []byte) lane {
	if len(in) >= maxHeadBytes {
		return laneOther
	}
	plausible := false
	for _, m := range methods {
		k := min(len(in), len(m))
		plausible = plausible || string(in[:k]) == m[:k]
	}
	if !plausible {
		return laneOther
	}
	for at := 0; ; {
		i := bytes.IndexByte(in[at:], '\n')
		if i < 0 {
			return laneMore
		}
		// A bare LF ends a line for net/http, so the end of the head may never come.
		if at+i == 0 || in[at+i-1] != '\r' {
			return laneOther
		}
		at += i + 1
	}
}

// requestLine reads the first line of head and returns the lines after it.
func (r *request) requestLine(head []byte) (rest []byte, ok bool) {
	line := bytes.IndexByte(head, '\n')
	if line < 1 || head[line-1] != '\r' {
		return nil, false
	}
	first, rest := head[:line-1], head[line+1:]
	for _, m := range methods {
		if len(first) > len(m) && string(first[:len(m)]) == m {
			r.method = m[:len(m)-1]
			first = first[len(m):]
			break
		}
	}
	const version = " HTTP/1.1"
	if r.method == "" || len(first) < len(version)+1 ||
		string(first[len(first)-len(version):]) != version {
		return nil, false
	}
	return rest, r.target(first[:len(first)-len(version)])
}

// target splits an origin-form request target. A '#' has no business there, and servers differ
// in what they make of it.
func (r *request) target(t []byte) bool {
	if t[0] != '/' || len(t) > 1 && t[1] == '/' {
		return false
	}
	query := -1
	for i, c := range t {
		switch {
		case c <= ' ' || c >= 0x7f || c == '#':
			return false
		case c == '?' && query < 0:
			query = i
		case c == '%' && query < 0:
			if i+2 >= len(t) || hexValue(t[i+1]) < 0 || hexValue(t[i+2]) < 0 {
				return false
			}
		}
	}
	r.path = t
	if query >= 0 {
		r.path, r.query = t[:query], t[query+1:]
	}
	return true
}

// header reads one header line without its CRLF.
func (r *request) header(line []byte, length *int) bool {
	colon := bytes.IndexByte(line, ':')
	if colon < 1 {
		return false
	}
	name, value := line[:colon], trim(line[colon+1:])
	for _, c := range name {
		if !tokenByte[c] {
			return false
		}
	}
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return r.interpret(name, value, length)
}

// interpret acts on the headers that matter. It reports false for those that change how the
// connection is read, and for doubled ones: which of two counts is a matter of taste.
func (r *request) interpret(name, value []byte, length *int) bool {
	switch len(name) {
	case 4:
		if equalFold(name, "host") {
			return r.once(hasHost) && plainHost(value)
		}
	case 6:
		if equalFold(name, "accept") {
			r.accept = value
			return r.once(hasAccept)
		}
		return !equalFold(name, "expect")
	case 7:
		if equalFold(name, "upgrade") {
			return r.once(hasUpgrade) && equalFold(value, "websocket")
		}
		return !equalFold(name, "trailer")
	case 10:
		if equalFold(name, "connection") {
			return r.once(hasConnection) && r.connection(value)
		}
	case 12:
		if equalFold(name, "content-type") {
			r.contentType = value
			return r.once(hasType)
		}
	case 13:
		if equalFold(name, "last-event-id") {
			r.lastEvent = value
			return r.once(hasLastEvent)
		}
	case 14:
		if equalFold(name, "content-length") {
			return r.once(hasLength) && decimal(value, length)
		}
	case 15:
		if equalFold(name, "accept-encoding") {
			r.acceptEncoding = value
			return r.once(hasAcceptEncoding)
		}
	case 16:
		if equalFold(name, "content-encoding") {
			r.contentEncoding = value
			return r.once(hasEncoding)
		}
	case 17:
		if equalFold(name, "sec-websocket-key") {
			r.wsKey = value
			return r.once(hasWSKey)
		}
		return !equalFold(name, "transfer-encoding")
	case 21:
		if equalFold(name, "sec-websocket-version") {
			r.wsVersion = value
			return r.once(hasWSVersion)
		}
	case 22:
		if equalFold(name, "sec-websocket-protocol") {
			r.wsProtocol = value
			return r.once(hasWSProtocol)
		}
	case 24:
		// It may be given several times: offers, which need not be accepted.
		if equalFold(name, "sec-websocket-extensions") && r.once(hasWSExtensions) {
			r.wsExtensions = value
		}
	}
	return true
}

// once marks a header as seen and says whether it was the first of its kind.
func (r *request) once(f field) bool {
	first := r.seen&f == 0
	r.seen |= f
	return first
}

// connection accepts the words that need nothing of the lane, and Upgrade, alone or beside
// keep-alive, as browsers write it.
func (r *request) connection(value []byte) bool {
	if equalFold(value, "close") {
		r.close = true
		return true
	}
	for more := true; more; {
		var option []byte
		option, value, more = bytes.Cut(value, []byte{','})
		switch option = trim(option); {
		case equalFold(option, "keep-alive"):
		case equalFold(option, "upgrade"):
			r.seen |= hasUpgradeOption
		default:
			return false
		}
	}
	return true
}

// decimal reads a Content-Length: digits only, no sign, no leading zero, at most six of them.
func decimal(b []byte, into *int) bool {
	if len(b) == 0 || len(b) > 6 || b[0] == '0' && len(b) > 1 {
		return false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + int(c-'0')
	}
	*into = n
	return true
}

// plainHost accepts names, addresses and ports in their usual characters.
func plainHost(b []byte) bool {
	for _, c := range b {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.', c == '-', c == ':', c == '_', c == '[', c == ']':
		default:
			return false
		}
	}
	return len(b) > 0
}

// tokenByte holds the characters of a header name (RFC 9110, token).
var tokenByte = func() (t [256]bool) {
	for c := '0'; c <= '9'; c++ {
		t[c] = true
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = true, true
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] = true
	}
	return t
}()

// hexValue is the value of a hexadecimal digit, or -1.
func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
