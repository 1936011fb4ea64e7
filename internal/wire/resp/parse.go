package resp

import "bytes"

// A protocolError ends the connection; its text goes out after "-ERR Protocol error: ".
type protocolError string

const (
	errInlineTooBig = protocolError("too big inline request")
	errQuotes       = protocolError("unbalanced quotes in request")
	errCountTooBig  = protocolError("too big mbulk count string")
	errCount        = protocolError("invalid multibulk length")
	errLenTooBig    = protocolError("too big bulk count string")
	errLen          = protocolError("invalid bulk length")
	errTooBig       = protocolError("too big request")
)

// keepWords and keepScratch are what a parser holds on to between commands.
const (
	keepWords   = 1 << 10
	keepScratch = 4 << 10
)

// span is where a word lies, counted from the start of its command.
type span struct{ from, to int }

// parser finds the words of one command at a time. While a command is incomplete it remembers
// how far it got, as offsets, so that no byte is looked at again when the input grows (and maybe
// moves): a command arriving in n pieces costs O(bytes + n).
//
//	*2 CR LF $3 CR LF GET CR LF $1 CR LF k CR LF
//	          ^at, left=2        ^at, left=1
//
// Like Redis it steps over the two bytes after a length or an argument without looking at them.
type parser struct {
	limits Limits
	words  []span
	at     int // the length line to read next, when left > 0
	left   int // words of a multibulk command still to come
	// scanned is how much of an inline command is known to hold no line feed.
	scanned int
	// inline says that words lie in scratch, not in the input.
	inline  bool
	scratch []byte
}

// restart forgets an incomplete command: the next input begins with another one.
func (p *parser) restart() { p.at, p.left, p.scanned = 0, 0, 0 }

// next reads the command that in starts with. size is its length in bytes once it is whole, and
// its words (none, for an empty command) are in p.words. A size of 0 means incomplete; need then
// says how many bytes of in must be there to get further, 0 = any more.
func (p *parser) next(in []byte) (size, need int, err protocolError) {
	at := p.at
	if p.left == 0 {
		p.words = p.words[:0]
		if in[0] != '*' {
			size, err = p.readInline(in)
			return size, 0, err
		}
		p.inline = false
		if p.left, at, err = p.readCount(in); err != "" || at == 0 || p.left <= 0 {
			p.left = 0
			return at, 0, err
		}
	}
	have := min(len(in), p.limits.RequestBytes)
	for p.left > 0 {
		var n, from int
		switch {
		case at+4 <= len(in) && in[at] == '$' && in[at+2] == '\r' && in[at+1]-'0' <= 9:
			n, from = int(in[at+1]-'0'), at+4
		case at+5 <= len(in) && in[at] == '$' && in[at+3] == '\r' &&
			in[at+1]-'1' <= 8 && in[at+2]-'0' <= 9:
			n, from = int(in[at+1]-'0')*10+int(in[at+2]-'0'), at+5
		default:
			if n, from, err = p.readLength(in, at); err != "" || from == 0 {
				p.at = at
				return 0, 0, err
			}
		}
		to := from + n
		if to+2 > have {
			if p.at = at; to+2 > p.limits.RequestBytes {
				return 0, 0, errTooBig
			}
			return 0, to + 2, ""
		}
		p.words = append(p.words, span{from, to})
		at = to + 2
		p.left--
	}
	p.at = 0
	return at, 0, ""
}

// readCount reads the "*n" line at the start of in; next is 0 while it is incomplete.
func (p *parser) readCount(in []byte) (n, next int, err protocolError) {
	if len(in) >= 4 && in[2] == '\r' && in[1]-'1' <= 8 && p.limits.Words >= 9 {
		return int(in[1] - '0'), 4, ""
	}
	line, tooBig := p.line(in)
	if line == nil {
		if tooBig {
			return 0, 0, errCountTooBig
		}
		return 0, 0, ""
	}
	n, ok := number(line[1:])
	if !ok || n > p.limits.Words {
		return 0, 0, errCount
	}
	return n, len(line) + 2, ""
}

// readLength reads the "$n" line at in[at:]; next is 0 while it is incomplete.
func (p *parser) readLength(in []byte, at int) (n, next int, err protocolError) {
	if at < len(in) && in[at] != '$' {
		return 0, 0, protocolError("expected '$', got '" + string(in[at:at+1]) + "'")
	}
	line, tooBig := p.line(in[at:])
	if line == nil {
		if tooBig {
			return 0, 0, errLenTooBig
		}
		return 0, 0, ""
	}
	n, ok := number(line[1:])
	if !ok || n < 0 || n > p.limits.BulkBytes {
		return 0, 0, errLen
	}
	return n, at + len(line) + 2, ""
}

// line cuts in at its first CR; nil while CR and the byte after it are not there. Whether a line
// is too big depends on its own length only, not on how much of it has come.
func (p *parser) line(in []byte) (line []byte, tooBig bool) {
	i := bytes.IndexByte(in[:min(len(in), p.limits.LineBytes+1)], '\r')
	if i < 0 {
		return nil, len(in) > p.limits.LineBytes
	}
	if i+2 > len(in) {
		return nil, false
	}
	return in[:i], false
}

// number reads a decimal as Redis does: no plus sign, no leading zeros, no spaces. Numbers of
// more than 18 digits are over every limit and refused.
func number(b []byte) (n int, ok bool) {
	negative := len(b) > 1 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 18 || b[0] == '0' && (len(b) > 1 || negative) {
		return 0, false
	}
	for _, c := range b {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + int(c)
	}
	if negative {
		n = -n
	}
	return n, true
}
