package queues

import (
	"fmt"
	"slices"
	"strings"
)

var lifeScenarios = []scenario{
	{name: "create is idempotent and keeps the settings", run: func(u *user) {
		u.create(fields{"max_depth": 1})
		u.create(fields{"max_depth": 100})
		u.publish("a")
		u.refused("queue.publish", fields{"payload": "b"}, "Queue is full: "+u.queue)
	}},
	{name: "an absent queue", run: func(u *user) {
		absent := "Queue not found: " + u.queue
		u.refused("queue.publish", fields{"payload": "x"}, absent)
		u.refused("queue.stats", nil, absent)
		u.refused("queue.purge", nil, absent)
		u.equal("deleted", u.do("queue.delete", nil)["deleted"], false)
		u.equal("consumed", u.do("queue.consume", fields{"consumer_id": "c"})["message"], nil)
	}, not: map[string]string{"WebSocket": pushOnly}},
	{name: "delete forgets the messages", run: func(u *user) {
		u.create(nil)
		u.publish("a")
		u.equal("deleted", u.do("queue.delete", nil)["deleted"], true)
		u.refused("queue.publish", fields{"payload": "x"}, "Queue not found: "+u.queue)
		u.create(nil)
		u.equal("depth", u.stat("depth"), 0)
		u.none("c")
	}},
	{name: "an id of a deleted queue means nothing to its successor", run: func(u *user) {
		u.create(nil)
		old := u.publish("a")
		u.do("queue.delete", nil)
		u.create(nil)
		u.publish("b")
		u.one("c")
		u.refused("queue.ack", fields{"message_id": old}, "Message not found: "+old)
	}},
	{name: "the seven statistics", run: sevenStatistics,
		not: map[string]string{"WebSocket": "its leases are taken before it consumes"}},
	{name: "purge removes the ready messages only", run: func(u *user) {
		u.create(nil)
		u.publish("held", fields{"priority": 9})
		held := u.one("c")
		u.publish("a")
		u.publish("b")
		u.equal("purged", u.do("queue.purge", nil)["purged"], 2)
		u.ack(held)
		u.none("c")
	}, not: map[string]string{"WebSocket": pushOnly}},
	{name: "pause holds messages back, not publishers", run: func(u *user) {
		u.create(nil)
		u.do("queue.pause", nil)
		id := u.publish("a")
		u.none("c")
		u.do("queue.resume", nil)
		u.equal("id", u.one("c").id, id)
	}},
	{name: "the list is paged, in order and by prefix", run: pagedList},
	{name: "update changes the settings of a queue in use", run: func(u *user) {
		u.create(fields{"max_depth": 1})
		u.publish("a")
		u.do("queue.update", fields{"config": fields{"max_depth": 2}})
		u.publish("b")
		u.refused("queue.publish", fields{"payload": "c"}, "Queue is full: "+u.queue)
	}},
	{name: "info shows settings, sizes and consumers", run: func(u *user) {
		u.create(fields{"max_depth": 77})
		u.publish("a")
		u.publish("b")
		u.one("worker")
		info := u.do("queue.info", nil)
		u.equal("max_depth", info["config"].(fields)["max_depth"], 77)
		if text := fmt.Sprint(info); !strings.Contains(text, "worker") {
			u.Errorf("info does not name the consumer: %s", text)
		}
	}},
	{name: "peek shows messages and leaves them", run: func(u *user) {
		u.create(nil)
		u.publish("low", fields{"priority": 1})
		id := u.publish("high", fields{"priority": 8})
		list, _ := u.do("queue.peek", nil)["messages"].([]any)
		if len(list) != 2 {
			u.Fatalf("peek shows %v", list)
		}
		u.equal("first", u.message(list[0]).id, id)
		u.equal("depth", u.stat("depth"), 2)
		u.equal("consumed", u.one("c").id, id)
	}},
}

func sevenStatistics(u *user) {
	u.create(nil)
	for range 4 {
		u.publish("m", fields{"max_retries": 0})
	}
	acked, dead, dropped, held := u.one("a"), u.one("a"), u.one("b"), u.one("b")
	u.ack(acked)
	u.nack(dead)
	u.nack(dropped, fields{"requeue": false})
	want := fields{"depth": 0, "consumers": 1, "published": 4, "consumed": 4, "acked": 1,
		"nacked": 2, "dead_lettered": 2}
	got := u.do("queue.stats", nil)
	for name, n := range want {
		u.equal(name, got[name], n)
	}
	for name := range got {
		if _, known := want[name]; !known {
			u.Errorf("queue.stats has an eighth name %s", name)
		}
	}
	u.ack(held)
	u.equal("consumers", u.stat("consumers"), 0)
}

func pagedList(u *user) {
	var want []string
	name := u.queue
	for i := range 25 {
		u.queue = fmt.Sprintf("%s-list-%02d", name, i)
		want = append(want, u.queue)
		u.create(nil)
	}
	var got []string
	cursor, more := any(""), true
	for more {
		page := u.do("queue.list",
			fields{"prefix": name + "-list-", "limit": 10, "cursor": cursor})
		for _, q := range page["queues"].([]any) {
			got = append(got, q.(string))
		}
		cursor, more = page["cursor"].(string)
	}
	if !slices.Equal(got, want) {
		u.Errorf("pages of 10 have %v", got)
	}
	all, _ := u.do("queue.list", nil)["queues"].([]any)
	for _, q := range want {
		if !slices.Contains(all, any(q)) {
			u.Errorf("the whole list lacks %s", q)
		}
	}
}
