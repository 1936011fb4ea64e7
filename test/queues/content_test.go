package queues

import (
	"bytes"
	"strings"
)

var contentScenarios = []scenario{
	{name: "binary stays binary", run: func(u *user) {
		u.create(nil)
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		for _, payload := range [][]byte{all, {}, {0}, bytes.Repeat(all, 400)} {
			u.publish(payload)
			m := u.one("c")
			if !bytes.Equal(m.payload, payload) {
				u.Fatalf("%d bytes come back as %d: %.40x", len(payload), len(m.payload), m.payload)
			}
			u.ack(m)
		}
	}},
	{name: "text comes back as bytes, and as a value", run: func(u *user) {
		u.create(nil)
		u.publish("naïve ✓")
		m := u.one("c")
		u.equal("payload", string(m.payload), "naïve ✓")
		u.equal("value", m.value, "naïve ✓")
	}, not: plainBytes},
	{name: "JSON keeps its type", run: func(u *user) {
		u.create(nil)
		for _, c := range []struct {
			value any
			text  string
		}{
			{fields{"a": []any{int64(1), nil, true}}, `{"a":[1,null,true]}`},
			{int64(42), "42"}, {1.5, "1.5"}, {true, "true"},
		} {
			u.publish(c.value)
			m := u.one("c")
			u.equal("payload", string(m.payload), c.text)
			u.equal("value", m.value, c.value)
			u.ack(m)
		}
	}, not: plainBytes},
	{name: "a large message", run: func(u *user) {
		u.create(nil)
		large := bytes.Repeat([]byte("0123456789abcde\n"), 1<<15)
		u.publish(large)
		m := u.one("c")
		if !bytes.Equal(m.payload, large) {
			u.Fatalf("%d bytes come back as %d", len(large), len(m.payload))
		}
	}},
	{name: "headers travel with a message", run: func(u *user) {
		u.create(nil)
		u.publish("x", fields{"headers": fields{"trace": "abc", "n": "1"}})
		m := u.one("c")
		u.equal("trace", m.headers["trace"], "abc")
		u.equal("n", m.headers["n"], "1")
		u.nack(m)
		u.equal("after a retry", u.one("c").headers["trace"], "abc")
		u.publish("y")
		if m := u.one("c"); m.headers == nil || len(m.headers) != 0 {
			u.Errorf("no headers are %v", m.headers)
		}
	}},
	{name: "names of many kinds", run: func(u *user) {
		for _, name := range []string{"with space", "naïve ✓", "a/b", "50%25", "q:1.x"} {
			own := u.queue
			u.queue += name
			u.create(nil)
			id := u.publish("x")
			u.equal("id", u.one("c/1").id, id)
			u.equal("deleted", u.do("queue.delete", nil)["deleted"], true)
			u.queue = own
		}
		u.refused("queue.publish", fields{"queue": strings.Repeat("q", 513), "payload": "x"},
			"Invalid *")
	}},
	{name: "values out of bounds are refused", run: func(u *user) {
		u.create(nil)
		for _, f := range []fields{
			{"priority": -1}, {"max_retries": -1}, {"delay_ms": -1}, {"priority": "high"},
			{"headers": "text"}, {"headers": []any{}}, {"delay_ms": 1, "deliver_at": 1},
			{"deliver_at": int64(1) << 62},
		} {
			f["payload"] = "x"
			if answer, err := u.try("queue.publish", f); err == nil {
				u.Errorf("%v succeeds: %v", f, answer)
			}
		}
		for _, config := range []fields{
			{"overflow": "explode"}, {"backoff_factor": 0.5}, {"backoff_jitter": 2},
			{"max_depth": -1}, {"ack_deadline_ms": int64(1) << 60},
		} {
			f := fields{"queue": u.queue + "-bad", "config": config}
			if answer, err := u.try("queue.create", f); err == nil {
				u.Errorf("%v succeeds: %v", f, answer)
			}
		}
		u.equal("depth", u.stat("depth"), 0)
	}},
	{name: "missing fields are named", run: func(u *user) {
		u.refused("queue.publish", fields{}, "Invalid request: Missing 'payload' field")
		u.refused("queue.consume", fields{}, "Invalid request: Missing 'consumer_id' field")
		u.refused("queue.ack", fields{}, "Invalid request: Missing 'message_id' field")
	}, not: map[string]string{
		"REST": "the consumer is part of the path", "WebSocket": pushOnly,
		"RESP2": "arguments have places", "RESP3": "arguments have places",
	}},
}

// plainBytes says why the type of a payload does not show.
var plainBytes = map[string]string{"RESP2": "words are bytes", "RESP3": "words are bytes"}
