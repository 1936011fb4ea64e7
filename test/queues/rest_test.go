package queues

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

// rest speaks to the REST routes. Commands without one go through the envelope.
type rest struct{ *envelope }

func newREST(addr string) *rest { return &rest{newEnvelope(addr, false)} }

// routes are the REST spellings of commands.
var routes = map[string]string{
	"queue.create":  "POST /queue/{queue}",
	"queue.delete":  "DELETE /queue/{queue}",
	"queue.publish": "POST /queue/{queue}/publish",
	"queue.consume": "GET /queue/{queue}/consume/{consumer_id}",
	"queue.ack":     "POST /queue/{queue}/ack",
	"queue.nack":    "POST /queue/{queue}/nack",
	"queue.list":    "GET /queue/list",
	"queue.stats":   "GET /queue/{queue}/stats",
	"queue.purge":   "POST /queue/{queue}/purge",

	"queue.publish_batch": "POST /queue/{queue}/publish_batch",
	"queue.extend":        "POST /queue/{queue}/extend",
	"queue.peek":          "GET /queue/{queue}/peek",
	"queue.info":          "GET /queue/{queue}/info",
	"queue.update":        "PUT /queue/{queue}",
	"queue.pause":         "POST /queue/{queue}/pause",
	"queue.resume":        "POST /queue/{queue}/resume",
	"queue.dlq.list":      "GET /queue/{queue}/dlq",
	"queue.dlq.retry":     "POST /queue/{queue}/dlq/retry",
	"queue.dlq.purge":     "POST /queue/{queue}/dlq/purge",
}

var brace = regexp.MustCompile(`\{(\w+)\}`)

func (r *rest) call(command string, f fields) (any, error) {
	route, ok := routes[command]
	if !ok {
		return r.envelope.call(command, f)
	}
	f = maps.Clone(f)
	if config, ok := f["config"].(fields); ok { // REST has the settings at top level
		maps.Copy(f, config)
	}
	delete(f, "config")
	if command == "queue.nack" && f["requeue"] == nil {
		f["requeue"] = true // required there
	}
	method, path, _ := strings.Cut(route, " ")
	path = brace.ReplaceAllStringFunc(path, func(name string) string {
		name = strings.Trim(name, "{}")
		text := url.PathEscape(f[name].(string))
		delete(f, name)
		return text
	})
	answer, err := r.request(method, path, f)
	if err != nil || command != "queue.consume" {
		return answer, err
	}
	if f["count"] == nil {
		return nested(answer)
	}
	for _, m := range answer.(fields)["messages"].([]any) {
		m.(fields)["id"] = m.(fields)["message_id"]
	}
	return answer, nil
}

// nested is the flat delivery of REST in the shape of the envelope.
func nested(answer any) (any, error) {
	m, ok := answer.(fields)
	if !ok {
		return nil, fmt.Errorf("consume answers %v", answer)
	}
	if m["message_id"] != nil {
		m["id"] = m["message_id"]
		return fields{"message": m}, nil
	}
	for name, v := range m {
		if v != nil {
			return nil, fmt.Errorf("nothing has a %s: %v", name, v)
		}
	}
	if _, ok := m["message_id"]; !ok || len(m) < 6 {
		return nil, fmt.Errorf("nothing is %v, without its nulls", m)
	}
	return fields{"message": nil}, nil
}

func (r *rest) request(method, path string, f fields) (any, error) {
	address := "http://" + r.addr + path
	var body io.Reader
	if method == http.MethodPost || method == http.MethodPut {
		text, err := json.Marshal(byteArrays(f))
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	} else if len(f) > 0 {
		query := url.Values{}
		for name, v := range f {
			query.Set(name, fmt.Sprint(v))
		}
		address += "?" + query.Encode()
	}
	request, err := http.NewRequest(method, address, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = reply.Body.Close() }()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, err
	}
	answer, err := readJSON(text)
	if err != nil || reply.StatusCode == http.StatusOK {
		return answer, err
	}
	return nil, refusal(reply.StatusCode, answer)
}

// statusOf is the status of a failure by the first words of its text, as the contract has it.
var statusOf = map[string]int{
	"Queue not found": 404, "Message not found": 404, "Queue is full": 507, "Stale lease": 409,
	"CAS failed": 409, "Invalid request: the name": 413, "Invalid value": 400,
}

// refusal is a failure, its status checked.
func refusal(status int, answer any) error {
	f, _ := answer.(fields)
	text, _ := f["error"].(string)
	for words, want := range statusOf {
		if strings.HasPrefix(text, words) && status == want && f["code"] == int64(want) {
			return &failure{text}
		}
	}
	return fmt.Errorf("status %d with %v", status, answer)
}
