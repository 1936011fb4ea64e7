package queues

var limitScenarios = []scenario{
	{name: "a full queue refuses", run: func(u *user) {
		u.create(fields{"max_depth": 2})
		u.publish("a")
		u.publish("b")
		u.refused("queue.publish", fields{"payload": "c"}, "Queue is full: "+u.queue)
		m := u.one("c")
		u.publish("c") // leased messages do not count
		u.nack(m)      // and return whatever the depth
		u.refused("queue.publish", fields{"payload": "d"}, "Queue is full: "+u.queue)
	}, not: map[string]string{"WebSocket": "its leases are taken before it consumes"}},
	{name: "a full queue drops its oldest of the lowest priority", run: func(u *user) {
		u.create(fields{"max_depth": 3, "overflow": "drop_oldest"})
		u.publish("high", fields{"priority": 9})
		u.publish("low 1", fields{"priority": 1})
		u.publish("low 2", fields{"priority": 1})
		u.publish("middle", fields{"priority": 5})
		for _, want := range []string{"high", "middle", "low 2"} {
			u.equal("payload", string(u.one("c").payload), want)
		}
		u.none("c")
	}},
	{name: "prefetch bounds the leases of a consumer", run: func(u *user) {
		u.create(fields{"prefetch_limit": 2})
		for range 4 {
			u.publish("x")
		}
		first := u.one("a")
		u.one("a")
		u.none("a")
		u.one("b")
		u.ack(first)
		u.one("a")
		u.none("a")
	}, not: map[string]string{"WebSocket": "its leases are taken before it consumes"}},
	{name: "a socket holds no more than the prefetch", run: func(u *user) {
		u.create(fields{"prefetch_limit": 2})
		for range 4 {
			u.publish("x")
		}
		first := u.one("a")
		u.one("a")
		u.none("a")
		u.equal("left", u.stat("depth"), 2)
		u.ack(first)
		u.one("a")
		u.none("a")
	}},
	{name: "prefetch bounds consume of many", run: func(u *user) {
		u.create(fields{"prefetch_limit": 2})
		for range 4 {
			u.publish("x")
		}
		u.equal("messages", len(u.some("a", 10)), 2)
		u.equal("more", len(u.some("a", 10)), 0)
	}},
	{name: "a single active consumer keeps the others out", run: func(u *user) {
		u.create(fields{"single_active_consumer": true})
		u.publish("1")
		u.publish("2")
		m := u.one("a")
		u.none("b")
		u.one("a")
		u.ack(m)
		u.none("b")
	}},
}
