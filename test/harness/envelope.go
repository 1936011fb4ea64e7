package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/tinylib/msgp/msgp"
)

// Door is a way into the server. Whatever it speaks, commands have the names and fields of the
// table, and answers the shape of the envelope's payload: objects are Fields, lists []any, binary
// is []byte, numbers are int64 or float64.
type Door interface {
	Call(command string, f Fields) (any, error)
	Close()
}

// Fields are the named arguments of a command, or an answer.
type Fields map[string]any

// Failure is an error that the server answered.
type Failure struct{ Text string }

// Error is the text.
func (f *Failure) Error() string { return f.Text }

// Envelope is POST /api/v1/command, in JSON or MessagePack.
type Envelope struct {
	Addr   string
	Client *http.Client
	// Binary is the name of the members whose lists of numbers are bytes.
	Binary  string
	msgpack bool
}

// NewEnvelope opens the door; binary is as in Envelope.
func NewEnvelope(addr, binary string, msgpack bool) *Envelope {
	return &Envelope{Addr: addr, Binary: binary, msgpack: msgpack,
		Client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

// Close closes idle connections.
func (e *Envelope) Close() { e.Client.CloseIdleConnections() }

// Call runs a command.
func (e *Envelope) Call(command string, f Fields) (any, error) {
	request := Fields{"command": command, "request_id": "r-1", "payload": f}
	status, answer, err := e.send(request)
	if err != nil {
		return nil, err
	}
	reply, ok := answer.(Fields)
	if !ok || status != http.StatusOK || reply["request_id"] != "r-1" {
		return nil, fmt.Errorf("%s: status %d, %v", command, status, answer)
	}
	if reply["success"] != true {
		text, ok := reply["error"].(string)
		if !ok || reply["payload"] != nil {
			return nil, fmt.Errorf("%s: a failure without a text: %v", command, reply)
		}
		return nil, &Failure{text}
	}
	return reply["payload"], nil
}

func (e *Envelope) send(request Fields) (int, any, error) {
	contentType := "application/json"
	var body []byte
	var err error
	if e.msgpack {
		contentType = "application/msgpack"
		body, err = msgp.AppendIntf(nil, PlainMaps(request))
	} else {
		body, err = json.Marshal(ByteArrays(request))
	}
	if err != nil {
		return 0, nil, err
	}
	reply, err := e.Client.Post("http://"+e.Addr+"/api/v1/command", contentType,
		bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = reply.Body.Close() }()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return 0, nil, err
	}
	if !strings.HasPrefix(reply.Header.Get("Content-Type"), contentType) {
		return 0, nil, fmt.Errorf("%s: %.300q", reply.Header.Get("Content-Type"), text)
	}
	if e.msgpack {
		answer, rest, err := msgp.ReadIntfBytes(text)
		if err == nil && len(rest) > 0 {
			err = fmt.Errorf("%d bytes follow the answer", len(rest))
		}
		return reply.StatusCode, OwnShapes(answer, e.Binary), err
	}
	answer, err := ReadJSON(text, e.Binary)
	return reply.StatusCode, answer, err
}

// ByteArrays spells binary as the contract's JSON does: a list of numbers.
func ByteArrays(v any) any {
	switch v := v.(type) {
	case Fields:
		out := map[string]any{}
		for name, item := range v {
			out[name] = ByteArrays(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = ByteArrays(v[i])
		}
		return out
	case []byte:
		out := make([]int, len(v))
		for i := range v {
			out[i] = int(v[i])
		}
		return out
	}
	return v
}

// PlainMaps is v without our own types.
func PlainMaps(v any) any {
	switch v := v.(type) {
	case Fields:
		out := map[string]any{}
		for name, item := range v {
			out[name] = PlainMaps(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = PlainMaps(v[i])
		}
		return out
	}
	return v
}

// ReadJSON decodes an answer and gives it the shapes of a Door; see OwnShapes.
func ReadJSON(text []byte, binary string) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("%w: %.300q", err, text)
	}
	return OwnShapes(v, binary), nil
}

// OwnShapes is v with the types that a Door promises. Members named binary are bytes where they are
// lists of numbers.
func OwnShapes(v any, binary string) any {
	switch v := v.(type) {
	case map[string]any:
		out := Fields{}
		for name, item := range v {
			out[name] = OwnShapes(item, binary)
			if list, ok := out[name].([]any); ok && name == binary {
				if b, ok := asBytes(list); ok {
					out[name] = b
				}
			}
		}
		return out
	case []any:
		for i := range v {
			v[i] = OwnShapes(v[i], binary)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case uint64:
		return int64(v)
	case int:
		return int64(v)
	}
	return v
}

func asBytes(list []any) ([]byte, bool) {
	out := make([]byte, 0, len(list))
	for _, item := range list {
		n, ok := item.(int64)
		if !ok || n < 0 || n > 255 {
			return nil, false
		}
		out = append(out, byte(n))
	}
	return out, true
}
