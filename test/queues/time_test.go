package queues

import "time"

const idAlone = "QPUBLISH answers the id alone"

var timeScenarios = []scenario{
	{name: "a delayed message comes in its time", run: func(u *user) {
		u.create(nil)
		begun := time.Now()
		id := u.publish("late", fields{"delay_ms": late})
		u.none("c")
		now := u.publish("now")
		u.equal("first", u.one("c").id, now)
		u.equal("then", u.one("c").id, id)
		u.atLeast("it came", time.Since(begun), late*time.Millisecond)
	}},
	{name: "a message delivered at a moment", run: func(u *user) {
		u.create(nil)
		at := time.Now().Add(late * time.Millisecond).Truncate(time.Millisecond)
		u.publish("late", fields{"deliver_at": at.UnixMilli()})
		u.none("c")
		u.one("c")
		if now := time.Now(); now.Before(at) {
			u.Errorf("it came %v early", at.Sub(now))
		}
	}},
	{name: "an expired message is never delivered", run: func(u *user) {
		u.create(nil)
		begun := time.Now()
		u.publish("short", fields{"ttl_ms": 40})
		u.eventually("it expires", func() bool { return u.stat("depth") == 0 })
		u.atLeast("it expired", time.Since(begun), 40*time.Millisecond)
		u.none("c")
	}},
	{name: "the queue's time to live holds for messages without one", run: func(u *user) {
		u.create(fields{"ttl_ms": 40})
		u.publish("short")
		long := u.publish("long", fields{"ttl_ms": 60_000})
		u.eventually("it expires", func() bool { return u.stat("depth") == 1 })
		u.equal("left", u.one("c").id, long)
		u.none("c")
	}},
	{name: "the same deduplication id is one message", run: func(u *user) {
		u.create(nil)
		id := u.publish("first", fields{"dedup_id": "order-1"})
		u.equal("again", u.publish("second", fields{"dedup_id": "order-1"}), id)
		other := u.publish("third", fields{"dedup_id": "order-2"})
		m := u.one("c")
		u.equal("payload", string(m.payload), "first")
		u.ack(m)
		u.equal("when gone", u.publish("fourth", fields{"dedup_id": "order-1"}), id)
		u.equal("next", u.one("c").id, other)
		u.none("c")
	}},
	{name: "a publish says whether it was a duplicate", run: func(u *user) {
		u.create(nil)
		f := fields{"payload": "x", "dedup_id": "d"}
		u.equal("first", u.do("queue.publish", f)["duplicate"] == true, false)
		u.equal("second", u.do("queue.publish", f)["duplicate"], true)
	}, not: map[string]string{"RESP2": idAlone, "RESP3": idAlone}},
}
