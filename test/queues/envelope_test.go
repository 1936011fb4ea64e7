package queues

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/tinylib/msgp/msgp"
)

// envelope is POST /api/v1/command, in JSON or MessagePack.
type envelope struct {
	addr    string
	msgpack bool
	client  *http.Client
}

func newEnvelope(addr string, msgpack bool) *envelope {
	return &envelope{addr: addr, msgpack: msgpack,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

func (e *envelope) close() { e.client.CloseIdleConnections() }

func (e *envelope) call(command string, f fields) (any, error) {
	request := fields{"command": command, "request_id": "r-1", "payload": f}
	status, answer, err := e.send(request)
	if err != nil {
		return nil, err
	}
	reply, ok := answer.(fields)
	if !ok || status != http.StatusOK || reply["request_id"] != "r-1" {
		return nil, fmt.Errorf("%s: status %d, %v", command, status, answer)
	}
	if reply["success"] != true {
		text, ok := reply["error"].(string)
		if !ok || reply["payload"] != nil {
			return nil, fmt.Errorf("%s: a failure without a text: %v", command, reply)
		}
		return nil, &failure{text}
	}
	return reply["payload"], nil
}

func (e *envelope) send(request fields) (int, any, error) {
	contentType := "application/json"
	var body []byte
	var err error
	if e.msgpack {
		contentType = "application/msgpack"
		body, err = msgp.AppendIntf(nil, plainMaps(request))
	} else {
		body, err = json.Marshal(byteArrays(request))
	}
	if err != nil {
		return 0, nil, err
	}
	reply, err := e.client.Post("http://"+e.addr+"/api/v1/command", contentType,
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
		return reply.StatusCode, ownShapes(answer), err
	}
	answer, err := readJSON(text)
	return reply.StatusCode, answer, err
}

// byteArrays spells binary as the contract's JSON does: a list of numbers.
func byteArrays(v any) any {
	switch v := v.(type) {
	case fields:
		out := map[string]any{}
		for name, item := range v {
			out[name] = byteArrays(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = byteArrays(v[i])
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

// plainMaps is v without our own types.
func plainMaps(v any) any {
	switch v := v.(type) {
	case fields:
		out := map[string]any{}
		for name, item := range v {
			out[name] = plainMaps(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plainMaps(v[i])
		}
		return out
	}
	return v
}

// readJSON decodes an answer and gives it the shapes of a door.
func readJSON(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("%w: %.300q", err, text)
	}
	return ownShapes(v), nil
}

// ownShapes is v with the types that a door promises: see door. A payload is bytes.
func ownShapes(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := fields{}
		for name, item := range v {
			out[name] = ownShapes(item)
			if list, ok := out[name].([]any); ok && name == "payload" {
				if b, ok := asBytes(list); ok {
					out[name] = b
				}
			}
		}
		return out
	case []any:
		for i := range v {
			v[i] = ownShapes(v[i])
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
