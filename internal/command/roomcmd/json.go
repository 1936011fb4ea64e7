package roomcmd

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"

	"github.com/synapdb/synap/internal/effect"
)

// maxDepth bounds the nesting of data, as everywhere: what is deeper is no JSON here.
const maxDepth = 128

// dataOf is what is kept of data that a line brings. The text is data itself, or part of *scratch.
func dataOf(data []byte, scratch *[]byte) (text []byte, form effect.EventForm) {
	s := scanner{text: data}
	switch {
	case s.whole():
		if !s.broken {
			return data, effect.JSONData
		}
		b := bytes.NewBuffer((*scratch)[:0])
		_ = json.Compact(b, data) // it is valid
		*scratch = b.Bytes()
		return *scratch, effect.JSONData
	case utf8.Valid(data):
		*scratch = appendQuoted((*scratch)[:0], data)
		return *scratch, effect.TextData
	}
	*scratch = append((*scratch)[:0], '"')
	*scratch = base64.StdEncoding.AppendEncode(*scratch, data)
	*scratch = append(*scratch, '"')
	return *scratch, effect.BytesData
}

// given is what the line brought of which text and form were kept. It is text itself, or part of
// *scratch.
func given(text []byte, form effect.EventForm, scratch *[]byte) []byte {
	if form == effect.JSONData || len(text) < 2 {
		return text
	}
	inner := text[1 : len(text)-1]
	if form == effect.TextData {
		*scratch = unquote((*scratch)[:0], inner)
		return *scratch
	}
	decoded, err := base64.StdEncoding.AppendDecode((*scratch)[:0], inner)
	if err != nil {
		return text
	}
	*scratch = decoded
	return decoded
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends text, which is UTF-8, as a JSON string; unquote knows its escapes alone.
func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// unquote appends what appendQuoted was given; text comes without the quotes.
func unquote(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' && i+1 < len(text) {
			i++
			if c = text[i]; c == 'u' && i+4 < len(text) {
				c = unhex(text[i+3])<<4 | unhex(text[i+4])
				i += 4
			}
		}
		dst = append(dst, c)
	}
	return dst
}

func unhex(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// scanner checks JSON text. The standard library's takes three times as long, and does not look at
// the encoding.
type scanner struct {
	text   []byte
	at     int
	wide   bool // there are bytes beyond ASCII
	broken bool // there are line breaks
}

// whole says whether the text is one JSON value in UTF-8.
func (s *scanner) whole() bool {
	if !s.value(0) {
		return false
	}
	s.space()
	return s.at == len(s.text) && (!s.wide || utf8.Valid(s.text))
}

// space skips white space and returns the next byte, 0 at the end.
func (s *scanner) space() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case '\n', '\r':
			s.broken = true
		case ' ', '\t':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) value(depth int) bool {
	switch s.space() {
	case '{':
		return s.list(depth, '}')
	case '[':
		return s.list(depth, ']')
	case '"':
		return s.str()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

// list checks an object or array, by its last byte.
func (s *scanner) list(depth int, end byte) bool {
	if depth == maxDepth {
		return false
	}
	s.at++
	if s.space() == end {
		s.at++
		return true
	}
	for {
		if end == '}' {
			if s.space() != '"' || !s.str() || s.space() != ':' {
				return false
			}
			s.at++
		}
		if !s.value(depth + 1) {
			return false
		}
		c := s.space()
		s.at++
		if c == end {
			return true
		}
		if c != ',' {
			return false
		}
	}
}

func (s *scanner) str() bool {
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return true
		case c < ' ':
			return false
		case c >= utf8.RuneSelf:
			s.wide = true
		case c == '\\':
			if !s.escape() {
				return false
			}
		}
	}
	return false
}

// escape checks what follows a backslash, and ends at its last byte.
func (s *scanner) escape() bool {
	s.at++
	if s.at == len(s.text) {
		return false
	}
	c := s.text[s.at]
	if c != 'u' {
		return bytes.IndexByte([]byte(`"\/bfnrt`), c) >= 0
	}
	for range 4 {
		s.at++
		if s.at == len(s.text) || !isHex(s.text[s.at]) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func (s *scanner) word(word string) bool {
	if !bytes.HasPrefix(s.text[s.at:], []byte(word)) {
		return false
	}
	s.at += len(word)
	return true
}

func (s *scanner) number() bool {
	s.skip('-')
	if !s.skip('0') && !s.digits() {
		return false
	}
	if s.skip('.') && !s.digits() {
		return false
	}
	if s.skip('e') || s.skip('E') {
		if !s.skip('+') {
			s.skip('-')
		}
		return s.digits()
	}
	return true
}

// skip takes c if it is next.
func (s *scanner) skip(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// digits takes digits, of which there must be one.
func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}
