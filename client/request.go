package synap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// field is a member of a command's payload. Its value is nil, a bool, an int, int64, uint64,
// float64, string, []byte, []string, [][]byte, json.RawMessage, []any or map[string]any.
type field struct {
	name  string
	value any
}

// request is one command on its way: under its dotted name with named fields, and as a line of
// RESP where it has one.
type request struct {
	command string
	fields  []field
	line    []any // words: string, []byte or int64; nil: RESP can't say it
	read    bool  // it changes nothing, so it may be sent again
	bytes   bool  // its answer is bytes, which JSON has as a list of numbers
}

// errNoLine is for commands that RESP has no words for.
func errNoLine(command string) error {
	return &Error{Kind: ErrInvalid, Command: command,
		Message: "not possible over resp://; use http:// or ws://"}
}

// appendEnvelope appends the request as MessagePack or JSON.
func (r *request) appendEnvelope(dst []byte, f Format, id uint64) ([]byte, error) {
	if f == JSON {
		return r.appendJSON(dst, id)
	}
	dst = appendPackHead(dst, r.command, id, len(r.fields))
	var err error
	for _, f := range r.fields {
		if dst, err = appendPack(msgp.AppendString(dst, f.name), f.value); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendPackHead appends an envelope of MessagePack up to its fields.
func appendPackHead(dst []byte, command string, id uint64, fields int) []byte {
	dst = msgp.AppendMapHeader(dst, 3)
	dst = msgp.AppendString(dst, "command")
	dst = msgp.AppendString(dst, command)
	dst = msgp.AppendString(dst, "request_id")
	var digits [20]byte
	dst = msgp.AppendStringFromBytes(dst, strconv.AppendUint(digits[:0], id, 10))
	dst = msgp.AppendString(dst, "payload")
	return msgp.AppendMapHeader(dst, uint32(fields))
}

func appendPack(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case json.RawMessage:
		if !json.Valid(v) {
			return dst, fmt.Errorf("%.80q is not JSON", v)
		}
		return appendJSONAsPack(dst, v), nil
	case []string:
		dst = msgp.AppendArrayHeader(dst, uint32(len(v)))
		for _, s := range v {
			dst = msgp.AppendString(dst, s)
		}
		return dst, nil
	case [][]byte:
		dst = msgp.AppendArrayHeader(dst, uint32(len(v)))
		for _, b := range v {
			dst = msgp.AppendBytes(dst, b)
		}
		return dst, nil
	case []any:
		dst = msgp.AppendArrayHeader(dst, uint32(len(v)))
		for _, item := range v {
			var err error
			if dst, err = appendPack(dst, item); err != nil {
				return dst, err
			}
		}
		return dst, nil
	case map[string]any:
		dst = msgp.AppendMapHeader(dst, uint32(len(v)))
		for name, item := range v {
			var err error
			if dst, err = appendPack(msgp.AppendString(dst, name), item); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
	return msgp.AppendIntf(dst, v)
}

// appendJSONAsPack turns valid JSON text into MessagePack, members in their order.
func appendJSONAsPack(dst, text []byte) []byte {
	text = bytes.TrimSpace(text)
	n := uint32(0)
	switch c := text[0]; c {
	case '{':
		_ = members(text, func(_, _ []byte) { n++ }) // it is valid
		dst = msgp.AppendMapHeader(dst, n)
		_ = members(text, func(name, value []byte) { // likewise
			dst = appendJSONAsPack(msgp.AppendString(dst, unescaped(name)), value)
		})
		return dst
	case '[':
		elements(text, func([]byte) { n++ })
		dst = msgp.AppendArrayHeader(dst, n)
		elements(text, func(value []byte) { dst = appendJSONAsPack(dst, value) })
		return dst
	case '"':
		return msgp.AppendString(dst, jsonText(text))
	case 't', 'f':
		return msgp.AppendBool(dst, c == 't')
	case 'n':
		return msgp.AppendNil(dst)
	}
	number := string(text)
	if i, err := strconv.ParseInt(number, 10, 64); err == nil {
		return msgp.AppendInt64(dst, i)
	}
	if u, err := strconv.ParseUint(number, 10, 64); err == nil {
		return msgp.AppendUint64(dst, u)
	}
	f, _ := strconv.ParseFloat(number, 64) // out of range: infinite
	return msgp.AppendFloat64(dst, f)
}

func (r *request) appendJSON(dst []byte, id uint64) ([]byte, error) {
	dst = append(append(append(dst, `{"command":"`...), r.command...), `","request_id":"`...)
	dst = append(strconv.AppendUint(dst, id, 10), `","payload":{`...)
	var err error
	for i, f := range r.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), f.name...), '"', ':')
		if dst, err = appendJSON(dst, f.value); err != nil {
			return dst, err
		}
	}
	return append(dst, '}', '}'), nil
}

func appendJSON(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case uint64:
		return strconv.AppendUint(dst, v, 10), nil
	case string:
		return appendQuoted(dst, v)
	case []byte:
		return appendQuoted(dst, string(v))
	case json.RawMessage:
		if !json.Valid(v) {
			return dst, fmt.Errorf("%.80q is not JSON", v)
		}
		return append(dst, v...), nil
	case []string:
		return appendList(dst, v)
	case [][]byte:
		return appendList(dst, v)
	case []any:
		return appendList(dst, v)
	case map[string]any:
		return appendObject(dst, v)
	}
	text, err := json.Marshal(v)
	return append(dst, text...), err
}

func appendList[T any](dst []byte, list []T) (_ []byte, err error) {
	dst = append(dst, '[')
	for i, item := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendJSON(dst, item); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func appendObject(dst []byte, members map[string]any) (_ []byte, err error) {
	dst = append(dst, '{')
	first := true
	for name, value := range members {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if dst, err = appendQuoted(dst, name); err != nil {
			return dst, err
		}
		if dst, err = appendJSON(append(dst, ':'), value); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// errBinary is for bytes that JSON has no words for.
var errBinary = fmt.Errorf("%w: bytes that are not UTF-8 can't be sent as JSON; "+
	"use WithFormat(MessagePack)", ErrInvalid)

// appendQuoted appends a JSON string. Most need no escapes.
func appendQuoted(dst []byte, s string) ([]byte, error) {
	plain := true
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			plain = false
			break
		}
	}
	if plain {
		return append(append(append(dst, '"'), s...), '"'), nil
	}
	if !utf8.ValidString(s) {
		return dst, errBinary
	}
	text, err := json.Marshal(s)
	return append(dst, text...), err
}
