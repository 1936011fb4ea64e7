package resp

import "bytes"

// readInline reads a command typed as one line of text. size is 0 while its line feed is missing.
// NUL is a byte like any other; Redis, looking for the line feed in a C string, waits forever.
func (p *parser) readInline(in []byte) (size int, err protocolError) {
	most := min(len(in), p.limits.LineBytes+1)
	i := bytes.IndexByte(in[p.scanned:most], '\n')
	if i < 0 {
		if len(in) > p.limits.LineBytes {
			return 0, errInlineTooBig
		}
		p.scanned = len(in)
		return 0, ""
	}
	i += p.scanned
	p.scanned = 0
	p.inline = true
	if !p.split(in[:i]) {
		return 0, errQuotes
	}
	return i + 1, ""
}

// split cuts a line into words by Redis' rules: "…" knows \n \r \t \b \a \xHH and \c for any
// other c, '…' knows only \', and a closing quote must end the word. Words are built in scratch,
// where none can be longer than the line. It is false when quotes do not balance.
func (p *parser) split(line []byte) bool {
	if cap(p.scratch) < len(line) {
		p.scratch = make([]byte, 0, max(len(line), 256))
	}
	p.scratch = p.scratch[:0]
	for i := 0; ; {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return true
		}
		from := len(p.scratch)
		for more := true; more && i < len(line) && !endsWord(line[i]); {
			ok := true
			switch line[i] {
			case '"':
				i, ok = p.doubleQuoted(line, i+1)
				more = false
			case '\'':
				i, ok = p.singleQuoted(line, i+1)
				more = false
			default:
				p.scratch = append(p.scratch, line[i])
				i++
			}
			if !ok {
				return false
			}
		}
		p.words = append(p.words, span{from, len(p.scratch)})
	}
}

// doubleQuoted reads from after the opening quote to after the closing one.
func (p *parser) doubleQuoted(line []byte, i int) (next int, ok bool) {
	for i < len(line) {
		c := line[i]
		switch {
		case c == '"':
			return i + 1, i+1 == len(line) || isSpace(line[i+1])
		case c == '\\' && i+3 < len(line) && line[i+1] == 'x' &&
			hex(line[i+2]) < 16 && hex(line[i+3]) < 16:
			c = hex(line[i+2])<<4 | hex(line[i+3])
			i += 3
		case c == '\\' && i+1 < len(line):
			i++
			c = unescape(line[i])
		}
		p.scratch = append(p.scratch, c)
		i++
	}
	return i, false
}

// singleQuoted reads from after the opening quote to after the closing one.
func (p *parser) singleQuoted(line []byte, i int) (next int, ok bool) {
	for i < len(line) {
		c := line[i]
		switch {
		case c == '\'':
			return i + 1, i+1 == len(line) || isSpace(line[i+1])
		case c == '\\' && i+1 < len(line) && line[i+1] == '\'':
			i++
			c = '\''
		}
		p.scratch = append(p.scratch, c)
		i++
	}
	return i, false
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return c
}

// hex is the value of a hexadecimal digit, or 255.
func hex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// endsWord leaves out vertical tab and form feed, which Redis takes for part of a bare word.
func endsWord(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
