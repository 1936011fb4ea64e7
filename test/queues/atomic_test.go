package queues

import "fmt"

var atomicScenarios = []scenario{
	{name: "publish if a key has a version", run: func(u *user) {
		u.create(nil)
		key := "key-" + u.queue
		u.set(key, "1") // version 1
		u.publish("a", fields{"if_version": fields{"key": key, "version": 1}})
		u.set(key, "2") // version 2
		u.refused("queue.publish", fields{"payload": "b",
			"if_version": fields{"key": key, "version": 1}},
			"CAS failed - expected: version 1, actual: version 2")
		u.equal("payload", string(u.one("c").payload), "a")
		u.none("c")
	}},
	{name: "an atomic batch writes, publishes and acknowledges", run: func(u *user) {
		u.create(nil)
		u.publish("order")
		m := u.one("c")
		results := u.batch(u.handOver(m.id, m.token))
		for i, r := range results {
			u.equal(fmt.Sprint("item ", i), r.(fields)["success"], true)
		}
		u.equal("value", u.get("done-"+u.queue), "yes")
		u.equal("follow-up", string(u.one("c").payload), "invoice")
		u.refused("queue.ack", fields{"message_id": m.id}, "Message not found: "+m.id)
	}, not: noBatch},
	{name: "an atomic batch undoes what it did when a queue is full", run: func(u *user) {
		u.create(fields{"max_depth": 1})
		results := u.batch([]any{
			fields{"command": "kv.set",
				"payload": fields{"key": "done-" + u.queue, "value": "yes"}},
			fields{"command": "queue.publish", "payload": fields{"queue": u.queue, "payload": "1"}},
			fields{"command": "queue.publish", "payload": fields{"queue": u.queue, "payload": "2"}},
		})
		u.equal("why", results[2].(fields)["error"], "Queue is full: "+u.queue)
		u.equal("value", u.get("done-"+u.queue), nil)
		u.none("c")
		u.equal("published", u.stat("published"), 0)
	}, not: noBatch},
	{name: "an atomic batch with a stale token does nothing at all", run: func(u *user) {
		u.create(fields{"ack_deadline_ms": brief})
		u.publish("order")
		old := u.one("dead")
		now := u.one("alive", long)
		results := u.batch(u.handOver(old.id, old.token))
		for i, r := range results {
			u.equal(fmt.Sprint("item ", i), r.(fields)["success"], false)
		}
		u.equal("value", u.get("done-"+u.queue), nil)
		u.none("other")
		u.do("queue.ack", fields{"message_id": now.id, "token": now.token})
	}, not: noBatchOrPush},
}

var noBatch = map[string]string{
	"RESP2": "has MULTI instead: see TestMultiSpansKeysAndQueues",
	"RESP3": "has MULTI instead: see TestMultiSpansKeysAndQueues",
}

var noBatchOrPush = map[string]string{
	"RESP2": noBatch["RESP2"], "RESP3": noBatch["RESP3"],
	"WebSocket": "the first socket may get it again",
}

// handOver are the commands that finish a message: a write, a follow-up, its acknowledgement.
func (u *user) handOver(id, token string) []any {
	return []any{
		fields{"command": "kv.set", "payload": fields{"key": "done-" + u.queue, "value": "yes"}},
		fields{"command": "queue.publish",
			"payload": fields{"queue": u.queue, "payload": "invoice"}},
		fields{"command": "queue.ack",
			"payload": fields{"queue": u.queue, "message_id": id, "token": token}},
	}
}

func (u *user) batch(commands []any) []any {
	u.Helper()
	answer := u.do("batch", fields{"atomic": true, "commands": commands})
	results, ok := answer["results"].([]any)
	if !ok || len(results) != len(commands) {
		u.Fatalf("the batch answers %v", answer)
	}
	return results
}

func (u *user) set(key, value string) {
	u.Helper()
	if _, err := u.try("kv.set", fields{"key": key, "value": value}); err != nil {
		u.Fatal(err)
	}
}

func (u *user) get(key string) any {
	u.Helper()
	v, err := u.try("kv.get", fields{"key": key})
	if err != nil {
		u.Fatal(err)
	}
	return v
}
