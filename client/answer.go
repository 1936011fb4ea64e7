package synap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// envelope is what one answer, or one push of a socket, consists of: parts of its bytes.
type envelope struct {
	ok      bool
	id      uint64 // of the request
	payload []byte // as it came; nil: there is none
	text    string // why it failed
	code    string
	// of a subscription:
	push  []byte // as it came; nil: it is no push
	ended bool
}

// read reads an answer as far as it need be to know whose it is.
func (e *envelope) read(body []byte, f Format) error {
	*e = envelope{}
	if f == JSON {
		return members(body, e.member)
	}
	n, rest, err := msgp.ReadMapHeaderBytes(body)
	for ; err == nil && n > 0; n-- {
		var name []byte
		if name, rest, err = msgp.ReadStringZC(rest); err != nil {
			break
		}
		var next []byte
		if next, err = msgp.Skip(rest); err == nil {
			e.packed(name, rest[:len(rest)-len(next)])
			rest = next
		}
	}
	return err
}

// packed takes a member of MessagePack.
func (e *envelope) packed(name, raw []byte) {
	text := func() []byte {
		if len(raw) == 0 || raw[0] == 0xc0 { // null
			return nil
		}
		s, _, _ := msgp.ReadStringZC(raw) // else it is empty
		return s
	}
	switch string(name) {
	case "success":
		e.ok, _, _ = msgp.ReadBoolBytes(raw) // else it is not true
	case "ended":
		e.ended, _, _ = msgp.ReadBoolBytes(raw) // likewise
	case "request_id":
		e.id = uint64(jsonInt(text())) // 0 is nobody's
	case "payload":
		e.payload = raw
	case "push":
		e.push = raw
	case "error":
		e.text = string(text())
	case "code":
		e.code = string(text())
	}
}

// member takes a member of JSON.
func (e *envelope) member(name, raw []byte) {
	switch string(name) {
	case "success":
		e.ok = string(raw) == "true"
	case "ended":
		e.ended = string(raw) == "true"
	case "request_id":
		e.id, _ = strconv.ParseUint(jsonText(raw), 10, 64) // 0 is nobody's
	case "payload":
		e.payload = raw
	case "push":
		e.push = raw
	case "error":
		e.text = jsonText(raw)
	case "code":
		e.code = jsonText(raw)
	}
}

// result is the payload, or what the server refused.
func (e *envelope) result(f Format, r *request) (any, error) {
	if !e.ok {
		text := e.text
		if text == "" {
			text = "the server gives no reason"
		}
		return nil, refusal(r.command, text, e.code)
	}
	if r.bytes && f == JSON {
		if b, ok := byteList(e.payload); ok {
			return b, nil
		}
	}
	v, err := readValue(e.payload, f)
	if err != nil {
		return nil, unreadable(r.command, e.payload, err)
	}
	return r.payload(v), nil
}

// byteList reads a JSON list of bytes, without making values of them.
func byteList(raw []byte) (b []byte, ok bool) {
	if len(raw) < 2 || raw[0] != '[' {
		return nil, false
	}
	b = make([]byte, 0, len(raw)/3)
	n, digits := 0, 0
	for _, c := range raw[1:] {
		switch {
		case c >= '0' && c <= '9' && digits < 3:
			n, digits = n*10+int(c-'0'), digits+1
		case c == ',' || c == ']':
			if n > 255 || digits == 0 && len(b) > 0 {
				return nil, false
			}
			if digits > 0 {
				b = append(b, byte(n))
			}
			n, digits = 0, 0
		default:
			return nil, false
		}
	}
	return b, true
}

// payload is the payload of an answer as callers want it.
func (r *request) payload(v any) any {
	if r.bytes && v != nil {
		return toBytes(v)
	}
	return v
}

// unreadable is an answer that is not what it should be.
func unreadable(command string, body []byte, err error) error {
	return &Error{Kind: ErrUnavailable, Command: command,
		Message: fmt.Sprintf("the answer can't be read: %.80q", body), cause: err}
}

// readEnvelope reads the answer to a request: what its payload is, or the server's refusal.
//
// A payload is nil, a bool, int64, uint64, float64, string, []byte, []any or map[string]any,
// whatever it came as.
func readEnvelope(body []byte, f Format, r *request) (any, error) {
	var e envelope
	if err := e.read(body, f); err != nil {
		return nil, unreadable(r.command, body, err)
	}
	return e.result(f, r)
}

// readValue reads a payload; none is nil.
func readValue(raw []byte, f Format) (v any, err error) {
	switch {
	case len(raw) == 0:
	case f == JSON:
		v, err = readJSON(raw)
	default:
		v, _, err = msgp.ReadIntfBytes(raw)
	}
	return v, err
}

func readJSON(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return plain(v), nil
}

// plain turns the numbers of JSON into those of Go.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64() // out of range: infinite
		return f
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = plain(v[name])
		}
	}
	return v
}

// The functions below read a part of a payload, of whichever wire. What is missing is zero.

func member(v any, name string) any {
	m, _ := v.(map[string]any)
	return m[name]
}

func toInt(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case uint64:
		return int64(v)
	case float64:
		return int64(v)
	}
	return 0
}

func toBool(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case int64:
		return v != 0
	}
	return false
}

func toText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

// toBytes reads bytes, which JSON gives as a string or a list of numbers. nil: there are none.
func toBytes(v any) []byte {
	switch v := v.(type) {
	case []byte:
		return v
	case string:
		return []byte(v)
	case []any:
		b := make([]byte, len(v))
		for i := range v {
			b[i] = byte(toInt(v[i]))
		}
		return b
	}
	return nil
}

func toList(v any) []any {
	list, _ := v.([]any)
	return list
}
