package queues

import (
	"fmt"
	"time"
)

const (
	// brief is an ack deadline that ends while a scenario waits for it.
	brief = 60
	// late is a delay that is not over before the next command, on a busy machine too.
	late = 600
)

// Reasons why a command line can't express a scenario.
const (
	noName   = "QACK names no consumer"
	oneToken = "QACK takes a token for one message"
)

// long is a lease that outlasts a scenario.
var long = fields{"ack_deadline_ms": 60_000}

var leaseScenarios = []scenario{
	{name: "an acknowledged message is gone", run: func(u *user) {
		u.create(nil)
		u.publish("x")
		m := u.one("c")
		u.ack(m)
		u.refused("queue.ack", fields{"message_id": m.id}, "Message not found: "+m.id)
		u.refused("queue.nack", fields{"message_id": m.id}, "Message not found: "+m.id)
		u.none("c")
	}},
	{name: "an unknown message can't be settled", run: func(u *user) {
		u.create(nil)
		for _, id := range []string{"00000000-0000-4000-8000-000000000000", "no such id"} {
			u.refused("queue.ack", fields{"message_id": id}, "Message not found: "+id)
			u.refused("queue.nack", fields{"message_id": id}, "Message not found: "+id)
		}
	}},
	{name: "a message that nobody holds can't be acknowledged", run: func(u *user) {
		u.create(nil)
		id := u.publish("x")
		u.refused("queue.ack", fields{"message_id": id}, "Message not found: "+id)
	}},
	{name: "nack without requeue drops", run: func(u *user) {
		u.create(nil)
		u.publish("x")
		u.nack(u.one("c"), fields{"requeue": false})
		u.none("c")
		u.equal("nacked", u.stat("nacked"), 1)
	}},
	{name: "nack with a delay", run: func(u *user) {
		u.create(nil)
		u.publish("x")
		m := u.one("c")
		begun := time.Now()
		u.nack(m, fields{"delay_ms": late})
		u.none("c")
		u.equal("retries", u.one("c").retries, 1)
		u.atLeast("it was back", time.Since(begun), late*time.Millisecond)
	}},
	{name: "back-off grows from one retry to the next", run: func(u *user) {
		u.create(fields{"backoff_base_ms": 30, "backoff_factor": 2, "backoff_cap_ms": 60})
		u.publish("x", fields{"max_retries": 9})
		m := u.one("c")
		for _, millis := range []int{30, 60, 60} {
			least := time.Duration(millis) * time.Millisecond
			begun := time.Now()
			u.nack(m)
			m = u.one("c")
			u.atLeast(fmt.Sprint("retry ", m.retries), time.Since(begun), least)
		}
		u.equal("retries", m.retries, 3)
	}},
	{name: "a lease that ends gives the message back", run: func(u *user) {
		u.create(fields{"ack_deadline_ms": brief})
		id := u.publish("x")
		first := u.one("dead")
		u.equal("retries", first.retries, 0)
		again := u.one("alive", long)
		u.equal("id", again.id, id)
		u.equal("retries", again.retries, 1)
		u.ack(again)
	}, not: map[string]string{"WebSocket": "the first socket may get it again"}},
	{name: "the deadline of a delivery may differ from the queue's", run: func(u *user) {
		u.create(nil)
		u.publish("x")
		u.one("dead", fields{"ack_deadline_ms": brief})
		u.equal("retries", u.one("alive").retries, 1)
	}, not: map[string]string{"WebSocket": pushOnly}},
	{name: "extend moves the deadline", run: func(u *user) {
		u.create(fields{"ack_deadline_ms": late})
		u.publish("x")
		m := u.one("c")
		now := time.Now().UnixMilli()
		answer := u.do("queue.extend", fields{"message_id": m.id, "ack_deadline_ms": 60_000})
		if until := u.number(answer, "deadline"); until < now+60_000 {
			u.Errorf("the new deadline is %d, %d ms from now", until, until-now)
		}
		answer = u.do("queue.consume", fields{"consumer_id": "other", "wait_ms": int64(late + 50)})
		u.equal("message for others", answer["message"], nil)
		u.ack(m)
	}},
	{name: "a token of an older delivery is stale", run: staleToken,
		not: map[string]string{"WebSocket": "the first socket may get it again"}},
	{name: "a token of a lease that has ended is stale", run: func(u *user) {
		u.create(fields{"ack_deadline_ms": brief})
		u.publish("x")
		m := u.one("c")
		u.eventually("the lease ends", func() bool { return u.stat("depth") == 1 })
		u.refused("queue.ack", fields{"message_id": m.id, "token": m.token},
			fmt.Sprintf(readyLease, m.id))
		u.refused("queue.ack", fields{"message_id": m.id}, "Message not found: "+m.id)
	}, not: map[string]string{"WebSocket": "the socket gets it again at once"}},
	{name: "only who holds a message settles it by name", run: func(u *user) {
		u.create(nil)
		u.publish("x")
		m := u.one("a")
		u.refused("queue.ack", fields{"message_id": m.id, "consumer_id": "b"},
			fmt.Sprintf(otherLease, m.id))
		u.do("queue.ack", fields{"message_id": m.id, "consumer_id": "a"})
	}, not: map[string]string{"RESP2": noName, "RESP3": noName,
		"WebSocket": "the consumer is part of the path"}},
	{name: "several are settled by their tokens, each with its own result", run: func(u *user) {
		u.create(nil)
		u.publish("1")
		u.publish("2")
		a, b := u.one("c"), u.one("c")
		answer := u.do("queue.ack", fields{"acks": []any{
			fields{"message_id": a.id, "token": a.token},
			fields{"message_id": b.id, "token": a.token},
		}})
		u.equal("success", answer["success"], false)
		results := answer["results"].([]any)
		u.equal("first", results[0].(fields)["success"], true)
		u.equal("second", results[1].(fields)["error"], fmt.Sprintf(otherLease, b.id))
		u.ack(b)
	}, not: map[string]string{"RESP2": oneToken, "RESP3": oneToken}},
	{name: "a token settles its own delivery", run: func(u *user) {
		u.create(nil)
		u.publish("x")
		m := u.one("c")
		if len(m.token) != 16 {
			u.Fatalf("the token is %q", m.token)
		}
		u.refused("queue.ack", fields{"message_id": m.id, "token": "0123456789abcdef"},
			fmt.Sprintf(otherLease, m.id))
		u.do("queue.extend", fields{"message_id": m.id, "token": m.token})
		u.do("queue.ack", fields{"message_id": m.id, "token": m.token})
	}},
}

const (
	otherLease = "Stale lease: message %s is leased by another delivery; drop this one"
	readyLease = "Stale lease: message %s is ready again; the lease has ended, drop this delivery"
)

func staleToken(u *user) {
	u.create(fields{"ack_deadline_ms": brief})
	u.publish("x")
	old := u.one("dead")
	now := u.one("alive", long)
	u.equal("id", now.id, old.id)
	if now.token == old.token {
		u.Fatalf("both deliveries have the token %s", now.token)
	}
	stale := fmt.Sprintf(otherLease, old.id)
	for _, command := range []string{"queue.ack", "queue.nack", "queue.extend"} {
		u.refused(command, fields{"message_id": old.id, "token": old.token}, stale)
	}
	u.do("queue.ack", fields{"message_id": now.id, "token": now.token})
	u.refused("queue.ack", fields{"message_id": now.id, "token": now.token},
		"Message not found: "+now.id)
}
