package httpwire

// request is what an answer depends on, whichever lane read it. All slices are borrowed.
type request struct {
	method          string // one of the canonical names, or any other token on the net/http lane
	path            []byte // as sent: still percent-encoded, without the query
	query           []byte // as sent, without the question mark
	contentType     []byte
	contentEncoding []byte
	accept          []byte
	acceptEncoding  []byte
	askedHeaders    []byte // Access-Control-Request-Headers of a preflight
	body            []byte
	wsKey           []byte // Sec-WebSocket-Key
	wsVersion       []byte // Sec-WebSocket-Version
	wsProtocol      []byte // Sec-WebSocket-Protocol
	wsExtensions    []byte // Sec-WebSocket-Extensions, the first if there are several
	lastEvent       []byte // Last-Event-ID
	upgrade         bool   // to a WebSocket
	close           bool   // the client asked to close after the reply

	seen field // headers met so far
}

// field is a set of headers that the fast lane interprets.
type field uint16

const (
	hasHost field = 1 << iota
	hasLength
	hasType
	hasEncoding
	hasAccept
	hasAcceptEncoding
	hasConnection
	hasUpgradeOption // among those of Connection
	hasUpgrade
	hasWSKey
	hasWSVersion
	hasWSProtocol
	hasLastEvent
	hasWSExtensions
)

// trim drops the optional white space around a header value.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// equalFold compares a header token with a lower-case word of letters and '-'.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
