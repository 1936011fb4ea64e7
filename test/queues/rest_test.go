package queues

import (
	"fmt"
	"maps"

	"github.com/synapdb/synap/test/harness"
)

// rest speaks to the REST routes. Commands without one go through the envelope.
type rest struct{ *harness.REST }

func newREST(addr string) *rest {
	return &rest{&harness.REST{Envelope: newEnvelope(addr, false), Routes: routes,
		Statuses: statusOf}}
}

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

func (r *rest) Call(command string, f fields) (any, error) {
	f = maps.Clone(f)
	if config, ok := f["config"].(fields); ok && routes[command] != "" {
		maps.Copy(f, config) // REST has the settings at top level
		delete(f, "config")
	}
	if command == "queue.nack" && f["requeue"] == nil {
		f["requeue"] = true // required there
	}
	answer, err := r.REST.Call(command, f)
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

// statusOf is the status of a failure by the first words of its text, as the contract has it.
var statusOf = map[string]int{
	"Queue not found": 404, "Message not found": 404, "Queue is full": 507, "Stale lease": 409,
	"CAS failed": 409, "Invalid request: the name": 413, "Invalid value": 400,
}
