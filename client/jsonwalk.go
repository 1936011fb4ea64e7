package synap

import (
	"bytes"
	"encoding/json"
	"errors"
)

var errJSON = errors.New("not a JSON object")

// members hands the members of a JSON object to f: the name as it stands between its quotes, the
// value as it is written. It finds where values end and judges them no further; whoever wants a
// value parses it. That is several times cheaper than parsing all of it.
func members(text []byte, f func(name, value []byte)) error {
	i := skipSpace(text, 0)
	if i == len(text) || text[i] != '{' {
		return errJSON
	}
	for i++; ; i++ {
		if i = skipSpace(text, i); i == len(text) {
			return errJSON
		}
		if text[i] == '}' {
			return nil
		}
		if text[i] != '"' {
			return errJSON
		}
		from := i + 1
		if i = skipString(text, i); i < 0 {
			return errJSON
		}
		name := text[from : i-1]
		if i = skipSpace(text, i); i == len(text) || text[i] != ':' {
			return errJSON
		}
		from = skipSpace(text, i+1)
		if i = skipJSON(text, from); i < 0 {
			return errJSON
		}
		f(name, text[from:i])
		if i = skipSpace(text, i); i == len(text) {
			return errJSON
		}
		if text[i] == '}' {
			return nil
		}
		if text[i] != ',' {
			return errJSON
		}
	}
}

// elements hands the elements of a valid JSON list to f.
func elements(text []byte, f func(value []byte)) {
	for i := skipSpace(text, 1); i < len(text) && text[i] != ']'; i = skipSpace(text, i) {
		if text[i] == ',' {
			i++
			continue
		}
		end := skipJSON(text, i)
		if end < 0 {
			return
		}
		f(text[i:end])
		i = end
	}
}

func skipSpace(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' || text[i] == '\r') {
		i++
	}
	return i
}

// skipString is the position behind a string that begins at i, or -1.
func skipString(text []byte, i int) int {
	for i++; i < len(text); i++ {
		n := bytes.IndexByte(text[i:], '"')
		if n < 0 {
			return -1
		}
		i += n
		escapes := 0
		for text[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i + 1
		}
	}
	return -1
}

// skipJSON is the position behind a value that begins at i, or -1.
func skipJSON(text []byte, i int) int {
	depth := 0
	for from := i; i < len(text); {
		switch text[i] {
		case '"':
			if i = skipString(text, i); i < 0 {
				return -1
			}
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return valueEnd(text, from, i)
			}
			depth--
			i++
		case ',':
			if depth == 0 {
				return valueEnd(text, from, i)
			}
			i++
			continue
		default:
			i++
			continue
		}
		if depth == 0 {
			return i
		}
	}
	return -1
}

// valueEnd is where a value ends that is followed by what is at to; -1: there is none.
func valueEnd(text []byte, from, to int) int {
	for to > from && text[to-1] <= ' ' {
		to--
	}
	if from == to {
		return -1
	}
	return to
}

// jsonText is a JSON string; anything else is "".
func jsonText(raw []byte) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	return unescaped(raw[1 : len(raw)-1])
}

// unescaped is what stands between the quotes of a JSON string.
func unescaped(inner []byte) string {
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var s string
	_ = json.Unmarshal(append(append([]byte{'"'}, inner...), '"'), &s) // else it is empty
	return s
}

// jsonInt is a whole JSON number; anything else is 0.
func jsonInt(raw []byte) int64 {
	n, negative := int64(0), false
	for i, c := range raw {
		switch {
		case i == 0 && c == '-':
			negative = true
		case c < '0' || c > '9':
			return 0
		default:
			n = n*10 + int64(c-'0')
		}
	}
	if negative {
		return -n
	}
	return n
}
