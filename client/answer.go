package synap

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// readEnvelope reads the answer to a request: what its payload is, or the server's refusal.
//
// A payload is nil, a bool, int64, uint64, float64, string, []byte, []any or map[string]any,
// whatever it came as.
func readEnvelope(body []byte, f Format, command string) (any, error) {
	var whole any
	var err error
	if f == JSON {
		whole, err = readJSON(body)
	} else {
		whole, err = readPack(body)
	}
	m, ok := whole.(map[string]any)
	if err != nil || !ok {
		return nil, &Error{Kind: ErrUnavailable, Command: command,
			Message: fmt.Sprintf("the answer can't be read: %.80q", body), cause: err}
	}
	return open(m, command)
}

// open is the payload of an envelope.
func open(m map[string]any, command string) (any, error) {
	if m["success"] == true {
		return m["payload"], nil
	}
	text, _ := m["error"].(string)
	if text == "" {
		text = "the server gives no reason"
	}
	return nil, refusal(command, text)
}

func readPack(body []byte) (any, error) {
	v, _, err := msgp.ReadIntfBytes(body)
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
