package queues

import "fmt"

var deadScenarios = []scenario{
	{name: "too many failures make a dead letter whatever requeue says", run: func(u *user) {
		u.create(nil)
		id := u.publish("x", fields{"max_retries": 1})
		u.nack(u.one("c"))
		u.nack(u.one("c"), fields{"requeue": true})
		u.none("c")
		dead := u.dead()
		u.equal("dead letters", len(dead), 1)
		u.equal("id", dead[0].id, id)
		u.equal("payload", string(dead[0].payload), "x")
		u.equal("dead_lettered", u.stat("dead_lettered"), 1)
	}},
	{name: "dead letters are retried: counted dry, some, all", run: func(u *user) {
		u.create(nil)
		ids := u.kill(3)
		u.equal("dry", u.count("queue.dlq.retry", fields{"all": true, "dry_run": true}), 3)
		u.equal("dead letters", len(u.dead()), 3)
		u.equal("one", u.count("queue.dlq.retry", fields{"message_ids": []any{ids[1]}}), 1)
		m := u.one("c")
		u.equal("id", m.id, ids[1])
		u.equal("retries", m.retries, 0)
		u.ack(m)
		u.equal("limited", u.count("queue.dlq.retry", fields{"limit": 1}), 1)
		u.equal("oldest", u.one("c").id, ids[0])
		u.equal("all", u.count("queue.dlq.retry", fields{"all": true}), 1)
		u.equal("last", u.one("c").id, ids[2])
		u.equal("dead letters", len(u.dead()), 0)
	}},
	{name: "dead letters are purged: counted dry, some, all", run: func(u *user) {
		u.create(nil)
		ids := u.kill(3)
		u.equal("dry", u.count("queue.dlq.purge", fields{"all": true, "dry_run": true}), 3)
		u.equal("one", u.count("queue.dlq.purge", fields{"message_ids": []any{ids[0]}}), 1)
		u.equal("dead letters", len(u.dead()), 2)
		u.equal("all", u.count("queue.dlq.purge", fields{"all": true}), 2)
		u.equal("dead letters", len(u.dead()), 0)
	}},
	{name: "retry of a message that is no dead letter changes nothing", run: func(u *user) {
		u.create(nil)
		ids := u.kill(1)
		ready := u.publish("ready")
		u.refused("queue.dlq.retry", fields{"message_ids": []any{ids[0], ready}},
			"Message not found: "+ready)
		u.equal("dead letters", len(u.dead()), 1)
	}},
	{name: "a lease that ends once too often makes a dead letter", run: func(u *user) {
		u.create(fields{"ack_deadline_ms": brief})
		id := u.publish("x", fields{"max_retries": 0})
		u.one("c")
		u.eventually("it is dead", func() bool { return len(u.dead()) == 1 })
		u.equal("id", u.dead()[0].id, id)
		u.none("c")
	}},
	{name: "what expires goes to the queue for dead letters, too", run: func(u *user) {
		own := u.queue
		u.queue = own + "-target"
		u.create(nil)
		u.queue = own
		u.create(fields{"dead_letter_queue": own + "-target"})
		u.publish("x", fields{"ttl_ms": 40})
		u.queue = own + "-target"
		m := u.one("c")
		u.equal("reason", m.headers["x-dead-letter-reason"], "expired")
		u.equal("payload", string(m.payload), "x")
	}},
	{name: "what is rejected goes to the queue for dead letters, if there is one", run: rejected},
	{name: "another queue takes the dead letters", run: func(u *user) {
		own := u.queue
		u.queue = own + "-target"
		u.create(nil)
		u.queue = own
		u.create(fields{"dead_letter_queue": own + "-target"})
		id := u.publish("x", fields{"max_retries": 0, "headers": fields{"mine": "1"}})
		u.nack(u.one("c"))
		u.equal("own dead letters", len(u.dead()), 0)
		u.queue = own + "-target"
		m := u.one("c")
		u.equal("payload", string(m.payload), "x")
		u.equal("header", m.headers["mine"], "1")
		u.equal("origin", m.headers["x-dead-letter-queue"], own)
		u.equal("id", m.headers["x-dead-letter-id"], id)
		u.ack(m)
	}},
}

func rejected(u *user) {
	own, target := u.queue, u.queue+"-target"
	u.create(fields{"dead_letter_queue": target})
	u.publish("too early")
	u.nack(u.one("c"), fields{"requeue": false})
	u.equal("dead letters", len(u.dead())+int(u.stat("dead_lettered")), 0)
	u.queue = target
	u.create(nil)
	u.none("c")
	u.queue = own
	id := u.publish("x")
	u.nack(u.one("c"), fields{"requeue": false})
	u.none("c")
	u.equal("dead_lettered", u.stat("dead_lettered"), 1)
	u.queue = target
	m := u.one("c")
	u.equal("payload", string(m.payload), "x")
	u.equal("reason", m.headers["x-dead-letter-reason"], "rejected")
	u.equal("origin", m.headers["x-dead-letter-queue"], own)
	u.equal("id", m.headers["x-dead-letter-id"], id)
}

// dead is the list of dead letters.
func (u *user) dead() []message {
	u.Helper()
	list, ok := u.do("queue.dlq.list", nil)["messages"].([]any)
	if !ok {
		u.Fatalf("the list of dead letters is no list")
	}
	all := []message{}
	for _, m := range list {
		all = append(all, u.message(m))
	}
	return all
}

// kill makes n dead letters, oldest first.
func (u *user) kill(n int) (ids []string) {
	u.Helper()
	for i := range n {
		ids = append(ids, u.publish(fmt.Sprint(i), fields{"max_retries": 0}))
		u.nack(u.one("c"))
	}
	return ids
}

// count is the number that a command over dead letters answers.
func (u *user) count(command string, f fields) int64 {
	u.Helper()
	name := map[string]string{"queue.dlq.retry": "retried", "queue.dlq.purge": "purged"}[command]
	if f["dry_run"] == true {
		name = "count"
	}
	return u.number(u.do(command, f), name)
}
