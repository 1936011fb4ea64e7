package ws

import "strconv"

const (
	deflateName = "permessage-deflate"
	// deflateAnswer keeps either side from looking back at earlier messages: a server may say so
	// unasked (RFC 7692, 7.1.1).
	deflateAnswer = deflateName + "; server_no_context_takeover; client_no_context_takeover"

	minWindowBits, maxWindowBits = 8, 15
)

// Negotiate chooses from the value of a Sec-WebSocket-Extensions header: the value of the answer's,
// and bits, of the window that messages to this client may have. Both are zero if no offer of
// compression can be accepted, and if the header is none by its grammar: the connection is then
// one without extensions.
//
// A client may compress with any window, whatever it offers: all are inflated.
func Negotiate(offers []byte) (answer string, bits uint8) {
	p := offerParser{rest: offers}
	for p.offer() {
		if o := &p.current; bits == 0 && o.acceptable {
			answer, bits = deflateAnswer, maxWindowBits
			if o.bits > 0 {
				bits = o.bits
				answer += "; server_max_window_bits=" + strconv.Itoa(int(bits))
			}
		}
	}
	if p.malformed {
		return "", 0
	}
	return answer, bits
}

// offer is one element of the header.
type offer struct {
	acceptable bool
	bits       uint8 // server_max_window_bits, 0 if not given
	seen       [4]bool
}

// offerParser reads RFC 6455, 9.1:
//
//	extension *( "," extension ); extension = token *( ";" token [ "=" ( token | quoted ) ] )
//
// with white space, and empty elements, where HTTP allows them.
type offerParser struct {
	rest      []byte
	current   offer
	malformed bool
}

// offer reads the next element into current. false: there is none, or p is malformed.
func (p *offerParser) offer() bool {
	for p.space(); p.take(','); p.space() {
	}
	if len(p.rest) == 0 || p.malformed {
		return false
	}
	p.current = offer{acceptable: string(p.token()) == deflateName}
	for p.space(); !p.malformed && p.take(';'); p.space() {
		p.parameter()
	}
	p.malformed = p.malformed || len(p.rest) > 0 && p.rest[0] != ','
	return !p.malformed
}

// parameter reads one parameter and judges it.
func (p *offerParser) parameter() {
	p.space()
	name := p.token()
	p.space()
	var value []byte
	given := p.take('=')
	if given {
		p.space()
		value = p.value()
	}
	if o := &p.current; !o.parameter(string(name), value, given) {
		o.acceptable = false
	}
}

// parameter says whether an offer with that parameter can be accepted (RFC 7692, 7.1).
func (o *offer) parameter(name string, value []byte, given bool) (ok bool) {
	which := 0
	switch name {
	case "server_no_context_takeover":
		ok = !given
	case "client_no_context_takeover":
		which, ok = 1, !given
	case "server_max_window_bits":
		which = 2
		o.bits, ok = windowBits(value)
	case "client_max_window_bits":
		which = 3
		if ok = !given; given {
			_, ok = windowBits(value)
		}
	default:
		return false
	}
	ok = ok && !o.seen[which]
	o.seen[which] = true
	return ok
}

// windowBits reads 8 to 15, without a zero before it.
func windowBits(text []byte) (bits uint8, ok bool) {
	n, err := strconv.ParseUint(string(text), 10, 8)
	ok = err == nil && text[0] != '0' && minWindowBits <= n && n <= maxWindowBits
	return uint8(n), ok
}

func (p *offerParser) space() {
	for len(p.rest) > 0 && (p.rest[0] == ' ' || p.rest[0] == '\t') {
		p.rest = p.rest[1:]
	}
}

func (p *offerParser) take(c byte) bool {
	if len(p.rest) == 0 || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// token reads one or more characters of a token.
func (p *offerParser) token() (t []byte) {
	n := 0
	for n < len(p.rest) && tokenByte(p.rest[n]) {
		n++
	}
	t, p.rest = p.rest[:n], p.rest[n:]
	p.malformed = p.malformed || n == 0
	return t
}

// value reads a token, or one in quotes.
func (p *offerParser) value() (v []byte) {
	if !p.take('"') {
		return p.token()
	}
	for len(p.rest) > 0 && !p.take('"') {
		c := p.rest[0]
		if p.rest = p.rest[1:]; c == '\\' && len(p.rest) > 0 {
			c, p.rest = p.rest[0], p.rest[1:]
		}
		p.malformed = p.malformed || !tokenByte(c)
		if v = append(v, c); len(p.rest) == 0 {
			p.malformed = true // no quote at its end
		}
	}
	p.malformed = p.malformed || len(v) == 0
	return v
}

// tokenByte says whether c may stand in a token (RFC 9110, 5.6.2).
func tokenByte(c byte) bool {
	switch {
	case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		return true
	}
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return false
}
