package live

import (
	"maps"

	"github.com/synapdb/synap/test/harness"
)

// routes are the REST spellings of commands.
var routes = map[string]string{
	"stream.create":        "POST /stream/{room}",
	"stream.get_or_create": "PUT /stream/{room}",
	"stream.update":        "PUT /stream/{room}/settings",
	"stream.delete":        "DELETE /stream/{room}",
	"stream.trim":          "POST /stream/{room}/trim",
	"stream.list":          "GET /stream/list",
	"stream.stats":         "GET /stream/{room}/stats",
	"stream.info":          "GET /stream/{room}/info",
	"stream.publish":       "POST /stream/{room}/publish",
	"stream.publish_batch": "POST /stream/{room}/publish_batch",
	"stream.consume":       "GET /stream/{room}/consume/{subscriber_id}",
	"stream.history":       "GET /stream/{room}/history",
	"stream.commit":        "PUT /stream/{room}/cursor/{consumer}",
	"stream.cursor":        "GET /stream/{room}/cursor/{consumer}",
	"stream.forget":        "DELETE /stream/{room}/cursor/{consumer}",

	"pubsub.publish":     "POST /pubsub/{topic}/publish",
	"pubsub.subscribe":   "POST /pubsub/subscribe",
	"pubsub.unsubscribe": "POST /pubsub/unsubscribe",
	"pubsub.topics":      "GET /pubsub/topics",
	"pubsub.stats":       "GET /pubsub/stats",
	"pubsub.info":        "GET /pubsub/{topic}/info",

	"kv.setrange": "POST /kv/{key}/setrange",
	"kv.append":   "POST /kv/{key}/append",
}

// statuses are those of failures by the first words of their texts. Rooms have 400 by the contract
// (2.3), also when they are absent.
var statuses = map[string]int{
	"Invalid request": 400, "Stream offset": 400, "Offset conflict": 409, "Invalid value": 400,
	"Invalid request: Topic '": 404,
}

func newEnvelope(addr string, msgpack bool) *harness.Envelope {
	return harness.NewEnvelope(addr, "data", msgpack)
}

func newREST(addr string) *harness.REST {
	return &harness.REST{Envelope: newEnvelope(addr, false), Routes: routes, Statuses: statuses}
}

// flat has the settings of a room at top level, as REST has them.
type flat struct{ *harness.REST }

func (r flat) Call(command string, f fields) (any, error) {
	if config, ok := f["config"].(fields); ok {
		f = maps.Clone(f)
		delete(f, "config")
		maps.Copy(f, config)
	}
	return r.REST.Call(command, f)
}
