package queues

import "fmt"

// noOptions says why QMPUBLISH does not stand for queue.publish_batch.
const noOptions = "QMPUBLISH takes payloads only: see TestPublishManyByALine"

var orderScenarios = []scenario{
	{name: "higher priorities first, in order inside one", run: func(u *user) {
		u.create(nil)
		for i := range 30 {
			u.publish(fmt.Sprintf("%d-%02d", i%10, i), fields{"priority": i % 10})
		}
		for p := 9; p >= 0; p-- {
			for k := range 3 {
				m := u.one("c")
				u.equal("payload", string(m.payload), fmt.Sprintf("%d-%02d", p, k*10+p))
				u.equal("priority", m.priority, p)
				u.ack(m)
			}
		}
		u.none("c")
	}},
	{name: "priorities over 9 count as 9, absent ones as the queue's", run: func(u *user) {
		u.create(fields{"default_priority": 7})
		u.publish("default")
		u.publish("high", fields{"priority": 200})
		for _, want := range []struct {
			payload  string
			priority int
		}{{"high", 9}, {"default", 7}} {
			m := u.one("c")
			u.equal("payload", string(m.payload), want.payload)
			u.equal("priority", m.priority, want.priority)
		}
	}},
	{name: "the id of publish is the id of consume", run: func(u *user) {
		u.create(nil)
		id := u.publish("x")
		m := u.one("c")
		u.equal("id", m.id, id)
		u.equal("retries", m.retries, 0)
		u.equal("max retries", m.maxRetries, 3)
	}},
	{name: "a nacked message goes behind the others", run: func(u *user) {
		u.create(nil)
		first, second := u.publish("1"), u.publish("2")
		u.nack(u.one("c"))
		u.equal("next", u.one("c").id, second)
		again := u.one("c")
		u.equal("then", again.id, first)
		u.equal("retries", again.retries, 1)
	}},
	{name: "consume of many takes no more than there are", run: func(u *user) {
		u.create(nil)
		var ids []string
		for i := range 5 {
			ids = append(ids, u.publish(fmt.Sprint(i)))
		}
		got := append(u.some("c", 3), u.some("c", 10)...)
		if len(got) != 5 || len(u.some("c", 10)) != 0 {
			u.Fatalf("five messages come as %v", got)
		}
		for i, m := range got {
			u.equal("id", m.id, ids[i])
		}
	}},
	{name: "publish of many keeps their order and options", run: func(u *user) {
		u.create(nil)
		answer := u.do("queue.publish_batch", fields{"messages": []any{
			fields{"payload": "a", "priority": 2}, fields{"payload": "b", "priority": 8},
			fields{"payload": "c", "priority": 8},
		}})
		u.equal("ids", len(answer["message_ids"].([]any)), 3)
		for _, want := range []string{"b", "c", "a"} {
			u.equal("payload", string(u.one("c").payload), want)
		}
	}, not: map[string]string{"RESP2": noOptions, "RESP3": noOptions}},
	{name: "ack of many", run: func(u *user) {
		u.create(nil)
		for range 3 {
			u.publish("x")
		}
		var ids []any
		for _, m := range u.some("c", 3) {
			ids = append(ids, m.id)
		}
		u.do("queue.ack", fields{"message_ids": ids})
		u.equal("acked", u.stat("acked"), 3)
		u.equal("consumers", u.stat("consumers"), 0)
	}},
}
