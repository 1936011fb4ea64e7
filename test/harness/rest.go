package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// REST speaks to the REST routes. Commands without one go through the envelope.
type REST struct {
	*Envelope
	// Routes are the spellings of commands: a method and a path, whose braces name fields.
	Routes map[string]string
	// Statuses are those of failures by the first words of their texts; of several that fit, any.
	Statuses map[string]int
}

var brace = regexp.MustCompile(`\{(\w+)\}`)

// Call runs a command.
func (r *REST) Call(command string, f Fields) (any, error) {
	route, ok := r.Routes[command]
	if !ok {
		return r.Envelope.Call(command, f)
	}
	f = maps.Clone(f)
	method, path, _ := strings.Cut(route, " ")
	path = brace.ReplaceAllStringFunc(path, func(name string) string {
		name = strings.Trim(name, "{}")
		text, _ := f[name].(string)
		delete(f, name)
		return url.PathEscape(text)
	})
	return r.request(method, path, f)
}

func (r *REST) request(method, path string, f Fields) (any, error) {
	address := "http://" + r.Addr + path
	var body io.Reader
	if method == http.MethodPost || method == http.MethodPut {
		text, err := json.Marshal(ByteArrays(f))
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	} else if len(f) > 0 {
		address += "?" + Query(f)
	}
	request, err := http.NewRequest(method, address, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := r.Client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = reply.Body.Close() }()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, err
	}
	answer, err := ReadJSON(text, r.Binary)
	if err != nil || reply.StatusCode == http.StatusOK {
		return answer, err
	}
	return nil, r.refusal(reply.StatusCode, answer)
}

// Query spells fields as a query.
func Query(f Fields) string {
	query := url.Values{}
	for name, v := range f {
		query.Set(name, fmt.Sprint(v))
	}
	return query.Encode()
}

// refusal is a failure, its status checked.
func (r *REST) refusal(status int, answer any) error {
	f, _ := answer.(Fields)
	text, _ := f["error"].(string)
	for words, want := range r.Statuses {
		if strings.HasPrefix(text, words) && status == want && f["code"] == int64(want) {
			return &Failure{text}
		}
	}
	return fmt.Errorf("status %d with %v", status, answer)
}
